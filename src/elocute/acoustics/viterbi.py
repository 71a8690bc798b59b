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
    columns, floors = graph.columns, graph.floors
    totals = np.concatenate([np.zeros((1, scores.shape[1])), np.cumsum(scores, axis=0, dtype=np.float64)])
    # Best scores of the paths whose last unit is past its floor (inside), and of those about to begin a unit
    # (waiting, a ring over the last frames); less the unit's total so far, so that both stay constant in it.
    inside = np.full(count, -np.inf)
    depth = int(floors.max()) + 1
    waiting = np.full((depth, count), -np.inf)
    costs = graph.costs
    waiting[0, graph.starts] = -costs[graph.starts]
    ripe = (np.arange(depth)[:, None] - floors) % depth * count + np.arange(count)
    reached = np.full(count + 1, -np.inf)
    entered = np.zeros((frames + 1, count), np.bool_)
    picked = np.zeros((frames + 1, count), np.min_scalar_type(len(graph.sources)))
    for frame in range(1, frames + 1):
        arriving = waiting.take(ripe[frame % depth])
        np.greater(arriving, inside, out=entered[frame])
        np.maximum(arriving, inside, out=inside)
        own = totals[frame].take(columns)
        np.add(inside, own, out=reached[:-1])
        candidates = reached.take(graph.sources)
        picked[frame] = candidates.argmax(axis=0)
        np.subtract(candidates.max(axis=0), own + costs, out=waiting[frame % depth])
    last = int(graph.finals[reached[graph.finals].argmax()])
    return _trace(graph, entered, picked, last)


def _trace(
    graph: Graph, entered: NDArray[np.bool_], picked: NDArray[np.unsignedinteger], last: int
) -> NDArray[np.intp]:
    """Follow the path back from unit ``last``.

    ``entered`` (frames + 1, units): whether, at that frame, the unit begun a floor earlier became the best;
    ``picked`` (frames + 1, units): which of its sources a unit follows that begins at that frame.
    """
    end, unit = len(entered) - 1, last
    path = np.empty(end, np.intp)
    while end:
        start = int(np.flatnonzero(entered[: end + 1, unit])[-1]) - graph.units[unit].floor
        path[start:end] = unit
        end, unit = start, int(graph.sources[picked[start, unit], unit])
    return path
