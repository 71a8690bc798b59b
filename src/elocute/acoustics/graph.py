"""The alignment graph: the script as a network of phones with pronunciation variants, optional silence, and
optional speech that the script does not have."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.posteriors import SILENCE_ID
from elocute.phones import PHONE_ID, base, is_vowel
from elocute.text.script import Script, ScriptWord

OTHER_ID = SILENCE_ID + 1
"""Score column of speech that the script does not have, beside the posterior columns."""

LONG_ID = OTHER_ID + 1
"""Score column of silence in a long pause."""

AHEAD = 2
"""Words that a reader may say once more before going on."""

BROKEN = 4
"""Phones of a word after each of which it may be broken off."""


@dataclass(frozen=True)
class Unit:
    """A phone, silence, or other speech of the graph.

    ``word`` is the index of its word, or of the word before a silence or other speech (-1: none); ``variant``
    and ``position`` say which phone of which pronunciation it is; both are -1 for what is no phone.
    ``column`` is its score column, ``floor`` and ``ceiling`` (0: none) the least and the greatest number of
    frames it lasts, ``cost`` what entering it takes off the score; ``again`` marks phones of a word that is
    begun, or said, once more than the script has it.
    """

    word: int
    variant: int
    position: int
    column: int
    floor: int
    cost: float = 0.0
    again: bool = False
    ceiling: int = 0

    @property
    def is_silence(self) -> bool:
        return self.column in (SILENCE_ID, LONG_ID)

    @property
    def is_other(self) -> bool:
        return self.again or self.column == OTHER_ID


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

    @property
    def ceilings(self) -> NDArray[np.intp]:
        """(units,) greatest number of frames of each unit, 0 where there is none."""
        return np.array([unit.ceiling for unit in self.units], np.intp)

    @property
    def joins(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Units that may follow more than the first of their ``sources``, and their (most, joins) sources."""
        found = np.flatnonzero((self.sources[1:] < len(self.units)).any(axis=0))
        return found, self.sources[:, found]


@dataclass(frozen=True)
class Limits:
    """Least frames of a ``phone``, a ``silence`` and of ``other`` speech, which costs ``other_cost`` nats to
    enter; beginning a word once more costs ``again_cost``. A floor of 0 leaves both out of the graph.
    ``ceiling`` and ``vowel_ceiling``: greatest number of frames of consonants and vowels, 0 for none;
    ``long``: least frames of a long pause, which costs ``long_cost`` to enter, 0 for none."""

    phone: int
    silence: int
    other: int = 0
    other_cost: float = 0.0
    again_cost: float = 0.0
    ceiling: int = 0
    vowel_ceiling: int = 0
    long: int = 0
    long_cost: float = 0.0

    def ceiling_of(self, phone: str) -> int:
        """Greatest number of frames of a phone; never less than its floor."""
        own = self.vowel_ceiling if is_vowel(phone) else self.ceiling
        return max(own, self.phone) if own else 0


class _Builder:
    """Units so far, and the units that each may follow; ``others`` as of :func:`build_graph`."""

    def __init__(self, limits: Limits, others: Container[int] | None) -> None:
        self.limits = limits
        self.others = others
        self.units: list[Unit] = []
        self.before: list[list[int]] = []

    def add(self, unit: Unit, before: list[int]) -> int:
        self.units.append(unit)
        self.before.append(before)
        return len(self.units) - 1

    def silence(self, word: int, before: list[int]) -> int:
        return self.add(Unit(word, -1, -1, SILENCE_ID, self.limits.silence), before)

    def gap(self, word: int, sources: list[int], ahead: Sequence[ScriptWord]) -> tuple[list[int], list[int]]:
        """Silence after ``word``; where there may be more, also other speech, or the words ``ahead`` begun
        once more.

        Returns:
            The units the gap may begin with, and those it may end with.
        """
        pauses = [self.silence(word, list(sources))]
        if self.limits.long:
            unit = Unit(word, -1, -1, LONG_ID, self.limits.long, self.limits.long_cost)
            pauses.append(self.add(unit, list(sources)))
        first, last = list(pauses), list(pauses)
        if self.limits.other and (self.others is None or word in self.others):
            other = self.add(Unit(word, -1, -1, OTHER_ID, self.limits.other, self.limits.other_cost), [])
            after = self.silence(word, [other])
            self.before[other] = [*sources, *pauses, after]
            for long in pauses[1:]:
                self.before[long].append(other)
            first, last = [*first, other], [*last, other, after]
            if ahead:
                begun, whole, part = self.again(word, ahead)
                broken = self.silence(word, [*part, *whole])
                self.before[begun] = [*sources, *pauses, broken, *whole]
                first, last = [*first, begun], [*last, broken, *whole]
        return first, last

    def again(self, word: int, ahead: Sequence[ScriptWord]) -> tuple[int, list[int], list[int]]:
        """The words ``ahead`` begun once more after ``word``: the first phone, the last one of each word, and
        others after which the reader may have stopped."""
        first = len(self.units)
        whole: list[int] = []
        part: list[int] = []
        for repeated in ahead:
            phones = repeated.pronunciations[0].phones
            for position, phone in enumerate(phones):
                number = len(self.units)
                before, cost = ([number - 1], 0.0) if number > first else ([], self.limits.again_cost)
                column = PHONE_ID[base(phone)]
                ceiling = self.limits.ceiling_of(phone)
                self.add(Unit(word, -1, -1, column, self.limits.phone, cost, True, ceiling), before)
                if position == len(phones) - 1:
                    whole.append(number)
                elif position < BROKEN:
                    part.append(number)
        return first, whole, part


def build_graph(script: Script, limits: Limits, others: Container[int] | None = None) -> Graph:
    """All ways to read the script: each word in one of its pronunciations; before, between and after them
    silence, other speech, or both, or the words that come next said once more, or begun and broken off.

    ``others``: the words (-1: none) after which there may be more than silence; by default all.
    """
    builder = _Builder(limits, others)
    words = script.words
    starts, ends = builder.gap(-1, [], words[:AHEAD])
    for index, word in enumerate(words):
        word_ends = []
        for variant, pronunciation in enumerate(word.pronunciations):
            if index == 0:
                starts.append(len(builder.units))
            sources = ends
            for position, phone in enumerate(pronunciation.phones):
                unit = Unit(
                    index,
                    variant,
                    position,
                    PHONE_ID[base(phone)],
                    limits.phone,
                    ceiling=limits.ceiling_of(phone),
                )
                sources = [builder.add(unit, sources)]
            word_ends += sources
        _, exits = builder.gap(index, word_ends, words[index + 1 : index + 1 + AHEAD])
        ends = [*word_ends, *exits]
    count = len(builder.units)
    table = np.full((max(map(len, builder.before)), count), count, np.intp)
    for number, before in enumerate(builder.before):
        table[: len(before), number] = before
    return Graph(tuple(builder.units), table, np.array(starts, np.intp), np.array(ends, np.intp))


def fewest_phones(script: Script) -> int:
    """Phones of the shortest reading."""
    return sum(min(len(p.phones) for p in word.pronunciations) for word in script.words)
