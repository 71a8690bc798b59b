"""Frames of many recordings in one file, computed once: filterbank energies, and what the teacher says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from elocute.acoustics.filterbank import BANDS, RATE, filterbank
from elocute.audio import load_audio
from elocute.progress import track

SPEEDS = (0.9, 1.0, 1.1)
"""Every recording is also stored played slower and faster: other rates, voices and lengths of vocal tract."""


@dataclass(frozen=True)
class FrameStore:
    """Rows of all keys one after another, half precision; ``offsets`` tells first and one-past-last row."""

    rows: NDArray[np.float16]
    offsets: dict[str, tuple[int, int]]

    def read(self, key: str) -> NDArray[np.float32]:
        """(frames, width)"""
        first, last = self.offsets[key]
        return np.asarray(self.rows[first:last], np.float32)

    def frames(self, key: str) -> int:
        first, last = self.offsets[key]
        return last - first

    def __contains__(self, key: str) -> bool:
        return key in self.offsets


def frame_store(
    path: Path,
    keys: Sequence[str],
    compute: Callable[[Sequence[str]], Iterable[tuple[str, NDArray[np.float32]]]],
    width: int,
    what: str,
) -> FrameStore:
    """Open the store at ``path``; what is missing, ``compute`` yields in any order of its keys.

    An interrupted run continues where it stopped: a row counts once the index beside the file names it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    index = path.with_suffix(".jsonl")
    offsets: dict[str, tuple[int, int]] = {}
    if index.exists() and path.exists():
        offsets = {key: (a, b) for key, a, b in map(json.loads, index.read_text().splitlines())}
    written = max((end for _, end in offsets.values()), default=0)
    missing = [key for key in keys if key not in offsets]
    with path.open("r+b" if offsets else "wb") as rows, index.open("a" if offsets else "w") as lines:
        rows.truncate(written * width * 2)
        rows.seek(written * width * 2)
        for key, found in track(compute(missing), what, len(missing), every=30.0):
            rows.write(found.astype(np.float16).tobytes())
            rows.flush()
            offsets[key] = (written, written + len(found))
            lines.write(json.dumps([key, *offsets[key]]) + "\n")
            lines.flush()
            written += len(found)
    return FrameStore(np.memmap(path, np.float16, "r", shape=(written, width)), offsets)


def speed_key(key: str, speed: float) -> str:
    return f"{key}@{speed:g}"


def bank_store(recordings: Sequence[tuple[str, Path]], path: Path) -> FrameStore:
    """Filterbank energies of the recordings at every speed; keys by :func:`speed_key`."""
    audio = {speed_key(key, speed): (source, speed) for key, source in recordings for speed in SPEEDS}

    def compute(missing: Sequence[str]) -> Iterable[tuple[str, NDArray[np.float32]]]:
        for key in missing:
            source, speed = audio[key]
            yield key, filterbank(at_speed(load_audio(source).samples, speed))

    return frame_store(path, list(audio), compute, BANDS, "filterbank")


def at_speed(samples: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
    """Played ``speed`` times as fast, pitch and formants included."""
    return samples if speed == 1.0 else np.asarray(soxr.resample(samples, RATE * speed, RATE), np.float32)
