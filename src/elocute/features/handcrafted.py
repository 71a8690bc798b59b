"""Handcrafted features: named measurements of one utterance, as phoneticians define them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.gop import Goodness, frame_spans
from elocute.acoustics.prosody import FRAME_SHIFT, Prosody
from elocute.phones import is_vowel

PAUSE = 0.145
LONG_PAUSE = 0.495
"""Seconds from which a gap between words is a silence, and a long one (method of arXiv 2509.16876)."""


@dataclass(frozen=True)
class Evidence:
    """What the features are computed from."""

    alignment: Alignment
    goodness: Goodness
    prosody: Prosody


@dataclass(frozen=True)
class Feature:
    """A registered feature; ``compute`` answers ``None`` where the utterance does not define it."""

    name: str
    unit: str
    formula: str
    compute: Callable[[Evidence], float | None]


REGISTRY: dict[str, Feature] = {}


def _feature(name: str, unit: str, formula: str) -> Callable[[Callable[[Evidence], float | None]], None]:
    def register(compute: Callable[[Evidence], float | None]) -> None:
        REGISTRY[name] = Feature(name, unit, formula, compute)

    return register


def handcrafted(evidence: Evidence) -> dict[str, float | None]:
    """Every registered feature of one utterance, in registry order."""
    return {name: feature.compute(evidence) for name, feature in REGISTRY.items()}


def _gaps(alignment: Alignment) -> list[float]:
    """Seconds of silence between consecutive words."""
    last = len(alignment.words) - 1
    return [s.end - s.start for s in alignment.silences if 0 <= s.after_word < last]


def _pauses(alignment: Alignment) -> list[float]:
    return [gap for gap in _gaps(alignment) if gap > PAUSE]


def _span(alignment: Alignment) -> float:
    return alignment.words[-1].end - alignment.words[0].start


def _vowel_durations(alignment: Alignment) -> list[float]:
    return [phone.duration for phone in alignment.phones if is_vowel(phone.phone)]


def _spread(values: list[float]) -> float | None:
    return float(np.std(values)) if len(values) > 1 else None


def _npvi(durations: list[float]) -> float | None:
    if len(durations) < 2:
        return None
    return float(100.0 * np.mean([abs(a - b) / ((a + b) / 2.0) for a, b in pairwise(durations)]))


def _voiced(evidence: Evidence) -> NDArray[np.float32]:
    spans = frame_spans(evidence.alignment, FRAME_SHIFT, len(evidence.prosody.f0))
    f0 = np.concatenate([evidence.prosody.f0[a:b] for a, b in spans])
    return np.asarray(f0[~np.isnan(f0)])


@_feature("speech_rate", "syllables/s", "vowels / time from first to last word")
def _(e: Evidence) -> float | None:
    return len(_vowel_durations(e.alignment)) / _span(e.alignment)


@_feature("articulation_rate", "syllables/s", "vowels / (time from first to last word - pauses)")
def _(e: Evidence) -> float | None:
    return len(_vowel_durations(e.alignment)) / max(_span(e.alignment) - sum(_pauses(e.alignment)), 0.05)


@_feature("phonation_ratio", "ratio", "1 - pauses / time from first to last word")
def _(e: Evidence) -> float | None:
    return 1.0 - sum(_pauses(e.alignment)) / _span(e.alignment)


@_feature("all_pause_count", "count", f"gaps between words longer than {PAUSE} s")
def _(e: Evidence) -> float | None:
    return float(len(_pauses(e.alignment)))


@_feature("all_pause_duration", "s", f"sum of gaps between words longer than {PAUSE} s")
def _(e: Evidence) -> float | None:
    return float(sum(_pauses(e.alignment)))


@_feature("long_pause_count", "count", f"gaps between words longer than {LONG_PAUSE} s")
def _(e: Evidence) -> float | None:
    return float(sum(gap > LONG_PAUSE for gap in _gaps(e.alignment)))


@_feature("longest_pause", "s", "longest gap between words, 0 if there is none")
def _(e: Evidence) -> float | None:
    return float(max(_gaps(e.alignment), default=0.0))


@_feature("mean_length_run", "words", "words / (pauses + 1)")
def _(e: Evidence) -> float | None:
    return len(e.alignment.words) / (len(_pauses(e.alignment)) + 1)


@_feature("phone_duration_mean", "s", "mean duration of the phones")
def _(e: Evidence) -> float | None:
    return float(np.mean([phone.duration for phone in e.alignment.phones]))


@_feature("phone_duration_sd", "s", "standard deviation of the durations of the phones")
def _(e: Evidence) -> float | None:
    return _spread([phone.duration for phone in e.alignment.phones])


@_feature("vowel_npvi", "index", "100/(m-1) sum |d_k - d_k+1| / ((d_k + d_k+1)/2) over successive vowels")
def _(e: Evidence) -> float | None:
    return _npvi(_vowel_durations(e.alignment))


@_feature("vowel_share", "ratio", "%V / 100: vowel duration / phone duration")
def _(e: Evidence) -> float | None:
    return sum(_vowel_durations(e.alignment)) / sum(phone.duration for phone in e.alignment.phones)


@_feature("f0_sd", "semitones", "standard deviation of voiced F0 in semitones")
def _(e: Evidence) -> float | None:
    voiced = _voiced(e)
    return float(np.std(12.0 * np.log2(voiced))) if len(voiced) > 1 else None


@_feature("f0_range", "semitones", "95th - 5th percentile of voiced F0 in semitones")
def _(e: Evidence) -> float | None:
    voiced = _voiced(e)
    return float(np.ptp(np.percentile(12.0 * np.log2(voiced), [5, 95]))) if len(voiced) > 1 else None


@_feature("energy_sd", "dB", "standard deviation of the phones' mean energy in dB")
def _(e: Evidence) -> float | None:
    spans = frame_spans(e.alignment, FRAME_SHIFT, len(e.prosody.energy))
    means = np.array([e.prosody.energy[a:b].mean() for a, b in spans])
    return _spread(list(20.0 * np.log10(np.maximum(means, 1e-6))))


@_feature("gop_mean", "nats", "mean log phone posterior of the phones")
def _(e: Evidence) -> float | None:
    return float(e.goodness.summaries[:, 0].mean())


@_feature("gop_sd", "nats", "standard deviation of the log phone posterior of the phones")
def _(e: Evidence) -> float | None:
    return _spread(list(e.goodness.summaries[:, 0]))


@_feature("phone_match_rate", "ratio", "phones that fit their segment better than any other phone / phones")
def _(e: Evidence) -> float | None:
    return float((e.goodness.summaries[:, 1] <= 0).mean())


@_feature("phone_count", "count", "phones of the script as read")
def _(e: Evidence) -> float | None:
    return float(len(e.alignment.phones))
