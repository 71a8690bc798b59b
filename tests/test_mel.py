"""The log-mel spectrogram against an independent, slow computation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from elocute.acoustics.mel import band_edges, log_mel, mel_filters

RATE = 16_000


def speech_like(samples: int, seed: int = 0) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    return (np.cumsum(random.normal(0, 0.01, samples)) * np.exp(-0.0002 * np.arange(samples))).astype(
        np.float32
    )


def mel_of(hz: float) -> float:
    """Slaney's scale: linear to 1 kHz, then 27 steps per factor 6.4."""
    return hz / (200 / 3) if hz < 1000 else 15 + 27 * math.log(hz / 1000) / math.log(6.4)


def hz_of(mel: float) -> float:
    return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)


def slow_log_mel(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Whisper's definition, one frame, one bin and one triangle at a time."""
    frames = len(samples) // 160
    window = [0.5 - 0.5 * math.cos(2 * math.pi * i / 400) for i in range(400)]
    edges = [hz_of(i * mel_of(8000.0) / 81) for i in range(82)]
    turns = np.exp(-2j * np.pi * np.outer(np.arange(201), np.arange(400)) / 400)
    mel = np.zeros((80, frames))
    for frame in range(frames):
        at = [abs(frame * 160 - 200 + i) for i in range(400)]  # mirrored at both ends
        at = [i if i < len(samples) else 2 * (len(samples) - 1) - i for i in at]
        power = np.abs(turns @ (samples[at].astype(np.float64) * window)) ** 2
        for band, (low, peak, high) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
            total = 0.0
            for number in range(201):
                hz = number * 40.0
                rising, falling = (hz - low) / (peak - low), (high - hz) / (high - peak)
                total += max(0.0, min(rising, falling)) * 2 / (high - low) * power[number]
            mel[band, frame] = math.log10(max(total, 1e-10))
    return (np.maximum(mel, mel.max() - 8) + 4) / 4


@pytest.mark.parametrize("samples", [1600, 1759, 1761])
def test_equals_the_slow_computation(samples: int) -> None:
    given = speech_like(samples)
    np.testing.assert_allclose(log_mel(given), slow_log_mel(given), atol=1e-4)


@pytest.mark.parametrize(
    ("samples", "frames"), [(400, 2), (4799, 29), (4800, 30), (16_000, 100), (16_159, 100), (16_160, 101)]
)
def test_shape(samples: int, frames: int) -> None:
    found = log_mel(speech_like(samples))
    assert found.shape == (80, frames)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous


def test_a_tone_peaks_in_its_band() -> None:
    for hz in (300.0, 1000.0, 3000.0, 6000.0):
        found = log_mel(np.sin(2 * np.pi * hz * np.arange(RATE) / RATE).astype(np.float32))
        loudest = int(found[:, 50].argmax())
        low = band_edges()[loudest - 2] if loudest > 1 else 0.0
        assert low <= hz <= band_edges()[loudest]


def test_digital_silence_is_finite() -> None:
    found = log_mel(np.zeros(1600, np.float32))
    np.testing.assert_allclose(found, -1.5, rtol=1e-6)


def test_dynamic_range_is_eighty_decibels() -> None:
    samples = speech_like(RATE)
    samples[8000:] = 0.0
    found = log_mel(samples)
    assert found.max() - found.min() == pytest.approx(2.0, abs=1e-5)


def test_filters() -> None:
    filters = mel_filters()
    assert filters.shape == (80, 201)
    assert (filters >= 0).all()
    assert (filters.max(axis=1) > 0).all()
    edges = band_edges()
    assert edges.shape == (80,)
    assert (np.diff(edges) > 0).all()
    assert edges[-1] == pytest.approx(8000.0)
    for band in (0, 40, 79):
        assert np.flatnonzero(filters[band])[-1] * 40.0 < edges[band] + 1e-6


def test_limit_band_silences_what_lies_above() -> None:
    pytest.importorskip("torch")
    from elocute.training.perturb import limit_band

    mel = log_mel(speech_like(RATE))
    limited = limit_band(mel, 3400.0)
    above = band_edges() > 3400.0
    assert 0 < above.sum() < 80
    np.testing.assert_array_equal(limited[~above], mel[~above])
    assert (limited[above] == mel.min()).all()
    assert not (mel[above] == mel.min()).all()
    np.testing.assert_array_equal(limit_band(mel, 8001.0), mel)
