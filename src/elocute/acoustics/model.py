"""Acoustic models: a waveform in, log phone posteriors per frame out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.align import AlignOptions
from elocute.acoustics.mel import log_mel
from elocute.acoustics.posteriors import CLASSES, Posteriors
from elocute.acoustics.prosody import levelled
from elocute.audio import Audio
from elocute.card import Card, open_session, read_card
from elocute.errors import ModelError

WINDOW = 2800
"""Spectrogram frames the encoder sees at once (28 s; it has positions for 30 s)."""

OVERLAP = 200
"""Spectrogram frames two windows share; each window answers for its half of them."""


class AcousticModel(Protocol):
    """What the pipeline needs of an acoustic model; must be safe to call from several threads."""

    @property
    def card(self) -> Card: ...

    @property
    def align_options(self) -> AlignOptions: ...

    def posteriors(self, audio: Audio) -> Posteriors: ...


class OnnxAcousticModel:
    """An acoustic model run by ONNX Runtime from a folder with ``model.onnx`` and ``card.json``.

    The network takes ``mel`` (1, 80, frames) and gives ``logits`` (1, 2 * ceil(frames / 2), 40).
    """

    def __init__(self, folder: Path | str) -> None:
        self.card = read_card(Path(folder))
        if tuple(self.card["classes"]) != CLASSES:
            raise ModelError(f"{folder}: the model answers for another phone set than this elocute.")
        self.align_options = self.card.record("align", AlignOptions)
        self._session = open_session(self.card)

    def posteriors(self, audio: Audio) -> Posteriors:
        """Log posteriors of a recording, 10 ms frames, and acceptance."""
        mel = log_mel(levelled(audio.samples))
        logits, acceptance = _windowed(self._run, mel)
        frames = mel.shape[1]
        log_probs = log_softmax(logits[:frames])
        return Posteriors(log_probs, acceptance[:frames], self.card["frame_shift"], audio.duration)

    def _run(self, mel: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        logits, acceptance = self._session.run(["logits", "acceptance"], {"mel": mel[None]})
        return logits[0], acceptance[0]


Outputs = tuple[NDArray[np.float32], NDArray[np.float32]]


def _windowed(run: Callable[[NDArray[np.float32]], Outputs], mel: NDArray[np.float32]) -> Outputs:
    """Run over windows of a long spectrogram; each of two neighbours answers for half of what they share."""
    step, half = WINDOW - OVERLAP, OVERLAP // 2
    starts = range(0, max(mel.shape[1] - OVERLAP, 1), step)
    parts = []
    for start in starts:
        outputs = run(mel[:, start : start + WINDOW])
        left = half if start else 0
        right = WINDOW - half if start != starts[-1] else None
        parts.append([output[left:right] for output in outputs])
    logits, acceptance = (np.concatenate(column) for column in zip(*parts, strict=True))
    return logits, acceptance


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), np.float32)
