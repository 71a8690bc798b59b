"""Experiments by configuration: every one cross-validated with the same folds and seeds, on features that
are computed once. A grid can be stopped at any time; the next run goes on where it was."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from elocute.training.config import CORE, FOLDS, read_config
from elocute.training.crossvalidate import fit_members, scorer_table
from elocute.training.curves import draw
from elocute.training.featurestore import NAMES, Features, load_features
from elocute.training.front import open_shop
from elocute.training.hierarchy import HierarchyOptions
from elocute.training.loop import Log
from elocute.training.pretrain import MtpOptions
from elocute.training.probe import probe
from elocute.training.results import (
    Truth,
    agreement,
    load_outcome,
    probes_section,
    results_page,
    save_outcome,
)
from elocute.training.scorer import Recipe, ScorerOptions, held_out, new_stack
from elocute.training.table import Member, Table
from elocute.training.workshop import load_network

VERSION = 1
"""Raised when the code changes what an unchanged configuration trains, so that results are made anew."""


@dataclass(frozen=True)
class ExperimentConfig:
    """One row of a table: ``title``, and what is trained; ``utterance_features`` may be ``["all"]``."""

    title: str
    network: HierarchyOptions = field(default_factory=HierarchyOptions)
    pretraining: MtpOptions = field(default_factory=MtpOptions)
    options: ScorerOptions = field(default_factory=ScorerOptions)
    text_model: str = ""
    utterance_features: tuple[str, ...] = CORE

    @property
    def recipe(self) -> Recipe:
        return Recipe(self.network, self.pretraining, self.options, self.text_model)


@dataclass(frozen=True)
class Section:
    """A table: experiments (names of files beside the grid's folder ``experiments``), compared in pairs with
    the ``baseline``."""

    title: str
    text: str
    baseline: str
    experiments: tuple[str, ...]


@dataclass(frozen=True)
class GridConfig:
    """``acoustic``: configuration of the front end; ``folder`` of the experiments; ``report``: the page that
    is generated; all relative to this file. ``seeds`` of every experiment, in training order of sections;
    ``strangers`` and ``natives``: every n-th utterance, 0 for none; ``tensorboard``: event files too."""

    acoustic: str
    folder: str
    report: str
    sections: tuple[Section, ...]
    seeds: tuple[int, ...] = (22, 33, 44)
    strangers: int = 12
    natives: int = 4
    tensorboard: bool = False

    @property
    def experiments(self) -> list[str]:
        names = (n for section in self.sections for n in (section.baseline, *section.experiments))
        return list(dict.fromkeys(names))


def run_grid(config_path: Path, corpus: Path, work: Path) -> None:
    """Run what is missing of all experiments and write the page of results."""
    config = read_config(GridConfig, config_path, "grid")
    shop = open_shop(config_path.parent / config.acoustic, corpus, work)
    experiments = read_experiments(config, config_path)
    features = load_features(shop, config.strangers, config.natives)
    for number, (name, experiment) in enumerate(experiments.items(), start=1):
        folder = shop.path("experiments", name, "outcome.npz").parent
        print(f"experiment {number} of {len(experiments)}: {name}", file=sys.stderr, flush=True)
        run_experiment(experiment, features, shop.folds, config, folder)
    write_results(config_path, corpus, work)


def read_experiments(config: GridConfig, config_path: Path) -> dict[str, ExperimentConfig]:
    folder = config_path.parent / config.folder
    return {
        name: read_config(ExperimentConfig, folder / f"{name}.toml", "experiment")
        for name in config.experiments
    }


def write_results(config_path: Path, corpus: Path, work: Path) -> None:
    """The page of results from the experiments that are done."""
    config = read_config(GridConfig, config_path, "grid")
    shop = open_shop(config_path.parent / config.acoustic, corpus, work)
    titles = {name: found.title for name, found in read_experiments(config, config_path).items()}
    paths = {name: work / "experiments" / name / "outcome.npz" for name in titles}
    outcomes = {name: load_outcome(path) for name, path in paths.items() if path.exists()}
    sections = [(s.title, s.text, s.baseline, s.experiments) for s in config.sections]
    truth = Truth.of(load_features(shop, 0, 0).learners, shop.folds)
    page = results_page(sections, titles, outcomes, truth)
    summaries = {name: work / "experiments" / name / "summary.json" for name in outcomes}
    probes = {titles[name]: json.loads(path.read_text())["probes"] for name, path in summaries.items()}
    page += probes_section({title: found for title, found in probes.items() if found})
    report = config_path.parent / config.report
    page += _figures(config, titles, work / "experiments", report)
    report.write_text(page, encoding="utf-8")


def _figures(config: GridConfig, titles: dict[str, str], work: Path, report: Path) -> str:
    """Draw the first section's experiments beside the report (in ``results/``), and show them in it."""
    section = config.sections[0]
    drawn = {
        titles[name]: work / name
        for name in dict.fromkeys((section.baseline, *section.experiments))
        if (work / name / "outcome.npz").exists()
    }
    if not drawn:
        return ""
    probed = [f for f in drawn.values() if json.loads((f / "summary.json").read_text())["probes"]]
    figures = draw(drawn, probed[0] if probed else None, report.parent / report.stem)
    shown = "\n\n".join(f"![{caption}]({report.stem}/{name})" for caption, name in figures)
    return f"\n## Figures\n\n{section.title}\n\n{shown}\n"


def run_experiment(
    experiment: ExperimentConfig, features: Features, folds: dict[str, int], config: GridConfig, folder: Path
) -> None:
    """Train all folds and seeds at once and keep what they say about the speakers they have not seen."""
    key = experiment_key(experiment, features, config.seeds)
    stamp = folder / "key"
    if stamp.exists() and stamp.read_text() != key:
        shutil.rmtree(folder)
    if (folder / "outcome.npz").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    stamp.write_text(key)
    (folder / "experiment.json").write_text(json.dumps(dataclasses.asdict(experiment), indent=1))
    torch.set_num_threads(1)
    begin = time.process_time()
    names = experiment.utterance_features
    own = features.pick(NAMES if names == ("all",) else names)
    table = scorer_table(experiment.recipe, [*own.learners, *own.strangers], folds, own.natives)
    members = [Member(fold, seed) for fold in range(FOLDS) for seed in config.seeds]
    log = metrics_log(folder, config.tensorboard)
    network = fit_members(experiment.recipe, table, members, folder / "training", log)
    found = held_out(network, table, members, np.arange(len(own.learners)))
    weights = sum(p.numel() for p in network.parameters()) // len(members)
    summary = {
        "weights": weights,
        "probes": _probes(experiment.recipe, table, members, folder / "training"),
        "cpu_seconds": round(time.process_time() - begin, 1),
        "agreement": agreement(found, Truth.of(own.learners, folds)),
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=1))
    save_outcome(found, folder / "outcome.npz")
    print(json.dumps(summary["agreement"]), file=sys.stderr, flush=True)


