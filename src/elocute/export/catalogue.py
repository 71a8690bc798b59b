"""What the names in a result mean, as plain data for those who draw it."""

from __future__ import annotations

from typing import Any

from elocute.articulation import SOUNDS
from elocute.features.handcrafted import REGISTRY
from elocute.features.handcrafted.registry import FAMILIES
from elocute.phones import ipa

_WORDS = {
    "f0": "F0", "gop": "fit", "npvi": "nPVI", "rpvi": "rPVI", "cci": "CCI", "sd": "spread",
    "mad": "median deviation", "min": "least", "max": "most",
}  # fmt: skip


KEY = {
    "phone_acceptance_mean": "Sounds acceptable to experts",
    "speech_rate": "Pace",
    "articulation_rate": "Pace without pauses",
    "all_pause_duration": "Time in pauses",
    "mean_length_run": "Words between pauses",
    "f0_range": "Pitch range",
    "vowel_npvi": "Contrast of vowel lengths",
    "stress_duration_ratio": "Stressed to unstressed vowels",
}
"""The measurements everybody understands, with plain names, in the order to show them in."""


def catalogue() -> dict[str, Any]:
    """JSON-ready: every measurement by name in ``features``, every phone by ARPAbet in ``sounds``."""
    return {
        "features": {
            name: {
                "label": KEY.get(name) or label(name),
                "key": list(KEY).index(name) + 1 if name in KEY else 0,
                "family": FAMILIES[feature.family][1],
                "unit": feature.unit,
                "formula": feature.formula,
                "advice": feature.advice,
                "words": list(feature.words),
            }
            for name, feature in REGISTRY.items()
        },
        "sounds": {
            phone: {"ipa": ipa(phone), "example": example, "how": how}
            for phone, (example, how) in SOUNDS.items()
        },
    }


def label(name: str) -> str:
    """The name in words: ``"f0_range" -> "F0 range"``."""
    words = " ".join(_WORDS.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]
