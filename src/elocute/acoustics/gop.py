"""Goodness of pronunciation: what the posteriors of a segment say about its phone.

Log phone posterior LPP(p) = mean over the segment's frames of log P(p | frame); log posterior ratio
LPR(p) = LPP(p) - LPP(canonical), so a positive ratio means that p fits better (Hu et al. 2015; Kaldi's code
writes the opposite sign).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID, Posteriors
from elocute.phones import PHONE_ID, base

SUMMARIES: tuple[str, ...] = (
    "lpp_canonical",
    "lpr_rival",
    "lpr_silence",
    "log_mean_posterior",
    "best_log_posterior",
    "worst_log_posterior",
    "middle_log_posterior",
    "rank",
    "entropy",
)

ACCEPTANCE: tuple[str, ...] = (
    "acceptance_mean",
    "acceptance_min",
    "acceptance_max",
    "acceptance_probability",
)


@dataclass(frozen=True)
class Goodness:
    """One row per phone of the alignment.

    ``lpp`` and ``lpr`` are (phones, 40), columns as :data:`CLASSES`; ``summaries`` is (phones, 9), columns as
    :data:`SUMMARIES`; ``mean_posteriors`` (phones, 40) is the mean of the frame posteriors; ``acceptance``
    (phones, 4) summarises the log-odds of being accepted as the canonical phone, columns as
    :data:`ACCEPTANCE`. Rivals are the other phones, without silence; ``rank`` is log(1 + classes with a
    greater mean posterior), ``entropy`` is of the mean posterior, nats.
    """

    lpp: NDArray[np.float32]
    lpr: NDArray[np.float32]
    summaries: NDArray[np.float32]
    mean_posteriors: NDArray[np.float32]
    acceptance: NDArray[np.float32]


def frame_spans(alignment: Alignment, frame_shift: float, frames: int) -> NDArray[np.int64]:
    """(phones, 2) first and one-past-last frame centred inside each phone, at least one frame each."""
    edges = np.array([(phone.start, phone.end) for phone in alignment.phones])
    spans = np.ceil(np.round(edges / frame_shift, 6)).astype(np.int64)
    spans[:, 0] = np.clip(spans[:, 0], 0, frames - 1)
    spans[:, 1] = np.clip(np.maximum(spans[:, 1], spans[:, 0] + 1), 1, frames)
    return spans


def goodness(posteriors: Posteriors, alignment: Alignment) -> Goodness:
    """Goodness of every phone of ``alignment``."""
    log_probs = posteriors.log_probs
    probs = np.exp(log_probs)
    spans = frame_spans(alignment, posteriors.frame_shift, len(log_probs))
    canonical = np.array([PHONE_ID[base(phone.phone)] for phone in alignment.phones])
    lpp = _means(log_probs, spans)
    mean_posteriors = _means(probs, spans)
    rows = np.arange(len(lpp))
    own = lpp[rows, canonical]
    rivals = lpp[:, :SILENCE_ID].copy()
    rivals[rows, canonical] = -np.inf
    own_mean = mean_posteriors[rows, canonical]
    segments = list(zip(spans, canonical, strict=True))
    inner = np.array([_inner(log_probs[a:b, column]) for (a, b), column in segments], np.float32)
    summaries = np.column_stack(
        [
            own,
            rivals.max(axis=1) - own,
            lpp[:, SILENCE_ID] - own,
            np.log(own_mean + 1e-8),
            inner,
            np.log1p((mean_posteriors > own_mean[:, None]).sum(axis=1)),
            -(mean_posteriors * np.log(mean_posteriors + 1e-8)).sum(axis=1),
        ]
    ).astype(np.float32)
    acceptance = np.array([_accepted(posteriors.acceptance[a:b, column]) for (a, b), column in segments])
    return Goodness(lpp, lpp - own[:, None], summaries, mean_posteriors, acceptance)


def _means(frames: NDArray[np.float32], spans: NDArray[np.int64]) -> NDArray[np.float32]:
    sums = np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(frames, axis=0, dtype=np.float64)])
    means = (sums[spans[:, 1]] - sums[spans[:, 0]]) / (spans[:, 1] - spans[:, 0])[:, None]
    return np.asarray(means, np.float32)


def _inner(own: NDArray[np.float32]) -> tuple[float, float, float]:
    """Best and worst log posterior of a segment's frames, and the mean of its middle half."""
    quarter = len(own) // 4
    middle = own[quarter : max(len(own) - quarter, quarter + 1)]
    return float(own.max()), float(own.min()), float(middle.mean())


def _accepted(log_odds: NDArray[np.float32]) -> NDArray[np.float32]:
    probability = 0.5 + 0.5 * np.tanh(0.5 * log_odds.mean())  # the sigmoid, without overflow
    return np.array([log_odds.mean(), log_odds.min(), log_odds.max(), probability], np.float32)


def heard(goods: Goodness, row: int, most: int = 3, least: float = 0.05) -> list[tuple[str, float]]:
    """The most probable phones of a segment, best first, with their mean frame posteriors; never silence."""
    speech = goods.mean_posteriors[row, :SILENCE_ID]
    order = np.argsort(-speech, kind="stable")[:most]
    return [(CLASSES[i], float(speech[i])) for i in order if speech[i] >= least]
