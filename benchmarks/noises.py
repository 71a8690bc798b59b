"""Noises for the benchmarks, all made here: hum of the mains, music, babble of many talkers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Samples = NDArray[np.float32]
NOISES = ("hum", "music", "babble")


def noise(kind: str, count: int, talkers: Sequence[Samples], dice: np.random.Generator) -> Samples:
    """``count`` samples of a noise with RMS 1; ``talkers`` are the recordings that babble is mixed from."""
    made = {"hum": _hum, "music": _music, "babble": lambda n, d: _babble(n, talkers, d)}[kind](count, dice)
    return np.asarray(made / (np.sqrt(np.mean(np.square(made))) + 1e-9), np.float32)


def add_noise(
    samples: Samples, noise_samples: Samples, snr_db: float, speech: Samples | None = None
) -> Samples:
    """Noise of RMS 1 put under a recording, ``snr_db`` below its ``speech`` (by default its loud half)."""
    level = speech_level(samples if speech is None else speech)
    return np.asarray(samples + noise_samples * level * 10.0 ** (-snr_db / 20.0), np.float32)


def speech_level(samples: Samples) -> float:
    """RMS over the 25 ms blocks that are louder than a tenth of the loudest: pauses do not count."""
    blocks = samples[: len(samples) // 400 * 400].reshape(-1, 400)
    rms = np.sqrt(np.mean(np.square(blocks), axis=1))
    return float(np.sqrt(np.mean(np.square(rms[rms > 0.1 * rms.max()]))))


def _hum(count: int, dice: np.random.Generator) -> NDArray[np.float64]:
    """50 or 60 Hz and 19 harmonics, and a little hiss."""
    time, base = np.arange(count) / RATE, dice.choice([50.0, 60.0])
    tones = sum(np.sin(2 * np.pi * (base * k * time + dice.random())) / k for k in range(1, 21))
    return np.asarray(tones + 0.1 * dice.standard_normal(count))


def _music(count: int, dice: np.random.Generator) -> NDArray[np.float64]:
    """Decaying chords of three notes with harmonics, two a second, and a bass."""
    time = np.arange(count) / RATE
    sound = np.zeros(count)
    for start in np.arange(0.0, count / RATE, 0.5):
        root = 110.0 * 2.0 ** (dice.choice([0, 2, 4, 5, 7, 9]) / 12.0)
        rest = time[round(start * RATE) :] - start
        for semitones in (0, 12, 16, 19):
            pitch = root * 2.0 ** (semitones / 12.0)
            sound[round(start * RATE) :] += sum(
                np.sin(2 * np.pi * pitch * k * rest) * np.exp(-(2.0 + k) * rest) / k for k in range(1, 6)
            )
    return sound


def _babble(count: int, talkers: Sequence[Samples], dice: np.random.Generator) -> NDArray[np.float64]:
    """Six recordings at once, each at the same level, repeated as needed."""
    sound = np.zeros(count)
    for number in dice.choice(len(talkers), min(6, len(talkers)), replace=False):
        voice = talkers[number]
        repeated = np.resize(np.roll(voice, int(dice.integers(len(voice)))), count)
        sound += repeated / (np.sqrt(np.mean(np.square(voice))) + 1e-9)
    return sound
