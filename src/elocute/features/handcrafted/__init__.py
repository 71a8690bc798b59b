"""Handcrafted features: named measurements of one utterance, as phoneticians define them.

Importing the package fills the registry; docs/features.md lists it.
"""

from __future__ import annotations

from elocute.features.handcrafted import (  # noqa: F401  they register
    confidence,
    energy,
    errors,
    pitch,
    rate,
    rhythm,
    runs,
    silence,
    stress,
)
from elocute.features.handcrafted.evidence import LONG_PAUSE, PAUSE, Evidence
from elocute.features.handcrafted.registry import FAMILIES, REGISTRY, Feature, handcrafted

__all__ = ["FAMILIES", "LONG_PAUSE", "PAUSE", "REGISTRY", "Evidence", "Feature", "handcrafted"]
