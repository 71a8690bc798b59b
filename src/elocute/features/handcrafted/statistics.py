"""Statistics that are ``None`` where they do not exist, instead of NaN or a zero that was never measured."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Summary = dict[str, float | None]

STATISTICS: tuple[str, ...] = ("mean", "sd", "median", "mad", "sum", "min", "max")
"""Mean, standard deviation (of the population), median, median absolute deviation, sum, least, greatest."""


def summarise(values: Floats) -> Summary:
    """The :data:`STATISTICS` of the numbers in ``values``; NaN does not count, spread needs two numbers."""
    known = np.sort(values[~np.isnan(values)])
    count = len(known)
    if not count:
        return dict.fromkeys(STATISTICS)
    total = float(known.sum())
    centre = _middle(known)
    mean = total / count
    several = count > 1
    return {
        "mean": mean,
        "sd": math.sqrt(float(((known - mean) ** 2).sum()) / count) if several else None,
        "median": centre,
        "mad": _middle(np.sort(np.abs(known - centre))) if several else None,
        "sum": total,
        "min": float(known[0]),
        "max": float(known[-1]),
    }


def _middle(ordered: Floats) -> float:
    count = len(ordered)
    return float(ordered[(count - 1) // 2] + ordered[count // 2]) / 2.0


def ratio(above: float, below: float) -> float | None:
    """``above / below``, ``None`` for a division by zero."""
    return float(above) / float(below) if below else None


def mean(values: Floats) -> float | None:
    """Mean of the numbers in ``values``, NaN left out; ``None`` if there is none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def spread(values: Floats) -> float | None:
    """Standard deviation of the numbers in ``values``, ``None`` for fewer than two."""
    known = values[~np.isnan(values)]
    return float(known.std()) if len(known) > 1 else None


def difference(values: Floats, one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float | None:
    """Mean of ``values[one]`` minus mean of ``values[other]``; ``None`` if either does not exist."""
    a, b = mean(values[one]), mean(values[other])
    return None if a is None or b is None else a - b


def slope(times: Floats, values: Floats) -> float | None:
    """Least-squares slope of ``values`` over ``times``, NaN left out; ``None`` for fewer than two times."""
    known = ~np.isnan(values)
    x, y = times[known], values[known]
    if len(x) < 2:
        return None
    x = x - x.mean()
    return ratio(float(x @ y), float(x @ x))


def rpvi(durations: Floats) -> float | None:
    """Raw pairwise variability, sum |d_k - d_k+1| / (m - 1); ``None`` for fewer than two intervals."""
    return float(np.abs(np.diff(durations)).mean()) if len(durations) > 1 else None


def npvi(durations: Floats) -> float | None:
    """Normalised pairwise variability, 100 / (m - 1) sum |d_k - d_k+1| / ((d_k + d_k+1) / 2)."""
    if len(durations) < 2:
        return None
    pairs = np.abs(np.diff(durations)) / ((durations[1:] + durations[:-1]) / 2.0)
    return float(100.0 * pairs.mean())


def varco(durations: Floats) -> float | None:
    """100 * standard deviation / mean; ``None`` for fewer than two intervals."""
    return float(100.0 * durations.std() / durations.mean()) if len(durations) > 1 else None


def cci(durations: Floats, counts: NDArray[np.int64]) -> float | None:
    """Control and compensation index, 100 / (m - 1) sum |d_k / n_k - d_k+1 / n_k+1|, n_k segments each."""
    found = rpvi(durations / counts)
    return None if found is None else 100.0 * found
