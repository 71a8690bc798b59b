"""The interpretable scorer, effects in points, and percentiles among other readers."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elocute import Assessor
from elocute.audio import load_audio
from elocute.card import ASSETS
from elocute.errors import ModelError
from elocute.features.handcrafted import REGISTRY, Evidence, handcrafted
from elocute.features.reference import (
    GROUPS,
    POINTS,
    describe,
    load_reference,
    make_reference,
    save_reference,
)
from elocute.scoring.linear import ASPECTS, LIMIT, default_linear, fuse, parse_linear, read_linear
from elocute.scoring.scores import Scores, WordScores

DEMO = ASSETS / "demo" / "demo.flac"
TEXT = "Please call Stella, and ask her to bring these things."
MODEL = {
    "name": "small",
    "version": "1",
    "centers": {"speech_rate": 3.0, "longest_pause": 0.2},
    "scales": {"speech_rate": 0.5, "longest_pause": 0.1},
    "aspects": {
        name: {"bias": 7.0, "share": 0.25, "weights": {"speech_rate": 0.5, "longest_pause": -0.3}}
        for name in ASPECTS
    },
}


def network(total: float) -> Scores:
    return Scores(np.ones(1, np.float32), (WordScores(5, 5, 5),), 6.0, 6.0, 6.0, total)


def test_contributions_by_hand() -> None:
    model = parse_linear(MODEL, "")
    found = model.contributions("fluency", {"speech_rate": 4.0, "longest_pause": 0.3})
    assert found == pytest.approx({"speech_rate": 1.0, "longest_pause": -0.3})
    assert model.score("fluency", {"speech_rate": 4.0, "longest_pause": 0.3}) == pytest.approx(7.7)


def test_a_missing_feature_counts_as_average() -> None:
    model = parse_linear(MODEL, "")
    assert model.score("total", {"speech_rate": None}) == pytest.approx(7.0)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0.0, 10.0))
def test_effects_sum_to_the_difference(rate: float, pause: float, total: float) -> None:
    model = parse_linear(MODEL, "")
    scores, reference, effects = fuse(network(total), {"speech_rate": rate, "longest_pause": pause}, model)
    assert reference + sum(effects.values()) == pytest.approx(scores.total, abs=1e-6) or scores.total in (
        0,
        10,
    )
    assert max(map(abs, effects.values())) <= 0.25 * 0.5 * LIMIT + 1e-9
    average, *_ = fuse(network(total), {"speech_rate": 3.0, "longest_pause": 0.2}, model)
    assert average.total == pytest.approx(reference)


@pytest.mark.parametrize(
    "change", [{"aspects": {}}, {"scales": {"speech_rate": 0.0, "longest_pause": 1.0}}, {"name": None}]
)
def test_a_damaged_linear_scorer(tmp_path: Path, change: dict[str, object]) -> None:
    data = {**MODEL, **change}
    if data["name"] is None:
        del data["name"]
    (tmp_path / "linear.json").write_text(json.dumps(data))
    with pytest.raises(ModelError, match="install the model again"):
        read_linear(tmp_path / "linear.json")


def test_the_shipped_effects_sum_to_the_total() -> None:
    found = Assessor().assess(DEMO, TEXT)
    assert found.reference_total is not None
    effects = [feature.effect for feature in found.features.values() if feature.effect is not None]
    assert len(effects) >= 20
    assert found.reference_total + sum(effects) == pytest.approx(found.scores.total, abs=0.1)
    assert sum(map(abs, effects)) > 1.0


def test_effects_shrink_with_words_left_out() -> None:
    found = Assessor().assess(DEMO, "Please call Stella, and ask her to bring these things tomorrow.")
    assert found.status == "incomplete"
    effects = [feature.effect for feature in found.features.values() if feature.effect is not None]
    assert found.reference_total is not None
    assert found.reference_total + sum(effects) == pytest.approx(found.scores.total, abs=0.1)


def test_the_shipped_linear_scorer_is_sparse_and_known() -> None:
    model = default_linear()
    for aspect in ASPECTS:
        assert 10 <= len(model.aspects[aspect].weights) <= 120
        assert set(model.aspects[aspect].weights) <= REGISTRY.keys()


VALUES = np.concatenate([np.arange(100.0)[:, None], np.zeros((100, 1)), np.full((100, 1), np.nan)], axis=1)


def test_percentiles_of_known_readers() -> None:
    reference = make_reference(("a", "b", "c"), {"natives": VALUES})
    assert reference.percentile("a", 49.5) == pytest.approx(50.0, abs=1.0)
    assert reference.percentile("a", 80.0) == pytest.approx(80.0, abs=1.0)
    assert reference.percentile("a", -5.0) == pytest.approx(0.5)
    assert reference.percentile("a", 200.0) == pytest.approx(99.5)
    assert reference.percentile("b", 0.0) == 50.0  # everybody has the same
    assert reference.percentile("b", 1.0) == pytest.approx(99.5)
    assert reference.percentile("c", 1.0) is None
    assert reference.percentile("a", None) is None
    assert reference.percentile("d", 1.0) is None
    assert reference.percentile("a", 1.0, "children") is None


def test_many_equal_values_share_the_middle_of_their_rank() -> None:
    counts = np.repeat([0.0, 1.0, 2.0], [60, 30, 10])[:, None]
    reference = make_reference(("pauses",), {"natives": counts})
    assert reference.percentile("pauses", 0.0) == pytest.approx(25.0, abs=13)
    assert reference.percentile("pauses", 1.0) == pytest.approx(80.0, abs=8)


@given(st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=20))
def test_percentiles_never_fall(values: list[float]) -> None:
    reference = make_reference(("a",), {"natives": np.random.default_rng(0).normal(0, 100, (200, 1))})
    found = [reference.percentile("a", value) for value in sorted(values)]
    assert all(0.0 <= p <= 100.0 for p in found)
    assert found == sorted(found)


def test_the_reference_comes_back(tmp_path: Path) -> None:
    made = make_reference(("a", "b", "c"), {"natives": VALUES, "learners": VALUES * 2})
    save_reference(made, tmp_path / "reference.npz")
    read = load_reference(tmp_path / "reference.npz")
    assert (read.names, read.groups, read.counts) == (made.names, made.groups, made.counts)
    np.testing.assert_array_equal(read.quantiles, made.quantiles)
    (tmp_path / "reference.npz").write_bytes(b"no archive")
    with pytest.raises(ModelError, match="reference"):
        load_reference(tmp_path / "reference.npz")


def test_the_shipped_reference() -> None:
    path = ASSETS / "scorer" / "reference.npz"
    assert path.stat().st_size < 60_000
    reference = load_reference(path)
    assert set(reference.groups) == set(GROUPS)
    known = [name for name in REGISTRY if reference.percentile(name, 1.0) is not None]
    assert len(known) >= 0.9 * len(REGISTRY)
    middle = {
        group: reference.quantiles[
            reference.groups.index(group), reference.names.index("speech_rate"), POINTS.index(50.0)
        ]
        for group in GROUPS
    }
    assert middle["natives"] > middle["band_9_10"] > middle["band_0_4"]


def test_a_percentile_in_words() -> None:
    assert describe("speech_rate", 15.0) == "slower than 85 % of fluent readers"
    assert describe("speech_rate", 90.0) == "faster than 90 % of fluent readers"
    assert describe("all_pause_count", 50.0) == "like most fluent readers"


def test_percentiles_in_the_result() -> None:
    found = Assessor().assess(DEMO, TEXT)
    known = [f.percentile for f in found.features.values() if f.percentile is not None]
    assert len(known) >= 150
    assert all(0.0 <= value <= 100.0 for value in known)


def test_features_cost_little() -> None:
    """At most 20 ms of processor time for the features, effects and percentiles of a reading of 4 s."""
    assessor = Assessor()
    samples = np.resize(load_audio(DEMO).samples, 64_000)
    found = assessor.features(samples, TEXT, rate=16_000)
    reference, linear = load_reference(ASSETS / "scorer" / "reference.npz"), default_linear()
    times = []
    for _ in range(5):
        begin = process_time()
        values = handcrafted(Evidence(found.alignment, found.goodness, found.prosody))
        reference.percentiles(values)
        fuse(network(7.0), values, linear)
        times.append(process_time() - begin)
    assert min(times) < 0.020
