"""The steps of ``elocute train``: acoustic, score, export. Each continues what an earlier run left in
``work``."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from elocute.acoustics.posteriors import CLASSES, Posteriors
from elocute.card import ASSETS
from elocute.corpora.types import Utterance
from elocute.evaluate import summary
from elocute.features.phone import VALUES
from elocute.predictions import write_predictions
from elocute.training.config import FOLDS, AcousticConfig, ConfigError, ScorerConfig, read_config
from elocute.training.crossfit import (
    EVERYBODY,
    alignments_path,
    cross_fit,
    cross_fitted,
    held_out_metrics,
    model_path,
    posteriors_path,
)
from elocute.training.crossvalidate import NOBODY, cross_validate, fit_networks, load_networks, network_path
from elocute.training.examples import load_examples, save_examples
from elocute.training.export import export_encoder, export_scorer, write_card
from elocute.training.measured import load_prosody, measure_all, stranger_examples
from elocute.training.presence import fit_presence, word_sample
from elocute.training.targets import FRAME_SHIFT
from elocute.training.whisper import load_whisper
from elocute.training.workshop import Workshop, load_network

JOBS = os.cpu_count() or 1


def train_acoustic(config: Path, corpus: Path, work: Path) -> None:
    """Cross-fit the phonetic encoder: five fold models with their held-out posteriors, and one of
    everybody."""
    cross_fit(_shop(config, corpus, work), JOBS)


def train_score(config: Path, corpus: Path, work: Path) -> None:
    """Cross-validate the scorer on cross-fitted features and train the networks that ship; writes
    ``report.json`` and ``predictions.csv``."""
    options = read_config(ScorerConfig, config, "score")
    shop = _shop(config.parent / options.acoustic, corpus, work)
    posteriors = _cross_fitted(shop)
    tunes = load_prosody(shop.learners, shop.path("prosody.npz"))
    measured = measure_all(shop.learners, posteriors, tunes, shop.config.align, options.utterance_features)
    strangers = stranger_examples(
        shop.learners, posteriors, tunes, shop.config.align, options.strangers, options.utterance_features
    )
    words = word_sample(
        shop.learners, lambda u: posteriors[u.id], shop.config.align, lambda u: tunes[u.id].energy
    )
    folder = shop.path(options.name, "report.json").parent
    examples = [*(m.example for m in measured), *strangers]
    networks = fit_networks(options, examples, shop.folds, folder, JOBS)
    rows, report = cross_validate(measured, networks, words, shop.folds, options)
    presence = fit_presence(words, options.false_omissions, options.false_rejections, options.on_script)
    (folder / "presence.json").write_text(json.dumps(dataclasses.asdict(presence), indent=1))
    save_examples([measured[0].example], folder / "example.npz")
    write_predictions(rows, folder / "predictions.csv")
    (folder / "report.json").write_text(json.dumps(report, indent=1))
    print(summary(report), file=sys.stderr)


def train_export(config: Path, corpus: Path, work: Path) -> None:
    """Write the phonetic encoder and the scorer as ONNX with cards into the package's assets."""
    options = read_config(ScorerConfig, config, "score")
    shop = _shop(config.parent / options.acoustic, corpus, work)
    folder = shop.path(options.name, "report.json").parent
    for seed in options.seeds:
        _need(network_path(folder, NOBODY, seed), "score")
    report = json.loads(_need(folder / "report.json", "score").read_text())
    encoder = ASSETS / shop.config.name
    encoder.mkdir(parents=True, exist_ok=True)
    upper = shop.new_network(0)
    load_network(upper, model_path(shop, shop.config.rounds, EVERYBODY))
    export_encoder(
        load_whisper(shop.resolve(shop.config.encoder), shop.config.frozen),
        upper.eval(),
        encoder / "model.onnx",
        integers=shop.config.integers,
    )
    write_card(encoder, _acoustic_card(shop))
    scorer = ASSETS / options.name
    scorer.mkdir(parents=True, exist_ok=True)
    example = load_examples(folder / "example.npz")[0]
    networks = load_networks(options, [example], NOBODY, folder)
    export_scorer(networks, example.features, example.utterance, scorer / "model.onnx")
    presence = json.loads((folder / "presence.json").read_text())
    write_card(scorer, _scorer_card(options, shop, presence, report))
    shutil.copyfile(folder / "report.json", scorer / "cross-validation.json")


STEPS: dict[str, Callable[[Path, Path, Path], None]] = {
    "acoustic": train_acoustic,
    "score": train_score,
    "export": train_export,
}


def _shop(config: Path, corpus: Path, work: Path) -> Workshop:
    torch.set_num_threads(JOBS)
    return Workshop(read_config(AcousticConfig, config, "acoustic"), config, corpus, work)


def _cross_fitted(shop: Workshop) -> dict[str, Posteriors]:
    # Until the last round is merged, posteriors of some of its folds may be missing.
    _need(alignments_path(shop, shop.config.rounds, "learners"), "acoustic")
    for fold in range(FOLDS):
        _need(posteriors_path(shop, fold), "acoustic")
    return cross_fitted(shop)


def _need(path: Path, step: str) -> Path:
    if not path.exists():
        raise ConfigError(f"{path} is missing: run the step {step!r} with the same --work first.")
    return path


def _speech(utterances: tuple[Utterance, ...]) -> dict[str, int]:
    return {"recordings": len(utterances), "speakers": len({u.speaker for u in utterances})}


def _acoustic_card(shop: Workshop) -> dict[str, Any]:
    config = shop.config
    return {
        "name": config.name,
        "version": config.version,
        "kind": "acoustic",
        "architecture": (
            f"Whisper encoder, blocks 1-{config.frozen} frozen and {config.tuned} fine-tuned, unpadded, "
            "with a head for phones and acceptance by raters; "
            + ("products of 8-bit integers" if config.integers else "half-precision weights")
        ),
        "base": "openai/whisper-base (MIT)",
        "classes": CLASSES,
        "frame_shift": FRAME_SHIFT,
        "rate": 16_000,
        "band": [0, 8000],
        "align": dataclasses.asdict(config.align),
        "training_data": {
            "speechocean762 training half (CC BY 4.0)": _speech(shop.learners),
            "LibriSpeech and LJSpeech sample (CC BY 4.0, public domain)": _speech(shop.natives),
        },
        "options": dataclasses.asdict(config.options),
        "cross_validation": held_out_metrics(shop),
    }


def _scorer_card(
    options: ScorerConfig, shop: Workshop, presence: dict[str, Any], report: dict[str, Any]
) -> dict[str, Any]:
    return {
        "name": options.name,
        "version": options.version,
        "kind": "scorer",
        "acoustic": f"{shop.config.name} {shop.config.version}",
        "architecture": f"mean of {len(options.seeds)} hierarchical networks, phone -> word -> utterance",
        "scales": {"phone": [0, 2], "word": [0, 10], "utterance": [0, 10]},
        "features": VALUES,
        "utterance_features": list(options.utterance_features),
        "presence": presence,
        "training_data": {"speechocean762 training half (CC BY 4.0)": _speech(shop.learners)},
        "options": dataclasses.asdict(options.options) | dataclasses.asdict(options.network),
        "cross_validation": {
            key: report[key] for key in ("n", "phone", "word", "utterance", "ci95", "groups")
        },
    }
