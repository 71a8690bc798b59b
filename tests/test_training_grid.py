"""Experiments: configurations, resuming after a kill, comparison in pairs, the generated page."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from elocute.metrics import mse, pcc  # noqa: E402
from elocute.training import grid, results  # noqa: E402
from elocute.training.config import ConfigError, read_config  # noqa: E402
from elocute.training.featurestore import NAMES, Features  # noqa: E402
from elocute.training.grid import ExperimentConfig, GridConfig, read_experiments, run_experiment  # noqa: E402
from elocute.training.results import MEASURES, Truth, agreement, compare, load_outcome, results_page  # noqa: E402
from elocute.training.scorer import Predictions  # noqa: E402
from tables import FOLDS, made_up  # noqa: E402

torch.set_num_threads(1)

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
SEEDS = (1, 2, 3)
TINY = """
[experiment]
title = "tiny"
network = { width = 8, heads = 1, depths = [1, 1, 1], dropout = 0.0, input_dropout = 0.0 }
options = { epochs = 12, batch = 5, learning_rate = 2e-2, ema = 0.8 }
"""


@pytest.fixture(scope="module")
def features() -> Features:
    """40 learners' utterances, two with a stranger's labels, some native speech."""
    from dataclasses import replace

    def widened(example: Any) -> Any:
        row = np.resize(example.utterance, len(NAMES))
        return replace(example, utterance=row)

    learners = [widened(made_up(n)) for n in range(40)]
    natives = [widened(made_up(n, False)) for n in range(100, 110)]
    return Features(learners, [widened(made_up(n)) for n in (7, 8)], natives, "key")


@pytest.fixture
def experiment(tmp_path: Path) -> ExperimentConfig:
    (tmp_path / "base.toml").write_text(TINY)
    (tmp_path / "more.toml").write_text(
        '[experiment]\nextends = "base.toml"\ntitle = "more"\n'
        "pretraining = { epochs = 5, batch = 10, native = true }\n"
    )
    return read_config(ExperimentConfig, tmp_path / "more.toml", "experiment")


GRID = GridConfig("a.toml", "experiments", "r.md", (), SEEDS)


def test_a_configuration_extends_another(experiment: ExperimentConfig, tmp_path: Path) -> None:
    assert experiment.title == "more"
    assert experiment.network.width == 8
    assert experiment.options.epochs == 12
    assert experiment.pretraining.epochs == 5
    (tmp_path / "base.toml").write_text('[experiment]\nextends = "more.toml"\n')
    with pytest.raises(ConfigError, match="extends"):
        read_config(ExperimentConfig, tmp_path / "more.toml", "experiment")


def test_the_grid_that_ships() -> None:
    config = read_config(GridConfig, CONFIGS / "grid.toml", "grid")
    assert len(config.seeds) >= 3
    found = read_experiments(config, CONFIGS / "grid.toml")
    assert len({e.recipe for e in found.values()}) == len(found)
    assert {path.stem for path in (CONFIGS / "experiments").glob("*.toml")} == set(found)
    pair = found["own-base"].recipe, found["own-mtp"].recipe
    assert pair[0].network == pair[1].network
    assert pair[0].options == pair[1].options


def test_an_experiment_finds_what_the_scores_depend_on(
    experiment: ExperimentConfig, features: Features, tmp_path: Path
) -> None:
    run_experiment(experiment, features, FOLDS, GRID, tmp_path / "more")
    found = load_outcome(tmp_path / "more" / "outcome.npz")
    assert set(found) == set(SEEDS)
    summary = json.loads((tmp_path / "more" / "summary.json").read_text())
    assert summary["agreement"]["phone PCC"]["mean"] > 0.5
    for encoder in ("fresh", "pretrained"):
        shown, hidden = (summary["probes"][encoder][kind] for kind in ("shown", "hidden"))
        assert shown["manner"] > hidden["manner"]
        assert hidden["duration"] < 0.9
    rows = [json.loads(line) for line in (tmp_path / "more" / "metrics.jsonl").read_text().splitlines()]
    assert [row["phase"] for row in rows] == ["pretraining"] * 5 + ["scores"] * 12
    assert all(len(row["loss"]) == 15 for row in rows)


@pytest.mark.parametrize(("phase", "epoch"), [("pretraining", 2), ("pretraining", 5), ("scores", 5)])
def test_a_killed_experiment_goes_on(
    experiment: ExperimentConfig, features: Features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    phase: str, epoch: int,
) -> None:  # fmt: skip
    config = GridConfig("a.toml", "experiments", "r.md", (), (1,))
    run_experiment(experiment, features, FOLDS, config, tmp_path / "whole")
    log = grid.metrics_log

    def killing(folder: Path, tensorboard: bool) -> Any:
        inner = log(folder, tensorboard)

        def write(row: dict[str, Any]) -> None:
            inner(row)
            if (row["phase"], row["epoch"]) == (phase, epoch):
                raise KeyboardInterrupt

        return write

    with monkeypatch.context() as patch:
        patch.setattr(grid, "metrics_log", killing)
        with pytest.raises(KeyboardInterrupt):
            run_experiment(experiment, features, FOLDS, config, tmp_path / "killed")
    assert not (tmp_path / "killed" / "outcome.npz").exists()
    run_experiment(experiment, features, FOLDS, config, tmp_path / "killed")
    a, b = (load_outcome(tmp_path / name / "outcome.npz")[1] for name in ("whole", "killed"))
    np.testing.assert_allclose(a.phones, b.phones, atol=1e-5)
    np.testing.assert_allclose(a.scores, b.scores, atol=1e-5)


def test_what_is_done_is_not_done_again_unless_it_changed(
    experiment: ExperimentConfig, features: Features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    config = GridConfig("a.toml", "experiments", "r.md", (), (1,))
    calls: list[str] = []
    fit = grid.fit_members
    monkeypatch.setattr(grid, "fit_members", lambda *rest: [calls.append("fit"), fit(*rest)][1])
    for title, seeds, key in (("a", (1,), "k"), ("b", (1,), "k"), ("b", (2,), "k"), ("b", (2,), "other")):
        run_experiment(
            replace(experiment, title=title), replace(features, key=key), FOLDS,
            replace(config, seeds=seeds), tmp_path / "x",
        )  # fmt: skip
    assert len(calls) == 3


def predictions(features: Features, noise: float, seed: int) -> Predictions:
    random = np.random.default_rng(seed)
    longest = max(len(e.phones) for e in features.learners)
    count = len(features.learners)
    found = Predictions(
        np.zeros((count, longest), np.float32), np.zeros((count, longest, 3), np.float32),
        np.stack([e.scores for e in features.learners]) + noise * random.normal(size=(count, 4)),
    )  # fmt: skip
    for row, e in enumerate(features.learners):
        own = len(e.phones)
        found.phones[row, :own] = e.phones + noise * random.normal(size=own)
        found.words[row, :own] = e.words + noise * random.normal(size=(own, 3))
    return found


def test_agreement_is_that_of_the_metrics(features: Features) -> None:
    truth = Truth.of(features.learners, FOLDS)
    found = {seed: predictions(features, 0.3, seed) for seed in SEEDS}
    report = agreement(found, truth)
    expected = []
    for predicted in found.values():
        x = np.concatenate(
            [p[: len(e.phones)] for p, e in zip(predicted.phones, features.learners, strict=True)]
        )
        y = np.concatenate([e.phones for e in features.learners])
        expected.append((mse(x.clip(0, 2), y), pcc(x.clip(0, 2), y)))
    errors, correlations = zip(*expected, strict=True)
    assert report["phone MSE"]["mean"] == pytest.approx(np.mean(errors), abs=1e-4)
    assert report["phone PCC"]["mean"] == pytest.approx(np.mean(correlations), abs=1e-4)
    assert report["phone PCC"]["std"] == pytest.approx(np.std(correlations, ddof=1), abs=1e-4)
    assert report["phone PCC"]["together"] > report["phone PCC"]["mean"]


def test_comparison_in_pairs(features: Features) -> None:
    truth = Truth.of(features.learners, FOLDS)
    good = {seed: predictions(features, 0.1, seed) for seed in SEEDS}
    bad = {seed: predictions(features, 0.6, seed + 10) for seed in SEEDS}
    same = compare(good, good, truth, draws=50)
    assert all((d.value, d.low, d.high, d.better) == (0, 0, 0, 0) for d in same.values())
    found = compare(good, bad, truth, draws=200)
    assert set(found) == set(MEASURES)
    for measure, d in found.items():
        assert d.pairs == 15
        assert d.low <= d.value <= d.high
        if measure == "phone MSE":
            assert d.high < 0
        elif measure in ("phone PCC", "utterance total"):
            assert d.low > 0
        assert d.better >= 12
    opposite = compare(bad, good, truth, draws=200)
    assert opposite["phone PCC"].value == pytest.approx(-found["phone PCC"].value)


def test_the_page_of_results(features: Features) -> None:
    truth = Truth.of(features.learners, FOLDS)
    outcomes = {"a": {1: predictions(features, 0.6, 1)}, "b": {1: predictions(features, 0.1, 2)}}
    sections = [("First", "About it.", "a", ("b", "c"))]
    page = results_page(sections, {"a": "base", "b": "better", "c": "later"}, outcomes, truth)
    assert "Not run: later." in page
    lines = page.splitlines()
    value, difference = ([x for x in lines if x.startswith("| better")][n] for n in (0, 1))
    assert value.count("±") == len(MEASURES)
    assert "**" in difference
    assert len(value.split("|")) == len(difference.split("|")) == len(MEASURES) + 3


def test_a_table_of_probes() -> None:
    told = {"shown": {"phone": 0.5, "f0": 0.25}, "hidden": {"phone": 0.1, "f0": -0.1}}
    page = results.probes_section({"all six": {"fresh": told, "pretrained": told}})
    assert "| all six | hidden | .100 (.100) | -.100 (-.100) |" in page
    assert results.probes_section({}) == ""


def test_one_command_for_the_grid(
    features: Features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the configuration to the page, and the step is known to the command line."""
    from elocute.training.commands import STEPS

    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "one.toml").write_text(TINY)
    (tmp_path / "acoustic.toml").write_text(
        '[acoustic]\nname = "a"\nversion = "1"\nencoder = "e"\nnative = "n"\n'
    )
    (tmp_path / "grid.toml").write_text(
        '[grid]\nacoustic = "acoustic.toml"\nfolder = "e"\nreport = "page.md"\nseeds = [1]\n'
        '[[grid.sections]]\ntitle = "T"\ntext = ""\nbaseline = "one"\nexperiments = []\n'
    )
    monkeypatch.setattr(grid, "load_features", lambda *rest: features)
    work = tmp_path / "work"

    def path(*parts: str) -> Path:
        work.joinpath(*parts).parent.mkdir(parents=True, exist_ok=True)
        return work.joinpath(*parts)

    monkeypatch.setattr(grid, "open_shop", lambda *rest: SimpleNamespace(folds=FOLDS, path=path))
    STEPS["grid"](tmp_path / "grid.toml", tmp_path, work)
    assert "| tiny |" in (tmp_path / "page.md").read_text()
    (tmp_path / "page.md").unlink()
    STEPS["results"](tmp_path / "grid.toml", tmp_path, work)
    assert results.PREAMBLE.splitlines()[0] in (tmp_path / "page.md").read_text()
