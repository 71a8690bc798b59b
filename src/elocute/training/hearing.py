"""Fitting the models of what was heard, and their speaker-disjoint evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.posteriors import SILENCE_ID
from elocute.scoring.hearing import HearingModel, error_measures, sigmoid
from elocute.scoring.presence import word_measures
from elocute.scoring.scores import Scores
from elocute.training.edited import NOTHING, EditSample
from elocute.training.measured import Measured
from elocute.training.presence import WordSample

Array = NDArray[np.float64]
Keep = Callable[[NDArray[np.str_]], NDArray[np.bool_]]

WRONG = 0.5
"""Phones that raters gave less (0-2) are wrong."""

SUBSTITUTED, DELETED, INSERTED = 0.04, 0.01, 0.01
"""Shares of learners' phones (slots) taken for substituted, left out, put in: the examples have far more, and
are weighted down to it. About 4 % of the corpus's phones got less than 1."""

STRANGERS = 0.01
"""Share of words taken for not said where they were aligned, in the examples of confidence."""

AGREED = 0.05
"""Seconds that both edges of a word may differ between two alignments that confirm each other."""


@dataclass(frozen=True)
class Labelled:
    """Measures (n, m), a truth of yes or no (n,), a weight (n,) and the speaker (n,) of each example."""

    measures: Array
    truth: NDArray[np.bool_]
    weights: Array
    speakers: NDArray[np.str_]

    def part(self, keep: Keep) -> Labelled:
        kept = keep(self.speakers)
        return Labelled(self.measures[kept], self.truth[kept], self.weights[kept], self.speakers[kept])


@dataclass(frozen=True)
class HearingSample:
    """All examples: ``errors`` of phones, ``edits``, and ``words`` whose place is confirmed or not."""

    errors: Labelled
    edits: EditSample
    words: Labelled

    def part(self, keep: Keep) -> HearingSample:
        return HearingSample(self.errors.part(keep), self.edits.part(keep), self.words.part(keep))


def error_sample(measured: Sequence[Measured], scores: Mapping[str, Scores]) -> Labelled:
    """Every labelled phone; ``scores`` by utterance, from scorers that do not know its speaker."""
    measures, truth, speakers = [], [], []
    for item in measured:
        found = item.measurements
        measures.append(error_measures(found.alignment, found.goodness, scores[item.utterance.id]))
        truth.append(item.example.phones < WRONG)
        speakers += [item.utterance.speaker] * len(item.example.phones)
    wrong = np.concatenate(truth)
    return Labelled(np.concatenate(measures), wrong, np.ones(len(wrong)), np.array(speakers))


def confidence_sample(
    measured: Sequence[Measured], strangers: WordSample, reference: Mapping[str, Alignment]
) -> Labelled:
    """Words whose edges another aligner confirms or not, and words nobody said, which have no right place."""
    measures, truth, speakers = [], [], []
    for item in measured:
        other = reference.get(item.utterance.id)
        found = item.measurements
        if other is None:
            continue
        measures.append(word_measures(found.alignment, found.goodness))
        edges = zip(found.alignment.words, other.words, strict=True)
        truth += [abs(a.start - b.start) <= AGREED and abs(a.end - b.end) <= AGREED for a, b in edges]
        speakers += [item.utterance.speaker] * len(found.alignment.words)
    absent = ~strangers.read
    weights = np.ones(len(truth))
    absent_weight = STRANGERS * len(truth) / max(int(absent.sum()), 1)
    return Labelled(
        np.concatenate([*measures, strangers.measures[absent]]),
        np.concatenate([np.array(truth, bool), np.zeros(absent.sum(), bool)]),
        np.concatenate([weights, np.full(int(absent.sum()), absent_weight)]),
        np.concatenate([np.array(speakers), strangers.speakers[absent]]),
    )


