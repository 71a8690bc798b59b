"""Forced alignment: the best path of a script through the posteriors (Viterbi, exact)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment, PhoneSegment, SilenceSegment, WordSegment
from elocute.acoustics.graph import Graph, build_graph, shortest_path
from elocute.acoustics.posteriors import SILENCE_ID, Posteriors
from elocute.errors import TextAudioMismatch
from elocute.text.script import Script

NEVER = np.float32(-1e30)


@dataclass(frozen=True)
class AlignOptions:
    """``floor``: least frames of a phone, lowered where the recording is too short for it; ``silence_floor``:
    least frames of a silence; ``silence_penalty``: nats taken off silence in every frame, because a model trained
    on read speech has seen silence most of all and lets it swallow the ends of words."""

    floor: int = 4
    silence_floor: int = 4
    silence_penalty: float = 3.0


def align(posteriors: Posteriors, script: Script, options: AlignOptions | None = None) -> Alignment:
    """Align a script with a recording.

    Every phone lies inside the recording, in script order, without gaps inside a word; the pronunciation variant
    that fits best is chosen.

    Raises:
        TextAudioMismatch: the recording has fewer frames than the script has phones.
    """
    options = options or AlignOptions()
    frames = len(posteriors.log_probs)
    floor = options.floor
    while floor > 1 and shortest_path(script, floor) > frames:
        floor -= 1
    if shortest_path(script, floor) > frames:
        raise TextAudioMismatch(
            f"The text needs more time than the recording's {posteriors.duration:.1f} s: check that they belong together."
        )
    graph = build_graph(script, floor, options.silence_floor)
    scores = posteriors.log_probs.copy()
    scores[:, SILENCE_ID] -= options.silence_penalty
    path = best_path(graph, scores)
    return _segments(graph, path, posteriors, script)


def best_path(graph: Graph, scores: NDArray[np.float32]) -> NDArray[np.int32]:
    """Viterbi.

    Args:
        scores: (frames, 40) log scores of the posterior columns.

    Returns:
        (frames,) the state of each frame on the best path.
    """
    columns = graph.columns
    loop = np.where(graph.loops, np.float32(0), NEVER)
    chain = np.where(graph.chained, np.float32(0), NEVER)[1:]
    padded = np.where(graph.sources < 0, len(columns), graph.sources)
    rows = np.arange(len(graph.entries))
    back = np.empty((len(scores), len(columns)), np.int32)
    here = np.arange(len(columns), dtype=np.int32)
    best = np.full(len(columns) + 1, NEVER, np.float32)
    best[graph.starts] = scores[0, columns[graph.starts]]
    for frame in range(1, len(scores)):
        stay = best[:-1] + loop
        step = best[:-2] + chain
        source = back[frame]
        np.copyto(source, here)
        moved = step > stay[1:]
        source[1:] -= moved
        stay[1:] = np.maximum(stay[1:], step)
        if len(rows):
            candidates = best[padded]
            pick = candidates.argmax(axis=1)
            value = candidates[rows, pick]
            enter = value > stay[graph.entries]
            entered = graph.entries[enter]
            stay[entered] = value[enter]
            source[entered] = padded[rows, pick][enter]
        best[:-1] = stay + scores[frame, columns]
    path = np.empty(len(scores), np.int32)
    path[-1] = graph.finals[best[graph.finals].argmax()]
    for frame in range(len(scores) - 1, 0, -1):
        path[frame - 1] = back[frame, path[frame]]
    return path


def _segments(graph: Graph, path: NDArray[np.int32], posteriors: Posteriors, script: Script) -> Alignment:
    units = graph.unit_of[path]
    cuts = np.flatnonzero(np.diff(units)) + 1
    edges = [posteriors.boundary(int(cut)) for cut in cuts]
    words: list[WordSegment] = []
    silences: list[SilenceSegment] = []
    phones: list[PhoneSegment] = []
    for number, start, end in zip(
        units[np.concatenate([[0], cuts])], [0.0, *edges], [*edges, posteriors.duration], strict=True
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
