"""Folds of a corpus that never share a speaker, alike in age and proficiency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from math import fsum

from elocute.corpora.types import Utterance
from elocute.errors import CorpusError


def speaker_folds(utterances: Iterable[Utterance], k: int = 5) -> dict[str, int]:
    """Assign every speaker to one of ``k`` folds.

    Speakers are ranked, children first, by the mean total of their labelled utterances (unlabelled speakers
    after them, ties by name) and dealt back and forth: 0 .. k-1, k-1 .. 0, and so on. Fold sizes differ by at
    most one speaker, numbers of children by at most two. The order of ``utterances`` does not matter.

    Raises:
        CorpusError: fewer speakers than folds.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    by_speaker: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        by_speaker[utterance.speaker].append(utterance)
    if len(by_speaker) < k:
        raise CorpusError(f"{len(by_speaker)} speakers cannot fill {k} folds: use fewer folds")
    ranked = sorted(by_speaker, key=lambda speaker: _rank(speaker, by_speaker[speaker]))
    return {speaker: _dealt(position, k) for position, speaker in enumerate(ranked)}


def _rank(speaker: str, utterances: list[Utterance]) -> tuple[bool, float, str]:
    child = any(utterance.is_child for utterance in utterances)
    totals = [utterance.labels.total for utterance in utterances if utterance.labels is not None]
    # fsum is exact, so the mean does not depend on the order of the utterances.
    mean = fsum(totals) / len(totals) if totals else float("inf")
    return (not child, mean, speaker)


def _dealt(position: int, k: int) -> int:
    deal, place = divmod(position, k)
    return place if deal % 2 == 0 else k - 1 - place
