"""Trees: the file computes what was grown, effects add up, and what follows from the features is learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("torch")
pytest.importorskip("lightgbm")
from elocute.errors import ModelError
from elocute.scoring.forest import Forest, Shares, blend
from elocute.scoring.scores import Scores, WordScores
from elocute.training.crossvalidate import fit_forests, forest_path
from elocute.training.examples import Example
from elocute.training.forest import ForestOptions, TreeOptions, fit_forest, grow
from elocute.training.trees import below, tree_node
from tables import COLUMNS, FOLDS, made_up

NAMES = ("speech_rate", "f0_sd", "longest_pause")
SMALL = TreeOptions(trees=30, leaves=8, learning_rate=0.2, least=5, columns=1.0, rows=1.0, penalty=0.0)
OPTIONS = ForestOptions(0.5, 0.25, 0.75, SMALL, SMALL)
CARD = {"name": "small", "version": "1"}


def run(node: Any, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    import onnxruntime
    from onnx import TensorProto, helper

    given_ = helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", rows.shape[1]])
    output = helper.make_tensor_value_info("found", TensorProto.FLOAT, ["n", "targets"])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(
        helper.make_graph([node], "t", [given_], [output]), opset_imports=opsets, ir_version=8
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"rows": rows})[0])


def sample(count: int = 400) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Whole numbers, many equal to a threshold, some missing; the score needs two columns together."""
    random = np.random.default_rng(0)
    rows = random.integers(-3, 4, (count, 4)).astype(np.float32)
    scores = np.where(rows[:, 0] > 0, rows[:, 1], -rows[:, 1]) + 0.1 * random.normal(size=count)
    rows[random.random((count, 4)) < 0.1] = np.nan
    return rows, scores


def predicted(rows: NDArray[np.float32], scores: NDArray[np.float64]) -> tuple[Any, NDArray[np.float64]]:
    """The dump of trees, and what LightGBM itself says with them."""
    import lightgbm

    dumps: list[Any] = []
    real = lightgbm.train

    def train(*args: Any) -> Any:
        dumps.append(real(*args))
        return dumps[0]

    lightgbm.train = train
    try:
        dump, base = grow(rows, scores, SMALL)
    finally:
        lightgbm.train = real
    return (dump, base), dumps[0].predict(rows) + base


def test_the_node_computes_what_was_grown() -> None:
    rows, scores = sample()
    (dump, base), expected = predicted(rows, scores)
    found = run(tree_node(dump, base, "rows", "found"), rows)
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-4)
    assert np.corrcoef(expected, scores)[0, 1] > 0.9


def test_effects_add_up_to_the_score() -> None:
    """With an effect of every column, they are the score minus what all trees start from."""
    rows, scores = sample()
    dump, base = grow(rows, scores, SMALL)
    found = run(tree_node(dump, base, "rows", "found", effects=range(4)), rows)
    start = base + sum(
        tree["tree_structure"].get("internal_value", tree["tree_structure"].get("leaf_value"))
        for tree in dump["tree_info"]
    )
    np.testing.assert_allclose(start + found[:, 1:].sum(axis=1), found[:, 0], atol=1e-4)
    assert start == pytest.approx(scores.mean(), abs=0.05)
    # The score follows from the first two columns.
    spread = found[:, 1:].std(axis=0)
    assert spread[:2].min() > 3 * spread[2:].max()


def test_effects_of_some_columns_only() -> None:
    rows, scores = sample()
    dump, base = grow(rows, scores, SMALL)
    everything = run(tree_node(dump, base, "rows", "found", effects=range(4)), rows)
    one = run(tree_node(dump, base, "rows", "found", effects=[-1, 0, -1, -1]), rows)
    np.testing.assert_allclose(one[:, 0], everything[:, 0], atol=1e-6)
    np.testing.assert_allclose(one[:, 1], everything[:, 2], atol=1e-6)


@given(st.floats(-1e6, 1e6))
def test_single_precision_goes_the_same_way(threshold: float) -> None:
    found = below(threshold)
    assert found == float(np.float32(found))
    assert found <= threshold < float(np.nextafter(np.float32(found), np.float32(np.inf)))


