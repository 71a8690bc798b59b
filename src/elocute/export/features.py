"""Measurements as plain data: one row per phone with named columns, and the features of the utterance."""

from __future__ import annotations

import math
from typing import Any

from elocute.features.handcrafted import REGISTRY
from elocute.features.measurements import Measurements

SCHEMA = "elocute-features/1"


def measurements_to_dict(measured: Measurements) -> dict[str, Any]:
    """JSON-ready: ``schema``; ``columns``, the names of every phone's ``values``; ``phones``; ``utterance``.

    A phone carries its word's index and its time in seconds; a number that is not finite is ``None``.
    """
    rows = zip(measured.alignment.phones, measured.phones.word, measured.phones.values, strict=True)
    return {
        "schema": SCHEMA,
        "columns": list(measured.phones.names),
        "phones": [
            {
                "word": int(word),
                "text": measured.alignment.words[word].text,
                "phone": phone.phone,
                "start": phone.start,
                "end": phone.end,
                "values": [_number(value) for value in values],
            }
            for phone, word, values in rows
        ],
        "utterance": {
            name: {"value": None if value is None else _number(value), "unit": REGISTRY[name].unit}
            for name, value in measured.utterance.items()
        },
    }


def _number(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None
