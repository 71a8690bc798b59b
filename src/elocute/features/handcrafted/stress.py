"""Stress: how strong the accents are, and how stressed and unstressed syllables differ.

Lexical stress is that of the lexicon, in words of several syllables. Among words, function words (articles,
prepositions, pronouns, auxiliaries, conjunctions) are those a native reader leaves unstressed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from elocute.features.handcrafted.evidence import Evidence, Flags, Floats, once
from elocute.features.handcrafted.rate import stretched
from elocute.features.handcrafted.registry import HIGHER, LONGER, STRONGER, Shelf
from elocute.features.handcrafted.statistics import difference, mean, ratio, spread

ACCENT = Shelf(
    "accent",
    "pitch accent strength (Rosenberg 2010); arXiv 2509.16876",
    "Choose one word in every phrase that matters most, and lift the voice on it.",
    STRONGER,
)
CONTRAST = Shelf(
    "contrast",
    "acoustic correlates of stress (Fry 1958; Tepperman & Narayanan 2005)",
    "Make the stressed syllable longer, louder and higher; say the others quickly and softly.",
    STRONGER,
)


@once
def _excursion(e: Evidence) -> Floats:
    """(words,) highest minus lowest tone of each word."""
    return np.asarray(e.word_tones[:, 1] - e.word_tones[:, 0])


@once
def _peak(e: Evidence) -> Floats:
    """(words,) highest tone of each word above the utterance's median tone."""
    return np.asarray(e.word_tones[:, 1] - (np.median(e.melody) if len(e.melody) else np.nan))


@once
def strength(e: Evidence) -> Floats:
    """(words,) z-score of the highest tone plus that of the loudest vowel plus that of the longest vowel,
    each over the words with a vowel, divided by 3; NaN for the others."""
    found = np.full(len(e.first), np.nan)
    if not e.vowels:
        return found
    parts = [_loudest(e, e.phone_tones), _loudest(e, e.levels), _loudest(e, stretched(e))]
    scores = [_z(part) for part in parts]
    known = ~np.isnan(np.stack(scores)).any(axis=0)
    found[known] = np.stack(scores)[:, known].mean(axis=0)
    return found


def _loudest(e: Evidence, values: Floats) -> Floats:
    """(words,) greatest value of the vowels of each word, NaN if none has one."""
    own = np.where(e.vowel & ~np.isnan(values), values, -np.inf)
    found = np.maximum.reduceat(own, e.first)
    return np.where(np.isfinite(found), found, np.nan)


def _z(values: Floats) -> Floats:
    known = values[~np.isnan(values)]
    deviation = known.std() if len(known) > 1 else 0.0
    return (values - known.mean()) / deviation if deviation > 1e-9 else np.full(len(values), np.nan)


ACCENT.distribution(
    "accent_excursion",
    "semitones",
    "highest - lowest F0 of each word",
    _excursion,
    leave_out=("sum", "mad", "min"),
)
ACCENT.distribution(
    "accent_peak",
    "semitones",
    "highest F0 of each word - median F0 of all words",
    _peak,
    leave_out=("sum", "mad"),
)
ACCENT.add(
    "strongest_accent",
    "z-score",
    "greatest mean of a word's z-scores of highest vowel F0, energy and relative duration",
    lambda e: np.nanmax(strength(e)) if not np.isnan(strength(e)).all() else None,
)
ACCENT.add(
    "accent_strength_sd",
    "z-score",
    "standard deviation of the words' mean z-scores of vowel F0, energy and relative duration",
    lambda e: spread(strength(e)),
    words=("more varied", "more even"),
)
ACCENT.add(
    "accented_words",
    "ratio",
    "words with F0 more than 2 semitones above the median / words with F0",
    lambda e: ratio(int((_peak(e) > 2.0).sum()), int((~np.isnan(_peak(e))).sum())),
    words=("more", "fewer"),
)
ACCENT.add(
    "accent_correlation",
    "correlation",
    "correlation over the words of highest vowel F0 and vowel energy",
    lambda e: _correlation(_loudest(e, e.phone_tones), _loudest(e, e.levels)),
    words=HIGHER,
)


def _correlation(x: Floats, y: Floats) -> float | None:
    known = ~np.isnan(x) & ~np.isnan(y)
    if known.sum() < 3 or x[known].std() < 1e-9 or y[known].std() < 1e-9:
        return None
    return float(np.corrcoef(x[known], y[known])[0, 1])


@once
def _stressed(e: Evidence) -> Flags:
    return np.asarray(e.stress == 1)


@once
def _unstressed(e: Evidence) -> Flags:
    return np.asarray(e.stress == 0)


def _quotient(values: Floats, one: Flags, other: Flags) -> float | None:
    a, b = mean(values[one]), mean(values[other])
    return None if a is None or b is None else ratio(a, b)


SYLLABLES = "in words of several syllables"


