"""Forced alignment: the best path of a script through the posteriors (Viterbi, exact)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment, PhoneSegment, SilenceSegment, WordSegment
from elocute.acoustics.graph import Graph, build_graph, fewest_phones
from elocute.acoustics.posteriors import SILENCE_ID, Posteriors
from elocute.errors import TextAudioMismatch
from elocute.text.script import Script

LEAST = np.float32(-1e4)
"""Log probability taken for anything less probable, so that a probability of zero stays comparable."""


@dataclass(frozen=True)
class AlignOptions:
    """``floor``: least frames of a phone, lowered to ``floor_share`` of the mean phone where speech is fast;
    ``silence_floor``: least frames of a silence; ``silence_penalty``: nats taken off silence in every frame,
    because a model trained on read speech has seen silence most of all and lets it swallow the ends of
    words."""

    floor: int = 4
    silence_floor: int = 4
    silence_penalty: float = 3.0
    floor_share: float = 0.6


def align(posteriors: Posteriors, script: Script, options: AlignOptions | None = None) -> Alignment:
    """Align a script with a recording.

    Every phone lies inside the recording, in script order, without gaps inside a word; the pronunciation
    variant that fits best is chosen.

    Raises:
        TextAudioMismatch: the recording has fewer frames than the script has phones.
    """
    options = options or AlignOptions()
    frames, phones = len(posteriors.log_probs), fewest_phones(script)
    if frames < phones:
        raise TextAudioMismatch(
            f"The text needs more time than the recording's {posteriors.duration:.1f} s: "
            "check that they belong together."
        )
    speech = int((posteriors.log_probs.argmax(axis=1) != SILENCE_ID).sum())
    fast = max(int(options.floor_share * speech / phones), 1)
    floor = min(options.floor, fast, frames // phones)
    graph = build_graph(script, floor, options.silence_floor)
    scores = np.maximum(posteriors.log_probs, LEAST)
    scores[:, SILENCE_ID] -= options.silence_penalty
    return _segments(graph, best_path(graph, scores), posteriors, script)


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
    waiting[0, graph.starts] = 0.0
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
        np.subtract(candidates.max(axis=0), own, out=waiting[frame % depth])
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


def _segments(graph: Graph, path: NDArray[np.intp], posteriors: Posteriors, script: Script) -> Alignment:
    cuts = np.flatnonzero(np.diff(path)) + 1
    edges = [posteriors.boundary(int(cut)) for cut in cuts]
    words: list[WordSegment] = []
    silences: list[SilenceSegment] = []
    phones: list[PhoneSegment] = []
    for number, start, end in zip(
        path[np.concatenate([[0], cuts])], [0.0, *edges], [*edges, posteriors.duration], strict=True
    ):
        unit = graph.units[number]
        if unit.is_silence:
            silences.append(SilenceSegment(start, end, unit.word))
            continue
        word = script.words[unit.word]
        pronunciation = word.pronunciations[unit.variant]
        phones.append(PhoneSegment(pronunciation.phones[unit.position], start, end))
        if unit.position == len(pronunciation.phones) - 1:
            words.append(WordSegment(word.text, pronunciation.source, tuple(phones)))
            phones = []
    return Alignment(tuple(words), tuple(silences), posteriors.duration)
