"""Error rates: phones that another phone fits better, or that are not there, counted in several ways.

A phone counts as substituted if another phone fits its stretch better, and as deleted if silence fits better
than it and than any other phone. A word is wrong if half of its phones or more are.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from elocute.acoustics.posteriors import SILENCE_ID
from elocute.features.handcrafted.evidence import Evidence, Flags, Floats, once
from elocute.features.handcrafted.registry import MORE, Shelf
from elocute.features.handcrafted.statistics import mean, ratio
from elocute.phones import MANNER_OF, PHONE_ID, PHONES

SHELF = Shelf(
    "errors",
    "Witt & Young 2000; error rate as in arXiv 2509.16876",
    "Look up the words marked as mispronounced and say them slowly, sound by sound.",
    MORE,
)
MANNER_ID = np.array([sorted(set(MANNER_OF.values())).index(MANNER_OF[phone]) for phone in PHONES])
VOICING = (
    ("B", "P"),
    ("D", "T"),
    ("G", "K"),
    ("V", "F"),
    ("DH", "TH"),
    ("Z", "S"),
    ("ZH", "SH"),
    ("JH", "CH"),
)
_TWIN = np.full(len(PHONES), -1)
for _one, _other in VOICING:
    _TWIN[PHONE_ID[_one]], _TWIN[PHONE_ID[_other]] = PHONE_ID[_other], PHONE_ID[_one]


@once
def best(e: Evidence) -> np.ndarray:
    """(phones,) the phone that fits each stretch best, silence left out."""
    return np.asarray(e.goodness.lpp[:, :SILENCE_ID].argmax(axis=1))


@once
def deleted(e: Evidence) -> Flags:
    """(phones,) silence fits better than any phone."""
    return np.asarray(e.goodness.lpp[:, SILENCE_ID] > e.goodness.lpp[:, :SILENCE_ID].max(axis=1))


@once
def substituted(e: Evidence) -> Flags:
    return np.asarray(e.mismatched & ~deleted(e))


@once
def wrong(e: Evidence) -> Flags:
    return np.asarray(e.mismatched | deleted(e))


@once
def wrong_words(e: Evidence) -> Flags:
    return np.asarray(e.word_means(wrong(e).astype(np.float64)) >= 0.5)


def _share(chosen: Flags, among: Flags) -> float | None:
    return ratio((chosen & among).sum(), among.sum())


def _everywhere(e: Evidence) -> Flags:
    return np.ones(len(e.ids), bool)


SHELF.add(
    "phone_match_rate",
    "ratio",
    "phones whose stretch no other phone fits better / phones",
    lambda e: (~e.mismatched).mean(),
)
SHELF.add("phone_error_rate", "ratio", "(substituted + deleted phones) / phones", lambda e: wrong(e).mean())
SHELF.add("substitution_rate", "ratio", "substituted phones / phones", lambda e: substituted(e).mean())
SHELF.add(
    "deletion_rate",
    "ratio",
    "deleted phones / phones",
    lambda e: deleted(e).mean(),
    advice="Say every sound of the word, the ones at its end above all.",
)
SHELF.add(
    "rejection_rate",
    "ratio",
    "phones that raters accept with a probability below 0.5 / phones",
    lambda e: (e.acceptance < 0.5).mean(),
    source="acceptance learned from raters",
)
SHELF.add(
    "expected_error_rate",
    "ratio",
    "1 - mean probability that raters accept each phone",
    lambda e: 1.0 - e.acceptance.mean(),
    source="acceptance learned from raters",
)
SHELF.add("word_error_rate", "ratio", "wrong words / words", lambda e: wrong_words(e).mean())
SHELF.add(
    "faulty_word_rate",
    "ratio",
    "words with a substituted or deleted phone / words",
    lambda e: np.logical_or.reduceat(wrong(e), e.first).mean(),
)


def _match_error_rate(e: Evidence) -> float:
    added = len(e.alignment.inserted)
    return float(wrong_words(e).sum() + added) / (len(e.word_lengths) + added)


def _inclusive_error_rate(e: Evidence) -> float:
    return float(wrong_words(e).sum() + len(e.alignment.inserted)) / len(e.word_lengths)


SHELF.add(
    "match_error_rate",
    "ratio",
    "(wrong words + insertions) / (words + insertions)",
    _match_error_rate,
    source="Morris et al. 2004",
)
SHELF.add(
    "inclusive_word_error_rate",
    "ratio",
    "(wrong words + insertions) / words",
    _inclusive_error_rate,
    source="Morris et al. 2004",
)
SHELF.add(
    "errors_per_second",
    "1/s",
    "substituted and deleted phones / time from first to last word",
    lambda e: ratio(wrong(e).sum(), e.span),
)
SHELF.add(
    "errors_per_word",
    "1/word",
    "substituted and deleted phones / words",
    lambda e: wrong(e).sum() / len(e.word_lengths),
)
SHELF.add(
    "vowel_error_rate",
    "ratio",
    "substituted and deleted vowels / vowels",
    lambda e: _share(wrong(e), e.vowel),
    advice="Practise pairs of words that differ in one vowel, such as ship and sheep.",
)
SHELF.add(
    "consonant_error_rate",
    "ratio",
    "substituted and deleted consonants / consonants",
    lambda e: _share(wrong(e), ~e.vowel),
    advice="Practise pairs of words that differ in one consonant, such as thin and sin.",
)
SHELF.add(
    "vowel_as_vowel",
    "ratio",
    "vowels replaced by another vowel / vowels",
    lambda e: _share(substituted(e) & (MANNER_ID[best(e)] == MANNER_ID[PHONE_ID["AA"]]), e.vowel),
    source="confusions of vowel quality",
    advice="Listen for the length and the place of the tongue in vowels that sound alike to you.",
)
SHELF.add(
    "manner_error_rate",
    "ratio",
    "phones replaced by one of another manner of articulation / phones",
    lambda e: (substituted(e) & (MANNER_ID[best(e)] != MANNER_ID[e.ids])).mean(),
    source="manner classes of CMUdict",
    advice="Mind whether the air is stopped, hisses or flows freely.",
)
SHELF.add(
    "voicing_error_rate",
    "ratio",
    "consonants replaced by their voiced or voiceless twin / those with a twin",
    lambda e: _share(substituted(e) & (best(e) == _TWIN[e.ids]), _TWIN[e.ids] >= 0),
    source="voicing pairs b-p, d-t, g-k, v-f, z-s and so on",
    advice="Let the throat buzz for b, d, g, v, z and make the vowel before them longer.",
)


def _among(phones: tuple[str, ...], e: Evidence) -> float | None:
    return _share(wrong(e), np.isin(e.ids, [PHONE_ID[phone] for phone in phones]))


for _name, _phones, _advice in (
    ("dental_error_rate", ("TH", "DH"), "Put the tip of the tongue between the teeth for th."),
    ("liquid_error_rate", ("L", "R"), "Touch the ridge behind the teeth for l, touch nothing for r."),
    ("labiodental_error_rate", ("V", "W"), "Lower lip against the teeth for v, both lips round for w."),
    ("sibilant_error_rate", ("S", "Z", "SH", "ZH", "CH", "JH"), "Tell s from sh by the place of the hiss."),
    ("nasal_error_rate", ("M", "N", "NG"), "Tell n from ng at the end of words, as in thin and thing."),
    (
        "lax_vowel_error_rate",
        ("IH", "UH", "EH", "AH", "AE"),
        "Keep the vowels of ship, book and cut short and loose.",
    ),
):
    SHELF.add(
        _name,
        "ratio",
        f"substituted and deleted among {', '.join(_phones).lower()} / their number",
        partial(_among, _phones),
        source="common difficulties of Mandarin speakers (Zhang et al. 2021)",
        advice=_advice,
    )


def _final(e: Evidence) -> float | None:
    last = np.zeros(len(e.ids), bool)
    last[e.first + e.word_lengths - 1] = True
    return _share(wrong(e), last & ~e.vowel)


def _clusters(e: Evidence) -> float | None:
    inside = ~e.vowel[1:] & ~e.vowel[:-1] & (e.word[1:] == e.word[:-1])
    member = np.zeros(len(e.ids), bool)
    member[1:] |= inside
    member[:-1] |= inside
    return _share(wrong(e), member)


SHELF.add(
    "final_consonant_error_rate",
    "ratio",
    "wrong consonants at the end of words / consonants at the end of words",
    _final,
    advice="Say the last consonant of a word, without adding a vowel after it.",
)
SHELF.add(
    "cluster_error_rate",
    "ratio",
    "wrong consonants beside another in their word / consonants beside another",
    _clusters,
    advice="Say neighbouring consonants without a vowel between them, as in street.",
)


@once
def _streaks(e: Evidence) -> Floats:
    """Lengths of the runs of phones without an error between them."""
    edges = np.flatnonzero(np.concatenate([[True], wrong(e), [True]]))
    lengths = np.diff(edges) - 1
    return np.asarray(lengths[lengths > 0], np.float64)


SHELF.add(
    "longest_correct_run",
    "phones",
    "most phones in a row without an error",
    lambda e: _streaks(e).max(initial=0.0),
    words=("longer", "shorter"),
)
SHELF.add(
    "mean_correct_run",
    "phones",
    "mean number of phones in a row without an error",
    lambda e: mean(_streaks(e)),
    words=("longer", "shorter"),
)
