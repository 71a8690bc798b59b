"""Filterbank energies against kaldi-native-fbank, and their normalisation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from elocute.acoustics.filterbank import BANDS, FULL_SCALE, RATE, band_edges, filterbank, normalise
from fakes import speech


def noisy_speech(seed: int = 0) -> NDArray[np.float32]:
    sound = speech(1.2)
    return sound + np.random.default_rng(seed).normal(0.0, 1e-4, len(sound)).astype(np.float32)


def test_equals_kaldi() -> None:
    knf = pytest.importorskip("kaldi_native_fbank")
    options = knf.FbankOptions()
    options.frame_opts.dither = 0.0
    options.frame_opts.snip_edges = False
    options.mel_opts.num_bins = BANDS
    options.mel_opts.high_freq = -400.0
    sound = noisy_speech()
    reference = knf.OnlineFbank(options)
    # Kaldi centres frame k at k * 10 + 5 ms; 5 ms put before the recording make up for it.
    before = np.zeros(80, np.float32)
    reference.accept_waveform(RATE, np.concatenate([before, sound]) * FULL_SCALE)
    reference.input_finished()
    found = filterbank(sound)
    assert found.shape == (len(sound) // 160, BANDS)
    inside = range(2, len(found) - 2)  # Kaldi reflects the zeros, too
    expected = np.array([reference.get_frame(k) for k in inside])
    np.testing.assert_allclose(found[2:-2], expected, atol=5e-3)
    assert found[2:-2].std() > 1.0


def test_a_tone_is_loudest_in_its_band() -> None:
    time = np.arange(RATE) / RATE
    for hz in (200.0, 1000.0, 5000.0):
        bank = filterbank(0.1 * np.sin(2 * np.pi * hz * time).astype(np.float32))
        band = int(bank[50].argmax())
        assert band_edges()[band] < hz < band_edges()[band + 2]


def test_frames_are_centred() -> None:
    sound = np.zeros(RATE, np.float32)
    sound[5000] = 0.5
    level = filterbank(sound).sum(axis=1)
    assert level.argmax() == pytest.approx(5000 / 160, abs=0.51)


@given(st.floats(-30.0, 20.0), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_gain_changes_nothing(decibel: float, seed: int) -> None:
    sound = noisy_speech(seed)
    louder = sound * np.float32(10.0 ** (decibel / 20.0))
    np.testing.assert_allclose(normalise(filterbank(louder)), normalise(filterbank(sound)), atol=0.02)


def test_a_fixed_filter_changes_little() -> None:
    sound = noisy_speech()
    tilted = np.append(sound[:1], sound[1:] - 0.5 * sound[:-1])
    speaking = slice(40, 140)
    plain, other = (normalise(filterbank(x))[speaking] for x in (sound, tilted))
    assert np.abs(plain - other).mean() < 0.04
    assert np.abs(filterbank(sound) - filterbank(tilted))[speaking].mean() > 0.3


def test_silence_around_the_speech_hardly_counts() -> None:
    sound = noisy_speech()
    quiet = np.random.default_rng(1).normal(0.0, 1e-4, 10 * RATE).astype(np.float32)
    alone, inside = normalise(filterbank(sound)), normalise(filterbank(np.concatenate([quiet, sound, quiet])))
    shifted = inside[1000 : 1000 + len(alone)]
    assert np.abs(shifted - alone)[3:-3].max() < 0.05


def test_digital_silence_is_finite() -> None:
    for sound in (np.zeros(RATE, np.float32), np.zeros(400, np.float32)):
        assert np.isfinite(normalise(filterbank(sound))).all()
