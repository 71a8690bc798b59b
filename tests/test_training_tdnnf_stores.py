"""Augmentation of the TDNN-F's input, and its stores on disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elocute.acoustics.filterbank import BANDS, band_edges, filterbank, normalise
from elocute.audio import load_audio
from elocute.phones import PHONE_ID
from fakes import speech

torch = pytest.importorskip("torch")

from elocute.training.tdnnf.augment import AugmentOptions, augment, limit_band, mix  # noqa: E402
from elocute.training.tdnnf.data import (  # noqa: E402
    at_speed,
    make_sample,
)
from elocute.training.tdnnf.store import (  # noqa: E402
    SPEEDS,
    bank_store,
    frame_store,
    speed_key,
)
from toy_banks import QUIET, Bank, alignment_of, labels_of, random_bank  # noqa: E402

# --- augmentation and stores ------------------------------------------------------------------------------


def test_band_limit() -> None:
    bank = random_bank(20)
    limited = limit_band(bank, 4500.0)
    upper = band_edges()[2:] > 4500.0
    assert 0 < upper.sum() < BANDS / 2
    assert (limited[:, upper] == bank.min()).all()
    np.testing.assert_array_equal(limited[:, ~upper], bank[:, ~upper])


def test_band_limit_equals_a_low_pass() -> None:
    """What is left of speech after a real low-pass and after the cheap one looks alike to the network."""
    from scipy.signal import firwin, lfilter

    sound = speech(1.0) + np.random.default_rng(0).normal(0, 1e-2, 25_600).astype(np.float32)
    taps = firwin(401, 4500.0, fs=16_000)
    real = lfilter(taps, 1.0, np.append(sound, np.zeros(200)))[200:].astype(np.float32)
    found, expected = normalise(limit_band(filterbank(sound), 4500.0)), normalise(filterbank(real))
    sure = (band_edges()[2:] < 4300.0) | (band_edges()[:-2] > 4900.0)
    assert np.abs(found - expected)[5:-5, sure].mean() < 0.15


@given(st.floats(0.0, 30.0), st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_noise_is_as_loud_as_asked(snr: float, seed: int) -> None:
    bank = filterbank(speech(1.0))
    noise = random_bank(len(bank), seed) - 7.0
    mixed = mix(bank, noise, snr)
    added = np.exp(mixed) - np.exp(bank)
    power = np.exp(bank).sum(axis=1)
    loud = power[power >= np.median(power)].mean()
    assert 10 * np.log10(loud / added.sum(axis=1).mean()) == pytest.approx(snr, abs=0.1)


def test_augmentation_can_be_switched_off_and_varies() -> None:
    bank, random = filterbank(speech(1.0)), np.random.default_rng(0)
    np.testing.assert_array_equal(augment(bank, QUIET, random, lambda: bank), normalise(bank))
    every = AugmentOptions(noise=1.0, band=1.0, masked=1.0)
    first, second = (augment(bank, every, random, lambda: bank) for _ in range(2))
    assert first.shape == bank.shape
    assert np.isfinite(first).all()
    assert np.abs(first - second).mean() > 0.05


def test_targets_follow_the_speed() -> None:
    sample = make_sample("a", 100, alignment_of(("AA", 0.2, 0.6), seconds=1.0), labels_of(1.5))
    slow = at_speed(sample, 0.5, 200)
    inside = np.flatnonzero(slow.targets.classes == PHONE_ID["AA"])
    assert inside[[0, -1]] == pytest.approx([40, 119], abs=1)
    assert slow.segments.tolist() == [[40, 120, PHONE_ID["AA"]]]
    fast = at_speed(sample, 1.1, 91)
    assert fast.segments[0, :2] == pytest.approx(np.array([20, 60]) / 1.1, abs=1)


def test_speeds_are_stored_once_and_resumed(tmp_path: Path, tiny_corpus: Path) -> None:
    recordings = [(path.stem, path) for path in sorted((tiny_corpus / "WAVE").glob("a*.wav"))[:2]]
    store = bank_store(recordings, tmp_path / "bank.f16")
    assert len(store.offsets) == 2 * len(SPEEDS)
    frames = [store.frames(speed_key("a0", speed)) for speed in SPEEDS]
    assert frames == [pytest.approx(frames[1] / speed, abs=1) for speed in SPEEDS]
    expected = filterbank(load_audio(recordings[0][1]).samples)
    np.testing.assert_allclose(store.read(speed_key("a0", 1.0)), expected, atol=0.01)
    before = (tmp_path / "bank.f16").stat().st_mtime_ns
    assert bank_store(recordings, tmp_path / "bank.f16").offsets == store.offsets
    assert (tmp_path / "bank.f16").stat().st_mtime_ns == before or len(store.rows)


def test_an_interrupted_store_continues(tmp_path: Path) -> None:
    asked: list[str] = []

    def compute(missing: Sequence[str]) -> Iterable[tuple[str, Bank]]:
        for key in missing:
            asked.append(key)
            if asked == ["a", "b", "c"]:
                raise KeyboardInterrupt
            yield key, np.full((3, 2), ord(key), np.float32)

    with pytest.raises(KeyboardInterrupt):
        frame_store(tmp_path / "x.f16", "abcd", compute, 2, "test")
    with (tmp_path / "x.f16").open("ab") as file:
        file.write(b"half a row")
    store = frame_store(tmp_path / "x.f16", "abcd", compute, 2, "test")
    assert asked == ["a", "b", "c", "c", "d"]
    for key in "abcd":
        assert store.read(key).tolist() == [[ord(key)] * 2] * 3
