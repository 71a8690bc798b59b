"""Fitting what was heard: examples with a known truth, logistic models, calibration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sklearn")

from elocute.acoustics.posteriors import SILENCE_ID
from elocute.corpora.types import WordLabels
from elocute.phones import PHONE_ID, base
from elocute.scoring.hearing import ERROR_MEASURES, sigmoid
from elocute.scoring.presence import MEASURES
from elocute.training.edited import FAULTLESS, NOTHING, UNKNOWN, EditSample, edited_script
from elocute.training.hearing import (
    DELETED,
    SUBSTITUTED,
    HearingSample,
    Labelled,
    average_precision,
    best_threshold,
    bins,
    evaluate_hearing,
    fit_hearing,
    fit_logistic,
    outcome_weights,
)
from test_align import script

SPEAKERS = np.array([f"s{number % 5}" for number in range(400)])
FOLDS = {f"s{number}": number for number in range(5)}


def label(phones: int, score: float = 2.0) -> WordLabels:
    return WordLabels("w", 10.0, 10.0, 10.0, (score,) * phones)


@given(st.integers(0, 2**32 - 1))
def test_the_truth_of_an_edited_script(seed: int) -> None:
    """Said phones and filled slots, put together, are the original script."""
    text = script("K AE1 T", "S", "B R IH1 NG Z", "P L IY1 Z")
    labels = [label(3), label(1), label(5), label(4, FAULTLESS - 0.2)]
    edited = edited_script(text, labels, np.random.default_rng(seed))
    row, slot = 0, 0
    for number, word in enumerate(edited.script.words):
        count = len(word.pronunciations[0].phones)
        said, slots = edited.said[row : row + count], edited.slots[slot : slot + count + 1]
        row, slot = row + count, slot + count + 1
        original = [PHONE_ID[base(phone)] for phone in text.words[number].pronunciations[0].phones]
        if number == 3:
            assert set(said) | set(slots) == {UNKNOWN}
            assert word == text.words[3]
            continue
        spoken = []
        for place, extra in enumerate(slots):
            spoken += [extra] * (extra != NOTHING) + [s for s in said[place : place + 1] if s != SILENCE_ID]
        assert spoken == original
        changed = [a != PHONE_ID[base(b)] for a, b in zip(said, word.pronunciations[0].phones, strict=True)]
        assert sum(changed) + sum(s != NOTHING for s in slots) <= 1
    assert (row, slot) == (len(edited.said), len(edited.slots))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_the_threshold_has_the_greatest_f1(items: list[tuple[float, bool]]) -> None:
    probability, truth = np.array([p for p, _ in items]), np.array([t for _, t in items])

    def f1(threshold: float) -> float:
        called = probability >= threshold
        return 2.0 * float((called & truth).sum()) / max(int(called.sum() + truth.sum()), 1)

    assert f1(best_threshold(probability, truth)) == pytest.approx(max(map(f1, [*probability, 2.0])))


def test_average_precision_of_a_perfect_and_a_useless_order() -> None:
    truth = np.array([True, True, False, False])
    assert average_precision(np.array([0.9, 0.8, 0.2, 0.1]), truth) == 1.0
    assert average_precision(np.array([0.1, 0.2, 0.8, 0.9]), truth) == pytest.approx((1 / 3 + 2 / 4) / 2)


def test_bins_weigh() -> None:
    found = bins(np.array([0.11, 0.12, 0.95]), np.array([1.0, 0.0, 1.0]), np.array([3.0, 1.0, 2.0]))
    assert found == [[0.1125, 0.75, 4.0], [0.95, 1.0, 2.0]]


def test_logistic_regression_is_calibrated_and_in_the_measures_own_units() -> None:
    random = np.random.default_rng(0)
    measures = random.normal(5.0, 3.0, (20_000, 2))
    truth = random.random(20_000) < sigmoid(0.8 * measures[:, 0] - 4.0)
    weights, bias = fit_logistic(Labelled(measures, truth, np.ones(20_000), np.full(20_000, "s")))
    assert weights == pytest.approx([0.8, 0.0], abs=0.05)
    assert bias == pytest.approx(-4.0, abs=0.3)


def test_one_class_gives_a_constant() -> None:
    for truth in (np.zeros(9, bool), np.ones(9, bool)):
        weights, bias = fit_logistic(Labelled(np.eye(9)[:, :2], truth, np.ones(9), np.full(9, "s")))
        assert not weights.any()
        assert (bias > 0) == truth.all()


def sample() -> HearingSample:
    """Errors show in the score, exchanged phones in their goodness, wrong places in the first measure."""
    random = np.random.default_rng(0)
    count = len(SPEAKERS)
    wrong = random.random(count) < 0.1
    errors = random.normal(0, 1, (count, len(ERROR_MEASURES)))
    errors[:, 0] = np.where(wrong, 0.4, 1.8) + random.normal(0, 0.2, count)
    script_ids = random.integers(0, SILENCE_ID, count)
    kind = random.random(count)
    truth = np.where(kind < 0.2, (script_ids + 1) % SILENCE_ID, np.where(kind < 0.3, SILENCE_ID, script_ids))
    said = random.normal(-6.0, 1.0, (count, SILENCE_ID, 4)).astype(np.float32)
    said[:, :, 2:] = 0.0
    row = np.arange(count)
    said[row, script_ids, 2] = 1.0
    spoken = truth < SILENCE_ID
    said[row[spoken], truth[spoken], :2] = -0.2
    left_out = random.normal(0, 1, (count, 4)).astype(np.float32)
    left_out[:, 0] = 1.0
    left_out[:, 1] = np.where(spoken, -20.0, 10.0)
    inserted = np.where(random.random(count) < 0.1, 3, NOTHING)
    slots = np.ones((count, 3), np.float32)
    slots[:, 1] = np.where(inserted >= 0, 30.0, 1.0)
    slots[:, 2] = np.log1p(slots[:, 1])
    edits = EditSample(
        said, left_out, truth, script_ids, SPEAKERS, slots, np.full(count, 3), inserted, SPEAKERS
    )
    placed = random.normal(0, 1, (count, len(MEASURES)))
    words = Labelled(placed, placed[:, 0] > -1.0, np.ones(count), SPEAKERS)
    return HearingSample(Labelled(errors, wrong, np.ones(count), SPEAKERS), edits, words)


def test_fitted_models_tell_what_is_plain() -> None:
    found = sample()
    model = fit_hearing(found)
    assert model.fits()
    report = evaluate_hearing(found, FOLDS, 5)
    assert report["mispronunciation"]["f1"] > 0.9
    assert report["mispronunciation"]["wrong"] == found.errors.truth.sum()
    assert set(report["reliability"]) == {"error", "heard", "insertion", "confidence"}
    top = report["reliability"]["heard"][-1]
    assert top[0] > 0.9
    assert top[1] > 0.9


def test_weights_give_edits_their_shares() -> None:
    edits = sample().edits
    weights = outcome_weights(edits)
    left_out, same = edits.truth == SILENCE_ID, edits.truth == edits.script
    total = weights.sum()
    assert weights[left_out].sum() / total == pytest.approx(DELETED)
    assert weights[~left_out & ~same].sum() / total == pytest.approx(SUBSTITUTED)