def fit_hearing(sample: HearingSample) -> HearingModel:
    """All logistic models, and the probability of an error from which F1 is greatest."""
    error, error_bias = fit_logistic(sample.errors)
    probability = sigmoid(sample.errors.measures @ error + error_bias)
    outcome, deletion = fit_outcomes(sample.edits)
    slots = sample.edits.inserted != NOTHING
    right = slots & (sample.edits.best == sample.edits.inserted)
    weights = np.where(slots, INSERTED * (~slots).sum() / max(int(slots.sum()), 1), 1.0)
    insertion, insertion_bias = fit_logistic(
        Labelled(sample.edits.slots[:, 1:].astype(np.float64), right, weights, sample.edits.slot_speakers)
    )
    confidence, confidence_bias = fit_logistic(sample.words)
    return HearingModel(
        _plain(error), error_bias, best_threshold(probability, sample.errors.truth), _plain(outcome),
        _plain(deletion), (insertion_bias, *_plain(insertion)), _plain(confidence), confidence_bias,
    )  # fmt: skip


def fit_logistic(sample: Labelled) -> tuple[Array, float]:
    """Weights and bias of a logistic regression on standardised measures, in their own units."""
    from sklearn.linear_model import LogisticRegression

    if sample.truth.all() or not sample.truth.any():
        share = (sample.truth.sum() + 0.5) / (len(sample.truth) + 1.0)
        return np.zeros(sample.measures.shape[1]), float(np.log(share / (1.0 - share)))
    center = sample.measures.mean(axis=0)
    scale = sample.measures.std(axis=0) + 1e-6
    regression = LogisticRegression(C=1.0, max_iter=1000)
    regression.fit((sample.measures - center) / scale, sample.truth, sample.weights)
    weights = regression.coef_[0] / scale
    return weights, float(regression.intercept_[0] - weights @ center)


def outcome_weights(edits: EditSample) -> Array:
    """(n,) so that substituted and left-out phones have their shares among all."""
    left_out, same = edits.truth == SILENCE_ID, edits.truth == edits.script
    exchanged = ~left_out & ~same
    total = float(same.sum()) / (1.0 - SUBSTITUTED - DELETED)
    weights = np.ones(len(edits.truth))
    weights[exchanged] = SUBSTITUTED * total / max(int(exchanged.sum()), 1)
    weights[left_out] = DELETED * total / max(int(left_out.sum()), 1)
    return weights


def fit_outcomes(edits: EditSample) -> tuple[Array, Array]:
    """Conditional logit: the weights that make what was said, or nothing, most probable in every place."""
    from scipy.optimize import minimize

    weights = outcome_weights(edits)
    row = np.arange(len(edits.truth))

    def loss(parameters: Array) -> tuple[float, Array]:
        spoken, absent = parameters[:4], parameters[4:]
        log_odds = np.concatenate([edits.said @ spoken, (edits.left_out @ absent)[:, None]], axis=1)
        log_odds -= log_odds.max(axis=1, keepdims=True)
        probability = np.exp(log_odds)
        probability /= probability.sum(axis=1, keepdims=True)
        value = -(weights * np.log(probability[row, edits.truth] + 1e-12)).sum()
        probability[row, edits.truth] -= 1.0
        probability *= weights[:, None]
        slope = np.concatenate(
            [
                np.einsum("nk,nkf->f", probability[:, :SILENCE_ID], edits.said),
                probability[:, -1] @ edits.left_out,
            ]
        )
        ridge = 1e-3 * len(row)
        return float(value + ridge * (parameters**2).sum()) / len(row), (
            slope + 2 * ridge * parameters
        ) / len(row)

    start = np.array([0.1, 1.0, 2.0, 0.0, -3.0, 0.05, 0.0, 0.0])
    if not len(row):  # no word is faultless
        return start[:4], start[4:]
    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return found[:4], found[4:]


def best_threshold(probability: Array, truth: NDArray[np.bool_]) -> float:
    """The probability from which calling phones wrong gives the greatest F1."""
    order = np.argsort(-probability)
    hits = np.cumsum(truth[order])
    f1 = 2.0 * hits / (np.arange(1, len(hits) + 1) + max(int(truth.sum()), 1))
    falling = probability[order]
    f1[:-1][falling[:-1] == falling[1:]] = -1.0  # equal probabilities are called together
    return float(falling[int(f1.argmax())])


