"""Cross-fitted training of the TDNN-F: the teacher of a fold's model is the encoder that left out that fold.

So neither the model nor its teacher has heard the learners whose posteriors it gives. A model of native
speech, which needs no teacher as its phones can be trusted, is where every fold's model starts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elocute.acoustics.align import align
from elocute.acoustics.alignment import Alignment
from elocute.acoustics.posteriors import CLASSES, Posteriors
from elocute.corpora.types import Utterance
from elocute.errors import TextAudioMismatch
from elocute.phones import PHONES
from elocute.progress import track
from elocute.training.config import FOLDS, TdnnfConfig
from elocute.training.crossfit import EVERYBODY, alignments_path, held_out, model_path, native_alignments
from elocute.training.encoder import SUBFRAMES, PhoneticEncoder
from elocute.training.targets import load_alignments, save_alignments
from elocute.training.tdnnf.data import Sample, make_sample
from elocute.training.tdnnf.fit import FitOptions, bank_posteriors, train_tdnnf
from elocute.training.tdnnf.network import Tdnnf
from elocute.training.tdnnf.store import FrameStore, bank_store, frame_store, speed_key
from elocute.training.workshop import (
    Workshop,
    load_network,
    load_posteriors,
    save_network,
    save_posteriors,
    seconds,
)

TEACHER_BATCH = 8
"""Recordings the teacher hears at once."""

NATIVE = EVERYBODY + 1
"""The number of the fold that leaves out every learner."""


@dataclass(frozen=True)
class TdnnfShop:
    """The working folder of a TDNN-F: inside that of its teacher, whose finished models it needs."""

    config: TdnnfConfig
    teacher: Workshop

    @property
    def learners(self) -> tuple[Utterance, ...]:
        return self.teacher.learners

    @property
    def natives(self) -> tuple[Utterance, ...]:
        return self.teacher.natives

    @property
    def folds(self) -> dict[str, int]:
        return self.teacher.folds

    @cached_property
    def store(self) -> FrameStore:
        recordings = [(u.id, u.audio) for u in (*self.learners, *self.natives)]
        return bank_store(recordings, self.own("filterbank.f16"))

    def path(self, *parts: str) -> Path:
        """In the working folder that all models share."""
        return self.teacher.path(*parts)

    def own(self, *parts: str) -> Path:
        return self.path(self.config.name, *parts)

    def model(self, name: str) -> Path:
        return self.own("models", f"{name}.safetensors")

    def new_network(self, seed: int) -> Tdnnf:
        torch.manual_seed(seed)
        return Tdnnf(self.config.network)


def fold_name(fold: int) -> str:
    return {EVERYBODY: "all", NATIVE: "native"}.get(fold, f"fold{fold}")


def posteriors_path(shop: TdnnfShop, fold: int) -> Path:
    return shop.own("posteriors", f"fold{fold}.npz")


def cross_fit(shop: TdnnfShop, jobs: int) -> None:
    """Run what is missing: the model of native speech, then, ``jobs`` at a time on one thread each, five fold
    models with their held-out posteriors and the model of everybody."""
    fit_fold(shop, NATIVE)
    # Both stores are whole before the processes start, which only read them; copies without what is open,
    # as every process opens its own.
    _ = shop.store, shop.teacher.store
    bare = replace(shop, teacher=replace(shop.teacher))
    with ProcessPoolExecutor(
        jobs, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        list(pool.map(partial(fit_fold, bare), (*range(FOLDS), EVERYBODY)))


def fit_fold(shop: TdnnfShop, fold: int) -> None:
    """Train the model of one fold, and let it hear the learners it has left out."""
    if fold == NATIVE:
        _fit(shop, NATIVE, (), shop.natives, shop.config.native_options)
        return
    random = np.random.default_rng(fold)
    natives = [u for u in shop.natives if random.random() < shop.config.native_share]
    learners = [u for u in shop.learners if shop.folds[u.speaker] != fold]
    _fit(shop, fold, learners, natives, shop.config.options)
    if fold != EVERYBODY and not posteriors_path(shop, fold).exists():
        _hear_held_out(shop, fold)


def cross_fitted(shop: TdnnfShop) -> dict[str, Posteriors]:
    """What the fold models heard in the learners they have not seen."""
    found: dict[str, Posteriors] = {}
    for fold in range(FOLDS):
        found |= load_posteriors(posteriors_path(shop, fold))
    return found


def held_out_metrics(shop: TdnnfShop) -> dict[str, float]:
    """As :func:`elocute.training.crossfit.held_out_metrics`, and ``teacher_frame_accuracy``: the share of
    trusted frames whose best class is that of the teacher's alignment."""
    heard = cross_fitted(shop)
    own: dict[str, Alignment] = {}
    for fold in range(FOLDS):
        own |= load_alignments(shop.own("alignments", f"fold{fold}.jsonl"))
    taught = load_alignments(alignments_path(shop.teacher, shop.teacher.config.rounds, "learners"))
    return {
        **held_out(shop.learners, heard, own),
        "teacher_frame_accuracy": held_out(shop.learners, heard, taught)["frame_accuracy"],
    }


