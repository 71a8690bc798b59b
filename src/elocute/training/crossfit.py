"""Cross-fitted acoustic training: every learner's posteriors come from a model that never saw the learner.

Bootstrap alignments -> a model of native speech -> per round and fold, a model of native speech and the
other folds' learners, which aligns the fold anew -> after the last round the fold models' posteriors, and
one model of everybody.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from elocute.acoustics.align import AlignOptions, align
from elocute.acoustics.alignment import Alignment
from elocute.acoustics.gop import ACCEPTANCE, goodness
from elocute.acoustics.model import OnnxAcousticModel
from elocute.acoustics.posteriors import Posteriors
from elocute.audio import load_audio
from elocute.corpora.types import Utterance
from elocute.errors import TextAudioMismatch
from elocute.metrics import pcc
from elocute.progress import track
from elocute.training.acoustic import stored_posteriors, train_encoder
from elocute.training.batches import Sample, make_sample
from elocute.training.bootstrap import bootstrap_alignment
from elocute.training.config import FOLDS
from elocute.training.encoder import PhoneticEncoder
from elocute.training.targets import frame_targets, load_alignments, save_alignments
from elocute.training.workshop import (
    Workshop,
    load_network,
    load_posteriors,
    save_network,
    save_posteriors,
    seconds,
)

EVERYBODY = FOLDS
"""The number of the fold that leaves nobody out."""


def cross_fit(shop: Workshop, jobs: int) -> None:
    """Run what is missing of the whole training, ``jobs`` models at a time on one thread each."""
    _ = shop.store
    _bootstrap(shop, "learners", shop.learners, jobs)
    _bootstrap(shop, "natives", shop.natives, jobs)
    _fit_native(shop)
    with ProcessPoolExecutor(
        jobs, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        for number in range(1, shop.config.rounds + 1):
            everybody = shop.config.continued or number == shop.config.rounds
            folds = [*range(FOLDS), *([EVERYBODY] if everybody else [])]
            list(
                pool.map(
                    _fit_fold,
                    [(shop.config, shop.config_path, shop.corpus, shop.work, number, f) for f in folds],
                )
            )
            _merge(shop, number)


def alignments_path(shop: Workshop, number: int, name: str) -> Path:
    return shop.path("alignments", f"{number}-{name}.jsonl")


def model_path(shop: Workshop, number: int, fold: int) -> Path:
    return shop.path("models", f"{number}-{'all' if fold == EVERYBODY else f'fold{fold}'}.safetensors")


def posteriors_path(shop: Workshop, fold: int, number: int | None = None) -> Path:
    """Of the last round, or of another one."""
    last = number is None or number == shop.config.rounds
    return shop.path("posteriors", f"fold{fold}.npz" if last else f"{number}-fold{fold}.npz")


def cross_fitted(shop: Workshop, number: int | None = None) -> dict[str, Posteriors]:
    """What the fold models of a round, by default the last, heard in the learners they have not seen."""
    found: dict[str, Posteriors] = {}
    for fold in range(FOLDS):
        found |= load_posteriors(posteriors_path(shop, fold, number))
    return found


def _bootstrap(shop: Workshop, name: str, utterances: Sequence[Utterance], jobs: int) -> None:
    """First alignments; an earlier model also leaves what it heard in the learners."""
    path = alignments_path(shop, 0, name)
    if path.exists():
        return
    aligner = shop.resolve(shop.config.aligner) if shop.config.aligner else None
    tasks = [(utterance, aligner, shop.config.align) for utterance in utterances]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        found = list(track(pool.map(_bootstrap_one, tasks, chunksize=16), f"bootstrap {name}", len(tasks)))
    aligned = {u.id: alignment for u, (alignment, _) in zip(utterances, found, strict=True) if alignment}
    print(f"bootstrap {name}: {len(aligned)} of {len(utterances)} aligned", file=sys.stderr)
    if name == "learners" and aligner:
        heard = {u.id: posteriors for u, (_, posteriors) in zip(utterances, found, strict=True) if posteriors}
        save_posteriors(heard, shop.path("posteriors", "0-learners.npz"))
    save_alignments(aligned, path)


def _bootstrap_one(
    task: tuple[Utterance, str | None, AlignOptions],
) -> tuple[Alignment | None, Posteriors | None]:
    utterance, aligner, options = task
    audio = load_audio(utterance.audio)
    if aligner is None:
        return bootstrap_alignment(audio.samples, utterance.script), None
    heard = _earlier_model(aligner).posteriors(audio)
    try:
        return align(heard, utterance.script, options), heard
    except TextAudioMismatch:
        return None, heard


@cache
def _earlier_model(folder: str) -> OnnxAcousticModel:
    return OnnxAcousticModel(folder)


def native_alignments(shop: Workshop) -> dict[str, Alignment]:
    """Those of the native model, unless an earlier model has already aligned better than pocketsphinx."""
    return load_alignments(alignments_path(shop, 0 if shop.config.aligner else 1, "natives"))


def _heard_before(shop: Workshop, number: int) -> dict[str, Posteriors]:
    """What the models before this round heard in the learners."""
    if number > 1:
        return cross_fitted(shop, number - 1)
    return load_posteriors(shop.path("posteriors", "0-learners.npz")) if shop.config.aligner else {}


def _fit_native(shop: Workshop) -> None:
    model, realigned = shop.path("models", "native.safetensors"), alignments_path(shop, 1, "natives")
    network = shop.new_network(0)
    if model.exists():
        load_network(network, model)
    else:
        samples = _samples(shop, shop.natives, load_alignments(alignments_path(shop, 0, "natives")))
        network = train_encoder(network, shop.store, samples, shop.config.native_options, 0)
        save_network(network, model)
    if not shop.config.aligner and not realigned.exists():
        save_alignments(_realign(shop, network, shop.natives)[0], realigned)


def _samples(
    shop: Workshop,
    utterances: Sequence[Utterance],
    found: dict[str, Alignment],
    earlier: Mapping[str, Posteriors] | None = None,
) -> list[Sample]:
    heard = earlier or {}
    return [
        make_sample(u.id, shop.store, found[u.id], u.labels, heard.get(u.id))
        for u in utterances
        if u.id in found
    ]


def _realign(
    shop: Workshop, network: PhoneticEncoder, utterances: Sequence[Utterance]
) -> tuple[dict[str, Alignment], dict[str, Posteriors]]:
    aligned, heard = {}, {}
    for utterance in track(utterances, "realign", every=30.0):
        heard[utterance.id] = stored_posteriors(network, shop.store, utterance.id, seconds(utterance.audio))
        try:
            aligned[utterance.id] = align(heard[utterance.id], utterance.script, shop.config.align)
        except TextAudioMismatch:
            print(f"{utterance.id}: too short for its text, left out", file=sys.stderr)
    return aligned, heard


def _fit_fold(task: tuple[object, ...]) -> None:
    """Train the model of one fold and align the learners it has not seen; runs in a process of its own."""
    *parts, number, fold = task
    shop = Workshop(*parts)  # type: ignore[arg-type]
    assert isinstance(number, int)
    assert isinstance(fold, int)
    model, aligned_path = model_path(shop, number, fold), alignments_path(shop, number, f"fold{fold}")
    network = shop.new_network(fold)
    if model.exists():
        load_network(network, model)
    else:
        continued = shop.config.continued and number > 1
        start = model_path(shop, number - 1, fold) if continued else shop.path("models", "native.safetensors")
        load_network(network, start)
        random = np.random.default_rng(fold)
        natives = [u for u in shop.natives if random.random() < shop.config.native_share]
        learners = [u for u in shop.learners if shop.folds[u.speaker] != fold]
        options = shop.config.options if number == shop.config.rounds else shop.config.first_options
        earlier = _heard_before(shop, number) if options.heard_weight else None
        found = load_alignments(alignments_path(shop, number - 1, "learners"))
        samples = _samples(shop, learners, found, earlier)
        samples += _samples(shop, natives, native_alignments(shop))
        print(f"round {number}, fold {fold}: {len(samples)} recordings", file=sys.stderr, flush=True)
        network = train_encoder(network, shop.store, samples, options, fold)
        save_network(network, model)
    if fold != EVERYBODY and not aligned_path.exists():
        unseen = [u for u in shop.learners if shop.folds[u.speaker] == fold]
        aligned, heard = _realign(shop, network, unseen)
        save_posteriors(heard, posteriors_path(shop, fold, number))
        save_alignments(aligned, aligned_path)


def _merge(shop: Workshop, number: int) -> None:
    merged: dict[str, Alignment] = {}
    for fold in range(FOLDS):
        merged |= load_alignments(alignments_path(shop, number, f"fold{fold}"))
    save_alignments(merged, alignments_path(shop, number, "learners"))


def held_out_metrics(shop: Workshop) -> dict[str, float]:
    """How the fold models do on the learners they have not seen; see :func:`held_out`."""
    found: dict[str, Alignment] = {}
    for fold in range(FOLDS):
        found |= load_alignments(alignments_path(shop, shop.config.rounds, f"fold{fold}"))
    return held_out(shop.learners, cross_fitted(shop), found)


def held_out(
    learners: Sequence[Utterance], heard: Mapping[str, Posteriors], alignments: Mapping[str, Alignment]
) -> dict[str, float]:
    """Agreement of cross-fitted posteriors with alignments and raters.

    ``frame_accuracy``: share of trusted frames whose best class is the aligned one; ``acceptance_pcc``:
    correlation of the probability of acceptance of each phone with the raters' score.
    """
    labels = {u.id: u.labels for u in learners if u.labels is not None}
    right, trusted = 0, 0
    probabilities: list[float] = []
    ratings: list[float] = []
    for key, alignment in alignments.items():
        targets = frame_targets(alignment, labels[key], len(heard[key].log_probs))
        sure = targets.weights > 0
        right += int((heard[key].log_probs.argmax(axis=1) == targets.classes)[sure].sum())
        trusted += int(sure.sum())
        found = goodness(heard[key], alignment).acceptance[:, ACCEPTANCE.index("acceptance_probability")]
        probabilities += found.tolist()
        ratings += [score for word in labels[key].words for score in word.phones]
    return {
        "frame_accuracy": round(right / trusted, 4),
        "acceptance_pcc": round(pcc(probabilities, ratings), 4),
    }