def _contrasts(
    name: str, one: Callable[[Evidence], Flags], other: Callable[[Evidence], Flags], vowels: str,
    advice: str | None = None,
) -> None:  # fmt: skip
    """Register how vowels of two kinds differ: ``vowels`` says which, with a gap for what stands between."""
    CONTRAST.add(
        f"{name}_duration_ratio",
        "ratio",
        f"mean duration of {vowels.format('/')}",
        lambda e: _quotient(e.durations, one(e), other(e)),
        advice=advice,
    )
    rows: tuple[tuple[str, str, str, Callable[[Evidence], Floats]], ...] = (
        ("relative_duration", "log ratio", "log relative duration", stretched),
        ("energy_difference", "dB", "energy", lambda e: e.levels),
        ("f0_difference", "semitones", "F0", lambda e: e.phone_tones),
    )
    for what, unit, title, values in rows:
        CONTRAST.add(
            f"{name}_{what}",
            unit,
            f"mean {title} of {vowels.format('-')}",
            partial(_difference, values, one, other),
            advice=advice,
        )


def _difference(
    values: Callable[[Evidence], Floats], one: Callable[[Evidence], Flags],
    other: Callable[[Evidence], Flags], e: Evidence,
) -> float | None:  # fmt: skip
    return difference(values(e), one(e), other(e))


_contrasts("stress", _stressed, _unstressed, f"stressed vowels {{}} that of unstressed ones, {SYLLABLES}")
CONTRAST.add(
    "stressed_vowel_duration",
    "s",
    f"mean duration of stressed vowels {SYLLABLES}",
    lambda e: mean(e.durations[_stressed(e)]),
    words=LONGER,
)
CONTRAST.add(
    "unstressed_vowel_duration",
    "s",
    f"mean duration of unstressed vowels {SYLLABLES}",
    lambda e: mean(e.durations[_unstressed(e)]),
    words=LONGER,
    advice="Say unstressed vowels quickly: the a of about is hardly there.",
)
CONTRAST.add(
    "stressed_acceptance",
    "probability",
    f"mean acceptance of stressed vowels {SYLLABLES}",
    lambda e: mean(e.acceptance[_stressed(e)]),
    words=HIGHER,
)
CONTRAST.add(
    "unstressed_acceptance",
    "probability",
    f"mean acceptance of unstressed vowels {SYLLABLES}",
    lambda e: mean(e.acceptance[_unstressed(e)]),
    words=HIGHER,
    advice="Reduce unstressed vowels to the neutral sound of the a in about.",
)


def _placed(e: Evidence, values: Floats) -> Floats:
    """For each word with vowels of both kinds: 1 if its stressed vowel's value is greater than that of any
    unstressed one, by more than rounding, else 0."""
    found = []
    for first, length in zip(e.first, e.word_lengths, strict=True):
        own = slice(first, first + length)
        marks, part = e.stress[own], values[own]
        strong, weak = part[marks == 1], part[marks == 0]
        strong, weak = strong[~np.isnan(strong)], weak[~np.isnan(weak)]
        if len(strong) and len(weak):
            found.append(float(strong.max() > weak.max() + 1e-6))
    return np.array(found, np.float64)


@once
def _prominence(e: Evidence) -> Floats:
    """(phones,) 0.5 * dB + semitones + 5 * log relative duration: about equal spreads of the three."""
    tones = np.where(
        np.isnan(e.phone_tones), np.nanmean(e.phone_tones) if len(e.melody) else 0.0, e.phone_tones
    )
    return np.asarray(0.5 * e.levels + tones + 5.0 * stretched(e))


def _placement(name: str, title: str, values: Callable[[Evidence], Floats]) -> None:
    CONTRAST.add(
        f"stress_placed_by_{name}",
        "ratio",
        f"words whose stressed vowel is {title} than the unstressed ones / words with vowels of both kinds",
        lambda e: mean(_placed(e, values(e))),
        words=HIGHER,
        advice="Look up which syllable of a long word is stressed.",
    )


_placement("duration", "longer", lambda e: e.durations)
_placement("energy", "louder", lambda e: e.levels)
_placement("f0", "higher", lambda e: e.phone_tones)
_placement("prominence", "more prominent (0.5 dB + semitones + 5 log relative duration)", _prominence)


@once
def _content(e: Evidence) -> Flags:
    """(phones,) vowels that carry the stress of content words."""
    bearing = (e.stress == 1) | (e.vowels_of_word[e.word] == 1)
    return np.asarray(e.vowel & ~e.function_word[e.word] & bearing)


@once
def _function(e: Evidence) -> Flags:
    return np.asarray(e.vowel & e.function_word[e.word])


WEAK = "Weaken small words like the, of, to and and: they should be short and soft."
_contrasts(
    "content", _content, _function, "stressed vowels of content words {} vowels of function words", WEAK
)
CONTRAST.add(
    "function_relative_duration",
    "log ratio",
    "mean log relative duration of the vowels of function words",
    lambda e: mean(stretched(e)[_function(e)]),
    words=LONGER,
    advice=WEAK,
)
