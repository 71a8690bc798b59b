"""How other readers' features are distributed, so that a value can be told as a percentile.

The reference ships as percentiles per feature and group of readings: natives (fluent readers), learners, and
learners by age and by the experts' total score.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elocute.errors import ModelError
from elocute.features.handcrafted import REGISTRY

POINTS: tuple[float, ...] = (1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0)
"""The percentiles that are kept."""

GROUPS: dict[str, str] = {
    "natives": "native readers",
    "learners": "learners",
    "children": "learners of at most 12 years",
    "others": "older learners",
    "band_0_4": "learners rated 0 to 4 of 10 in total",
    "band_5_6": "learners rated 5 or 6",
    "band_7_8": "learners rated 7 or 8",
    "band_9_10": "learners rated 9 or 10",
}
FLUENT = "natives"
"""The group that percentiles in the result are about."""


@dataclass(frozen=True)
class Reference:
    """``quantiles`` (groups, features, points), NaN where a group hardly ever has the feature; ``counts``
    (groups,) readings of each group."""

    names: tuple[str, ...]
    groups: tuple[str, ...]
    counts: tuple[int, ...]
    quantiles: NDArray[np.float32]

    def percentile(self, name: str, value: float | None, group: str = FLUENT) -> float | None:
        """Percentage of the group's readings whose value is smaller (0-100, equal ones count half).

        ``None`` without a value, or where the reference knows nothing of the feature.
        """
        row = self._rows.get((group, name))
        if value is None or row is None:
            return None
        # The kept quantiles are rounded, and so must be what is compared with them.
        known = float(np.float16(min(max(value, -6e4), 6e4)))
        first, past = bisect_left(row, known), bisect_right(row, known)
        if first < past:  # equal to some quantiles: the middle of their ranks
            low = POINTS[first] if first else 0.0
            high = POINTS[past - 1] if past < len(row) else 100.0
            return (low + high) / 2.0
        if first in (0, len(row)):
            return POINTS[0] / 2.0 if first == 0 else (POINTS[-1] + 100.0) / 2.0
        step = (known - row[first - 1]) / (row[first] - row[first - 1])
        return POINTS[first - 1] + step * (POINTS[first] - POINTS[first - 1])

    @cached_property
    def _rows(self) -> dict[tuple[str, str], list[float]]:
        """The quantiles of every group and feature that are known."""
        return {
            (group, name): row
            for group, features in zip(self.groups, self.quantiles.tolist(), strict=True)
            for name, row in zip(self.names, features, strict=True)
            if row[0] == row[0]
        }

    def percentiles(self, utterance: Mapping[str, float | None]) -> dict[str, float | None]:
        """Among fluent readers, for every feature."""
        return {name: self.percentile(name, value) for name, value in utterance.items()}


def describe(name: str, percentile: float) -> str:
    """A percentile among fluent readers in words: ``"slower than 85 % of fluent readers"``."""
    more, less = REGISTRY[name].words
    if 40.0 <= percentile <= 60.0:
        return "like most fluent readers"
    if percentile > 50.0:
        return f"{more} than {percentile:.0f} % of fluent readers"
    return f"{less} than {100.0 - percentile:.0f} % of fluent readers"


def make_reference(names: Sequence[str], groups: Mapping[str, NDArray[np.float64]]) -> Reference:
    """The reference of some readings: ``groups`` maps each to its values (readings, features), NaN where
    undefined. A feature that fewer than ten readings of a group have stays unknown there."""
    rows = []
    for values in groups.values():
        values = values if len(values) else np.full((1, len(names)), np.nan)
        rare = (~np.isnan(values)).sum(axis=0) < 10
        usable = np.where(rare, 0.0, values)
        rows.append(np.where(rare, np.nan, np.nanpercentile(usable, POINTS, axis=0)).T)
    quantiles = np.stack(rows).astype(np.float16).astype(np.float32)
    return Reference(tuple(names), tuple(groups), tuple(len(v) for v in groups.values()), quantiles)


def save_reference(reference: Reference, path: Path) -> None:
    """A compressed npz in half precision, without pickles."""
    np.savez_compressed(
        path,
        names=np.array(reference.names),
        groups=np.array(reference.groups),
        counts=np.array(reference.counts),
        points=np.array(POINTS),
        quantiles=reference.quantiles.astype(np.float16),
    )


def load_reference(path: Path) -> Reference:
    """Read what :func:`save_reference` wrote.

    Raises:
        ModelError: missing, damaged, or of other percentiles.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            data = {name: stored[name] for name in stored.files}
        names, groups = (tuple(map(str, data[key])) for key in ("names", "groups"))
        fits = data["quantiles"].shape == (len(groups), len(names), len(POINTS))
        if not fits or tuple(data["points"].tolist()) != POINTS:
            raise ValueError("it holds other percentiles")
        quantiles = data["quantiles"].astype(np.float32)
        return Reference(names, groups, tuple(map(int, data["counts"])), quantiles)
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"{path} is no usable reference ({error}): install the package again.") from None
