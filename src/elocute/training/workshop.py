"""The working folder of an acoustic training: the speech, and every intermediate result by name.

Everything is written whole or not at all and found again by the next run, so training can be interrupted
anywhere and continues with the first result that is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from elocute.acoustics.posteriors import Posteriors
from elocute.corpora import native, speechocean762
from elocute.corpora.folds import speaker_folds
from elocute.corpora.types import Utterance
from elocute.training.config import FOLDS, AcousticConfig
from elocute.training.encoder import PhoneticEncoder
from elocute.training.hidden import HiddenStore, hidden_store
from elocute.training.perturb import copy_key
from elocute.training.targets import FRAME_SHIFT
from elocute.training.whisper import Block, load_whisper

LONGEST = 29.9
"""Seconds; the encoder has positions for 30 s, so longer recordings are left out of training."""


@dataclass(frozen=True)
class Workshop:
    """``config_path`` is where relative folders of ``config`` start; ``fold`` numbers 0-4, 5 stands for no
    fold."""

    config: AcousticConfig
    config_path: Path
    corpus: Path
    work: Path

    @cached_property
    def learners(self) -> tuple[Utterance, ...]:
        return speechocean762.load(self.corpus, "train")

    @cached_property
    def natives(self) -> tuple[Utterance, ...]:
        return tuple(u for u in self._every_native if u.speaker not in self.config.native_held_out)

    @cached_property
    def held_out_natives(self) -> tuple[Utterance, ...]:
        return tuple(u for u in self._every_native if u.speaker in self.config.native_held_out)

    @cached_property
    def _every_native(self) -> tuple[Utterance, ...]:
        found = native.load(self.resolve(self.config.native)).utterances
        return tuple(utterance for utterance in found if seconds(utterance.audio) <= LONGEST)

    @cached_property
    def folds(self) -> dict[str, int]:
        return speaker_folds(self.learners, FOLDS)

    @cached_property
    def store(self) -> HiddenStore:
        encoder = load_whisper(self.resolve(self.config.encoder), self.config.frozen)
        recordings = [(u.id, u.audio) for u in (*self.learners, *self._every_native)]
        copies = [(copy_key(u.id, name), u.audio) for name in self._copies() for u in self.learners]
        return hidden_store([*recordings, *copies], encoder, self.work / "hidden")

    def _copies(self) -> list[str]:
        every = (self.config.native_options, self.config.first_options, self.config.options)
        return list(dict.fromkeys(name for options in every for name in options.batch.copies))

    def resolve(self, name: str) -> str:
        """A folder named relative to the configuration; anything else (a hub id) as it is."""
        folder = self.config_path.parent / name
        return str(folder) if folder.exists() else name

    def path(self, *parts: str) -> Path:
        path = self.work.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def new_network(self, seed: int) -> PhoneticEncoder:
        whisper = load_whisper(self.resolve(self.config.encoder), self.config.frozen + self.config.tuned)
        torch.manual_seed(seed)
        blocks: list[Block] = list(whisper.blocks)[self.config.frozen :]  # type: ignore[assignment]
        every = (self.config.native_options, self.config.first_options, self.config.options)
        ctc = any(options.ctc_weight for options in every)
        return PhoneticEncoder(blocks, whisper.positions.shape[1], ctc=ctc)


def seconds(audio: Path) -> float:
    import soundfile

    return float(soundfile.info(str(audio)).duration)


def save_network(network: torch.nn.Module, path: Path) -> None:
    save_state(network.state_dict(), path)


def save_state(state: Mapping[str, torch.Tensor], path: Path) -> None:
    from safetensors.torch import save_file

    partial = path.with_suffix(".partial")
    save_file({name: value.contiguous() for name, value in state.items()}, partial)
    partial.replace(path)


def load_network(network: torch.nn.Module, path: Path) -> None:
    from safetensors.torch import load_file

    network.load_state_dict(load_file(path))


def save_posteriors(found: Mapping[str, Posteriors], path: Path) -> None:
    """Half precision, with the duration of each recording."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for key, posteriors in found.items():
        arrays[f"{key}/log_probs"] = posteriors.log_probs.astype(np.float16)
        arrays[f"{key}/acceptance"] = posteriors.acceptance.astype(np.float16)
        arrays[f"{key}/duration"] = np.array(posteriors.duration)
        if posteriors.ctc is not None:
            arrays[f"{key}/ctc"] = posteriors.ctc.astype(np.float16)
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **arrays)  # type: ignore[arg-type]
    partial.replace(path)


def load_posteriors(path: Path) -> dict[str, Posteriors]:
    with np.load(path, allow_pickle=False) as stored:
        keys = sorted({name.split("/")[0] for name in stored.files})
        return {
            key: Posteriors(
                stored[f"{key}/log_probs"].astype(np.float32),
                stored[f"{key}/acceptance"].astype(np.float32),
                FRAME_SHIFT,
                float(stored[f"{key}/duration"]),
                stored[f"{key}/ctc"].astype(np.float32) if f"{key}/ctc" in stored else None,
            )
            for key in keys
        }
