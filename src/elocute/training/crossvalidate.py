"""Speaker-disjoint cross-validation of the whole pipeline, and the networks that ship."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
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
from elocute.scoring.linear import LinearModel, fuse
from elocute.scoring.presence import PresenceModel, judge_presence
from elocute.scoring.scores import Scores, native_scores
from elocute.training.config import FOLDS, ScorerConfig
from elocute.training.examples import Example
from elocute.training.hierarchy import Hierarchy
from elocute.training.measured import Measured
from elocute.training.presence import WordSample, fit_presence
from elocute.training.scorer import new_network, predict, train_scorer
from elocute.training.workshop import load_network, save_network

NOBODY = FOLDS
"""Number of the fold that holds out nobody: the networks that ship."""


@dataclass(frozen=True)
class FoldTask:
    """One network to train: held-out fold and seed."""

    config: ScorerConfig
    examples: tuple[Example, ...]
    path: Path
    seed: int


def fit_networks(
    config: ScorerConfig, examples: Sequence[Example], folds: dict[str, int], work: Path, jobs: int
) -> dict[int, list[Hierarchy]]:
    """The networks of every fold and seed; those already in ``work`` are read, the others trained."""
    _discard_stale(config, examples, work)
    tasks = []
    for fold in range(FOLDS + 1):
        part = tuple(e for e in examples if folds[e.speaker] != fold)
        for seed in config.seeds:
            tasks.append(FoldTask(config, part, network_path(work, fold, seed), seed))
    missing = [task for task in tasks if not task.path.exists()]
    with ProcessPoolExecutor(
        jobs, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        for done, _ in enumerate(pool.map(_fit, missing), start=1):
            print(f"scorer networks: {done} of {len(missing)}", file=sys.stderr, flush=True)
    return {fold: load_networks(config, examples[:1], fold, work) for fold in range(FOLDS + 1)}


def _discard_stale(config: ScorerConfig, examples: Sequence[Example], work: Path) -> None:
    """Remove networks that were trained on other examples or with other options."""
    digest = hashlib.sha256(repr((config.network, config.options)).encode())
    for example in examples:
        digest.update(example.features.values.tobytes() + example.utterance.tobytes())
    stamp = work / "inputs.sha256"
    if stamp.exists() and stamp.read_text() != digest.hexdigest():
        for path in work.glob("fold*-seed*.safetensors"):
            path.unlink()
    stamp.write_text(digest.hexdigest())


def load_networks(
    config: ScorerConfig, examples: Sequence[Example], fold: int, work: Path
) -> list[Hierarchy]:
    """The trained networks of a fold, one per seed; any ``examples`` will do, they tell the sizes."""
    networks = []
    for seed in config.seeds:
        network = new_network(examples, config.network, seed)
        load_network(network, network_path(work, fold, seed))
        networks.append(network.eval())
    return networks


def network_path(work: Path, fold: int, seed: int) -> Path:
    return work / f"fold{fold}-seed{seed}.safetensors"


def _fit(task: FoldTask) -> None:
    network = new_network(task.examples, task.config.network, task.seed)
    options = task.config.options
    save_network(train_scorer(network, task.examples, options, task.seed), task.path)


def cross_validate(
    measured: Sequence[Measured],
    networks: dict[int, list[Hierarchy]],
    words: WordSample,
    folds: dict[str, int],
    config: ScorerConfig,
    linear: Mapping[int, LinearModel] | None = None,
) -> tuple[list[Prediction], dict[str, Any]]:
    """Score every training utterance by the networks and the presence model that never saw its speaker.

    Each utterance goes through the same ``compose`` as in use, so statuses and omitted words count.
    ``linear`` are the linear scorers that are fused with the networks, by fold.
    """
    rows: list[Prediction] = []
    scores = held_out_scores(measured, networks, folds)
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
    measured: Sequence[Measured], networks: dict[int, list[Hierarchy]], folds: dict[str, int]
) -> dict[str, Scores]:
    """Scores of every utterance by the networks that never saw its speaker, by its id."""
    scores = {}
    for fold in range(FOLDS):
        part = [m for m in measured if folds[m.utterance.speaker] == fold]
        found = predict(networks[fold], [m.example for m in part])
        for item, prediction in zip(part, found, strict=True):
            starts = item.measurements.phones.word_starts
            levels = prediction.phones, prediction.words, prediction.scores
            scores[item.utterance.id] = native_scores(*levels, starts)
    return scores


def _others(words: WordSample, folds: dict[str, int], fold: int) -> WordSample:
    keep = np.array([folds[str(speaker)] != fold for speaker in words.speakers])
    return WordSample(words.measures[keep], words.read[keep], words.speakers[keep], words.utterances[keep])


def _rows(item: Measured, scores: Scores, presence: PresenceModel) -> Sequence[Prediction]:
    utterance: Utterance = item.utterance
    judged = judge_presence(
        item.measurements.alignment, item.measurements.goodness, item.posteriors, presence
    )
    model = ModelInfo("cross-validation", "", "")
    assessment = compose(
        load_audio(utterance.audio), utterance.script, item.measurements, judged, scores, model
    )
    return prediction_rows(utterance, assessment)
