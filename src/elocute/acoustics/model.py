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

STEP = {"ctc": 2}
"""Spectrogram frames per frame of an output, where that is not one."""

Outputs = dict[str, NDArray[np.float32]]
"""What a network gives for a spectrogram, by name: (frames, classes)."""


class AcousticModel(Protocol):
    """What the pipeline needs of an acoustic model; must be safe to call from several threads."""

    @property
    def card(self) -> Card: ...

    @property
    def align_options(self) -> AlignOptions: ...

    def posteriors(self, audio: Audio) -> Posteriors: ...


class OnnxAcousticModel:
    """An acoustic model run by ONNX Runtime from a folder with ``model.onnx`` and ``card.json``.

    The network takes ``mel`` (1, 80, frames) and gives ``logits`` (1, 2 * ceil(frames / 2), 40),
    ``acceptance`` (…, 39) and, if it was trained with one, ``ctc`` (1, ceil(frames / 2), 40) logits.
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
        found = _windowed(self._run, mel)
        frames = mel.shape[1]
        log_probs = log_softmax(found["logits"][:frames])
        ctc = log_softmax(found["ctc"]) if "ctc" in found else None
        return Posteriors(
            log_probs, found["acceptance"][:frames], self.card["frame_shift"], audio.duration, ctc
        )

    def _run(self, mel: NDArray[np.float32]) -> Outputs:
        names = [output.name for output in self._session.get_outputs()]
        values = self._session.run(names, {"mel": mel[None]})
        return {name: value[0] for name, value in zip(names, values, strict=True)}


def _windowed(run: Callable[[NDArray[np.float32]], Outputs], mel: NDArray[np.float32]) -> Outputs:
    """Run over windows of a long spectrogram; each of two neighbours answers for half of what they share."""
    half = OVERLAP // 2
    starts = range(0, max(mel.shape[1] - OVERLAP, 1), WINDOW - OVERLAP)
    parts: list[Outputs] = []
    for start in starts:
        left = half if start else 0
        right = WINDOW - half if start != starts[-1] else WINDOW
        found = run(mel[:, start : start + WINDOW])
        steps = {name: STEP.get(name, 1) for name in found}
        parts.append({name: found[name][left // step : right // step] for name, step in steps.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), np.float32)
