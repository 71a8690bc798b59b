"""Speaker-disjoint cross-validation of the whole pipeline, and the networks that ship."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from elocute.audio import load_audio
from elocute.compose import compose
from elocute.corpora.types import Utterance
from elocute.predictions import Prediction, prediction_rows
from elocute.report import build_report
from elocute.result import ModelInfo
from elocute.scoring.forest import Forest, blend
from elocute.scoring.linear import LinearModel, fuse
from elocute.scoring.presence import PresenceModel, judge_presence
from elocute.scoring.scores import Scores, native_scores
from elocute.training.config import FOLDS, ConfigError, ScorerConfig
from elocute.training.examples import Example
from elocute.training.forest import fit_forest
from elocute.training.hierarchy import Hierarchy, Sizes, member_state
from elocute.training.loop import Log
from elocute.training.measured import Measured
from elocute.training.presence import WordSample, fit_presence
from elocute.training.scorer import Recipe, new_stack, predict, pretrain, train_scorer
from elocute.training.table import Member, Table, make_table
from elocute.training.textinput import text_inputs
from elocute.training.workshop import load_network, save_network, save_state

NOBODY = FOLDS
"""Number of the fold that holds out nobody: the networks that ship."""


def fit_networks(
    config: ScorerConfig, examples: Sequence[Example], folds: dict[str, int], work: Path, jobs: int
) -> dict[int, Hierarchy]:
    """The networks of every fold, a stack with one member per seed; those already in ``work`` are read, the
    others trained, those of the folds side by side and then those of everybody."""
    _discard_stale(config, examples, work)
    torch.set_num_threads(jobs)
    table = scorer_table(config.recipe, examples, folds)
    for name, numbers in (("folds", range(FOLDS)), ("everybody", (NOBODY,))):
        wanted = [Member(fold, seed) for fold in numbers for seed in config.seeds]
        missing = [m for m in wanted if not network_path(work, m.fold, m.seed).exists()]
        if missing:
            print(f"scorer networks of {name}: {len(missing)} of {len(wanted)}", file=sys.stderr, flush=True)
            network = fit_members(config.recipe, table, missing, work / name, progress_log(name))
            for number, member in enumerate(missing):
                save_state(member_state(network, number), network_path(work, member.fold, member.seed))
            shutil.rmtree(work / name)
    return {fold: load_networks(config, examples, fold, work) for fold in range(FOLDS + 1)}


def fit_forests(
    config: ScorerConfig, examples: Sequence[Example], names: Sequence[str], folds: dict[str, int], work: Path
) -> dict[int, Forest]:
    """The forest of every fold and that of everybody (:data:`NOBODY`); those already in ``work`` are read.

    Args:
        examples: with the utterance features ``names``.
    """
    card = {"name": f"{config.name}-forest", "version": config.version}
    stamp, digest = work / "forests.sha256", _digest((config.forest, card, tuple(names)), examples)
    if stamp.exists() and stamp.read_text() != digest:
        for fold in range(FOLDS + 1):
            shutil.rmtree(forest_path(work, fold), ignore_errors=True)
    stamp.write_text(digest)
    found = {}
    for fold in range(FOLDS + 1):
        folder = forest_path(work, fold)
        if (folder / "card.json").exists():
            found[fold] = Forest(folder)
            continue
        seen = [e for e in examples if folds[e.speaker] != fold]
        found[fold] = fit_forest(seen, names, config.forest, card, folder)
        print(f"forest {fold + 1} of {FOLDS + 1}", file=sys.stderr, flush=True)
    return found


def forest_path(work: Path, fold: int) -> Path:
    return work / f"forest{fold}"


def scorer_table(
    recipe: Recipe, examples: Sequence[Example], folds: dict[str, int], more: Sequence[Example] = ()
) -> Table:
    """``more`` is speech without scores."""
    text, size = text_inputs(recipe.network.text, recipe.text_model, [*examples, *more])
    return make_table(examples, folds, more, text, size)


def fit_members(recipe: Recipe, table: Table, members: Sequence[Member], work: Path, log: Log) -> Hierarchy:
    """Pretrain and train a stack; what is done is kept in ``work``, so that it can go on after a stop."""
    work.mkdir(parents=True, exist_ok=True)
    network = new_stack(table, members, recipe.network)
    pretrained = work / "pretrained.safetensors"
    if recipe.pretraining.epochs:
        if pretrained.exists():
            load_network(network, pretrained)
        else:
            found = lambda row: log({"phase": "pretraining", **row})  # noqa: E731
            pretrain(network, table, members, recipe.pretraining, found, work / "pretraining.checkpoint")
            save_network(network, pretrained)
    found = lambda row: log({"phase": "scores", **row})  # noqa: E731
    return train_scorer(network, table, members, recipe.options, found, work / "scores.checkpoint")


def progress_log(name: str) -> Log:
    def log(row: dict[str, Any]) -> None:
        losses = row["loss"]
        mean = sum(losses) / len(losses)
        print(f"{name}: {row['phase']} epoch {row['epoch']}, loss {mean:.4f}", file=sys.stderr, flush=True)

    return log


def _discard_stale(config: ScorerConfig, examples: Sequence[Example], work: Path) -> None:
    """Remove networks that were trained on other examples or with other options."""
    digest = _digest(config.recipe, examples)
    stamp = work / "inputs.sha256"
    if stamp.exists() and stamp.read_text() != digest:
        for path in work.glob("fold*-seed*.safetensors"):
            path.unlink()
        for name in ("folds", "everybody"):
            shutil.rmtree(work / name, ignore_errors=True)
    stamp.write_text(digest)


def _digest(options: object, examples: Sequence[Example]) -> str:
    """A hash of what a training is made of."""
    digest = hashlib.sha256(repr(options).encode())
    for example in examples:
        digest.update(example.features.values.tobytes() + example.utterance.tobytes())
        digest.update(example.phones.tobytes() + example.words.tobytes() + example.scores.tobytes())
    return digest.hexdigest()


def load_networks(config: ScorerConfig, examples: Sequence[Example], fold: int, work: Path) -> Hierarchy:
    """The trained networks of a fold, a member per seed; any ``examples`` will do, they tell the sizes."""
    from safetensors.torch import load_file

    states = [load_file(network_path(work, fold, seed)) for seed in config.seeds]
    text = states[0].get("text.table", states[0].get("text.weight"))
    sizes = Sizes(
        tuple(examples[0].features.names),
        len(examples[0].utterance),
        0 if text is None else int(text.shape[1]),
    )
    network = Hierarchy(sizes, config.network, len(config.seeds))
    if any(state.keys() != network.state_dict().keys() for state in states):
        raise ConfigError(f"{work} holds networks of another kind: run the step 'score' again.")
    network.load_state_dict({name: torch.cat([state[name] for state in states]) for name in states[0]})
    return network.eval()


def network_path(work: Path, fold: int, seed: int) -> Path:
    return work / f"fold{fold}-seed{seed}.safetensors"


def cross_validate(
    measured: Sequence[Measured],
    networks: dict[int, Hierarchy],
    words: WordSample,
    folds: dict[str, int],
    config: ScorerConfig,
    forests: Mapping[int, Forest] | None = None,
    linear: Mapping[int, LinearModel] | None = None,
) -> tuple[list[Prediction], dict[str, Any]]:
    """Score every training utterance by the networks and the presence model that never saw its speaker.

    Each utterance goes through the same ``compose`` as in use, so statuses and omitted words count.
    ``forests`` and ``linear`` are what is fused with the networks, by fold.
    """
    rows: list[Prediction] = []
    scores = held_out_scores(measured, networks, folds, config.recipe, forests)
    for fold in range(FOLDS):
        part = [m for m in measured if folds[m.utterance.speaker] == fold]
        presence = fit_presence(
            _others(words, folds, fold), config.false_omissions, config.false_rejections, config.on_script
        )
        for item in part:
            found = scores[item.utterance.id]
            if linear is not None:
                found, *_ = fuse(found, item.measurements.utterance, linear[fold])
            rows += _rows(item, found, presence)
    order = {m.utterance.id: number for number, m in enumerate(measured)}
    rows.sort(key=lambda row: order[row.utterance])
    utterances = [m.utterance for m in measured]
    report = build_report(
        rows,
        children={u.speaker for u in utterances if u.is_child},
        audio_seconds=round(sum(m.posteriors.duration for m in measured), 3),
        wall_seconds=0.0,
    )
    return rows, report


def held_out_scores(
    measured: Sequence[Measured],
    networks: dict[int, Hierarchy],
    folds: dict[str, int],
    recipe: Recipe,
    forests: Mapping[int, Forest] | None = None,
) -> dict[str, Scores]:
    """Scores of every utterance by the networks (and the forest) that never saw its speaker, by its id."""
    text, _ = text_inputs(recipe.network.text, recipe.text_model, [m.example for m in measured])
    said = dict(zip((m.utterance.id for m in measured), text or (), strict=False))
    scores = {}
    for fold in range(FOLDS):
        part = [m for m in measured if folds[m.utterance.speaker] == fold]
        text_of = [said[m.utterance.id] for m in part] if said else None
        found = predict(networks[fold], [m.example for m in part], text_of)
        for item, prediction in zip(part, found, strict=True):
            own = item.measurements.phones
            levels = prediction.phones, prediction.words, prediction.scores
            judged = native_scores(*levels, own.word_starts)
            if forests is not None:
                trees, _ = forests[fold].score(own, item.measurements.utterance)
                judged = blend(judged, trees, forests[fold].shares)
            scores[item.utterance.id] = judged
    return scores


def _others(words: WordSample, folds: dict[str, int], fold: int) -> WordSample:
    keep = np.array([folds[str(speaker)] != fold for speaker in words.speakers])
    return WordSample(words.measures[keep], words.read[keep], words.speakers[keep], words.utterances[keep])


def _rows(item: Measured, scores: Scores, presence: PresenceModel) -> Sequence[Prediction]:
    utterance: Utterance = item.utterance
    judged = judge_presence(
        item.measurements.alignment, item.measurements.goodness, item.posteriors, presence, scores
    )
    model = ModelInfo("cross-validation", "", "")
    assessment = compose(
        load_audio(utterance.audio), utterance.script, item.measurements, judged, scores, model
    )
    return prediction_rows(utterance, assessment)
