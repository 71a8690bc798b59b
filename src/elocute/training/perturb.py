"""Perturbed copies of recordings: other microphones, tempi and vocal tracts than the corpus has.

A copy is named by its recording's key and the perturbation: ``"000010011#fast"``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.mel import band_centres, band_edges, log_mel

BAND_LIMITS = (3400.0, 4500.0, 5600.0, 7000.0)
RATE = 16_000


@dataclass(frozen=True)
class Perturbation:
    """``speed``: played faster, hence higher, by this factor (Ko et al. 2015); ``tract``: frequencies
    multiplied as by a vocal tract shorter by this factor (Jaitly and Hinton 2013), towards a child's above 1;
    ``limited``: low-passed at a cutoff drawn from the key."""

    speed: float = 1.0
    tract: float = 1.0
    limited: bool = False


PERTURBATIONS: dict[str, Perturbation] = {
    "band": Perturbation(limited=True),
    "fast": Perturbation(speed=1.1),
    "slow": Perturbation(speed=0.9),
    "child": Perturbation(tract=1.15),
}


def copy_key(key: str, name: str) -> str:
    return f"{key}#{name}"


def speed_of(key: str) -> float:
    """How much faster the recording of this key runs than the original."""
    return _perturbation(key).speed


def _perturbation(key: str) -> Perturbation:
    _, _, name = key.partition("#")
    return PERTURBATIONS[name] if name else Perturbation()


def perturbed_mel(samples: NDArray[np.float32], key: str) -> NDArray[np.float32]:
    """Log-mel spectrogram (80, frames) of the copy that ``key`` names.

    Args:
        samples: the original recording, mono 16 kHz, (n,).
    """
    chosen = _perturbation(key)
    if chosen.speed != 1.0:
        import soxr

        samples = soxr.resample(samples, RATE * chosen.speed, RATE).astype(np.float32)
    mel = log_mel(samples)
    if chosen.tract != 1.0:
        mel = warp_bands(mel, chosen.tract)
    if chosen.limited:
        pick = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % len(BAND_LIMITS)
        mel = limit_band(mel, BAND_LIMITS[pick])
    return mel


def limit_band(mel: NDArray[np.float32], cutoff: float) -> NDArray[np.float32]:
    """Silence the mel bands above ``cutoff`` Hz, as a lossy encoder's low-pass does; ``mel`` (80, frames)."""
    limited = mel.copy()
    limited[band_edges() > cutoff] = mel.min()
    return limited


def warp_bands(mel: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Move every frequency up by ``factor``, by interpolation between mel bands; ``mel`` (80, frames)."""
    centres = band_centres()
    places = np.interp(centres / factor, centres, np.arange(len(centres)))
    below = np.minimum(places.astype(int), len(centres) - 2)
    share = (places - below).astype(np.float32)[:, None]
    return np.asarray(mel[below] * (1.0 - share) + mel[below + 1] * share, np.float32)
