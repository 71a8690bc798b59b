"""Filters and Lasso find what was put in, and never look at the speakers they predict."""

from __future__ import annotations

import json

import numpy as np
import pytest

from elocute.features.reference import GROUPS
from elocute.scoring.linear import parse_linear
from elocute.training.config import ScorerConfig
from elocute.training.handcrafted import held_out, linear_json, linear_report, reader_groups, some_natives
from elocute.training.selection import FeatureTable, dropped, fit_lasso, speaker_splits


@pytest.fixture(scope="module")
def table() -> FeatureTable:
    random = np.random.default_rng(0)
    values = random.normal(size=(400, 12))
    values[:, 1] = values[:, 0] * 3 + 1e-3 * random.normal(size=400)  # a duplicate
    values[:, 2] = 0.0  # constant
    values[:300, 3] = np.nan  # mostly missing
    values[:, 4] = np.where(random.random(400) < 0.02, 50.0, 1e-3 * values[:, 4])  # skewed
    values[::10, 5] = np.nan  # sometimes missing
    scores = np.stack(
        [6 + values[:, 0] - 0.5 * values[:, 6], 6 + values[:, 7], 6 - values[:, 8], 6 + values[:, 9]], 1
    )
    speakers = np.array([f"s{n // 10}" for n in range(400)])
    return FeatureTable(tuple(f"f{n}" for n in range(12)), values, scores, speakers)


def test_filters_say_why(table: FeatureTable) -> None:
    assert dropped(table) == {"f1": "f0", "f2": "constant", "f3": "missing", "f4": "skewed"}


def test_the_lasso_selects_what_matters(table: FeatureTable) -> None:
    fit = fit_lasso(table)
    assert {"f0", "f6"} <= set(fit.selected("accuracy"))
    assert fit.top(2)[0] == "f0" or "f7" in fit.top(4)
    assert "f7" in fit.selected("fluency")
    assert set(fit.union()) >= {"f0", "f6", "f7", "f8", "f9"}
    assert np.corrcoef(fit.predict(table)[:, 0], table.scores[:, 0])[0, 1] > 0.98


def test_speakers_are_never_split() -> None:
    speakers = np.array([f"s{n % 7}" for n in range(70)])
    for train, test in speaker_splits(speakers, 3):
        assert not set(speakers[train]) & set(speakers[test])
        assert len(train) + len(test) == 70


def test_the_shipped_form_is_the_fit(table: FeatureTable) -> None:
    fit = fit_lasso(table)
    model = parse_linear(json.loads(json.dumps(linear_json(fit, ScorerConfig("x", "1", "a.toml"), {}))), "")
    for row in (0, 10, 33):
        utterance = {
            n: None if np.isnan(v) else float(v) for n, v in zip(table.names, table.values[row], strict=True)
        }
        expected = fit.scaling.apply(table.columns(fit.names))[row] @ fit.weights[0] + fit.bias[0]
        assert model.score("accuracy", utterance) == pytest.approx(expected, abs=1e-3)


def test_held_out_predictions_come_from_other_speakers(table: FeatureTable) -> None:
    folds = np.array([int(s[1:]) % 2 for s in table.speakers])
    fits = {fold: fit_lasso(table.rows(folds != fold)) for fold in (0, 1)}
    found = held_out(fits, table, folds)
    np.testing.assert_allclose(found[folds == 0], fits[0].predict(table.rows(folds == 0)))
    report = linear_report(table, found, fits[0])
    assert report["pcc"]["fluency"] > 0.95
    assert report["registered"] == 12


def test_groups_of_readers(table: FeatureTable) -> None:
    groups = reader_groups(table, {"s0", "s1"}, table.values[:5])
    assert list(groups) == list(GROUPS)
    assert len(groups["children"]) == 20
    assert len(groups["children"]) + len(groups["others"]) == len(groups["learners"])


def test_natives_are_spread_over_speakers() -> None:
    class One:
        def __init__(self, speaker: str, key: int) -> None:
            self.speaker, self.id = speaker, key

    speech = [One("a", n) for n in range(100)] + [One("b", n) for n in range(3)]
    chosen = some_natives(speech, 5)  # type: ignore[arg-type]
    assert [one.id for one in chosen if one.speaker == "a"] == [0, 24, 49, 74, 99]
    assert len(chosen) == 8
