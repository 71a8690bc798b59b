"""Scores on the corpus's native scales, before they become points from 0 to 100."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PHONE_SCALE = 2.0
SCALE = 10.0
"""Phones are scored 0-2, words and utterances 0-10 (speechocean762)."""


@dataclass(frozen=True)
class WordScores:
    """0-10 each."""

    accuracy: float
    stress: float
    total: float


@dataclass(frozen=True)
class Explanation:
    """What the named features did to the total: total = ``reference`` + sum of ``effects``, before limits.

    ``reference`` is the total that the same phones get where every feature is average, ``effects`` what each
    feature adds to it (0-10 scale); ``percentiles`` tell where features lie among fluent readers.
    """

    reference: float | None
    effects: dict[str, float]
    percentiles: dict[str, float | None]


@dataclass(frozen=True)
class Scores:
    """Scores of one utterance: ``phones`` (phones,) 0-2, ``words`` in order, the rest 0-10."""

    phones: NDArray[np.float32]
    words: tuple[WordScores, ...]
    accuracy: float
    fluency: float
    prosodic: float
    total: float
    explanation: Explanation | None = None


def native_scores(
    phones: NDArray[np.float32],
    words: NDArray[np.float32],
    utterance: NDArray[np.float32],
    first: NDArray[np.intp],
) -> Scores:
    """What a network says on its common 0-2 scale, clipped, on the native scales.

    Args:
        phones: (phones,).
        words: (phones, 3) accuracy, stress and total of the word of each phone.
        utterance: (4,) accuracy, fluency, prosodic, total.
        first: (words,) index of the first phone of each word.
    """
    by_word = np.clip(words[first], 0.0, PHONE_SCALE) * (SCALE / PHONE_SCALE)
    accuracy, fluency, prosodic, total = (
        np.clip(utterance, 0.0, PHONE_SCALE) * (SCALE / PHONE_SCALE)
    ).tolist()
    found = tuple(WordScores(*row) for row in by_word.tolist())
    return Scores(np.clip(phones, 0.0, PHONE_SCALE), found, accuracy, fluency, prosodic, total)


def points(value: float, scale: float) -> float:
    """0-100, linear in the native scale, clipped, to one decimal."""
    return round(min(max(value / scale, 0.0), 1.0) * 100.0, 1)