def test_a_threshold_beyond_single_precision() -> None:
    assert below(1e300) == float(np.finfo(np.float32).max)


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return [made_up(n) for n in range(150)]


@pytest.fixture(scope="module")
def forest(examples: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Forest:
    return fit_forest(examples[:120], NAMES, OPTIONS, CARD, tmp_path_factory.mktemp("forest"))


def judge(forest: Forest, example: Example) -> tuple[Scores, dict[str, float]]:
    known = dict(zip(NAMES, example.utterance.tolist(), strict=True))
    return forest.score(example.features, known)


def test_a_known_answer_is_learned(forest: Forest, examples: list[Example]) -> None:
    """The phones' scores follow from their goodness, words and utterances are their means."""
    found = [judge(forest, e)[0] for e in examples[120:]]
    phones = np.concatenate([f.phones for f in found]), np.concatenate([e.phones for e in examples[120:]])
    assert np.corrcoef(*phones)[0, 1] > 0.97
    words = (
        [w.accuracy for f in found for w in f.words],
        [5 * s for e in examples[120:] for s in e.words[e.features.word_starts, 0]],
    )
    assert np.corrcoef(*words)[0, 1] > 0.9
    totals = [f.total for f in found], [5 * e.scores[3] for e in examples[120:]]
    assert np.corrcoef(*totals)[0, 1] > 0.8


def test_effects_have_the_features_names(forest: Forest, examples: list[Example]) -> None:
    effects = judge(forest, examples[130])[1]
    assert tuple(effects) == NAMES
    assert all(np.isfinite(list(effects.values())))


def test_other_features_are_refused(forest: Forest, examples: list[Example]) -> None:
    features = examples[0].features
    with pytest.raises(ModelError, match="other features"):
        forest.score(features, {"speech_rate": 1.0})
    with pytest.raises(ModelError, match="other features"):
        forest.score(replace(features, names=COLUMNS[::-1]), dict.fromkeys(NAMES, 0.0))


def test_forests_are_cross_fitted_kept_and_regrown(examples: list[Example], tmp_path: Path) -> None:
    class Config:
        name, version, forest = "small", "1", replace(OPTIONS, sounds=replace(SMALL, trees=3))

    first = fit_forests(Config, examples[:60], NAMES, FOLDS, tmp_path)  # type: ignore[arg-type]
    assert sorted(first) == [0, 1, 2, 3, 4, 5]
    assert len({f.card.sha256 for f in first.values()}) == 6
    stamp = (forest_path(tmp_path, 0) / "model.onnx").stat().st_mtime_ns
    again = fit_forests(Config, examples[:60], NAMES, FOLDS, tmp_path)  # type: ignore[arg-type]
    assert (forest_path(tmp_path, 0) / "model.onnx").stat().st_mtime_ns == stamp
    assert [again[n].card.sha256 for n in range(6)] == [first[n].card.sha256 for n in range(6)]
    # Whoever holds a fold's speakers out does not depend on their scores.
    changed = [replace(e, scores=e.scores * 0.5) if FOLDS[e.speaker] == 0 else e for e in examples[:60]]
    other = fit_forests(Config, changed, NAMES, FOLDS, tmp_path)  # type: ignore[arg-type]
    assert other[0].card.sha256 == first[0].card.sha256
    assert other[1].card.sha256 != first[1].card.sha256


def test_blend_by_hand() -> None:
    network = Scores(np.array([1.0, 2.0], np.float32), (WordScores(4.0, 8.0, 6.0),), 1.0, 2.0, 3.0, 4.0)
    trees = Scores(np.array([2.0, 0.0], np.float32), (WordScores(8.0, 8.0, 2.0),), 5.0, 6.0, 7.0, 8.0)
    found = blend(network, trees, Shares(0.5, 0.25, 0.75))
    np.testing.assert_allclose(found.phones, [1.5, 1.0])
    assert found.words == (WordScores(5.0, 8.0, 5.0),)
    assert (found.accuracy, found.fluency, found.prosodic, found.total) == (4.0, 5.0, 6.0, 7.0)
