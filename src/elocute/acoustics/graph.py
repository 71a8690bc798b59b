"""The alignment graph: the script as a network of states with optional silence and pronunciation variants.

A phone is a chain of ``floor`` states, the last with a loop, so it lasts at least ``floor`` frames (the duration
floor of Kaldi's and HTK's topologies). States are numbered in reading order; within a chain a state follows its
left neighbour, and only the first state of a chain (an *entry*) can follow several others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.posteriors import SILENCE_ID
from elocute.phones import PHONE_ID, base
from elocute.text.script import Script


@dataclass(frozen=True)
class Unit:
    """A phone or silence of the graph.

    ``word`` is the index of its word, or of the word before a silence (-1: none); ``variant`` and ``position``
    say which phone of which pronunciation it is; both are -1 for silence.
    """

    word: int
    variant: int
    position: int
    column: int

    @property
    def is_silence(self) -> bool:
        return self.variant < 0


@dataclass(frozen=True)
class Graph:
    """States in reading order.

    ``unit_of`` (states,) index of each state's unit; ``loops`` (states,) whether a state may follow itself;
    ``chained`` (states,) whether it may follow its left neighbour; ``entries`` (m,) states that may follow
    ``sources`` (m, k), padded with -1; ``starts`` and ``finals`` where a path may begin and end.
    """

    units: tuple[Unit, ...]
    unit_of: NDArray[np.int32]
    loops: NDArray[np.bool_]
    chained: NDArray[np.bool_]
    entries: NDArray[np.int32]
    sources: NDArray[np.int32]
    starts: NDArray[np.int32]
    finals: NDArray[np.int32]

    @property
    def columns(self) -> NDArray[np.int32]:
        """(states,) posterior column of each state."""
        return np.array([unit.column for unit in self.units], np.int32)[self.unit_of]


class _Builder:
    def __init__(self) -> None:
        self.units: list[Unit] = []
        self.unit_of: list[int] = []
        self.first: list[int] = []
        self.sources: dict[int, list[int]] = {}

    def add(self, unit: Unit, floor: int, sources: list[int]) -> int:
        """Append a unit that may follow the states ``sources``; return its last state."""
        self.units.append(unit)
        self.first.append(len(self.unit_of))
        self.sources[len(self.unit_of)] = sources
        self.unit_of.extend([len(self.units) - 1] * floor)
        return len(self.unit_of) - 1

    def build(self, starts: list[int], finals: list[int]) -> Graph:
        count = len(self.unit_of)
        loops = np.zeros(count, bool)
        loops[[*(first - 1 for first in self.first[1:]), count - 1]] = True
        chained = np.ones(count, bool)
        chained[self.first] = False
        entries = [state for state, sources in self.sources.items() if sources]
        most = max((len(self.sources[state]) for state in entries), default=1)
        table = np.full((len(entries), most), -1, np.int32)
        for row, state in enumerate(entries):
            table[row, : len(self.sources[state])] = self.sources[state]
        return Graph(
            tuple(self.units), np.array(self.unit_of, np.int32), loops, chained,
            np.array(entries, np.int32), table, np.array(starts, np.int32), np.array(finals, np.int32),
        )  # fmt: skip


def build_graph(script: Script, floor: int, silence_floor: int) -> Graph:
    """All ways to read the script: every word in one of its pronunciations, silence anywhere between words."""
    builder = _Builder()
    silence_end = builder.add(Unit(-1, -1, -1, SILENCE_ID), silence_floor, [])
    starts = [0]
    open_ends = [silence_end]
    for index, word in enumerate(script.words):
        ends = []
        for variant, pronunciation in enumerate(word.pronunciations):
            sources = open_ends
            for position, phone in enumerate(pronunciation.phones):
                first = len(builder.unit_of)
                unit = Unit(index, variant, position, PHONE_ID[base(phone)])
                sources = [builder.add(unit, floor, sources)]
                if index == 0 and position == 0:
                    starts.append(first)
            ends += sources
        silence_end = builder.add(Unit(index, -1, -1, SILENCE_ID), silence_floor, ends)
        open_ends = [*ends, silence_end]
    return builder.build(starts, open_ends)


def shortest_path(script: Script, floor: int) -> int:
    """Frames that the shortest reading needs."""
    return floor * sum(min(len(p.phones) for p in word.pronunciations) for word in script.words)
