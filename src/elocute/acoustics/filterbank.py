"""Log filterbank energies as Kaldi defines them (Povey window, 80 mel bands from 20 to 7,600 Hz), in numpy.

The values are those of kaldi-native-fbank, to which the tests compare them; many frames at once take
a third of its time and need no package of their own.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
HOP = 160
WINDOW = 400
N_FFT = 512
BANDS = 80
LOWEST, HIGHEST = 20.0, 7600.0
PREEMPHASIS = 0.97
FULL_SCALE = 32768.0
"""Kaldi's samples are 16-bit integers; its floor of log energies is meant for them."""

BLOCK = 64
"""Frames computed at once: few enough to stay in the cache, which makes it three times as fast."""

RANGE = 8.0 * np.log(10.0)
"""Energies more than 80 dB (in nats of power) below the loudest are raised to there, whatever the gain."""

LOUDEST = 30
"""Frames whose level tells how loud the speech is; fewer are a click."""

SPEECH = 2.0 * np.log(10.0)
"""Frames count as speech down to 20 dB below it (in nats of power)."""

SPREAD = 3.0
"""Typical standard deviation of a band over speech, nats."""


def _mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1127.0 * np.log1p(hz / 700.0)


def band_edges() -> NDArray[np.float64]:
    """(82,) where the bands begin and end in Hz: band k rises from edge k to k + 1 and falls to k + 2."""
    low, high = _mel(np.array([LOWEST, HIGHEST]))
    return np.asarray(700.0 * np.expm1(np.linspace(low, high, BANDS + 2) / 1127.0))


@cache
def _filters() -> NDArray[np.float32]:
    """(257, 80), triangles on the mel scale."""
    bins = _mel(np.arange(N_FFT // 2 + 1) * RATE / N_FFT)
    edges = _mel(band_edges())
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


@cache
def _window() -> NDArray[np.float32]:
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / (WINDOW - 1))
    return np.asarray(hann**0.85, np.float32)


def filterbank(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log energies of the bands.

    Args:
        samples: mono 16 kHz, full scale 1, shape (n,), n >= 200.

    Returns:
        (n // 160, 80), frame k centred at k * 10 ms.
    """
    padded = np.pad(samples.astype(np.float32) * np.float32(FULL_SCALE), WINDOW // 2, mode="symmetric")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][: len(samples) // HOP]
    energies = np.empty((len(frames), BANDS), np.float32)
    for start in range(0, len(frames), BLOCK):
        block = frames[start : start + BLOCK]
        block = block - block.mean(axis=1, keepdims=True)
        emphasised = block * np.float32(1.0 - PREEMPHASIS)
        emphasised[:, 1:] = block[:, 1:] - np.float32(PREEMPHASIS) * block[:, :-1]
        spectrum = np.fft.rfft(emphasised * _window(), N_FFT, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        energies[start : start + BLOCK] = power @ _filters()
    return np.asarray(np.log(np.maximum(energies, np.finfo(np.float32).eps)), np.float32)


def normalise(bank: NDArray[np.float32]) -> NDArray[np.float32]:
    """Filterbank energies as a network reads them: every band less its mean over the speech.

    Neither the gain nor a fixed filter in front of the microphone changes them, and silence around the speech
    hardly. ``bank`` is (frames, 80), of a whole recording.
    """
    bank = np.maximum(bank, bank.max() - np.float32(RANGE))
    level = np.log(np.exp(bank).sum(axis=1))
    loud = np.partition(level, -min(LOUDEST, len(level)))[-min(LOUDEST, len(level))]
    return np.asarray((bank - bank[level >= loud - SPEECH].mean(axis=0)) / np.float32(SPREAD), np.float32)
