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
from elocute.errors import TextAudioMismatch
from elocute.features.measurements import Measurements, measure, utterance_vector
from elocute.progress import track
from elocute.text.script import Script
from elocute.training.config import CORE
from elocute.training.examples import Example, make_example
from elocute.training.hierarchy import UTTERANCE_ASPECTS
from elocute.training.presence import corrupt


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


def measure_one(heard: Posteriors, script: Script, tune: Prosody, options: AlignOptions) -> Measurements:
    """Raises:
    TextAudioMismatch: the recording is too short for the script.
    """
    return measure(heard, align(heard, script, options, tune.energy), tune)


def measure_all(
    utterances: Sequence[Utterance],
    posteriors: Mapping[str, Posteriors],
    tunes: Mapping[str, Prosody],
    options: AlignOptions,
    names: Sequence[str] = CORE,
) -> list[Measured]:
    """Align and measure every labelled utterance; ``names`` are the utterance features a scorer sees."""
    found = []
    for utterance in track(utterances, "measure"):
        heard = posteriors[utterance.id]
        measurements = measure_one(heard, utterance.script, tunes[utterance.id], options)
        assert utterance.labels is not None
        values = utterance_vector(measurements.utterance, names)
        example = make_example(utterance.id, utterance.speaker, measurements.phones, values, utterance.labels)
        found.append(Measured(utterance, heard, measurements, example))
    return found


def stranger_examples(
    utterances: Sequence[Utterance],
    posteriors: Mapping[str, Posteriors],
    tunes: Mapping[str, Prosody],
    options: AlignOptions,
    every: int,
    names: Sequence[str] = CORE,
) -> list[Example]:
    """Examples of words nobody said: every ``every``-th utterance with a stranger in its script.

    The stranger's phones, accuracy and total are 0, every other label is unknown (NaN). Without them the
    scorer has hardly met a word that is not there, and scores it far too high.
    """
    random = np.random.default_rng(0)
    vocabulary = [word for utterance in utterances for word in utterance.script.words]
    found = []
    for utterance in track(utterances[::every] if every else (), "strangers"):
        script, origin = corrupt(utterance.script, vocabulary, random)
        heard = posteriors[utterance.id]
        try:
            measurements = measure_one(heard, script, tunes[utterance.id], options)
        except TextAudioMismatch:
            continue
        unsaid = measurements.phones.word == origin.index(None)
        phones = np.where(unsaid, 0.0, np.nan).astype(np.float32)
        words = np.stack([phones, np.full_like(phones, np.nan), phones], axis=1)
        values = utterance_vector(measurements.utterance, names)
        unknown = np.full(len(UTTERANCE_ASPECTS), np.nan, np.float32)
        found.append(
            Example(
                utterance.id, utterance.speaker, measurements.phones, values, phones, words, unknown,
                tuple(word.text for word in script.words),
            )
        )  # fmt: skip
    return found
