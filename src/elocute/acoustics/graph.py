"""The alignment graph: the script as a network of phones with optional silence and pronunciation variants."""

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

    ``word`` is the index of its word, or of the word before a silence (-1: none); ``variant`` and
    ``position`` say which phone of which pronunciation it is; both are -1 for silence. ``column`` is its
    posterior column, ``floor`` the least number of frames it lasts.
    """

    word: int
    variant: int
    position: int
    column: int
    floor: int

    @property
    def is_silence(self) -> bool:
        return self.variant < 0


@dataclass(frozen=True)
class Graph:
    """Units in reading order.

    ``sources`` (most, units) are the units each may follow, at most ``most`` and padded with the number of
    units; ``starts`` and ``finals`` are the units that a reading may begin and end with.
    """

    units: tuple[Unit, ...]
    sources: NDArray[np.intp]
    starts: NDArray[np.intp]
    finals: NDArray[np.intp]

    @property
    def columns(self) -> NDArray[np.intp]:
        """(units,) posterior column of each unit."""
        return np.array([unit.column for unit in self.units], np.intp)

    @property
    def floors(self) -> NDArray[np.intp]:
        """(units,) least frames of each unit."""
        return np.array([unit.floor for unit in self.units], np.intp)


def build_graph(script: Script, floor: int, silence_floor: int) -> Graph:
    """All ways to read the script: each word in one of its pronunciations, silence anywhere between words."""
    units = [Unit(-1, -1, -1, SILENCE_ID, silence_floor)]
    before: list[list[int]] = [[]]
    starts = [0]
    ends = [0]
    for index, word in enumerate(script.words):
        word_ends = []
        for variant, pronunciation in enumerate(word.pronunciations):
            if index == 0:
                starts.append(len(units))
            sources = ends
            for position, phone in enumerate(pronunciation.phones):
                units.append(Unit(index, variant, position, PHONE_ID[base(phone)], floor))
                before.append(sources)
                sources = [len(units) - 1]
            word_ends += sources
        units.append(Unit(index, -1, -1, SILENCE_ID, silence_floor))
        before.append(word_ends)
        ends = [*word_ends, len(units) - 1]
    table = np.full((max(map(len, before)), len(units)), len(units), np.intp)
    for unit, sources in enumerate(before):
        table[: len(sources), unit] = sources
    return Graph(tuple(units), table, np.array(starts, np.intp), np.array(ends, np.intp))


def fewest_phones(script: Script) -> int:
    """Phones of the shortest reading."""
    return sum(min(len(p.phones) for p in word.pronunciations) for word in script.words)