def _probes(recipe: Recipe, table: Table, members: Sequence[Member], work: Path) -> dict[str, Any]:
    """What the encoder holds before any training and after pretraining, at shown and at hidden positions."""
    if not recipe.pretraining.epochs:
        return {}
    network = new_stack(table, members, recipe.network)
    found = {}
    for name in ("fresh", "pretrained"):
        if name == "pretrained":
            load_network(network, work / "pretrained.safetensors")
        found[name] = {kind: probe(network, table, members, kind == "hidden") for kind in ("shown", "hidden")}
    return found


def experiment_key(experiment: ExperimentConfig, features: Features, seeds: Sequence[int]) -> str:
    """A hash of everything an experiment's numbers depend on; its title is not."""
    told = (VERSION, experiment.recipe, experiment.utterance_features, features.key, tuple(seeds))
    return hashlib.sha256(repr(told).encode()).hexdigest()


def metrics_log(folder: Path, tensorboard: bool) -> Log:
    """Every epoch as a line of ``metrics.jsonl`` (loss of every member), and as events if asked for."""
    writer: Any = None
    if tensorboard:
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter(str(folder / "events"))

    def log(row: dict[str, Any]) -> None:
        with (folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        if writer is not None:
            values = {**row, "loss": sum(row["loss"]) / len(row["loss"])}
            for name, value in values.items():
                if name not in ("phase", "epoch"):
                    writer.add_scalar(f"{row['phase']}/{name}", value, row["epoch"])
            writer.flush()

    return log
