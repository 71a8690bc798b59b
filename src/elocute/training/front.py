"""Training, reading and exporting an acoustic model of either kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.filterbank import filterbank, normalise
from elocute.acoustics.mel import log_mel
from elocute.acoustics.model import WINDOW
from elocute.acoustics.posteriors import CLASSES, Posteriors
from elocute.acoustics.prosody import levelled
from elocute.audio import load_audio
from elocute.corpora.types import Utterance
from elocute.training import crossfit
from elocute.training.config import (
    FOLDS,
    AcousticConfig,
    ConfigError,
    TdnnfConfig,
    read_acoustic_config,
    read_config,
)
from elocute.training.crossfit import EVERYBODY, alignments_path, model_path
from elocute.training.export import export_encoder, write_card
from elocute.training.targets import FRAME_SHIFT, load_alignments
from elocute.training.tdnnf import crossfit as tdnnf
from elocute.training.tdnnf.export import export_tdnnf, network_card
from elocute.training.tdnnf.network import pad
from elocute.training.whisper import load_whisper
from elocute.training.workshop import Workshop, load_network

LEARNERS, NATIVES = 200, 50
"""About how many recordings the scales of integers are measured on."""

VOICES = 5
"""Of the babble in some of them."""

Shop: TypeAlias = "Workshop | tdnnf.TdnnfShop"


def open_shop(config: Path, corpus: Path, work: Path) -> Shop:
    """The working folder of the acoustic model that ``config`` describes."""
    found = read_acoustic_config(config)
    if not isinstance(found, TdnnfConfig):
        return Workshop(found, config, corpus, work)
    above = config.parent / found.teacher
    teacher = Workshop(read_config(AcousticConfig, above, "acoustic"), above, corpus, work)
    return tdnnf.TdnnfShop(found, teacher)


def fit(shop: Shop, jobs: int) -> None:
    """Train what is missing of the fold models and the model of everybody."""
    if isinstance(shop, Workshop):
        crossfit.cross_fit(shop, jobs)
        return
    rounds = shop.teacher.config.rounds
    for fold in (*range(FOLDS), EVERYBODY):
        need(model_path(shop.teacher, rounds, fold), f"acoustic of {shop.config.teacher}")
    need(alignments_path(shop.teacher, rounds, "learners"), f"acoustic of {shop.config.teacher}")
    tdnnf.cross_fit(shop, jobs)


def heard(shop: Shop) -> dict[str, Posteriors]:
    """Every learner's posteriors from a model that has not heard the learner."""
    if isinstance(shop, Workshop):
        # Until the last round is merged, posteriors of some of its folds may be missing.
        need(alignments_path(shop, shop.config.rounds, "learners"), "acoustic")
        for fold in range(FOLDS):
            need(crossfit.posteriors_path(shop, fold), "acoustic")
        return crossfit.cross_fitted(shop)
    for fold in range(FOLDS):
        need(tdnnf.posteriors_path(shop, fold), "acoustic")
    return tdnnf.cross_fitted(shop)


def other_alignments(shop: Shop) -> dict[str, Alignment]:
    """The learners as another model aligned them: the encoder's first alignments, or the teacher's last."""
    if isinstance(shop, Workshop):
        return load_alignments(need(alignments_path(shop, 0, "learners"), "acoustic"))
    teacher = shop.teacher
    return load_alignments(need(alignments_path(teacher, teacher.config.rounds, "learners"), "acoustic"))


def export_network(shop: Shop, fold: int, path: Path) -> dict[str, Any]:
    """Write the network that left out ``fold`` as ONNX; what a card says about it."""
    recordings = _calibration(shop, fold)
    if isinstance(shop, Workshop):
        upper = shop.new_network(0)
        load_network(upper, need(model_path(shop, shop.config.rounds, fold), "acoustic"))
        lower = load_whisper(shop.resolve(shop.config.encoder), shop.config.frozen)
        mels = [log_mel(levelled(samples))[:, :WINDOW] for samples in recordings]
        export_encoder(lower, upper.eval(), path, mels)
        return _encoder_card(shop)
    network = shop.new_network(0)
    load_network(network, need(shop.model(tdnnf.fold_name(fold)), "acoustic"))
    banks = [pad(normalise(filterbank(samples)), network.options) for samples in recordings]
    export_tdnnf(network, path, banks)
    teacher = {"teacher": f"{shop.teacher.config.name} {shop.teacher.config.version}"}
    return network_card(network, _arithmetic(shop.config.integers)) | teacher


def export(shop: Shop, folder: Path) -> None:
    """Write the model of everybody with its card into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    own = export_network(shop, EVERYBODY, folder / "model.onnx")
    if isinstance(shop, Workshop):
        metrics = crossfit.held_out_metrics(shop)
    else:
        metrics = tdnnf.held_out_metrics(shop)
    config = shop.config
    write_card(
        folder,
        {
            "name": config.name,
            "version": config.version,
            **own,
            "align": dataclasses.asdict(config.align),
            "training_data": {
                "speechocean762 training half (CC BY 4.0)": speech(shop.learners),
                "LibriSpeech and LJSpeech sample (CC BY 4.0, public domain)": speech(shop.natives),
            },
            "options": dataclasses.asdict(config.options),
            "cross_validation": metrics,
        },
    )


def _calibration(shop: Shop, fold: int) -> list[NDArray[np.float32]]:
    """Recordings on which the scales of integers are measured, none of the fold, every third with babble; no
    recording if the model is exported without integers."""
    if not shop.config.integers:
        return []
    learners = [utterance for utterance in shop.learners if shop.folds[utterance.speaker] != fold]
    chosen = learners[:: max(len(learners) // LEARNERS, 1)]
    chosen += shop.natives[:: max(len(shop.natives) // NATIVES, 1)]
    recordings = [load_audio(utterance.audio).samples for utterance in chosen]
    random = np.random.default_rng(0)
    return [
        _babbled(samples, recordings, random) if number % 3 == 1 else samples
        for number, samples in enumerate(recordings)
    ]


def _babbled(
    samples: NDArray[np.float32], others: Sequence[NDArray[np.float32]], random: np.random.Generator
) -> NDArray[np.float32]:
    """``samples`` with several of the others, 5 to 15 dB below."""
    voices = random.integers(len(others), size=VOICES)
    babble = np.sum([np.resize(others[voice], len(samples)) for voice in voices], axis=0)
    level = samples.std() / max(babble.std(), 1e-6) * 10.0 ** (-random.uniform(5.0, 15.0) / 20.0)
    return np.asarray(samples + level * babble, np.float32)


def need(path: Path, step: str) -> Path:
    if not path.exists():
        raise ConfigError(f"{path} is missing: run the step {step!r} with the same --work first.")
    return path


def speech(utterances: tuple[Utterance, ...]) -> dict[str, int]:
    return {"recordings": len(utterances), "speakers": len({u.speaker for u in utterances})}


def _encoder_card(shop: Workshop) -> dict[str, Any]:
    config = shop.config
    return {
        "kind": "acoustic",
        "architecture": (
            f"Whisper encoder, blocks 1-{config.frozen} frozen and {config.tuned} fine-tuned, unpadded, "
            f"with a head for phones and acceptance by raters; {_arithmetic(config.integers)}"
        ),
        "base": "openai/whisper-base (MIT)",
        "classes": CLASSES,
        "frame_shift": FRAME_SHIFT,
        "rate": 16_000,
        "band": [0, 8000],
    }


def _arithmetic(integers: bool) -> str:
    return "products of 8-bit integers" if integers else "half-precision weights"
