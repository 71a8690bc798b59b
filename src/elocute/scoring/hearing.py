"""What was heard: wrong phones, what was said instead, and how far a word's place can be trusted.

All probabilities come from small logistic models, fitted to recordings of speakers that neither the acoustic
model nor the scorer knew (``training/hearing.py``). That a phone is wrong is what experts say (their mean is
below 0.5 on their scale from 0 to 2); what was said instead, experts do not write down: these models are
fitted to scripts in which phones of faultless words were exchanged, put in or left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.edits import EditEvidence, edit_evidence
from elocute.acoustics.gop import ACCEPTANCE, SUMMARIES, Goodness
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID, Posteriors
from elocute.phones import PHONE_ID, base, is_vowel
from elocute.scoring.presence import MEASURES, word_measures
from elocute.scoring.scores import PHONE_SCALE, SCALE, Scores

Array = NDArray[np.float64]

ERROR_MEASURES: tuple[str, ...] = (
    "score", "score_below_1", "score_below_half", "word_accuracy", "word_total", "accuracy", "score_before",
    "score_after", "word_worst", *ACCEPTANCE, *SUMMARIES, "log_duration", "vowel",
)  # fmt: skip
"""Per phone: the scorer's opinion of it and of what surrounds it (0-2), goodness, log duration, whether it is
a vowel."""

OUTCOMES: tuple[str, ...] = ("lpp", "log_mean_posterior", "is_script", "is_neighbour")
"""What speaks for a phone in a place: goodness, whether the script has it, whether it stands beside."""

DELETION: tuple[str, ...] = ("one", "gain", "gain_per_frame", "log_duration")
INSERTION: tuple[str, ...] = ("one", "gain", "log_gain")
LIKELY = 0.5
"""Probability from which an edit is told."""

MOST, LEAST = 3, 0.05
"""At most so many phones are told as heard, none below the probability."""


@dataclass(frozen=True)
class HearingModel:
    """Weights of logistic models on the measures of the same names, ``confidence`` on those of presence.

    ``verdict``: the probability of an error from which a phone counts as mispronounced.
    """

    error: tuple[float, ...]
    error_bias: float
    verdict: float
    outcome: tuple[float, ...]
    deletion: tuple[float, ...]
    insertion: tuple[float, ...]
    confidence: tuple[float, ...]
    confidence_bias: float

    def fits(self) -> bool:
        """Whether it weighs the measures this version takes."""
        wanted = (ERROR_MEASURES, OUTCOMES, DELETION, INSERTION, MEASURES)
        found = (self.error, self.outcome, self.deletion, self.insertion, self.confidence)
        return all(len(a) == len(b) for a, b in zip(wanted, found, strict=True))


@dataclass(frozen=True)
class Edit:
    """``word`` and ``position`` say where; ``expected`` is ``None`` for an insertion, ``heard`` for a
    deletion."""

    kind: Literal["substitution", "deletion", "insertion"]
    word: int
    position: int
    expected: str | None
    heard: str | None
    probability: float


@dataclass(frozen=True)
class Hearing:
    """``error`` (phones,) probability that experts call the phone wrong, and ``wrong`` the verdict;
    ``outcomes`` (phones, 40) of each phone in each place and of nothing there; ``edits`` of all words;
    ``confidence`` (words,)."""

    error: Array
    wrong: NDArray[np.bool_]
    outcomes: Array
    edits: tuple[Edit, ...]
    confidence: Array

    def heard(self, row: int, most: int = MOST, least: float = LEAST) -> list[tuple[str, float]]:
        """The most probable phones of a place, best first."""
        phones = self.outcomes[row, :SILENCE_ID]
        order = np.argsort(-phones, kind="stable")[:most]
        return [(CLASSES[i], float(phones[i])) for i in order if phones[i] >= least]


def hear(
    posteriors: Posteriors, alignment: Alignment, goods: Goodness, scores: Scores, model: HearingModel
) -> Hearing:
    """Everything that was heard in an aligned and scored recording."""
    evidence = edit_evidence(posteriors, alignment)
    error = sigmoid(error_measures(alignment, goods, scores) @ np.array(model.error) + model.error_bias)
    outcomes = outcome_probabilities(alignment, goods, evidence, model)
    edits = (*_phone_edits(alignment, outcomes), *_insertions(alignment, evidence, model))
    order = tuple(sorted(edits, key=lambda edit: (edit.word, edit.position)))
    return Hearing(error, error >= model.verdict, outcomes, order, word_confidence(alignment, goods, model))


def sigmoid(log_odds: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * log_odds))  # without overflow


def error_measures(alignment: Alignment, goods: Goodness, scores: Scores) -> Array:
    """(phones, measures), columns as :data:`ERROR_MEASURES`."""
    score = np.clip(scores.phones.astype(np.float64), 0.0, PHONE_SCALE)
    counts = [len(word.phones) for word in alignment.words]
    starts = np.cumsum([0, *counts[:-1]])
    scale = SCALE / PHONE_SCALE
    rated = np.array([(word.accuracy / scale, word.total / scale) for word in scores.words])
    padded = np.concatenate([[PHONE_SCALE], score, [PHONE_SCALE]])
    lasts = np.log([phone.duration + 1e-3 for phone in alignment.phones])
    columns = [
        score, np.maximum(1.0 - score, 0.0), np.maximum(0.5 - score, 0.0),
        *np.repeat(rated, counts, axis=0).T, np.full(len(score), scores.accuracy / scale),
        padded[:-2], padded[2:], np.repeat(np.minimum.reduceat(score, starts), counts),
        *goods.acceptance.T, *goods.summaries.T,
        lasts, np.array([is_vowel(phone.phone) for phone in alignment.phones]),
    ]  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float64)


def outcome_measures(alignment: Alignment, goods: Goodness, evidence: EditEvidence) -> tuple[Array, Array]:
    """(phones, 39, 4) as :data:`OUTCOMES`, of every phone said in every place, and (phones, 4) as
    :data:`DELETION`."""
    own = np.array([PHONE_ID[base(phone.phone)] for phone in alignment.phones])
    row, classes = np.arange(len(own)), np.arange(SILENCE_ID)
    script = classes == own[:, None]
    beside = (classes == evidence.neighbours[:, :1]) | (classes == evidence.neighbours[:, 1:])
    said = np.stack(
        [
            np.maximum(goods.lpp[row, :SILENCE_ID], -10.0),
            np.log(goods.mean_posteriors[row, :SILENCE_ID] + 1e-4),
            script,
            beside & ~script,
        ],
        axis=2,
    )
    lasts = np.array([phone.duration for phone in alignment.phones])
    gain = np.clip(evidence.deletion, -60.0, 60.0)
    left_out = np.stack([np.ones(len(own)), gain, gain / (100.0 * lasts + 1.0), np.log(lasts + 1e-3)], axis=1)
    return said.astype(np.float64), left_out.astype(np.float64)


def outcome_probabilities(
    alignment: Alignment, goods: Goodness, evidence: EditEvidence, model: HearingModel
) -> Array:
    """(phones, 40): the probability of each phone in each place, and last of nothing there."""
    said, left_out = outcome_measures(alignment, goods, evidence)
    log_odds = np.concatenate(
        [said @ np.array(model.outcome), (left_out @ np.array(model.deletion))[:, None]], axis=1
    )
    weights = np.exp(log_odds - log_odds.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def insertion_measures(evidence: EditEvidence) -> Array:
    """(slots, 3) as :data:`INSERTION`, of the phone that fits the slot best."""
    gain = np.minimum(evidence.insertion.max(axis=1), 60.0)
    return np.stack([np.ones(len(gain)), gain, np.log1p(gain)], axis=1).astype(np.float64)


def word_confidence(alignment: Alignment, goods: Goodness, model: HearingModel) -> Array:
    """(words,) probability that both edges of a word are right to 50 ms."""
    return sigmoid(word_measures(alignment, goods) @ np.array(model.confidence) + model.confidence_bias)


def with_confidence(alignment: Alignment, goods: Goodness, model: HearingModel) -> Alignment:
    """The alignment with the confidence of every word."""
    found = word_confidence(alignment, goods, model).tolist()
    words = zip(alignment.words, found, strict=True)
    return replace(alignment, words=tuple(replace(word, confidence=value) for word, value in words))


def _phone_edits(alignment: Alignment, outcomes: Array) -> Iterator[Edit]:
    row = 0
    for number, word in enumerate(alignment.words):
        for position, phone in enumerate(word.phones):
            name = base(phone.phone)
            best = int(outcomes[row].argmax())
            probability = float(outcomes[row, best])
            if best == SILENCE_ID and probability >= LIKELY:
                yield Edit("deletion", number, position, name, None, probability)
            elif best != PHONE_ID[name] and probability >= LIKELY:
                yield Edit("substitution", number, position, name, CLASSES[best], probability)
            row += 1


def _insertions(alignment: Alignment, evidence: EditEvidence, model: HearingModel) -> Iterator[Edit]:
    probabilities = sigmoid(insertion_measures(evidence) @ np.array(model.insertion))
    slot = 0
    for number, word in enumerate(alignment.words):
        for position in range(len(word.phones) + 1):
            if probabilities[slot] >= LIKELY:
                best = CLASSES[int(evidence.insertion[slot].argmax())]
                yield Edit("insertion", number, position, None, best, float(probabilities[slot]))
            slot += 1
