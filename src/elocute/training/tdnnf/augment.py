"""Other rooms, microphones and codecs, made of filterbank energies on the fly.

Powers of independent sounds add, so noise is mixed band by band; whatever an encoder's low-pass, a gain or a
microphone does to a spectrum, it does to the bands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.filterbank import BANDS, band_edges, normalise
from elocute.training.perturb import BAND_LIMITS

Bank = NDArray[np.float32]
HUM = 400.0
"""Hz; what hums lies below."""

VOICES = (3, 6)
"""Least and most voices of babble."""


@dataclass(frozen=True)
class AugmentOptions:
    """``noise``: share of recordings with noise at a signal-to-noise ratio drawn from ``snr`` (dB); ``band``:
    share that is low-passed; ``volume``: standard deviation of the level and of the tilt of the normalised
    spectrum; ``masked``: share with stretches of time and of frequency blanked (SpecAugment)."""

    noise: float = 0.4
    snr: tuple[float, float] = (5.0, 30.0)
    band: float = 0.2
    volume: float = 0.15
    masked: float = 0.5


def augment(
    bank: Bank, options: AugmentOptions, random: np.random.Generator, other: Callable[[], Bank]
) -> Bank:
    """Normalised energies of a recording as it might have been made elsewhere.

    Args:
        bank: (frames, 80) log energies.
        other: gives the energies of another recording, to babble with.
    """
    if random.random() < options.noise:
        bank = mix(bank, _noise(len(bank), random, other), random.uniform(*options.snr))
    if random.random() < options.band:
        bank = limit_band(bank, float(random.choice(BAND_LIMITS)))
    found = normalise(bank)
    tilt = np.linspace(-1.0, 1.0, BANDS, dtype=np.float32)
    level, slope = (np.float32(options.volume) * random.normal(size=2)).astype(np.float32)
    found += level + slope * tilt
    if random.random() < options.masked:
        _mask(found, random)
    return found


def mix(bank: Bank, noise: Bank, snr: float) -> Bank:
    """Add ``noise`` so that the loud half of the recording is ``snr`` dB above it, both (frames, 80)."""
    speech, disturbance = np.exp(bank).sum(axis=1), np.exp(noise).sum(axis=1)
    loud = speech[speech >= np.median(speech)].mean()
    gain = np.log(loud) - np.log(disturbance.mean()) - snr * np.log(10.0) / 10.0
    return np.logaddexp(bank, noise + np.float32(gain)).astype(np.float32)


def limit_band(bank: Bank, cutoff: float) -> Bank:
    """Silence the bands above ``cutoff`` Hz, as the low-pass of a lossy encoder does."""
    limited = bank.copy()
    limited[:, band_edges()[2:] > cutoff] = bank.min()
    return limited


def _noise(frames: int, random: np.random.Generator, other: Callable[[], Bank]) -> Bank:
    kind = random.choice(["steady", "hum", "babble"])
    if kind == "babble":
        count = random.integers(VOICES[0], VOICES[1] + 1)
        voices = [_stretch(other(), frames, random) for _ in range(count)]
        return np.asarray(np.logaddexp.reduce(voices, axis=0), np.float32)
    if kind == "hum":
        shape = np.where(band_edges()[2:] < HUM, random.normal(0.0, 1.5, BANDS), -8.0)
        return np.asarray(shape + random.normal(0.0, 0.2, (frames, BANDS)), np.float32)
    # A spectrum that drifts over the bands; the energy of Gaussian noise in a band scatters like a gamma
    # variable, wider bands less.
    shape = np.cumsum(random.normal(0.0, 0.3, BANDS)) + random.normal(0.0, 2.0) * np.linspace(-1, 1, BANDS)
    degrees = np.linspace(1.0, 6.0, BANDS)
    scatter = np.log(random.gamma(degrees, 1.0 / degrees, (frames, BANDS)) + 1e-3)
    return np.asarray(shape + scatter, np.float32)


def _stretch(bank: Bank, frames: int, random: np.random.Generator) -> Bank:
    """``frames`` frames of a recording from a random place on, over again where it ends."""
    return bank[(int(random.integers(len(bank))) + np.arange(frames)) % len(bank)]


def _mask(bank: Bank, random: np.random.Generator) -> None:
    for _ in range(2):
        start = int(random.integers(len(bank)))
        bank[start : start + int(random.integers(1, 11))] = 0.0
    band = int(random.integers(BANDS))
    bank[:, band : band + int(random.integers(1, 11))] = 0.0
