"""Energy: how loudness varies, relative to the level of the reading itself, so that gain does not matter."""

from __future__ import annotations

import numpy as np

from elocute.acoustics.prosody import FRAME_SHIFT
from elocute.features.handcrafted.evidence import Evidence
from elocute.features.handcrafted.registry import HIGHER, Shelf
from elocute.features.handcrafted.statistics import difference, mean, rpvi, slope, spread

SHELF = Shelf(
    "energy",
    "RMS energy in windows of 25 ms; statistics as in arXiv 2509.16876",
    "Give important words more voice and the small ones less, and keep it up to the end of the sentence.",
    ("more varied", "more even"),
)
DB = "dB"

SHELF.distribution(
    "energy",
    DB,
    "the phones' mean energy relative to the RMS of the words",
    lambda e: e.levels,
    leave_out=("sum",),
    words=HIGHER,
)


def _range(e: Evidence) -> float | None:
    spoken = e.loudness[e.spoken] if len(e.loudness) else e.loudness
    return float(np.ptp(np.percentile(spoken, [5, 95]))) if len(spoken) > 1 else None


SHELF.add("energy_range", DB, "95th - 5th percentile of energy in the words", _range)
SHELF.add(
    "energy_slope",
    "dB/s",
    "least-squares slope of the phones' mean energy over time",
    lambda e: slope(e.times.mean(axis=1), e.levels),
    words=("rising more", "falling more"),
    advice="Keep the voice up: do not fade out before the end of the sentence.",
)
SHELF.add(
    "final_energy",
    DB,
    "mean energy of the last word's phones - that of all phones",
    lambda e: None if len(e.first) < 2 else e.levels[e.first[-1] :].mean() - e.levels.mean(),
    words=HIGHER,
    advice="Keep the voice up: do not fade out before the end of the sentence.",
)
SHELF.add(
    "vowel_consonant_energy",
    DB,
    "mean energy of the vowels - that of the consonants",
    lambda e: difference(e.levels, e.vowel, ~e.vowel),
    words=HIGHER,
    advice="Open the mouth for the vowels: they carry the voice.",
)
SHELF.add(
    "vowel_energy_sd",
    DB,
    "standard deviation of the vowels' mean energy",
    lambda e: spread(e.levels[e.vowel]),
)
SHELF.add(
    "vowel_energy_rpvi",
    DB,
    "mean absolute difference of mean energy between successive vowels",
    lambda e: rpvi(e.levels[e.vowel]),
    source="PVI (Low et al. 2000) of energy",
)
SHELF.add(
    "word_energy_sd",
    DB,
    "standard deviation over the words of the mean of their phones' energy",
    lambda e: spread(e.word_means(e.levels)),
)


def _change(e: Evidence) -> float | None:
    steps = np.abs(np.diff(e.loudness))
    inside = e.spoken[1:] & e.spoken[:-1]
    return mean(steps[inside]) if len(steps) else None


SHELF.add(
    "energy_change",
    "dB/s",
    "mean absolute change of energy between frames of the words / 0.01 s",
    lambda e: None if (found := _change(e)) is None else found / FRAME_SHIFT,
    words=("livelier", "flatter"),
)
