"""The steps of ``elocute train``: acoustic, score, export. Each continues what an earlier run left in
``work``."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from elocute.card import ASSETS
from elocute.evaluate import summary
from elocute.features.handcrafted import REGISTRY
from elocute.features.reference import make_reference, save_reference
from elocute.predictions import write_predictions
from elocute.scoring.forest import Forest
from elocute.scoring.scores import Scores
from elocute.shipped import open_acoustic
from elocute.training import front
from elocute.training.config import FOLDS, ConfigError, ScorerConfig, read_config
from elocute.training.crossvalidate import (
    NOBODY,
    cross_validate,
    fit_forests,
    fit_networks,
    forest_path,
    held_out_scores,
    load_networks,
    network_path,
)
from elocute.training.edited import edit_sample
from elocute.training.examples import Example, load_examples, pick, save_examples
from elocute.training.export import export_scorer, write_card
from elocute.training.front import need, speech
from elocute.training.grid import run_grid, write_results
from elocute.training.handcrafted import fit_handcrafted, load_table, native_values, reader_groups
from elocute.training.hearing import (
    HearingSample,
    confidence_sample,
    error_sample,
    evaluate_hearing,
    fit_hearing,
)
from elocute.training.measured import Measured, load_prosody, measure_all, stranger_examples
from elocute.training.presence import WordSample, fit_presence, word_sample
from elocute.training.selection import dropped, feature_table

JOBS = os.cpu_count() or 1


def train_acoustic(config: Path, corpus: Path, work: Path) -> None:
    """Cross-fit a phonetic encoder or a TDNN-F: five fold models with their held-out posteriors, and one of
    everybody."""
    torch.set_num_threads(JOBS)
    front.fit(front.open_shop(config, corpus, work), JOBS)


def train_score(config: Path, corpus: Path, work: Path) -> None:
    """Cross-validate the scorer on cross-fitted features and train the networks that ship; writes
    ``report.json`` and ``predictions.csv``."""
    options = read_config(ScorerConfig, config, "score")
    shop = _shop(config, options, corpus, work)
    posteriors = front.heard(shop)
    tunes = load_prosody(shop.learners, shop.path("prosody.npz"))
    names, align = tuple(REGISTRY), shop.config.align
    whole = measure_all(shop.learners, posteriors, tunes, align, names)
    wide = [m.example for m in whole]
    wide += stranger_examples(shop.learners, posteriors, tunes, align, options.strangers, names)
    examples = pick(wide, names, options.utterance_features)
    own = examples[: len(whole)]
    measured = [dataclasses.replace(m, example=e) for m, e in zip(whole, own, strict=True)]
    words = word_sample(
        shop.learners, lambda u: posteriors[u.id], shop.config.align, lambda u: tunes[u.id].energy
    )
    folder = shop.path(options.name, "report.json").parent
    linear = fit_handcrafted(measured, shop.folds, options, folder)
    networks = fit_networks(options, examples, shop.folds, folder, JOBS)
    forests = _forests(options, wide, shop.folds, folder)
    rows, report = cross_validate(measured, networks, words, shop.folds, options, forests, linear)
    judged = held_out_scores(measured, networks, shop.folds, options.recipe, forests)
    hearing = _hearing_sample(shop, measured, judged, words)
    report["hearing"] = evaluate_hearing(hearing, shop.folds, FOLDS)
    (folder / "hearing.json").write_text(json.dumps(dataclasses.asdict(fit_hearing(hearing)), indent=1))
    presence = fit_presence(words, options.false_omissions, options.false_rejections, options.on_script)
    (folder / "presence.json").write_text(json.dumps(dataclasses.asdict(presence), indent=1))
    save_examples([measured[0].example], folder / "example.npz")
    write_predictions(rows, folder / "predictions.csv")
    (folder / "report.json").write_text(json.dumps(report, indent=1))
    print(summary(report), file=sys.stderr)


def _forests(
    options: ScorerConfig, wide: Sequence[Example], folds: dict[str, int], folder: Path
) -> dict[int, Forest]:
    """Grown on the handcrafted features that pass the filters, which look at no scores."""
    names = tuple(REGISTRY)
    out = dropped(feature_table(wide, names))
    kept = tuple(name for name in names if name not in out)
    return fit_forests(options, pick(wide, names, kept), kept, folds, folder)


def _hearing_sample(
    shop: front.Shop, measured: Sequence[Measured], scores: dict[str, Scores], words: WordSample
) -> HearingSample:
    heard = {m.utterance.id: m for m in measured}
    edits = edit_sample(
        shop.learners,
        lambda u: heard[u.id].posteriors,
        shop.config.align,
        lambda u: heard[u.id].measurements.prosody.energy,
    )
    reference = front.other_alignments(shop)
    return HearingSample(error_sample(measured, scores), edits, confidence_sample(measured, words, reference))


def train_export(config: Path, corpus: Path, work: Path) -> None:
    """Write the acoustic model and its scorer as ONNX with cards into the package's assets."""
    options = read_config(ScorerConfig, config, "score")
    shop = _shop(config, options, corpus, work)
    folder = shop.path(options.name, "report.json").parent
    if options.network.text != "none":
        raise ConfigError("A scorer that reads the text cannot be exported: set network.text to none.")
    for seed in options.seeds:
        need(network_path(folder, NOBODY, seed), "score")
    report = json.loads(need(folder / "report.json", "score").read_text())
    front.export(shop, ASSETS / shop.config.name)
    scorer = ASSETS / options.name
    scorer.mkdir(parents=True, exist_ok=True)
    example = load_examples(folder / "example.npz")[0]
    network = load_networks(options, [example], NOBODY, folder)
    export_scorer(network, example.features, example.utterance, scorer / "model.onnx")
    fitted = {
        name: json.loads(need(folder / f"{name}.json", "score").read_text())
        for name in ("presence", "hearing")
    }
    write_card(scorer, _scorer_card(options, shop, fitted, report, example.features.names))
    shutil.copyfile(folder / "report.json", scorer / "cross-validation.json")
    shutil.copyfile(need(folder / "linear.json", "score"), scorer / "linear.json")
    shutil.copytree(forest_path(folder, NOBODY), scorer / "forest", dirs_exist_ok=True)


