"""Evidence for what was said instead of the script: a phone left out, a phone too many.

Around the aligned path, each single edit is decoded in its best place: frames of a phone left out fall to
its neighbours, a phone too many takes the last frames of one phone and the first of the next. The gain is
what the log posteriors of the path win by it; what a phone too many would win in the place of one of the two
does not count. (A phone said instead of another needs no decoding: goodness compares all phones in its
place.)
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.gop import frame_spans
from elocute.acoustics.posteriors import SILENCE_ID, Posteriors
from elocute.phones import PHONE_ID, base

LEAST = np.float32(-8.0)
"""Log posterior taken for anything less probable: one frame must not decide."""

REACH = 20
"""Frames of a phone that an inserted neighbour may take."""


@dataclass(frozen=True)
class EditEvidence:
    """Gains in nats of single edits.

    ``deletion`` (phones,): of leaving each phone out; ``insertion`` (slots, 39): of each phone said in each
    slot, in the order of the words, before each of a word's phones and after its last; ``neighbours``
    (phones, 2): posterior columns of what stands before and after each phone.
    """

    deletion: NDArray[np.float32]
    insertion: NDArray[np.float32]
    neighbours: NDArray[np.intp]


def edit_evidence(posteriors: Posteriors, alignment: Alignment) -> EditEvidence:
    """The evidence for every phone and slot of an alignment."""
    log_probs = np.maximum(posteriors.log_probs, LEAST)
    spans = frame_spans(alignment, posteriors.frame_shift, len(log_probs))
    columns = np.array([PHONE_ID[base(phone.phone)] for phone in alignment.phones])
    neighbours = _neighbours(alignment, columns)
    deletion = _deletion(log_probs, spans, columns, neighbours)
    before, after = _takeover(log_probs, spans, columns)
    instead = _instead(log_probs, spans, columns)
    rows, first = [], 0
    for word in alignment.words:
        count = len(word.phones)
        gains = np.zeros((count + 1, SILENCE_ID), np.float32)
        gains[1:] += after[first : first + count]
        gains[:-1] += before[first : first + count]
        own = columns[first : first + count]
        gains[1:] -= instead[first : first + count]
        gains[:-1] -= instead[first : first + count]
        gains[np.arange(count), own] = gains[np.arange(count) + 1, own] = 0.0  # only a moved boundary
        rows.append(np.maximum(gains, 0.0))
        first += count
    return EditEvidence(deletion, np.concatenate(rows), neighbours)


def _neighbours(alignment: Alignment, columns: NDArray[np.intp]) -> NDArray[np.intp]:
    phones = alignment.phones
    touching = np.array([a.end == b.start for a, b in pairwise(phones)], bool)
    left = np.concatenate([[SILENCE_ID], np.where(touching, columns[:-1], SILENCE_ID)])
    right = np.concatenate([np.where(touching, columns[1:], SILENCE_ID), [SILENCE_ID]])
    return np.stack([left, right], axis=1).astype(np.intp)


def _deletion(
    log_probs: NDArray[np.float32],
    spans: NDArray[np.int64],
    columns: NDArray[np.intp],
    neighbours: NDArray[np.intp],
) -> NDArray[np.float32]:
    gains = []
    for (start, end), own, (left, right) in zip(spans, columns, neighbours, strict=True):
        frames = log_probs[start:end]
        lead = np.concatenate([[0.0], np.cumsum(frames[:, left] - frames[:, right])])
        gains.append(float((frames[:, right] - frames[:, own]).sum() + lead.max()))
    return np.array(gains, np.float32)


def _instead(
    log_probs: NDArray[np.float32], spans: NDArray[np.int64], columns: NDArray[np.intp]
) -> NDArray[np.float32]:
    """(phones, 39): what another phone wins by replacing a phone altogether, which is no insertion."""
    sums = np.concatenate([np.zeros((1, log_probs.shape[1])), np.cumsum(log_probs, axis=0, dtype=np.float64)])
    totals = sums[spans[:, 1]] - sums[spans[:, 0]]
    own = np.take_along_axis(totals, columns[:, None], axis=1)
    return np.asarray(np.maximum(totals[:, :SILENCE_ID] - own, 0.0), np.float32)


def _takeover(
    log_probs: NDArray[np.float32], spans: NDArray[np.int64], columns: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(phones, 39) each: the best gain of another phone over a phone's first frames, and over its last."""
    sides = []
    for step in (1, -1):
        index = spans[:, :1] + np.arange(REACH) if step == 1 else spans[:, 1:] - 1 - np.arange(REACH)
        inside = (index >= spans[:, :1]) & (index < spans[:, 1:])
        frames = log_probs[np.clip(index, 0, len(log_probs) - 1)]
        own = np.take_along_axis(frames, columns[:, None, None].repeat(REACH, axis=1), axis=2)
        gains = np.where(inside[:, :, None], frames[:, :, :SILENCE_ID] - own, 0.0)
        sides.append(np.maximum(np.cumsum(gains, axis=1).max(axis=1), 0.0))
    before, after = sides
    return np.asarray(before, np.float32), np.asarray(after, np.float32)
