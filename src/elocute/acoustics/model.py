"""Acoustic models: a waveform in, log phone posteriors per frame out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

TOGETHER = 800
"""Frames that go through a network at once, at most, if they are of several recordings: with more, one
core is slower than one by one, as they leave its cache (``benchmarks/batching.py``)."""

STEP = {"ctc": 2}
"""Spectrogram frames per frame of an output, where that is not one."""

Outputs = dict[str, NDArray[np.float32]]
"""What a network gives for a spectrogram, by name: (frames, classes); for several, (batch, frames,
classes)."""


class AcousticModel(Protocol):
    """What the pipeline needs of an acoustic model; must be safe to call from several threads. A class that
    names it as its base need not know how to hear several recordings at once."""

    @property
    def card(self) -> Card: ...

    @property
    def align_options(self) -> AlignOptions: ...

    def posteriors(self, audio: Audio) -> Posteriors: ...

    def posteriors_of(self, recordings: Sequence[Audio]) -> list[Posteriors]:
        """Of many recordings, the same to the bit as :meth:`posteriors` gives of each."""
        return [self.posteriors(audio) for audio in recordings]


class OnnxAcousticModel:
    """An acoustic model run by ONNX Runtime from a folder with ``model.onnx`` and ``card.json``.

    The network takes ``mel`` (batch, 80, frames) and gives ``logits`` (batch, 2 * ceil(frames / 2), 40),
    ``acceptance`` (…, 39) and, if it was trained with one, ``ctc`` (batch, ceil(frames / 2), 40) logits.
    """

    def __init__(self, folder: Path | str) -> None:
        self.card = read_card(Path(folder))
        if tuple(self.card["classes"]) != CLASSES:
            raise ModelError(f"{folder}: the model answers for another phone set than this elocute.")
        self.align_options = self.card.record("align", AlignOptions)
        self._session = open_session(self.card)

    def posteriors(self, audio: Audio) -> Posteriors:
        """Log posteriors of a recording, 10 ms frames, and acceptance."""
        return self.posteriors_of([audio])[0]

    def posteriors_of(self, recordings: Sequence[Audio]) -> list[Posteriors]:
        """Of many recordings, as :meth:`posteriors` gives them."""
        mels = [log_mel(levelled(audio.samples)) for audio in recordings]
        windows = [_windows(mel) for mel in mels]
        heard = iter(in_batches(self._run, [mel for own in windows for mel in own]))
        return [
            self._found(_joined([next(heard) for _ in own]), mel.shape[1], audio.duration)
            for own, mel, audio in zip(windows, mels, recordings, strict=True)
        ]

    def _found(self, outputs: Outputs, frames: int, duration: float) -> Posteriors:
        log_probs = log_softmax(outputs["logits"][:frames])
        ctc = log_softmax(outputs["ctc"]) if "ctc" in outputs else None
        return Posteriors(log_probs, outputs["acceptance"][:frames], self.card["frame_shift"], duration, ctc)

    def _run(self, mels: NDArray[np.float32]) -> Outputs:
        names = [output.name for output in self._session.get_outputs()]
        return dict(zip(names, self._session.run(names, {"mel": mels}), strict=True))


def in_batches(
    run: Callable[[NDArray[np.float32]], Outputs], pieces: Sequence[NDArray[np.float32]]
) -> list[Outputs]:
    """What ``run`` gives for each of ``pieces``; those of one shape, if they are short, go through it
    together."""
    alike: dict[tuple[int, ...], list[int]] = {}
    for number, piece in enumerate(pieces):
        alike.setdefault(piece.shape, []).append(number)
    found: dict[int, Outputs] = {}
    for shape, numbers in alike.items():
        most = max(TOGETHER // max(shape), 1)
        for start in range(0, len(numbers), most):
            batch = numbers[start : start + most]
            outputs = run(np.stack([pieces[number] for number in batch]))
            for row, number in enumerate(batch):
                found[number] = {name: values[row] for name, values in outputs.items()}
    return [found[number] for number in range(len(pieces))]


def _windows(mel: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """A long spectrogram in windows that overlap."""
    starts = range(0, max(mel.shape[1] - OVERLAP, 1), WINDOW - OVERLAP)
    return [mel[:, start : start + WINDOW] for start in starts]


def _joined(parts: list[Outputs]) -> Outputs:
    """The outputs of a recording's windows; each of two neighbours answers for half of what they share."""
    half, last = OVERLAP // 2, len(parts) - 1
    joined: Outputs = {}
    for name in parts[0]:
        step = STEP.get(name, 1)
        rows = [
            part[name][half // step if number else 0 : None if number == last else (WINDOW - half) // step]
            for number, part in enumerate(parts)
        ]
        joined[name] = np.concatenate(rows)
    return joined


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), np.float32)