def train_reference(config: Path, corpus: Path, work: Path) -> None:
    """Write the percentiles of the handcrafted features over native readers, as the exported acoustic model
    hears them, and over learners beside the exported scorer."""
    options = read_config(ScorerConfig, config, "score")
    shop = _shop(config, options, corpus, work)
    features = need(shop.path(options.name, "report.json").parent / "features.npz", "score")
    need(ASSETS / shop.config.name / "model.onnx", "export")
    groups = reader_groups(
        load_table(features)[0],
        {u.speaker for u in shop.learners if u.is_child},
        native_values(shop.natives, open_acoustic(ASSETS / shop.config.name)),
    )
    save_reference(make_reference(tuple(REGISTRY), groups), ASSETS / options.name / "reference.npz")


STEPS: dict[str, Callable[[Path, Path, Path], None]] = {
    "acoustic": train_acoustic,
    "score": train_score,
    "export": train_export,
    "reference": train_reference,
    "grid": run_grid,
    "results": write_results,
}


def _shop(config: Path, options: ScorerConfig, corpus: Path, work: Path) -> front.Shop:
    """Of the acoustic model whose features a scorer's configuration asks for."""
    torch.set_num_threads(JOBS)
    return front.open_shop(config.parent / options.acoustic, corpus, work)


def _scorer_card(
    options: ScorerConfig,
    shop: front.Shop,
    fitted: dict[str, Any],
    report: dict[str, Any],
    names: Sequence[str],
) -> dict[str, Any]:
    return {
        "name": options.name,
        "version": options.version,
        "kind": "scorer",
        "acoustic": f"{shop.config.name} {shop.config.version}",
        "architecture": f"mean of {len(options.seeds)} hierarchical networks, phone -> word -> utterance; "
        "beside them trees (forest/) and a linear scorer (linear.json)",
        "scales": {"phone": [0, 2], "word": [0, 10], "utterance": [0, 10]},
        "features": names,
        "utterance_features": list(options.utterance_features),
        **fitted,
        "training_data": {"speechocean762 training half (CC BY 4.0)": speech(shop.learners)},
        "options": dataclasses.asdict(options.options) | dataclasses.asdict(options.network),
        "cross_validation": {
            key: report[key] for key in ("n", "phone", "word", "utterance", "ci95", "groups", "hearing")
        },
    }
