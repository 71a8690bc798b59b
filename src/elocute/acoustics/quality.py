"""How far speech stands out of the noise of a recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment

SHIFT = 0.01
"""Seconds between frames of energy; frame k is centred at k * SHIFT."""

MARGIN = 3
"""Frames beside a word that count neither as speech nor as noise."""

ENOUGH = 10
"""Frames of noise that are needed; with fewer, the quietest tenth of the recording stands for it."""


def signal_to_noise(energy: NDArray[np.float32], alignment: Alignment) -> float:
    """Signal-to-noise ratio in dB, from -10 to 60: power within the words against power in the pauses.

    Speech outside the script counts as neither.

    Args:
        energy: (frames,) RMS every 10 ms, as ``prosody.rms_energy`` gives it.
    """
    power = np.square(energy, dtype=np.float64)
    spoken, near = (np.zeros(len(power), bool) for _ in range(2))
    times = [(w.start, w.end) for w in alignment.words] + [(s.start, s.end) for s in alignment.inserted]
    for number, (start, end) in enumerate(times):
        first, last = round(start / SHIFT), round(end / SHIFT)
        spoken[first:last] |= number < len(alignment.words)
        near[max(first - MARGIN, 0) : last + MARGIN] = True
    if not spoken.any():
        return -10.0
    quiet = power[~near] if (~near).sum() >= ENOUGH else np.sort(power)[: max(len(power) // 10, 1)]
    noise = max(float(np.median(quiet)), 1e-12)
    speech = max(float(power[spoken].mean()) - noise, 1e-12)
    return float(np.clip(10.0 * np.log10(speech / noise), -10.0, 60.0))
