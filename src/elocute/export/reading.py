"""How people read a score: bands with a name and a mark, so that colour is never the only sign."""

from __future__ import annotations

from typing import Literal

from elocute.phones import base, ipa
from elocute.result import PhoneResult

Band = Literal["good", "fair", "weak", "unknown"]

GOOD, FAIR = 80.0, 60.0
"""Lowest score of each band; below FAIR, a word counts as mispronounced."""


def band(score: float | None) -> Band:
    """The band of a score from 0 to 100."""
    if score is None:
        return "unknown"
    return "good" if score >= GOOD else "fair" if score >= FAIR else "weak"


def points(score: float | None) -> str:
    """A score in whole points, a dash if there is none."""
    return "–" if score is None else f"{score:.0f}"


def heard_instead(phone: PhoneResult) -> str | None:
    """IPA of the most probable phone of the segment if it is another one than the script's."""
    if not phone.heard or base(phone.heard[0].phone) == base(phone.phone):
        return None
    return ipa(phone.heard[0].phone)
