"""The evaluation report: agreement of predictions and references, its uncertainty, and groups of speakers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from elocute.metrics import Statistic, bootstrap_by_speaker, mse, pcc, to_json
from elocute.predictions import ASPECTS, Level, Prediction

Group = Sequence[Prediction]
Measure = Callable[[Group, Statistic], Any]

KEYS: dict[Level, dict[str, tuple[str, Statistic]]] = {
    "phone": {"mse": ("accuracy", "mse"), "pcc": ("accuracy", "pcc")},
    "word": {aspect: (aspect, "pcc") for aspect in ASPECTS["word"]},
    "utterance": {aspect: (aspect, "pcc") for aspect in ASPECTS["utterance"]},
}
"""Level -> key of the report -> the aspect and the statistic behind it."""


def build_report(
    rows: Sequence[Prediction],
    *,
    children: Collection[str],
    audio_seconds: float,
    wall_seconds: float,
    failed: Sequence[str] = (),
) -> dict[str, Any]:
    """The evaluation report, ready for JSON.

    Args:
        rows: of all utterances; those of a failed utterance have no predictions and count as 0.
        children: the speakers at most 12 years old; all others form the group ``others``.
        failed: ids of the utterances that could not be assessed.

    ``n`` counts what ``rows`` holds, ``labelled`` the utterances with a reference. A number that does not
    exist (no reference, constant references) is ``None``. ``ci95`` holds [low, high] when speakers are
    resampled.
    """
    young = [row for row in rows if row.speaker in children]
    others = [row for row in rows if row.speaker not in children]
    return {
        **_agreement(rows),
        "labelled": _utterances(row for row in rows if row.reference is not None),
        "ci95": _measure(rows, _interval),
        "groups": {"children": _agreement(young), "others": _agreement(others)},
        "audio_seconds": audio_seconds,
        "wall_seconds": wall_seconds,
        "failed": list(failed),
    }


def _utterances(rows: Iterable[Prediction]) -> int:
    return len({row.utterance for row in rows})


def _agreement(rows: Group) -> dict[str, Any]:
    """``n``, and for every level its ``n`` and values."""
    values = _measure(rows, _value)
    units = {(row.utterance, row.level, row.index) for row in rows}
    counts = {level: sum(unit[1] == level for unit in units) for level in KEYS}
    return {"n": _utterances(rows), **{level: {"n": counts[level], **values[level]} for level in KEYS}}


def _measure(rows: Group, measure: Measure) -> dict[Level, dict[str, Any]]:
    by_aspect: dict[tuple[Level, str], list[Prediction]] = defaultdict(list)
    for row in rows:
        by_aspect[row.level, row.aspect].append(row)
    return {
        level: {
            key: measure(by_aspect[level, aspect], statistic) for key, (aspect, statistic) in keys.items()
        }
        for level, keys in KEYS.items()
    }


def _value(rows: Group, statistic: Statistic) -> float | None:
    return to_json((pcc if statistic == "pcc" else mse)(*_vectors(rows)))


def _interval(rows: Group, statistic: Statistic) -> list[float] | None:
    low, high = bootstrap_by_speaker(*_vectors(rows), [row.speaker for row in rows], statistic)
    return None if math.isnan(low) else [low, high]


def _vectors(rows: Group) -> tuple[list[float], list[float]]:
    references = [math.nan if row.reference is None else row.reference for row in rows]
    return [row.counted for row in rows], references
