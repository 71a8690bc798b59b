"""Log-mel spectrogram as Whisper defines it (Radford et al. 2022), in numpy, without the padding to 30 s."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
N_FFT = 400
HOP = 160
N_MELS = 80


def _hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = hz * 3.0 / 200.0
    return np.where(hz < 1000.0, linear, 15.0 + np.log(np.maximum(hz, 1e-9) / 1000.0) * 27.0 / np.log(6.4))


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15.0, mel * 200.0 / 3.0, 1000.0 * np.exp((mel - 15.0) * np.log(6.4) / 27.0))


@cache
def mel_filters() -> NDArray[np.float32]:
    """Triangular Slaney-normalised filters, shape (80, 201), 0-8 kHz."""
    bins = np.linspace(0.0, RATE / 2, N_FFT // 2 + 1)
    low, high = _hz_to_mel(np.array([0.0, RATE / 2]))
    edges = _mel_to_hz(np.linspace(low, high, N_MELS + 2))
    rising = (bins[None, :] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins[None, :]) / (edges[2:] - edges[1:-1])[:, None]
    weights = np.maximum(0.0, np.minimum(rising, falling))
    return (weights * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


@cache
def band_centres() -> NDArray[np.float64]:
    """Centre frequency in Hz of each of the 80 mel bands."""
    low, high = _hz_to_mel(np.array([0.0, RATE / 2]))
    return _mel_to_hz(np.linspace(low, high, N_MELS + 2))[1:-1]


@cache
def band_edges() -> NDArray[np.float64]:
    """Upper edge in Hz of each of the 80 mel bands."""
    low, high = _hz_to_mel(np.array([0.0, RATE / 2]))
    return _mel_to_hz(np.linspace(low, high, N_MELS + 2))[2:]


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-mel spectrogram of mono 16 kHz samples.

    Args:
        samples: shape (n,), n >= 400.

    Returns:
        shape (80, n // 160), 10 ms frames, scaled as Whisper's input.
    """
    padded = np.pad(samples.astype(np.float32), N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP][: len(samples) // HOP]
    window = np.hanning(N_FFT + 1)[:-1].astype(np.float32)
    power = np.abs(np.fft.rfft(frames * window, axis=1)).astype(np.float32) ** 2
    log = np.log10(np.maximum(power @ mel_filters().T, 1e-10)).T
    return np.ascontiguousarray((np.maximum(log, log.max() - 8.0) + 4.0) / 4.0, dtype=np.float32)
