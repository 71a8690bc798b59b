"""F0 and energy of synthetic sounds with known answers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from elocute.acoustics import prosody as module
from elocute.acoustics.prosody import prosody, rms_energy

RATE = 16_000


def buzz(f0: float | NDArray[np.float64], seconds: float = 1.0) -> NDArray[np.float32]:
    """A voice-like tone: harmonics of ``f0`` (Hz, constant or per sample) falling off as 1/k."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(f0, round(seconds * RATE))) / RATE
    return (0.1 * sum(np.sin(k * phase) / k for k in range(1, 9))).astype(np.float32)


@pytest.mark.parametrize("f0", [90.0, 200.0, 350.0])
def test_f0_of_a_tone(f0: float) -> None:
    found = prosody(buzz(f0))
    voiced = found.f0[~np.isnan(found.f0)]
    assert len(voiced) > 90
    np.testing.assert_allclose(voiced[5:-5], f0, rtol=0.01)


def test_f0_follows_a_glide_in_time() -> None:
    """Frame k is centred at 10 k ms: a glide from 150 to 250 Hz is found where it is, not a frame off."""
    truth = np.linspace(150.0, 250.0, 2 * RATE)
    found = prosody(buzz(truth, 2.0)).f0
    inner = slice(20, 180)
    np.testing.assert_allclose(found[inner], truth[:: RATE // 100][inner], rtol=0.01)
    assert abs(np.mean(found[inner] - truth[:: RATE // 100][inner])) < 0.4  # a frame off would be 0.5 Hz


def test_frames_lie_between_the_detectors_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """SwiftF0 answers every 16 ms: values are interpolated, the nearest frame says whether it is voiced."""
    times = np.arange(5) * 0.016
    found = SimpleNamespace(
        timestamps=times, pitch_hz=100.0 + 1000.0 * times, confidence=np.array([0.9, 0.9, 0.2, 0.9, 0.9])
    )
    monkeypatch.setattr(module, "_detector", lambda: SimpleNamespace(detect=lambda *_: found))
    f0 = prosody(np.full(1280, 0.1, np.float32)).f0
    # 30 ms is nearest to the unvoiced frame at 32 ms; the value at 20 ms comes from its voiced neighbours.
    np.testing.assert_allclose(f0, [100.0, 110.0, 120.0, np.nan, 140.0, 150.0, 160.0, 164.0], rtol=1e-6)


def test_a_single_frame_of_the_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace(timestamps=np.zeros(1), pitch_hz=np.array([120.0]), confidence=np.array([0.9]))
    monkeypatch.setattr(module, "_detector", lambda: SimpleNamespace(detect=lambda *_: found))
    np.testing.assert_array_equal(prosody(np.full(320, 0.1, np.float32)).f0, [120.0, 120.0])


@pytest.mark.parametrize("samples", [np.zeros(RATE), np.random.default_rng(0).normal(0, 0.01, RATE)])
def test_silence_and_noise_are_unvoiced(samples: NDArray[np.float64]) -> None:
    found = prosody(samples.astype(np.float32))
    assert np.isnan(found.f0).mean() > 0.95


@pytest.mark.parametrize("gain", [0.5, 2.0, 10 ** (-20 / 20)])
def test_gain_moves_energy_and_leaves_f0(gain: float) -> None:
    """A breathy, noisy voice, where SwiftF0 alone would flip some frames with the gain."""
    random = np.random.default_rng(1)
    samples = buzz(140.0, 2.0) * np.linspace(0, 1, 2 * RATE) + random.normal(0, 0.05, 2 * RATE)
    plain, moved = prosody(samples.astype(np.float32)), prosody((samples * gain).astype(np.float32))
    np.testing.assert_allclose(moved.f0, plain.f0, rtol=1e-4)
    np.testing.assert_allclose(moved.energy, plain.energy * gain, rtol=1e-4)


def test_energy_is_the_rms_around_the_frame() -> None:
    samples = np.zeros(1600, np.float32)
    samples[800:] = 0.5
    energy = rms_energy(samples)
    assert energy.shape == (10,)
    assert energy[3] == 0.0
    assert energy[5] == pytest.approx(0.5 * np.sqrt(0.5))  # centred at sample 800: half of the window is loud
    assert energy[7] == pytest.approx(0.5)


@pytest.mark.parametrize("samples", [1600, 1601, 1759, 1760])
def test_energy_and_f0_have_one_value_per_hop(samples: int) -> None:
    found = prosody(buzz(200.0)[:samples])
    assert len(found.f0) == len(found.energy) == samples // 160
