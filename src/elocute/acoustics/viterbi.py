"""Viterbi search over the units of a graph, exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.graph import Graph

Floats = NDArray[np.float64]


def best_path(graph: Graph, scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """The reading with the greatest sum of scores: Viterbi over units that last at least their floor, and at
    most their ceiling.

    Args:
        scores: (frames, columns) finite log scores of the graph's columns; enough frames for one reading.

    Returns:
        (frames,) the unit of each frame on the best path.
    """
    ceilings = graph.ceilings
    frames, count = len(scores), len(graph.units)
    path = _search(graph, scores, _Inside(frames, count))
    # If the best of all paths is below the ceilings, as mostly, it is also the best of those that are.
    edges = np.flatnonzero(np.diff(path, prepend=-1, append=-1))
    highest = ceilings[path[edges[:-1]]]
    if not (np.diff(edges) > np.where(highest, highest, frames)).any():
        return path
    return _search(graph, scores, _InsideBelow(frames, ceilings, graph.floors))


class _Inside:
    """Best scores of the paths inside each unit, past its floor, less the unit's total so far; and when those
    paths had passed the floor."""

    def __init__(self, frames: int, count: int) -> None:
        self.best = np.full(count, -np.inf)
        self.passing = np.zeros((frames + 1, count), np.bool_)

    def advance(self, frame: int, arriving: Floats) -> Floats:
        """(units,) best scores, after those ``arriving`` have passed the floor in this frame."""
        np.greater(arriving, self.best, out=self.passing[frame])
        self.best = np.maximum(arriving, self.best)
        return self.best

    def passed(self, frame: int, unit: int) -> int:
        """The frame in which the path that was best in ``frame`` had passed the floor."""
        return int(np.flatnonzero(self.passing[: frame + 1, unit])[-1])


class _InsideBelow(_Inside):
    """Of units of which some have a ceiling: there, only what arrived not too long ago counts."""

    def __init__(self, frames: int, ceilings: NDArray[np.intp], floors: NDArray[np.intp]) -> None:
        super().__init__(frames, len(ceilings))
        usable = np.where(ceilings, ceilings - floors + 1, 0)
        sizes = np.unique(usable[usable > 0]).tolist()
        self.windows = [_Window(np.flatnonzero(usable == size), size) for size in sizes]
        self.ended = np.flatnonzero(usable)
        self.since = np.zeros((frames + 1, len(ceilings)), np.min_scalar_type(frames))

    def advance(self, frame: int, arriving: Floats) -> Floats:
        best = super().advance(frame, arriving).copy()
        for window in self.windows:
            best[window.units], self.since[frame, window.units] = window.advance(
                frame, arriving[window.units]
            )
        return best

    def passed(self, frame: int, unit: int) -> int:
        return int(self.since[frame, unit]) if unit in self.ended else super().passed(frame, unit)


class _Window:
    """The greatest of the last ``size`` values of some ``units``, and the frames they came in.

    Time is cut into blocks of ``size``; a window is the end of one and the beginning of the next, and of both
    the greatest is known (van Herk 1992, Gil and Werman 1993).
    """

    def __init__(self, units: NDArray[np.intp], size: int) -> None:
        self.units, self.size = units, size
        self.block = np.full((size, len(units)), -np.inf)
        self.endings = np.full((size + 1, len(units)), -np.inf)
        self.endings_at = np.zeros((size + 1, len(units)), np.intp)
        self.best, self.at = np.empty(len(units)), np.empty(len(units), np.intp)

    def advance(self, frame: int, values: Floats) -> tuple[Floats, NDArray[np.intp]]:
        place = (frame - 1) % self.size
        if place == 0:
            self._turn(frame)
        self.block[place] = values
        np.copyto(self.at, frame, where=values > self.best)
        np.maximum(values, self.best, out=self.best)
        older, older_at = self.endings[place + 1], self.endings_at[place + 1]
        return np.maximum(self.best, older), np.where(self.best > older, self.at, older_at)

    def _turn(self, frame: int) -> None:
        """Begin a block with ``frame``."""
        for row in reversed(range(self.size)):
            values, later, came = self.block[row], self.endings[row + 1], frame - self.size + row
            self.endings_at[row] = np.where(values >= later, came, self.endings_at[row + 1])
            np.maximum(values, later, out=self.endings[row])
        self.best.fill(-np.inf)
        self.at.fill(frame)


def _search(graph: Graph, scores: NDArray[np.float32], inside: _Inside) -> NDArray[np.intp]:
    frames, count = len(scores), len(graph.units)
    columns, floors, costs = graph.columns, graph.floors, graph.costs
    totals = np.concatenate([np.zeros((1, scores.shape[1])), np.cumsum(scores, axis=0, dtype=np.float64)])
    joins, choices = graph.joins
    # What begins in a frame is past its floor only after all frames of a step, so these are computed at once.
    step = int(floors.min())
    depth = (int(floors.max()) // step + 2) * step
    # Best scores of the paths about to begin a unit, a ring over the last frames; less the unit's total so
    # far, so that they stay constant in it.
    waiting = np.full((depth, count), -np.inf)
    waiting[-1, graph.starts] = -costs[graph.starts]
    ripe = (np.arange(depth)[:, None] - floors) % depth * count + np.arange(count)
    picked = np.zeros((frames + 1, len(joins)), np.min_scalar_type(len(choices)))
    reached = np.full((step, count + 1), -np.inf)
    for begin in range(1, frames + 1, step):
        rows = slice(begin, min(begin + step, frames + 1))
        place = slice((begin - 1) % depth, (begin - 1) % depth + rows.stop - begin)
        reached = reached[: rows.stop - begin]
        best = waiting.take(ripe[place])
        for row, arriving in enumerate(best):
            best[row] = inside.advance(begin + row, arriving)
        own = totals[rows].take(columns, axis=1)
        np.add(best, own, out=reached[:, :-1])
        candidates = reached.take(choices, axis=1)
        picked[rows] = candidates.argmax(axis=1)
        before = reached.take(graph.sources[0], axis=1)
        before[:, joins] = candidates.max(axis=1)
        np.subtract(before, own + costs, out=waiting[place])
    last = int(graph.finals[reached[-1, graph.finals].argmax()])
    return _trace(graph, inside, picked, last)


def _trace(graph: Graph, inside: _Inside, picked: NDArray[np.unsignedinteger], last: int) -> NDArray[np.intp]:
    """Follow the path back from unit ``last``; ``picked`` (frames + 1, joins): which of its sources a join
    follows that begins at that frame."""
    order = {int(join): place for place, join in enumerate(graph.joins[0])}
    end, unit = len(picked) - 1, last
    path = np.empty(end, np.intp)
    while end:
        start = inside.passed(end, unit) - graph.units[unit].floor
        path[start:end] = unit
        source = picked[start, order[unit]] if unit in order else 0
        end, unit = start, int(graph.sources[source, unit])
    return path
