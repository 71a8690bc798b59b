"""Signal-to-noise ratio and its warning."""

from __future__ import annotations

import numpy as np
import pytest

from elocute.acoustics.alignment import Alignment, InsertedSegment, PhoneSegment, WordSegment
from elocute.acoustics.quality import signal_to_noise
from fakes import RATE, fake_assessor, speech

WORD = WordSegment("a", "user", (PhoneSegment("AH0", 0.5, 1.5),))


def energy(speech_rms: float, noise_rms: float, frames: int = 200) -> np.ndarray:
    """Noise throughout, speech from 0.5 to 1.5 s."""
    power = np.full(frames, noise_rms**2)
    power[50:150] += speech_rms**2
    return np.sqrt(power).astype(np.float32)


@pytest.mark.parametrize("ratio", [-5.0, 0.0, 10.0, 35.0])
def test_the_ratio(ratio: float) -> None:
    found = signal_to_noise(energy(0.1, 0.1 * 10.0 ** (-ratio / 20.0)), Alignment((WORD,), (), 2.0))
    assert found == pytest.approx(ratio, abs=0.1)


def test_gain_does_not_matter() -> None:
    alignment = Alignment((WORD,), (), 2.0)
    assert signal_to_noise(energy(0.1, 0.01), alignment) == pytest.approx(
        signal_to_noise(0.01 * energy(0.1, 0.01), alignment), abs=1e-3
    )


def test_speech_outside_the_script_is_no_noise() -> None:
    heard = energy(0.1, 0.001)
    heard[160:195] = 0.1
    other = InsertedSegment(1.6, 1.95, 0, "speech", "")
    assert signal_to_noise(heard, Alignment((WORD,), (), 2.0, (other,))) > 35.0


def test_digital_silence_and_no_pause_at_all() -> None:
    assert signal_to_noise(energy(0.1, 0.0), Alignment((WORD,), (), 2.0)) == 60.0
    whole = WordSegment("a", "user", (PhoneSegment("AH0", 0.0, 2.0),))
    assert signal_to_noise(energy(0.1, 0.001), Alignment((whole,), (), 2.0)) > 30.0


@pytest.mark.parametrize(("noise", "warned"), [(0.0, False), (0.004, False), (0.05, True)])
def test_the_warning(noise: float, warned: bool) -> None:
    samples = speech(silence=0.5)
    hiss = np.random.default_rng(0).standard_normal(len(samples)) * noise
    # The stand-in takes loud frames for speech: the hiss stays below its threshold but where it warns.
    result = fake_assessor().assess((samples + hiss).astype(np.float32), "Hello.", rate=RATE)
    assert ("noisy" in [notice.code for notice in result.warnings]) == warned
