"""F0: height, range, movement and slope of the voice, in semitones so that all voices compare."""

from __future__ import annotations

import numpy as np

from elocute.acoustics.prosody import FRAME_SHIFT
from elocute.features.handcrafted.evidence import Evidence, Floats, once
from elocute.features.handcrafted.registry import HIGHER, STRONGER, Shelf
from elocute.features.handcrafted.statistics import mean, ratio, rpvi, slope, spread

SHELF = Shelf(
    "f0",
    "F0 by SwiftF0 (Nieradzik 2025); statistics as in arXiv 2509.16876",
    "Let the voice rise on the important word of a phrase and fall at its end: do not read on one note.",
    ("wider", "flatter"),
)
SEMITONES = "semitones"


def _percentiles(e: Evidence) -> Floats:
    return np.percentile(e.melody, [5, 95]) if len(e.melody) > 1 else np.full(2, np.nan)


HEIGHT = "The height of the voice is the speaker's own: there is nothing to change."

SHELF.distribution(
    "f0",
    SEMITONES,
    "voiced F0 above 100 Hz",
    lambda e: e.melody,
    leave_out=("sum",),
    words=HIGHER,
    advice=HEIGHT,
)
SHELF.add(
    "f0_range", SEMITONES, "95th - 5th percentile of voiced F0", lambda e: float(np.ptp(_percentiles(e)))
)
SHELF.add(
    "f0_skew",
    SEMITONES,
    "mean - median of voiced F0",
    lambda e: e.melody.mean() - np.median(e.melody) if len(e.melody) else None,
    words=HIGHER,
)
SHELF.add(
    "voiced_share",
    "ratio",
    "voiced frames / frames of the words",
    lambda e: ratio(len(e.melody), e.spoken.sum()),
    words=HIGHER,
    advice="Speak with a full voice: do not whisper or swallow the vowels.",
)
SHELF.add(
    "f0_slope",
    "semitones/s",
    "least-squares slope of voiced F0 over time",
    lambda e: _slope(e.tones),
    words=("rising more", "falling more"),
    source="declination (Cohen & 't Hart 1967)",
    advice="Let the voice sink slowly over a statement; a rise at its end sounds like a question.",
)


def _slope(tones: Floats) -> float | None:
    return slope(np.arange(len(tones), dtype=np.float64) * FRAME_SHIFT, tones)


def _last_fall(e: Evidence) -> float | None:
    begin, end = e.spans[e.first[-1], 0], e.spans[-1, 1]
    return _slope(e.tones[begin:end])


def _last_level(e: Evidence) -> float | None:
    begin, end = e.spans[e.first[-1], 0], e.spans[-1, 1]
    last = mean(e.tones[begin:end])
    return None if last is None or len(e.first) < 2 else last - float(np.median(e.melody))


SHELF.add(
    "final_f0_slope",
    "semitones/s",
    "least-squares slope of voiced F0 in the last word",
    _last_fall,
    words=("rising more", "falling more"),
    source="final fall (Pierrehumbert 1980)",
    advice="End a statement with a falling voice.",
)
SHELF.add(
    "final_f0_level",
    SEMITONES,
    "mean F0 of the last word - median F0 of all words",
    _last_level,
    words=HIGHER,
    source="final lowering (Pierrehumbert 1980)",
    advice="End a statement with a low voice.",
)


@once
def _steps(e: Evidence) -> Floats:
    """Absolute changes of F0 between neighbouring voiced frames."""
    steps = np.abs(np.diff(e.tones))
    return np.asarray(steps[~np.isnan(steps)])


def _turns(e: Evidence) -> float | None:
    """Changes of direction of F0 from phone to phone, per second."""
    tones = e.phone_tones[~np.isnan(e.phone_tones)]
    moves = np.sign(np.diff(tones))
    return ratio(int((moves[1:] != moves[:-1]).sum()), e.articulated) if len(moves) > 1 else None


SHELF.add(
    "f0_change",
    "semitones/s",
    "mean absolute change of F0 between voiced frames / 0.01 s",
    lambda e: None if not len(_steps(e)) else _steps(e).mean() / FRAME_SHIFT,
    words=("livelier", "flatter"),
    source="Hincks 2005",
)
SHELF.add(
    "f0_turns",
    "1/s",
    "changes of direction of mean F0 from phone to phone / speech without pauses",
    _turns,
    words=("more", "fewer"),
    source="'t Hart et al. 1990",
)
SHELF.add(
    "f0_variation",
    "ratio",
    "standard deviation of voiced F0 in Hz / mean",
    source="pitch variation quotient (Hincks 2005)",
    compute=lambda e: _quotient(e),
)


def _quotient(e: Evidence) -> float | None:
    hertz = 100.0 * 2.0 ** (e.melody / 12.0)
    return float(hertz.std() / hertz.mean()) if len(hertz) > 1 else None


@once
def _vowel_tones(e: Evidence) -> Floats:
    tones = e.phone_tones[e.vowel]
    return np.asarray(tones[~np.isnan(tones)])


SHELF.add(
    "vowel_f0_sd", SEMITONES, "standard deviation of the vowels' mean F0", lambda e: spread(_vowel_tones(e))
)
SHELF.add(
    "vowel_f0_rpvi",
    SEMITONES,
    "mean absolute difference of mean F0 between successive vowels",
    lambda e: rpvi(_vowel_tones(e)),
    source="PVI (Low et al. 2000) of pitch",
    words=("livelier", "flatter"),
)
SHELF.add(
    "word_f0_sd",
    SEMITONES,
    "standard deviation over the words of the mean of their phones' F0",
    lambda e: spread(e.word_means(e.phone_tones)),
)
SHELF.add(
    "word_f0_range_mean",
    SEMITONES,
    "mean over the words of highest - lowest F0",
    lambda e: mean(e.word_tones[:, 1] - e.word_tones[:, 0]),
    words=STRONGER,
)


def _resets(e: Evidence) -> float | None:
    """Mean rise of F0 over a pause: last voiced phone before it to first one after it."""
    found = []
    for (begin, cut), (_, end) in zip(e.runs, e.runs[1:], strict=False):
        before = e.phone_tones[e.first[begin] : e.first[cut - 1] + e.word_lengths[cut - 1]]
        after = e.phone_tones[e.first[cut] : e.first[end - 1] + e.word_lengths[end - 1]]
        before, after = before[~np.isnan(before)], after[~np.isnan(after)]
        if len(before) and len(after):
            found.append(after[0] - before[-1])
    return float(np.mean(found)) if found else None


SHELF.add(
    "f0_reset",
    SEMITONES,
    "mean rise of F0 over a pause, from the last voiced phone before it to the first after it",
    _resets,
    words=HIGHER,
    source="pitch reset ('t Hart et al. 1990)",
    advice="Begin a new phrase higher than the last one ended.",
)
