"""Rate and durations: how fast, how evenly, and how long phones, syllables and words last."""

from __future__ import annotations

import numpy as np

from elocute.features.handcrafted.english import NATIVE_SECONDS
from elocute.features.handcrafted.evidence import PAUSE, Evidence, Floats, once
from elocute.features.handcrafted.registry import FASTER, LONGER, MORE, Shelf
from elocute.features.handcrafted.statistics import mean, ratio, slope, spread

SHELF = Shelf(
    "rate",
    "Cucchiarini et al. 2000",
    "Read the sentence several times until it flows; fluent readers say four to five syllables a second.",
    FASTER,
)
STATISTIC = "durations as in arXiv 2509.16876"
EVEN = "Keep one pace: do not stretch single words while you think of the next."

SHELF.add(
    "speech_rate",
    "syllables/s",
    "vowels / time from first to last word",
    lambda e: e.vowels / e.span,
    source="Speechace's name; Cucchiarini et al. 2000",
)
SHELF.add(
    "articulation_rate",
    "syllables/s",
    "vowels / (time from first to last word - pauses)",
    lambda e: e.vowels / e.articulated,
    source="Speechace's name; Cucchiarini et al. 2000",
)
SHELF.add(
    "phonation_ratio",
    "ratio",
    "1 - pauses / time from first to last word",
    lambda e: 1.0 - e.paused / e.span,
    words=("higher", "lower"),
)
SHELF.add("phone_rate", "phones/s", "phones / time from first to last word", lambda e: len(e.ids) / e.span)
SHELF.add(
    "phone_articulation_rate",
    "phones/s",
    "phones / (time from first to last word - pauses)",
    lambda e: len(e.ids) / e.articulated,
)
SHELF.add("word_rate", "words/s", "words / time from first to last word", lambda e: len(e.first) / e.span)
SHELF.add(
    "vowel_rate",
    "vowels/s",
    "vowels / seconds of vowels",
    lambda e: ratio(e.vowels, e.durations[e.vowel].sum()),
)
SHELF.add(
    "total_duration",
    "s",
    "length of the recording",
    lambda e: e.alignment.duration,
    words=LONGER,
    source=STATISTIC,
)
SHELF.add(
    "response_duration", "s", "time from first to last word", lambda e: e.span, words=LONGER, source=STATISTIC
)
SHELF.add(
    "speaking_duration",
    "s",
    f"time from first to last word without gaps longer than {PAUSE} s",
    lambda e: e.articulated,
    words=LONGER,
    source=STATISTIC,
)
SHELF.add(
    "phone_count", "count", "phones of the script as read", lambda e: len(e.ids), words=MORE, source=STATISTIC
)
SHELF.add(
    "syllable_count",
    "count",
    "vowels of the script as read",
    lambda e: e.vowels,
    words=MORE,
    source="Speechace's name",
)
SHELF.add(
    "word_count",
    "count",
    "words of the script",
    lambda e: len(e.first),
    words=MORE,
    source="Speechace's name",
)
SHELF.distribution(
    "phone_duration",
    "s",
    "the durations of the phones",
    lambda e: e.durations,
    words=LONGER,
    source=STATISTIC,
)
SHELF.distribution(
    "word_duration",
    "s",
    "the durations of the words",
    lambda e: e.word_durations,
    leave_out=("sum", "mad"),
    words=LONGER,
    source=STATISTIC,
)
SHELF.distribution(
    "syllable_duration",
    "s",
    "the durations of the syllables",
    lambda e: e.syllable_durations,
    leave_out=("sum", "mad"),
    words=LONGER,
    source="syllables by maximal onset",
)
SHELF.add(
    "vowel_duration_mean",
    "s",
    "mean duration of the vowels",
    lambda e: mean(e.durations[e.vowel]),
    words=LONGER,
)
SHELF.add(
    "consonant_duration_mean",
    "s",
    "mean duration of the consonants",
    lambda e: mean(e.durations[~e.vowel]),
    words=LONGER,
)


@once
def stretched(e: Evidence) -> Floats:
    """(phones,) log of each duration over the phone's mean in native speech."""
    return np.asarray(np.log(e.durations / NATIVE_SECONDS[e.ids]))


SHELF.distribution(
    "relative_duration",
    "log ratio",
    "log of each phone's duration / that phone's mean in native speech",
    stretched,
    leave_out=("sum",),
    words=LONGER,
    source="normalised durations (Zechner et al. 2009)",
)
SHELF.add(
    "stretched_share",
    "ratio",
    "phones of more than twice their mean duration in native speech / phones",
    lambda e: (stretched(e) > np.log(2.0) + 1e-6).mean(),
    words=MORE,
    source="hesitation by lengthening (Betz et al. 2023)",
    advice=EVEN,
)


def _word_pace(e: Evidence) -> Floats:
    """(words,) mean log relative duration of the phones of each word."""
    return e.word_means(stretched(e))


SHELF.add(
    "word_pace_sd",
    "log ratio",
    "standard deviation over the words of their phones' mean log relative duration",
    lambda e: spread(_word_pace(e)),
    words=("more varied", "more even"),
    source="local rate (Pfitzinger 1998)",
    advice=EVEN,
)
SHELF.add(
    "pace_slope",
    "log ratio/s",
    "least-squares slope over time of the phones' log relative duration",
    lambda e: slope(e.times.mean(axis=1), stretched(e)),
    words=("slowing more", "speeding up more"),
    source="local rate (Pfitzinger 1998)",
    advice=EVEN,
)
SHELF.add(
    "final_lengthening",
    "log ratio",
    "mean log relative duration of the last syllable's phones - that of all others",
    lambda e: _final_lengthening(e),
    words=LONGER,
    source="Wightman et al. 1992",
    advice="Let the last syllable of a sentence last a little longer than the others.",
)


def _final_lengthening(e: Evidence) -> float | None:
    values = stretched(e)
    last = e.times[:, 0] >= e.syllables.start[-1] - 1e-9
    return None if last.all() else float(values[last].mean() - values[~last].mean())


@once
def _letters(e: Evidence) -> Floats:
    return np.array([sum(c.isalnum() for c in word.text) for word in e.alignment.words], np.float64)


TEXT = "It describes the text: choose one of your level."
SHELF.distribution(
    "word_length",
    "letters",
    "the letters of each word",
    _letters,
    leave_out=("mad", "sum", "min", "median"),
    words=LONGER,
    source="arXiv 2509.16876",
    advice=TEXT,
)
SHELF.add(
    "letter_rate",
    "letters/s",
    "letters / time from first to last word",
    lambda e: _letters(e).sum() / e.span,
    source="reading rate (Carver 1990)",
)


def _distinct(e: Evidence) -> int:
    return len({word.text.lower() for word in e.alignment.words})


SHELF.add(
    "word_distinct",
    "count",
    "different words of the script",
    _distinct,
    words=MORE,
    source="arXiv 2509.16876",
    advice=TEXT,
)
SHELF.add(
    "word_repeats",
    "count",
    "words of the script - different ones",
    lambda e: len(e.first) - _distinct(e),
    words=MORE,
    source="arXiv 2509.16876",
    advice=TEXT,
)
