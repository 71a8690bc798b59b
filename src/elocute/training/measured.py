"""Measurements of all training recordings from cross-fitted posteriors, kept on disk between experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from elocute.acoustics.align import AlignOptions, align
from elocute.acoustics.posteriors import Posteriors
from elocute.acoustics.prosody import Prosody, prosody
from elocute.audio import load_audio
from elocute.corpora.types import Utterance
from elocute.features.measurements import Measurements, measure
from elocute.progress import track
from elocute.training.examples import Example, make_example


@dataclass(frozen=True)
class Measured:
    """An utterance, what was measured in it, and the scorer's training example made of it."""

    utterance: Utterance
    posteriors: Posteriors
    measurements: Measurements
    example: Example


def load_prosody(utterances: Sequence[Utterance], path: Path) -> dict[str, Prosody]:
    """F0 and energy of all recordings, computed once."""
    if not path.exists():
        arrays = {}
        for utterance in track(utterances, "prosody"):
            found = prosody(load_audio(utterance.audio).samples)
            arrays[f"{utterance.id}/f0"], arrays[f"{utterance.id}/energy"] = found.f0, found.energy
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **arrays)  # type: ignore[arg-type]
        partial.replace(path)
    with np.load(path, allow_pickle=False) as stored:
        return {u.id: Prosody(stored[f"{u.id}/f0"], stored[f"{u.id}/energy"]) for u in utterances}


def measure_all(
    utterances: Sequence[Utterance],
    posteriors: Mapping[str, Posteriors],
    tunes: Mapping[str, Prosody],
    options: AlignOptions,
) -> list[Measured]:
    """Align and measure every labelled utterance."""
    found = []
    for utterance in track(utterances, "measure"):
        heard = posteriors[utterance.id]
        measurements = measure(heard, align(heard, utterance.script, options), tunes[utterance.id])
        assert utterance.labels is not None
        values = np.array([np.nan if v is None else v for v in measurements.utterance.values()], np.float32)
        example = make_example(utterance.id, utterance.speaker, measurements.phones, values, utterance.labels)
        found.append(Measured(utterance, heard, measurements, example))
    return found
