"""Rhythm: how evenly vowels and consonants follow each other.

Neighbouring vowels form one interval, and so do neighbouring consonants, across words, too, unless a silence
lies between them. Successive intervals are compared also over a silence.
"""

from __future__ import annotations

import numpy as np

from elocute.features.handcrafted.evidence import Evidence, Floats, Ints
from elocute.features.handcrafted.registry import LONGER, MORE, Shelf
from elocute.features.handcrafted.statistics import cci, mean, npvi, ratio, rpvi, spread, varco

SHELF = Shelf(
    "rhythm",
    "Grabe & Low 2002",
    "English alternates long and short syllables: stretch the stressed ones, hurry over the others.",
    ("more varied", "more even"),
)
RAMUS = "Ramus et al. 1999"
WHITE = "Dellwo 2006; White & Mattys 2007"


SHELF.add(
    "vowel_npvi",
    "index",
    "100/(m-1) sum |d_k - d_k+1| / ((d_k + d_k+1)/2) over successive vowels",
    lambda e: npvi(e.durations[e.vowel]),
)
SHELF.add(
    "vowel_share",
    "ratio",
    "%V / 100: vowel duration / phone duration",
    lambda e: ratio(e.durations[e.vowel].sum(), e.durations.sum()),
    source=RAMUS,
    words=("higher", "lower"),
)
SHELF.add(
    "vowel_rpvi",
    "s",
    "sum |d_k - d_k+1| / (m-1) over successive vowels",
    lambda e: rpvi(e.durations[e.vowel]),
)


def _intervals(name: str, vocalic: bool) -> None:
    """Register the measures of vocalic or consonantal intervals."""

    def of(e: Evidence) -> Floats:
        return np.asarray(e.intervals.duration[e.intervals.vocalic == vocalic])

    def counts(e: Evidence) -> Ints:
        return np.asarray(e.intervals.count[e.intervals.vocalic == vocalic])

    over = f"over {name} intervals"
    SHELF.add(
        f"{name}_npvi",
        "index",
        f"100/(m-1) sum |d_k - d_k+1| / ((d_k + d_k+1)/2) {over}",
        lambda e: npvi(of(e)),
    )
    SHELF.add(f"{name}_rpvi", "s", f"sum |d_k - d_k+1| / (m-1) {over}", lambda e: rpvi(of(e)))
    SHELF.add(
        f"{name}_cci",
        "cs",
        f"100/(m-1) sum |d_k/n_k - d_k+1/n_k+1| {over} of n_k phones",
        lambda e: cci(of(e), counts(e)),
        source="Bertinetto & Bertini 2008",
    )
    SHELF.add(
        f"{name}_varco",
        "index",
        f"100 * standard deviation / mean of the durations of {name} intervals",
        lambda e: varco(of(e)),
        source=WHITE,
    )
    SHELF.add(
        f"{name}_delta",
        "s",
        f"standard deviation of the durations of {name} intervals",
        lambda e: spread(of(e)),
        source=RAMUS,
    )
    SHELF.add(
        f"{name}_interval_mean",
        "s",
        f"mean duration of {name} intervals",
        lambda e: mean(of(e)),
        words=LONGER,
    )


_intervals("vocalic", True)
_intervals("consonantal", False)
SHELF.add(
    "syllable_npvi",
    "index",
    "100/(m-1) sum |d_k - d_k+1| / ((d_k + d_k+1)/2) over successive syllables",
    lambda e: npvi(e.syllable_durations),
    source="Low et al. 2000; syllables by maximal onset",
)
SHELF.add(
    "syllable_rpvi",
    "s",
    "sum |d_k - d_k+1| / (m-1) over successive syllables",
    lambda e: rpvi(e.syllable_durations),
    source="Low et al. 2000; syllables by maximal onset",
)
SHELF.add(
    "syllable_varco",
    "index",
    "100 * standard deviation / mean of the durations of the syllables",
    lambda e: varco(e.syllable_durations),
    source=WHITE,
)
SHELF.add(
    "word_npvi",
    "index",
    "100/(m-1) sum |d_k - d_k+1| / ((d_k + d_k+1)/2) over successive words",
    lambda e: npvi(e.word_durations),
)
SHELF.add(
    "vowel_varco",
    "index",
    "100 * standard deviation / mean of the durations of the vowels",
    lambda e: varco(e.durations[e.vowel]),
    source=WHITE,
)
SHELF.add(
    "consonant_varco",
    "index",
    "100 * standard deviation / mean of the durations of the consonants",
    lambda e: varco(e.durations[~e.vowel]),
    source=WHITE,
)
SHELF.add("vowel_count", "count", "vowels", lambda e: e.vowels, words=MORE, source="arXiv 2509.16876")
SHELF.add(
    "consonant_count",
    "count",
    "consonants",
    lambda e: (~e.vowel).sum(),
    words=MORE,
    source="arXiv 2509.16876",
)
SHELF.add(
    "consonant_vowel_ratio",
    "ratio",
    "consonants / vowels",
    lambda e: ratio((~e.vowel).sum(), e.vowels),
    words=("higher", "lower"),
    source="arXiv 2509.16876",
)


def _onsets(e: Evidence) -> Floats:
    """Seconds between the beginnings of successive vowels."""
    return np.diff(e.times[e.vowel, 0])


SHELF.add(
    "vowel_onset_npvi",
    "index",
    "100/(m-1) sum |d_k - d_k+1| / ((d_k + d_k+1)/2) over the times between vowel onsets",
    lambda e: npvi(_onsets(e)),
    source="PVI over intervals of P-centres (Morton et al. 1976)",
)
SHELF.add(
    "vowel_onset_varco",
    "index",
    "100 * standard deviation / mean of the times between vowel onsets",
    lambda e: varco(_onsets(e)),
    source="P-centres (Morton et al. 1976)",
)
