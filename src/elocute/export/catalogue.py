"""What the names in a result mean, as plain data for those who draw it."""

from __future__ import annotations

from typing import Any

from elocute.articulation import SOUNDS
from elocute.features.handcrafted import REGISTRY
from elocute.phones import ipa


def catalogue() -> dict[str, Any]:
    """JSON-ready: every measurement by name in ``features``, every phone by ARPAbet in ``sounds``."""
    return {
        "features": {
            name: {
                "label": label(name),
                "family": getattr(feature, "family", ""),
                "unit": feature.unit,
                "formula": feature.formula,
                "advice": getattr(feature, "advice", ""),
            }
            for name, feature in REGISTRY.items()
        },
        "sounds": {
            phone: {"ipa": ipa(phone), "example": example, "how": how}
            for phone, (example, how) in SOUNDS.items()
        },
    }


def label(name: str) -> str:
    """The name in words: ``"speech_rate" -> "Speech rate"``."""
    words = name.replace("_", " ").replace("f0", "F0").replace("npvi", "nPVI").replace("gop", "GOP")
    return words[:1].upper() + words[1:]
