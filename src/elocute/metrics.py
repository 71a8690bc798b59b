"""Agreement of predictions with reference scores: correlation, squared error, intervals over speakers.

Missing values are NaN. An item without a reference is left out. An item with a reference but without a
prediction makes the result NaN: a failure must be counted by the caller, never dropped here. A correlation
that does not exist (fewer than two items, a constant side) is NaN; :func:`to_json` turns NaN into ``None``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Statistic = Literal["pcc", "mse"]
Floats = NDArray[np.float64]

_CONSTANT = 1e-12
"""A sum of squares this far below the uncentred one is rounding, not variance."""


def pcc(prediction: ArrayLike, reference: ArrayLike) -> float:
    """Pearson's correlation of two vectors of equal length, -1 to 1."""
    return _statistic(prediction, reference, "pcc")


def mse(prediction: ArrayLike, reference: ArrayLike) -> float:
    """Mean squared error of two vectors of equal length; NaN if there is no reference."""
    return _statistic(prediction, reference, "mse")


def bootstrap_by_speaker(
    prediction: ArrayLike,
    reference: ArrayLike,
    speaker: Sequence[str],
    statistic: Statistic,
    samples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % percentile interval of a statistic when speakers are drawn with replacement.

    All items of a drawn speaker enter together. Draws in which the statistic does not exist are left out;
    NaN, NaN if it does not exist for the items themselves. The same seed gives the same interval.

    Args:
        prediction, reference, speaker: one entry per item.
        samples: number of draws.
    """
    x, y, kept = _pairs(prediction, reference)
    speakers, owner = np.unique(np.asarray(speaker, dtype=str)[kept], return_inverse=True)
    items = _sums(x, y)
    if not np.isfinite(_finish(items.sum(axis=1, keepdims=True), statistic)[0]):
        return float("nan"), float("nan")
    per_speaker = np.stack([np.bincount(owner, weights=row, minlength=len(speakers)) for row in items])
    draws = _draw(len(speakers), samples, seed)
    values = _finish(per_speaker @ draws.T, statistic)
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def to_json(value: float) -> float | None:
    """``None`` for NaN, which JSON cannot write."""
    return None if np.isnan(value) else float(value)


def _statistic(prediction: ArrayLike, reference: ArrayLike, statistic: Statistic) -> float:
    x, y, _ = _pairs(prediction, reference)
    return float(_finish(_sums(x, y).sum(axis=1, keepdims=True), statistic)[0])


def _pairs(prediction: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    x, y = np.asarray(prediction, dtype=float), np.asarray(reference, dtype=float)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"expected two vectors of equal length, not {x.shape} and {y.shape}")
    kept = ~np.isnan(y)
    return x[kept], y[kept], kept


def _sums(x: Floats, y: Floats) -> Floats:
    """What both statistics need of every item, additive over items: 7 rows."""
    # Correlation ignores shifts; centring keeps the sums of squares accurate.
    u, v = (side - side.mean() if len(side) else side for side in (x, y))
    return np.stack([np.ones_like(x), u, v, u * u, v * v, u * v, (x - y) ** 2])


def _finish(sums: Floats, statistic: Statistic) -> Floats:
    """The statistic of every column of sums."""
    n, u, v, uu, vv, uv, squares = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        if statistic == "mse":
            return np.asarray(squares / n)
        var_u, var_v = uu - u * u / n, vv - v * v / n
        values = np.clip((uv - u * v / n) / np.sqrt(var_u * var_v), -1.0, 1.0)
        return np.where((var_u > _CONSTANT * uu) & (var_v > _CONSTANT * vv), values, np.nan)


def _draw(speakers: int, samples: int, seed: int) -> Floats:
    """How often each draw holds each speaker: samples x speakers, every row sums to ``speakers``."""
    chances = np.full(speakers, 1.0 / speakers)
    return np.random.default_rng(seed).multinomial(speakers, chances, size=samples).astype(float)
