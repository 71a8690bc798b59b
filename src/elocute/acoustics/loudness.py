"""What the loudness of a frame says about the sounds it may hold.

Posteriors that two acoustic models disagree on are weak evidence; that a vowel is loud and a pause is not,
either can hear. The aligner adds this to what the model says.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.posteriors import CLASSES
from elocute.phones import MANNER_OF

LEVELS: dict[str, tuple[float, float]] = {
    "vowel": (-6.9, 9.1),
    "stop": (-17.1, 11.3),
    "affricate": (-14.3, 11.4),
    "fricative": (-15.3, 10.7),
    "aspirate": (-15.6, 11.1),
    "liquid": (-8.0, 9.7),
    "nasal": (-9.7, 9.5),
    "semivowel": (-9.9, 11.8),
    "silence": (-35.4, 8.7),
}
"""Mean and standard deviation of the level of frames of each manner, dB relative to the loud frames, in the
encoder's cross-fitted alignments of the speechocean762 training half (``benchmarks/loudness.py``)."""

ANY = (-18.8, 15.3)
"""The same of all frames."""

LOUD = 95.0
"""Percentile of a recording's frames that counts as loud."""

LEAST, MOST = -48.0, 9.0
"""dB between which levels are told apart."""

WEIGHT = 0.5
"""Weight beside log posteriors, whose network has heard the loudness, too."""

LIMIT = 4.0
"""Nats that a frame's loudness may count, before weighting."""

RANGE = (20.0, 28.0)
"""dB from the quietest twentieth of a recording to the loud frames up to which loudness says nothing, as in
noise, and from which on it counts in full; 99 % of the training recordings have 27 or more."""


def relative_levels(energy: NDArray[np.float32]) -> NDArray[np.float64]:
    """(frames,) levels in dB relative to the loud frames of the recording; ``energy`` as below."""
    level = 20.0 * np.log10(np.maximum(energy, 1e-6, dtype=np.float64))
    return np.asarray(level - np.percentile(level, LOUD))


def loudness_evidence(energy: NDArray[np.float32]) -> NDArray[np.float32]:
    """(frames, 40) log-likelihood ratio, in nats, of each class against any, given the level; weighted.

    Args:
        energy: (frames,) RMS every 10 ms, as ``prosody.rms_energy`` gives it.
    """
    level = relative_levels(energy)
    depth = -float(np.percentile(level, 100.0 - LOUD))
    trust = float(np.clip((depth - RANGE[0]) / (RANGE[1] - RANGE[0]), 0.0, 1.0))
    level = np.clip(level, LEAST, MOST)[:, None]
    mean, spread = np.array([LEVELS[MANNER_OF.get(name, "silence")] for name in CLASSES]).T
    ratio = _log_density(level, mean, spread) - _log_density(level, *map(np.asarray, ANY))
    return np.asarray(WEIGHT * trust * np.clip(ratio, -LIMIT, LIMIT), np.float32)


def _log_density(
    level: NDArray[np.float64], mean: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of normal distributions, less a constant."""
    return np.asarray(-0.5 * np.square((level - mean) / spread) - np.log(spread))
