"""Where a long pause ends and the phones beside it begin.

Silence is held back in every frame, so that it does not swallow the ends of words; but a pause of a second
would then cost more than calling it a consonant. So a long pause costs no more than its first frames
would, and what it took of the phones beside it is given back here, frame by frame.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.graph import LONG_ID, Graph
from elocute.acoustics.posteriors import SILENCE_ID


def give_back(
    graph: Graph, path: NDArray[np.intp], scores: NDArray[np.float32], reach: int
) -> NDArray[np.intp]:
    """The path with the phones beside long pauses extended as far as silence, held back, scores less.

    Args:
        scores: (frames, columns) as for the search; the column of silence is what is held back.
        reach: frames that a phone takes at most.
    """
    path = path.copy()
    edges = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
    for start, end in pairwise(edges):
        if graph.units[path[start]].column != LONG_ID:
            continue
        room = min(reach, (end - start) // 2 - 1)
        sides = [(start - 1, np.arange(start, start + room))] if start else []
        if end < len(path):
            sides.append((end, np.arange(end - 1, end - 1 - room, -1)))
        for neighbour, frames in sides:
            unit = graph.units[path[neighbour]]
            if unit.is_silence or unit.is_other or not len(frames):
                continue
            gain = np.cumsum(scores[frames, unit.column] - scores[frames, SILENCE_ID])
            if gain.max() > 0.0:
                path[frames[: int(gain.argmax()) + 1]] = path[neighbour]
    return path
