"""The alignment: when every word, phone and pause of the script was spoken."""

from __future__ import annotations

from dataclasses import dataclass

from elocute.text.script import Source


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
    """A word in the pronunciation that fits the audio best; its phones touch each other."""

    text: str
    source: Source
    phones: tuple[PhoneSegment, ...]

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
class Alignment:
    """Words in script order, silences between and around them, the recording's ``duration`` in seconds."""

    words: tuple[WordSegment, ...]
    silences: tuple[SilenceSegment, ...]
    duration: float

    @property
    def phones(self) -> tuple[PhoneSegment, ...]:
        return tuple(phone for word in self.words for phone in word.phones)
