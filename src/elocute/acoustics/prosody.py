"""F0 and RMS energy, both every 10 ms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
FRAME_SHIFT = 0.01
HOP = 160
WINDOW = 400
F0_RANGE = (60.0, 500.0)
VOICED = 0.5
"""Confidence from which SwiftF0 calls a frame voiced."""

LEVEL = 0.05
"""RMS that recordings are brought to (-26 dBFS, the median of the training speech): neither SwiftF0 nor the
phonetic encoder is invariant to gain."""


@dataclass(frozen=True)
class Prosody:
    """``f0`` (frames,) in Hz, NaN where unvoiced; ``energy`` (frames,) RMS, full scale 1; frame k is centred
    at k * 10 ms."""

    f0: NDArray[np.float32]
    energy: NDArray[np.float32]


@cache
def _detector() -> Any:
    from swift_f0 import SwiftF0

    return SwiftF0(threads=1, spin=False)


def rms_energy(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """RMS of 25 ms windows, shape (n // 160,)."""
    padded = np.pad(samples.astype(np.float64), WINDOW // 2)
    sums = np.concatenate([[0.0], np.cumsum(padded**2)])
    starts = np.arange(len(samples) // HOP) * HOP
    power = np.maximum(sums[starts + WINDOW] - sums[starts], 0.0) / WINDOW
    return np.asarray(np.sqrt(power), np.float32)


def levelled(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """``samples`` scaled to an RMS of :data:`LEVEL`."""
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    return np.asarray(samples * (LEVEL / max(level, 1e-6)), np.float32)


def prosody(samples: NDArray[np.float32]) -> Prosody:
    """F0 by SwiftF0 (Nieradzik 2025; 16 ms frames, interpolated between voiced neighbours) and energy.

    Args:
        samples: mono 16 kHz, shape (n,).
    """
    energy = rms_energy(samples)
    found = _detector().detect(levelled(samples), RATE, *F0_RANGE)
    times = np.asarray(found.timestamps, np.float64)
    wanted = np.arange(len(energy), dtype=np.float64) * FRAME_SHIFT
    voiced = np.asarray(found.confidence) >= VOICED
    pitch = np.full(len(energy), np.nan, np.float32)
    if voiced.any():
        nearest = _nearest(times, wanted)
        interpolated = np.interp(wanted, times[voiced], np.asarray(found.pitch_hz)[voiced])
        pitch = np.where(voiced[nearest], interpolated, np.nan).astype(np.float32)
    return Prosody(pitch, energy)


def _nearest(times: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the nearest of the ascending ``times`` for each wanted time."""
    right = np.clip(np.searchsorted(times, wanted), 1, max(len(times) - 1, 1)) % len(times)
    left = np.maximum(right - 1, 0)
    return np.where(wanted - times[left] < times[right] - wanted, left, right)
