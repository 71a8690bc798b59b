"""The script: what the learner was asked to read, as words with their possible pronunciations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["lexicon", "g2p", "user", "corpus"]


@dataclass(frozen=True)
class Pronunciation:
    """One way to say a word: ARPAbet phones, vowels with stress digits, and where it comes from."""

    phones: tuple[str, ...]
    source: Source


@dataclass(frozen=True)
class ScriptWord:
    """One spoken word.

    ``text`` is the spoken form ("five"), ``written`` the token it came from ("$5"); ``pronunciations`` has at
    least one entry, the most common first.
    """

    text: str
    written: str
    pronunciations: tuple[Pronunciation, ...]


@dataclass(frozen=True)
class Script:
    """The text as given and its spoken words in order (at least one)."""

    text: str
    words: tuple[ScriptWord, ...]
