"""Alignments on disk and the frame targets they give."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import (
    Alignment,
    InsertedSegment,
    PhoneSegment,
    SilenceSegment,
    WordSegment,
)
from elocute.acoustics.posteriors import SILENCE_ID, Posteriors
from elocute.corpora.types import UtteranceLabels
from elocute.phones import PHONE_ID, base

FRAME_SHIFT = 0.01


@dataclass(frozen=True)
class FrameTargets:
    """``classes`` (frames,) posterior column of each 10 ms frame; ``weights`` (frames,) trust in it, 0-1;
    ``heard`` (frames, 40) what an earlier model heard, a distribution per frame, where there is one."""

    classes: NDArray[np.int64]
    weights: NDArray[np.float32]
    heard: NDArray[np.float16] | None = None

    def at(self, frames: NDArray[np.int64]) -> FrameTargets:
        """The targets of these frames, in this order."""
        heard = None if self.heard is None else self.heard[frames]
        return FrameTargets(self.classes[frames], self.weights[frames], heard)


def trust(score: float) -> float:
    """How good a target a phone is that raters gave ``score`` (0-2): none below 1, full at 2."""
    return min(max(score - 1.0, 0.0), 1.0)


def frame_targets(
    alignment: Alignment, labels: UtteranceLabels | None, frames: int, earlier: Posteriors | None = None
) -> FrameTargets:
    """Targets of ``frames`` frames, frame k centred at 10 k ms; unlabelled speech is trusted fully, speech
    outside the script not at all.

    ``earlier``: posteriors of a model that has not heard the speaker: where raters heard an error, what it
    heard is a better target than the phone of the script.
    """
    centres = np.arange(frames) * FRAME_SHIFT
    classes = np.full(frames, SILENCE_ID, np.int64)
    weights = np.ones(frames, np.float32)
    for segment in alignment.inserted:
        weights[slice(*np.searchsorted(centres, (segment.start, segment.end)))] = 0.0
    scores = [s for word in labels.words for s in word.phones] if labels else None
    for number, phone in enumerate(alignment.phones):
        inside = slice(*np.searchsorted(centres, (phone.start, phone.end)))
        classes[inside] = PHONE_ID[base(phone.phone)]
        if scores is not None:
            weights[inside] = trust(scores[number])
    if earlier is None or scores is None:
        return FrameTargets(classes, weights)
    probabilities = np.exp(earlier.log_probs).astype(np.float16)
    return FrameTargets(
        classes, weights, probabilities[np.minimum(np.arange(frames), len(probabilities) - 1)]
    )


def save_alignments(alignments: Mapping[str, Alignment], path: Path) -> None:
    """JSON lines, one utterance a line; written whole or not at all."""
    partial = path.with_suffix(".partial")
    with partial.open("w") as file:
        for key, alignment in alignments.items():
            file.write(json.dumps({"id": key, **dataclasses.asdict(alignment)}) + "\n")
    partial.replace(path)


def load_alignments(path: Path) -> dict[str, Alignment]:
    return dict(_read(json.loads(line)) for line in path.read_text().splitlines())


def _read(entry: dict[str, object]) -> tuple[str, Alignment]:
    words = tuple(
        WordSegment(
            word["text"],
            word["source"],
            tuple(PhoneSegment(**phone) for phone in word["phones"]),
            word.get("confidence", 1.0),
        )
        for word in entry["words"]  # type: ignore[attr-defined]
    )
    silences = tuple(SilenceSegment(**silence) for silence in entry["silences"])  # type: ignore[attr-defined]
    inserted = tuple(InsertedSegment(**found) for found in entry.get("inserted", ()))  # type: ignore[attr-defined]
    return str(entry["id"]), Alignment(words, silences, float(entry["duration"]), inserted)  # type: ignore[arg-type]
