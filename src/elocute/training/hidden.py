"""Output of the frozen lower encoder blocks of many recordings, computed once and kept as bfloat16."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elocute.audio import load_audio
from elocute.progress import track
from elocute.training.perturb import perturbed_mel
from elocute.training.whisper import WhisperEncoder


@dataclass(frozen=True)
class HiddenStore:
    """Frames of all recordings one after another: ``frames`` is (total, width) uint16 holding bfloat16 bits;
    ``offsets`` tells first and one-past-last frame of every key."""

    frames: NDArray[np.uint16]
    offsets: dict[str, tuple[int, int]]

    def read(self, key: str, start: int = 0, end: int | None = None) -> Tensor:
        """(frames, width) bfloat16, frames ``start`` to ``end`` of the recording."""
        first, last = self.offsets[key]
        stop = last if end is None else min(first + end, last)
        return torch.from_numpy(np.array(self.frames[first + start : stop]).view(np.int16)).view(
            torch.bfloat16
        )

    def __contains__(self, key: str) -> bool:
        return key in self.offsets


def hidden_store(
    recordings: Sequence[tuple[str, Path]], encoder: WhisperEncoder, folder: Path
) -> HiddenStore:
    """Open the store in ``folder``, computing what is missing; an interrupted run continues where it stopped.

    A key with the name of a perturbation (``#band``) stands for that copy of the recording.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data, index = folder / "frames.bf16", folder / "index.jsonl"
    offsets: dict[str, tuple[int, int]] = {}
    if index.exists():
        offsets = {key: (a, b) for key, a, b in map(json.loads, index.read_text().splitlines())}
    width = encoder.positions.shape[1]
    written = max((end for _, end in offsets.values()), default=0)
    encoder = encoder.to(torch.bfloat16).eval()
    missing = [(key, path) for key, path in recordings if key not in offsets]
    with data.open("r+b" if data.exists() else "wb") as frames_file, index.open("a") as index_file:
        frames_file.truncate(written * width * 2)
        frames_file.seek(written * width * 2)
        for key, path in track(missing, "hidden frames"):
            mel = torch.from_numpy(perturbed_mel(load_audio(path).samples, key))[None].to(torch.bfloat16)
            with torch.inference_mode():
                hidden = encoder(mel)[0]
            frames_file.write(hidden.view(torch.int16).numpy().tobytes())
            frames_file.flush()
            offsets[key] = (written, written + len(hidden))
            index_file.write(json.dumps([key, *offsets[key]]) + "\n")
            index_file.flush()
            written += len(hidden)
    return HiddenStore(np.memmap(data, np.uint16, "r", shape=(written, width)), offsets)
