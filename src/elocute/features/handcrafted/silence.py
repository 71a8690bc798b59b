"""Silences: the pauses between words, how many, how long and where."""

from __future__ import annotations

import numpy as np

from elocute.features.handcrafted.evidence import LONG_PAUSE, PAUSE, Evidence
from elocute.features.handcrafted.registry import LONGER, MORE, Shelf
from elocute.features.handcrafted.statistics import ratio

SHELF = Shelf(
    "silence",
    "thresholds of arXiv 2509.16876; de Jong & Bosker 2013",
    "Read in phrases: look ahead while you speak and pause only where a comma could stand.",
    MORE,
)
NAME = "Speechace's name; " + SHELF.source
STEADY = "Keep the silence before and after the reading short: begin as soon as the recording runs."

SHELF.add(
    "all_pause_count",
    "count",
    f"gaps between words longer than {PAUSE} s",
    lambda e: len(e.pauses),
    source=NAME,
)
SHELF.add(
    "all_pause_duration",
    "s",
    f"sum of gaps between words longer than {PAUSE} s",
    lambda e: e.paused,
    source=NAME,
    words=LONGER,
)
SHELF.add(
    "long_pause_count",
    "count",
    f"gaps between words longer than {LONG_PAUSE} s",
    lambda e: len(e.long_pauses),
)
SHELF.add(
    "longest_pause",
    "s",
    "longest gap between words, 0 if there is none",
    lambda e: e.gaps.max(initial=0.0),
    words=LONGER,
)
SHELF.add(
    "long_pause_duration",
    "s",
    f"sum of gaps between words longer than {LONG_PAUSE} s",
    lambda e: e.long_pauses.sum(),
    words=LONGER,
)
SHELF.add("gap_count", "count", "silences between words, however short", lambda e: len(e.gaps))
SHELF.add("gap_duration", "s", "sum of all silences between words", lambda e: e.gaps.sum(), words=LONGER)
SHELF.distribution(
    "pause_duration",
    "s",
    f"the gaps between words longer than {PAUSE} s",
    lambda e: e.pauses,
    leave_out=("sum", "mad", "max"),
    words=LONGER,
)


def _places(e: Evidence) -> int:
    return len(e.first) - 1


SHELF.add(
    "pause_rate",
    "1/s",
    f"gaps longer than {PAUSE} s / time from first to last word",
    lambda e: ratio(len(e.pauses), e.span),
)
SHELF.add(
    "long_pause_rate",
    "1/s",
    f"gaps longer than {LONG_PAUSE} s / time from first to last word",
    lambda e: ratio(len(e.long_pauses), e.span),
)
SHELF.add(
    "pause_share_of_places",
    "ratio",
    f"gaps longer than {PAUSE} s / places between words",
    lambda e: ratio(len(e.pauses), _places(e)),
)
SHELF.add(
    "gap_share_of_places",
    "ratio",
    "silences between words / places between words",
    lambda e: ratio(len(e.gaps), _places(e)),
)
SHELF.add(
    "silence_share",
    "ratio",
    "all silences between words / time from first to last word",
    lambda e: ratio(e.gaps.sum(), e.span),
)
SHELF.add(
    "long_silence_share",
    "ratio",
    f"gaps longer than {LONG_PAUSE} s / time from first to last word",
    lambda e: ratio(e.long_pauses.sum(), e.span),
)
SHELF.add(
    "mean_gap",
    "s",
    "all silences between words / places between words",
    lambda e: ratio(e.gaps.sum(), _places(e)),
    words=LONGER,
)
SHELF.add(
    "pause_per_syllable",
    "s",
    f"gaps longer than {PAUSE} s / vowels",
    lambda e: ratio(e.paused, e.vowels),
    words=LONGER,
)


def _after_function_words(e: Evidence) -> float | None:
    """Pauses after the small words that belong to what follows."""
    if not len(e.first) > 1:
        return None
    places = e.function_word[:-1]
    paused = np.zeros(len(places), bool)
    for _, cut in e.runs[:-1]:
        paused[cut - 1] = True
    return ratio((paused & places).sum(), places.sum())


SHELF.add(
    "pause_after_function_word",
    "ratio",
    "function words with a pause after them / function words before a word",
    _after_function_words,
    source="juncture inside phrases (Goldman-Eisler 1968)",
    advice="Join words like the, of and to with the word that follows.",
)


def _margins(e: Evidence) -> tuple[float, float]:
    words = e.alignment.words
    return max(words[0].start, 0.0), max(e.alignment.duration - words[-1].end, 0.0)


SHELF.add(
    "initial_silence",
    "s",
    "time before the first word",
    lambda e: _margins(e)[0],
    words=LONGER,
    source="response latency",
    advice=STEADY,
)
SHELF.add(
    "final_silence",
    "s",
    "time after the last word",
    lambda e: _margins(e)[1],
    words=LONGER,
    source="recording margin",
    advice=STEADY,
)
