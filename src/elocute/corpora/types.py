"""What every corpus yields: an utterance, its script and, where experts scored it, its labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from elocute.text.script import Script

CHILD_AGE = 12
"""Speakers of at most this age are children."""


@dataclass(frozen=True)
class WordLabels:
    """Expert scores of a word, 0-10, and of its phones, 0-2 each."""

    text: str
    accuracy: float
    stress: float
    total: float
    phones: tuple[float, ...]


@dataclass(frozen=True)
class UtteranceLabels:
    """Expert scores of an utterance, 0-10, and of its words in script order."""

    accuracy: float
    completeness: float
    fluency: float
    prosodic: float
    total: float
    words: tuple[WordLabels, ...]


@dataclass(frozen=True)
class Utterance:
    """One recording of one speaker; ``age`` in years and ``labels`` are ``None`` where unknown."""

    id: str
    speaker: str
    text: str
    audio: Path
    script: Script
    age: int | None
    labels: UtteranceLabels | None

    @property
    def is_child(self) -> bool:
        """Whether the speaker is known to be at most 12 years old."""
        return self.age is not None and self.age <= CHILD_AGE
