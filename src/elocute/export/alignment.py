"""An alignment as plain data, named as in the result."""

from __future__ import annotations

import dataclasses
from typing import Any

from elocute.acoustics.alignment import Alignment, PhoneSegment, WordSegment
from elocute.phones import ipa

SCHEMA = "elocute-alignment/1"


def alignment_to_dict(alignment: Alignment) -> dict[str, Any]:
    """JSON-ready: ``schema``, ``duration``, ``words`` with their phones, ``pauses``, ``insertions``.

    Times are seconds.
    """
    return {
        "schema": SCHEMA,
        "duration": alignment.duration,
        "words": [_word(word) for word in alignment.words],
        "pauses": [
            {"start": silence.start, "end": silence.end, "after_word": silence.after_word}
            for silence in alignment.silences
        ],
        "insertions": [dataclasses.asdict(found) for found in alignment.inserted],
    }


def _word(word: WordSegment) -> dict[str, Any]:
    return {
        "text": word.text,
        "start": word.start,
        "end": word.end,
        "confidence": word.confidence,
        "pronunciation_source": word.source,
        "phones": [_phone(phone) for phone in word.phones],
    }


def _phone(phone: PhoneSegment) -> dict[str, Any]:
    return {"phone": phone.phone, "ipa": ipa(phone.phone), "start": phone.start, "end": phone.end}