def _fit(
    shop: TdnnfShop,
    fold: int,
    learners: Sequence[Utterance],
    natives: Sequence[Utterance],
    options: FitOptions,
) -> None:
    name = fold_name(fold)
    path = shop.model(name)
    if path.exists():
        return
    network = shop.new_network(0)
    if fold != NATIVE:
        load_network(network, shop.model(fold_name(NATIVE)))
    samples = _samples(shop, learners, natives)
    teacher = _teacher(shop, fold, learners) if learners else None
    print(f"{shop.config.name} {name}: {len(samples)} recordings", file=sys.stderr, flush=True)
    save_network(train_tdnnf(network, shop.store, samples, teacher, options, 0), path)
    for left in shop.own("teacher").glob(f"{name}.*"):
        left.unlink()


def _samples(shop: TdnnfShop, learners: Sequence[Utterance], natives: Sequence[Utterance]) -> list[Sample]:
    found = native_alignments(shop.teacher)
    if learners:
        found |= load_alignments(alignments_path(shop.teacher, shop.teacher.config.rounds, "learners"))
    return [
        make_sample(u.id, shop.store.frames(speed_key(u.id, 1.0)), found[u.id], u.labels)
        for u in (*learners, *natives)
        if u.id in found
    ]


def _teacher(shop: TdnnfShop, fold: int, learners: Sequence[Utterance]) -> FrameStore:
    """What the encoder that left out the same learners says about those it was trained on."""
    teacher = shop.teacher
    network = teacher.new_network(0)
    load_network(network, model_path(teacher, teacher.config.rounds, fold))
    keys = [u.id for u in learners]

    def compute(missing: Sequence[str]) -> Iterable[tuple[str, NDArray[np.float32]]]:
        ordered = sorted(missing, key=lambda key: len(teacher.store.read(key)))
        for at in range(0, len(ordered), TEACHER_BATCH):
            part = ordered[at : at + TEACHER_BATCH]
            yield from zip(part, _said(network, [teacher.store.read(key) for key in part]), strict=True)

    path, width = shop.own("teacher", f"{fold_name(fold)}.f16"), len(CLASSES) + len(PHONES)
    return frame_store(path, keys, compute, width, f"teacher {fold_name(fold)}")


def _said(network: PhoneticEncoder, hidden: Sequence[Tensor]) -> list[NDArray[np.float32]]:
    """(frames, 79) log posteriors and acceptance of each recording, from its stored hidden frames."""
    lengths = [len(frames) for frames in hidden]
    padded = torch.nn.utils.rnn.pad_sequence(list(hidden), batch_first=True)
    mask = torch.arange(padded.shape[1]) < torch.tensor(lengths)[:, None]
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        found = network.eval()(padded, mask)
    rows = torch.cat([found.phones.float().log_softmax(-1), found.acceptance.float()], dim=-1).numpy()
    return [row[: SUBFRAMES * length] for row, length in zip(rows, lengths, strict=True)]


def _hear_held_out(shop: TdnnfShop, fold: int) -> None:
    """Posteriors of the learners a fold's model has not heard, and their alignments with these."""
    network = shop.new_network(0)
    load_network(network, shop.model(fold_name(fold)))
    unseen = [u for u in shop.learners if shop.folds[u.speaker] == fold]
    heard: dict[str, Posteriors] = {}
    aligned: dict[str, Alignment] = {}
    for utterance in track(unseen, f"hear fold {fold}", every=30.0):
        bank = shop.store.read(speed_key(utterance.id, 1.0))
        heard[utterance.id] = bank_posteriors(network, bank, seconds(utterance.audio))
        try:
            aligned[utterance.id] = align(heard[utterance.id], utterance.script, shop.config.align)
        except TextAudioMismatch:
            print(f"{utterance.id}: too short for its text, left out", file=sys.stderr)
    save_alignments(aligned, shop.own("alignments", f"fold{fold}.jsonl"))
    save_posteriors(heard, posteriors_path(shop, fold))