def _plain(values: Array) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def evaluate_hearing(sample: HearingSample, folds: Mapping[str, int], count: int) -> dict[str, Any]:
    """Detection and calibration on speakers the models were not fitted to.

    ``mispronunciation``: precision, recall and F1 at the verdict, average precision; ``reliability``: for
    each probability of the result, bins of [mean predicted, share that was true, weight].
    """
    parts: dict[str, list[tuple[Array, Array, Array]]] = {name: [] for name in RELIABLE}
    called, probabilities, truths = [], [], []
    for fold in range(count):
        others, own = _sides(folds, fold)
        test = sample.part(own)
        if not len(test.errors.truth) or not len(test.words.truth):
            continue
        model = fit_hearing(sample.part(others))
        probability = sigmoid(test.errors.measures @ np.array(model.error) + model.error_bias)
        called.append(probability >= model.verdict)
        probabilities.append(probability)
        truths.append(test.errors.truth)
        for name, found in _predictions(test, model).items():
            parts[name].append(found)
    said, truth = np.concatenate(called), np.concatenate(truths)
    hits = float((said & truth).sum())
    precision, recall = hits / max(float(said.sum()), 1.0), hits / max(float(truth.sum()), 1.0)
    return {
        "mispronunciation": {
            "n": len(truth),
            "wrong": int(truth.sum()),
            "precision": round(precision, 4),
            "recall": round(recall, 4),
            "f1": round(2.0 * precision * recall / max(precision + recall, 1e-9), 4),
            "average_precision": round(average_precision(np.concatenate(probabilities), truth), 4),
        },
        "reliability": {name: _bins_of(found) for name, found in parts.items()},
    }


RELIABLE = ("error", "heard", "insertion", "confidence")


def _sides(folds: Mapping[str, int], fold: int) -> tuple[Keep, Keep]:
    def own(speakers: NDArray[np.str_]) -> NDArray[np.bool_]:
        return np.array([folds[str(speaker)] == fold for speaker in speakers], bool)

    return (lambda speakers: ~own(speakers)), own


def _predictions(test: HearingSample, model: HearingModel) -> dict[str, tuple[Array, Array, Array]]:
    """Predicted probability, truth and weight of every statement of each kind."""
    edits = test.edits
    log_odds = np.concatenate(
        [edits.said @ np.array(model.outcome), (edits.left_out @ np.array(model.deletion))[:, None]], axis=1
    )
    outcomes = np.exp(log_odds - log_odds.max(axis=1, keepdims=True))
    outcomes /= outcomes.sum(axis=1, keepdims=True)
    happened = np.arange(outcomes.shape[1]) == edits.truth[:, None]
    weights = np.repeat(outcome_weights(edits)[:, None], outcomes.shape[1], axis=1)
    told = outcomes >= 0.01
    slots = edits.inserted != NOTHING
    slot_weights = np.where(slots, INSERTED * (~slots).sum() / max(int(slots.sum()), 1), 1.0)
    slot_truth = (slots & (edits.best == edits.inserted)).astype(np.float64)
    return {
        "error": (
            sigmoid(test.errors.measures @ np.array(model.error) + model.error_bias),
            test.errors.truth.astype(np.float64),
            test.errors.weights,
        ),
        "heard": (outcomes[told], happened[told].astype(np.float64), weights[told]),
        "insertion": (sigmoid(edits.slots @ np.array(model.insertion)), slot_truth, slot_weights),
        "confidence": (
            sigmoid(test.words.measures @ np.array(model.confidence) + model.confidence_bias),
            test.words.truth.astype(np.float64),
            test.words.weights,
        ),
    }


def average_precision(probability: Array, truth: NDArray[np.bool_]) -> float:
    order = np.argsort(-probability, kind="stable")
    hits = np.cumsum(truth[order])
    precision = hits / np.arange(1, len(hits) + 1)
    return float(precision[truth[order]].mean()) if truth.any() else 0.0


def _bins_of(parts: Sequence[tuple[Array, Array, Array]]) -> list[list[float]]:
    predicted, truth, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
    return bins(predicted, truth, weights)


def bins(predicted: Array, truth: Array, weights: Array, count: int = 10) -> list[list[float]]:
    """[mean predicted, share true, weight] of each tenth of the range from 0 to 1 that has examples."""
    place = np.minimum((predicted * count).astype(int), count - 1)
    found = []
    for number in range(count):
        inside = place == number
        total = float(weights[inside].sum())
        if total > 0:
            mean = float((predicted * weights)[inside].sum() / total)
            share = float((truth * weights)[inside].sum() / total)
            found.append([round(mean, 4), round(share, 4), round(total, 1)])
    return found
