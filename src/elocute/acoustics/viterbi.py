"""Viterbi search over the units of a graph, exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.graph import Graph


def best_path(graph: Graph, scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """The reading with the greatest sum of scores: Viterbi over units that last at least their floor.

    Args:
        scores: (frames, 40) finite log scores of the posterior columns; enough frames for one reading.

    Returns:
        (frames,) the unit of each frame on the best path.
    """
    frames, count = len(scores), len(graph.units)
    columns, floors, costs = graph.columns, graph.floors, graph.costs
    totals = np.concatenate([np.zeros((1, scores.shape[1])), np.cumsum(scores, axis=0, dtype=np.float64)])
    joins, choices = graph.joins
    # What begins in a frame is past its floor only after all frames of a step, so these are computed at once.
    step = int(floors.min())
    depth = (int(floors.max()) // step + 2) * step
    # Best scores of the paths whose last unit is past its floor (inside), and of those about to begin a unit
    # (waiting, a ring over the last frames); less the unit's total so far, so that both stay constant in it.
    inside = np.full(count, -np.inf)
    waiting = np.full((depth, count), -np.inf)
    waiting[-1, graph.starts] = -costs[graph.starts]
    ripe = (np.arange(depth)[:, None] - floors) % depth * count + np.arange(count)
    entered = np.zeros((frames + 1, count), np.bool_)
    picked = np.zeros((frames + 1, len(joins)), np.min_scalar_type(len(choices)))
    reached = np.full((step, count + 1), -np.inf)
    for begin in range(1, frames + 1, step):
        rows = slice(begin, min(begin + step, frames + 1))
        place = slice((begin - 1) % depth, (begin - 1) % depth + rows.stop - begin)
        reached = reached[: rows.stop - begin]
        arriving = waiting.take(ripe[place])
        for row, values in enumerate(arriving):
            np.greater(values, inside, out=entered[begin + row])
            inside = np.maximum(values, inside, out=values)
        own = totals[rows].take(columns, axis=1)
        np.add(arriving, own, out=reached[:, :-1])
        candidates = reached.take(choices, axis=1)
        picked[rows] = candidates.argmax(axis=1)
        before = reached.take(graph.sources[0], axis=1)
        before[:, joins] = candidates.max(axis=1)
        np.subtract(before, own + costs, out=waiting[place])
    last = int(graph.finals[reached[-1, graph.finals].argmax()])
    return _trace(graph, entered, picked, last)


def _trace(
    graph: Graph, entered: NDArray[np.bool_], picked: NDArray[np.unsignedinteger], last: int
) -> NDArray[np.intp]:
    """Follow the path back from unit ``last``.

    ``entered`` (frames + 1, units): whether, at that frame, the unit begun a floor earlier became the best;
    ``picked`` (frames + 1, joins): which of its sources a join follows that begins at that frame.
    """
    order = {int(join): place for place, join in enumerate(graph.joins[0])}
    end, unit = len(entered) - 1, last
    path = np.empty(end, np.intp)
    while end:
        start = int(np.flatnonzero(entered[: end + 1, unit])[-1]) - graph.units[unit].floor
        path[start:end] = unit
        source = picked[start, order[unit]] if unit in order else 0
        end, unit = start, int(graph.sources[source, unit])
    return path
