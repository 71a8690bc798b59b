"""The registry: every handcrafted feature with what it is called, means, comes from and is good for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from elocute.features.handcrafted.evidence import Evidence, Floats
from elocute.features.handcrafted.statistics import STATISTICS

Compute = Callable[[Evidence], float | None]

FAMILIES: dict[str, tuple[str, str]] = {
    "confidence": ("pronunciation", "How well the sounds fit"),
    "errors": ("pronunciation", "Sounds that another sound fits better"),
    "f0": ("pronunciation", "Pitch"),
    "energy": ("pronunciation", "Loudness"),
    "rhythm": ("pronunciation", "Rhythm"),
    "silence": ("fluency", "Silences"),
    "rate": ("fluency", "Rate and durations"),
    "runs": ("fluency", "Runs between pauses"),
    "repetition": ("fluency", "Repetitions and other speech outside the text"),
    "filler": ("fluency", "Filled pauses"),
    "accent": ("stress", "Strength of accents"),
    "contrast": ("stress", "Stressed against unstressed"),
}
"""Families: the group each belongs to, and its title."""

Words = tuple[str, str]
HIGHER: Words = ("higher", "lower")
FASTER: Words = ("faster", "slower")
LONGER: Words = ("longer", "shorter")
MORE: Words = ("more", "fewer")
STRONGER: Words = ("stronger", "weaker")


@dataclass(frozen=True)
class Feature:
    """A registered feature.

    ``compute`` answers ``None`` where the utterance does not define it. ``words`` say what a large and a
    small value are called: "slower than 85 % of fluent readers". ``advice`` tells a learner what to do.
    """

    name: str
    family: str
    unit: str
    formula: str
    source: str
    advice: str
    words: Words
    compute: Compute

    @property
    def group(self) -> str:
        """Pronunciation, fluency or stress."""
        return FAMILIES[self.family][0]


REGISTRY: dict[str, Feature] = {}


@dataclass(frozen=True)
class Shelf:
    """Registers features that share family, source, advice and words; each may differ in any but family."""

    family: str
    source: str
    advice: str
    words: Words = HIGHER

    def add(
        self, name: str, unit: str, formula: str, compute: Compute, *, source: str | None = None,
        advice: str | None = None, words: Words | None = None,
    ) -> None:  # fmt: skip
        """Register one feature."""
        if name in REGISTRY or self.family not in FAMILIES:
            raise ValueError(f"{name}: registered twice, or of the unknown family {self.family}")
        REGISTRY[name] = Feature(
            name, self.family, unit, formula, source or self.source, advice or self.advice,
            words or self.words, _checked(compute),
        )  # fmt: skip

    def distribution(
        self, name: str, unit: str, what: str, values: Callable[[Evidence], Floats], *,
        leave_out: tuple[str, ...] = (), source: str | None = None, advice: str | None = None,
        words: Words | None = None,
    ) -> None:  # fmt: skip
        """Register the statistics of ``values`` as ``name_mean``, ``name_sd`` and so on."""
        for statistic in STATISTICS:
            if statistic not in leave_out:
                self.add(
                    f"{name}_{statistic}", unit, f"{TITLES[statistic]} of {what}",
                    _statistic(name, statistic, values), source=source, advice=advice,
                    words=SPREAD if statistic in ("sd", "mad") else words,
                )  # fmt: skip


SPREAD: Words = ("more varied", "more even")
TITLES = {
    "mean": "mean", "sd": "standard deviation", "median": "median", "mad": "median absolute deviation",
    "sum": "sum", "min": "least", "max": "greatest",
}  # fmt: skip


def _statistic(name: str, statistic: str, values: Callable[[Evidence], Floats]) -> Compute:
    return lambda e: e.summary(name, values)[statistic]


def _checked(compute: Compute) -> Compute:
    """A plain float that is finite, or ``None``."""

    def checked(evidence: Evidence) -> float | None:
        value = compute(evidence)
        return float(value) if value is not None and math.isfinite(value) else None

    return checked


def handcrafted(evidence: Evidence) -> dict[str, float | None]:
    """Every registered feature of one utterance, in registry order."""
    return {name: feature.compute(evidence) for name, feature in REGISTRY.items()}
