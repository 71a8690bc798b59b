"""How well the sounds fit: posteriors of the phones that should have been said, and acceptance by raters."""

from __future__ import annotations

from functools import partial

import numpy as np

from elocute.features.handcrafted.evidence import Evidence, Floats
from elocute.features.handcrafted.registry import Shelf
from elocute.features.handcrafted.statistics import difference, mean, ratio
from elocute.phones import MANNER

SHELF = Shelf(
    "confidence",
    "Witt & Young 2000; Hu et al. 2015",
    "Listen to a model reading and imitate the sounds that score lowest, one word at a time.",
)
RATERS = "acceptance learned from raters of speechocean762 (Zhang et al. 2021)"

SHELF.distribution(
    "gop", "nats", "the mean log posterior of each phone", lambda e: e.gop, leave_out=("sum", "max")
)


def _log_odds(e: Evidence) -> Floats:
    return np.asarray(e.goodness.acceptance[:, 0], np.float64)


def _margin(e: Evidence) -> Floats:
    return -e.rival


def _word_confidence(e: Evidence) -> Floats:
    return e.word_means(e.confidence)


def _weakest(e: Evidence) -> Floats:
    return np.minimum.reduceat(e.acceptance, e.first)


SHELF.distribution(
    "phone_confidence",
    "probability",
    "the mean posterior of each phone",
    lambda e: e.confidence,
    leave_out=("sum", "mad"),
)
SHELF.distribution(
    "phone_acceptance",
    "probability",
    "the probability that raters accept each phone",
    lambda e: e.acceptance,
    leave_out=("sum", "mad", "max"),
    source=RATERS,
)
SHELF.distribution(
    "phone_acceptance_log_odds",
    "nats",
    "the mean log-odds that raters accept each phone",
    _log_odds,
    leave_out=("sum", "mad", "max"),
    source=RATERS,
)
SHELF.distribution(
    "phone_margin",
    "nats",
    "log posterior of each phone minus that of its best rival",
    _margin,
    leave_out=("sum", "mad", "max"),
)
SHELF.distribution(
    "word_confidence",
    "probability",
    "the mean posterior of each word's phones",
    _word_confidence,
    leave_out=("sum", "mad"),
)
SHELF.distribution(
    "weakest_phone_acceptance",
    "probability",
    "the acceptance of each word's weakest phone",
    _weakest,
    leave_out=("sum", "mad", "min", "max"),
    source=RATERS,
)
SHELF.add(
    "phone_entropy",
    "nats",
    "mean entropy of the mean posterior of each phone",
    lambda e: mean(e.goodness_of("entropy")),
    words=("less clear", "clearer"),
)
SHELF.add(
    "phone_rank",
    "log",
    "mean over the phones of log(1 + classes of a greater mean posterior), silence among them",
    lambda e: mean(e.goodness_of("rank")),
    words=("less clear", "clearer"),
)
SHELF.add(
    "best_frame",
    "nats",
    "mean over the phones of their best frame's log posterior",
    lambda e: mean(e.goodness_of("best_log_posterior")),
)
SHELF.add(
    "worst_frame",
    "nats",
    "mean over the phones of their worst frame's log posterior",
    lambda e: mean(e.goodness_of("worst_log_posterior")),
)
SHELF.add(
    "vowel_acceptance",
    "probability",
    "mean acceptance of the vowels",
    lambda e: mean(e.acceptance[e.vowel]),
    source=RATERS,
    advice="Practise pairs of words that differ in one vowel, such as ship and sheep.",
)
SHELF.add(
    "consonant_acceptance",
    "probability",
    "mean acceptance of the consonants",
    lambda e: mean(e.acceptance[~e.vowel]),
    source=RATERS,
    advice="Practise pairs of words that differ in one consonant, such as thin and sin.",
)
SHELF.add(
    "vowel_consonant_acceptance",
    "probability",
    "mean acceptance of the vowels minus that of the consonants",
    lambda e: difference(e.acceptance, e.vowel, ~e.vowel),
    source=RATERS,
)

MANNER_ADVICE = {
    "stop": "Close fully for p, t, k, b, d, g and release with a short puff at the start of a stressed word.",
    "affricate": "Begin ch and j with a full stop of air, as in tsh and dzh.",
    "fricative": "Let the air hiss: tongue between the teeth for th, lip against teeth for f and v.",
    "aspirate": "Breathe h out freely, without friction in the throat.",
    "liquid": "Touch the ridge behind the teeth for l, touch nothing for r.",
    "nasal": "Finish words in m, n, ng with the mouth closed there, the voice going on through the nose.",
    "semivowel": "Round the lips for w, spread them for y, and glide quickly into the vowel.",
}


def _of_manner(manner: str, e: Evidence) -> float | None:
    return mean(e.acceptance[e.manners == manner])


for _manner, _advice in MANNER_ADVICE.items():
    SHELF.add(
        f"{_manner}_acceptance",
        "probability",
        f"mean acceptance of the {_manner}s ({' '.join(MANNER[_manner]).lower()})",
        partial(_of_manner, _manner),
        source=RATERS,
        advice=_advice,
    )


def _at(last: bool, e: Evidence) -> float | None:
    several = e.word_lengths > 1
    places = e.first + (e.word_lengths - 1 if last else 0)
    return mean(e.acceptance[places[several]])


SHELF.add(
    "word_initial_acceptance",
    "probability",
    "mean acceptance of first phones of words of several phones",
    partial(_at, False),
    source=RATERS,
    advice="Begin words clearly: do not drop or soften the first sound.",
)
SHELF.add(
    "word_final_acceptance",
    "probability",
    "mean acceptance of last phones of words of several phones",
    partial(_at, True),
    source=RATERS,
    advice="Say the last sound of a word, without adding a vowel after it.",
)
SHELF.add(
    "confident_speech",
    "ratio",
    "seconds of phones that no other phone fits better / seconds of phones",
    lambda e: ratio(e.durations[~e.mismatched].sum(), e.durations.sum()),
)
