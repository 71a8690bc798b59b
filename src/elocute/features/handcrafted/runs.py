"""Runs: stretches of speech without a pause, and speech that is not in the text."""

from __future__ import annotations

import numpy as np

from elocute.acoustics.alignment import InsertedSegment, InsertionKind
from elocute.features.handcrafted.evidence import Evidence, Floats, once
from elocute.features.handcrafted.registry import LONGER, MORE, Shelf
from elocute.features.handcrafted.statistics import mean, ratio, spread

SHELF = Shelf(
    "runs",
    "Kormos & Dénes 2004",
    "Join words into phrases: take a breath, then say the whole phrase without stopping.",
    LONGER,
)


@once
def _words(e: Evidence) -> Floats:
    return np.array([b - a for a, b in e.runs], np.float64)


@once
def _syllables(e: Evidence) -> Floats:
    return np.array([e.vowels_of_word[a:b].sum() for a, b in e.runs], np.float64)


@once
def _seconds(e: Evidence) -> Floats:
    return np.array([e.word_times[b - 1, 1] - e.word_times[a, 0] for a, b in e.runs], np.float64)


SHELF.add(
    "mean_length_run",
    "words",
    "words / (pauses + 1)",
    lambda e: len(e.first) / (len(e.pauses) + 1),
    source="Speechace's name; Kormos & Dénes 2004",
)
SHELF.add(
    "max_length_run",
    "words",
    "most words without a pause between them",
    lambda e: _words(e).max(),
    source="Speechace's name; Kormos & Dénes 2004",
)
SHELF.add(
    "run_length_sd",
    "words",
    "standard deviation of the words between pauses",
    lambda e: spread(_words(e)),
    words=("more varied", "more even"),
)
SHELF.add("mean_run_syllables", "syllables", "mean vowels between pauses", lambda e: mean(_syllables(e)))
SHELF.add(
    "max_run_syllables",
    "syllables",
    "most vowels without a pause between them",
    lambda e: _syllables(e).max(),
)
SHELF.add("mean_run_duration", "s", "mean seconds between pauses", lambda e: mean(_seconds(e)))
SHELF.add("max_run_duration", "s", "most seconds without a pause", lambda e: _seconds(e).max())
SHELF.add(
    "longest_run_share",
    "ratio",
    "most words without a pause between them / words",
    lambda e: _words(e).max() / len(e.first),
)
SHELF.add(
    "one_word_runs",
    "ratio",
    "runs of a single word / words",
    lambda e: None if len(e.first) < 2 else (_words(e) == 1).sum() / len(e.first),
    words=MORE,
)

REPETITION = Shelf(
    "repetition",
    "repairs (Kormos & Dénes 2004); speech outside the text as the alignment finds it",
    "Do not go back: if you misread a word, read on.",
    MORE,
)
FILLER = Shelf(
    "filler",
    "filled pauses (Clark & Fox Tree 2002) as the alignment finds them",
    "Be silent while you think: a short pause sounds better than er or um.",
    MORE,
)


def _inserted(e: Evidence, *kinds: InsertionKind) -> list[InsertedSegment]:
    return [segment for segment in e.alignment.inserted if segment.kind in kinds]


def _length(found: list[InsertedSegment]) -> float:
    return float(sum(segment.end - segment.start for segment in found))


REPETITION.add(
    "repetition_count", "count", "words or phrases said again", lambda e: len(_inserted(e, "repetition"))
)
REPETITION.add(
    "repetition_duration",
    "s",
    "seconds of words said again",
    lambda e: _length(_inserted(e, "repetition")),
    words=LONGER,
)
REPETITION.add("fragment_count", "count", "words broken off", lambda e: len(_inserted(e, "fragment")))
REPETITION.add(
    "insertion_count",
    "count",
    "stretches of speech outside the text, filled pauses left out",
    lambda e: len(_inserted(e, "repetition", "fragment", "speech")),
)
REPETITION.add(
    "insertion_duration",
    "s",
    "seconds of speech outside the text, filled pauses left out",
    lambda e: _length(_inserted(e, "repetition", "fragment", "speech")),
    words=LONGER,
)
REPETITION.add(
    "insertion_rate",
    "1/word",
    "stretches of speech outside the text, filled pauses left out / words",
    lambda e: len(_inserted(e, "repetition", "fragment", "speech")) / len(e.first),
)
REPETITION.add(
    "outside_share",
    "ratio",
    "seconds of speech outside the text / (those + seconds of words)",
    lambda e: ratio(
        _length(list(e.alignment.inserted)), _length(list(e.alignment.inserted)) + e.durations.sum()
    ),
)
FILLER.add("filled_pause_count", "count", "filled pauses (er, um)", lambda e: len(_inserted(e, "filler")))
FILLER.add(
    "filled_pause_duration",
    "s",
    "seconds of filled pauses",
    lambda e: _length(_inserted(e, "filler")),
    words=LONGER,
)
FILLER.add(
    "filled_pause_rate",
    "1/word",
    "filled pauses / words",
    lambda e: len(_inserted(e, "filler")) / len(e.first),
)
FILLER.add(
    "disfluency_rate",
    "1/word",
    "(filled pauses + words said again, broken off or outside the text) / words",
    lambda e: len(e.alignment.inserted) / len(e.first),
)
