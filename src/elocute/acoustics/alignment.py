"""The alignment: when every word, phone and pause of the script was spoken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from elocute.text.script import Source

InsertionKind = Literal["filler", "repetition", "fragment", "speech"]
"""Speech outside the script: a filled pause, a word or words said again, a broken-off word, anything else."""


@dataclass(frozen=True)
class PhoneSegment:
    """A phone (stress digit kept) from ``start`` to ``end``, in seconds."""

    phone: str
    start: float
    end: float

    @property
    def duration(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class WordSegment:
    """A word in the pronunciation that fits the audio best; its phones touch each other.

    ``confidence``, 0-1, says how far its place in time can be trusted.
    """

    text: str
    source: Source
    phones: tuple[PhoneSegment, ...]
    confidence: float = 1.0

    @property
    def start(self) -> float:
        return self.phones[0].start

    @property
    def end(self) -> float:
        return self.phones[-1].end


@dataclass(frozen=True)
class SilenceSegment:
    """A silence; ``after_word`` is the index of the word before it, -1 before the first word."""

    start: float
    end: float
    after_word: int


@dataclass(frozen=True)
class InsertedSegment:
    """Speech that is not in the script; ``after_word`` as for silences.

    ``text`` is what was said again in a repetition or broken off in a fragment, "" where that is unknown.
    """

    start: float
    end: float
    after_word: int
    kind: InsertionKind
    text: str


@dataclass(frozen=True)
class Alignment:
    """Words in script order, silences between and around them, the recording's ``duration`` in seconds, and
    what was ``inserted``: speech between the words that the script does not have."""

    words: tuple[WordSegment, ...]
    silences: tuple[SilenceSegment, ...]
    duration: float
    inserted: tuple[InsertedSegment, ...] = ()

    @property
    def phones(self) -> tuple[PhoneSegment, ...]:
        return tuple(phone for word in self.words for phone in word.phones)
