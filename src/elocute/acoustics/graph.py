"""The alignment graph: the script as a network of phones with pronunciation variants, optional silence, and
optional speech that the script does not have."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.posteriors import SILENCE_ID
from elocute.phones import PHONE_ID, base
from elocute.text.script import Script

OTHER_ID = SILENCE_ID + 1
"""Score column of speech that the script does not have, beside the posterior columns."""


@dataclass(frozen=True)
class Unit:
    """A phone, silence, or other speech of the graph.

    ``word`` is the index of its word, or of the word before a silence or other speech (-1: none); ``variant``
    and ``position`` say which phone of which pronunciation it is; both are -1 for what is no phone.
    ``column`` is its score column, ``floor`` the least number of frames it lasts, ``cost`` what entering it
    takes off the score.
    """

    word: int
    variant: int
    position: int
    column: int
    floor: int
    cost: float = 0.0

    @property
    def is_silence(self) -> bool:
        return self.column == SILENCE_ID

    @property
    def is_other(self) -> bool:
        return self.column == OTHER_ID


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
    def costs(self) -> NDArray[np.float64]:
        """(units,) cost of entering each unit."""
        return np.array([unit.cost for unit in self.units], np.float64)

    @property
    def columns(self) -> NDArray[np.intp]:
        """(units,) score column of each unit."""
        return np.array([unit.column for unit in self.units], np.intp)

    @property
    def floors(self) -> NDArray[np.intp]:
        """(units,) least frames of each unit."""
        return np.array([unit.floor for unit in self.units], np.intp)


@dataclass(frozen=True)
class Floors:
    """Least frames of a ``phone``, a ``silence`` and of ``other`` speech, which costs ``other_cost`` nats to
    enter; a floor of 0 leaves other speech out of the graph."""

    phone: int
    silence: int
    other: int = 0
    other_cost: float = 0.0


def build_graph(script: Script, floors: Floors, others: Container[int] | None = None) -> Graph:
    """All ways to read the script: each word in one of its pronunciations; before, between and after them
    silence, other speech, or both.

    ``others``: the words (-1: none) after which other speech may be; by default all.
    """
    units: list[Unit] = []
    before: list[list[int]] = []

    def gap(word: int, sources: list[int]) -> list[int]:
        """Units that may follow ``sources``; what comes next may follow them, too."""
        first = len(units)
        units.append(Unit(word, -1, -1, SILENCE_ID, floors.silence))
        before.append(list(sources))
        if floors.other and (others is None or word in others):
            units.append(Unit(word, -1, -1, OTHER_ID, floors.other, floors.other_cost))
            units.append(Unit(word, -1, -1, SILENCE_ID, floors.silence))
            before[first:] = [before[first], [*sources, first, first + 2], [first + 1]]
        return list(range(first, len(units)))

    starts = ends = gap(-1, [])
    starts = starts[:2]
    for index, word in enumerate(script.words):
        word_ends = []
        for variant, pronunciation in enumerate(word.pronunciations):
            if index == 0:
                starts.append(len(units))
            sources = ends
            for position, phone in enumerate(pronunciation.phones):
                units.append(Unit(index, variant, position, PHONE_ID[base(phone)], floors.phone))
                before.append(sources)
                sources = [len(units) - 1]
            word_ends += sources
        ends = [*word_ends, *gap(index, word_ends)]
    table = np.full((max(map(len, before)), len(units)), len(units), np.intp)
    for unit, sources in enumerate(before):
        table[: len(sources), unit] = sources
    return Graph(tuple(units), table, np.array(starts, np.intp), np.array(ends, np.intp))


def fewest_phones(script: Script) -> int:
    """Phones of the shortest reading."""
    return sum(min(len(p.phones) for p in word.pronunciations) for word in script.words)
