"""Where in a noisy recording somebody reads: talk or music before and after it must not attract words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.model import AcousticModel
from elocute.acoustics.posteriors import SILENCE_ID, Posteriors
from elocute.acoustics.prosody import HOP, rms_energy
from elocute.audio import Audio

SMOOTHED = 50
"""Frames of 10 ms over which loudness is averaged: babble has no pauses that long, readers do."""

BELOW = 8.0
"""The reading lasts from the first to the last half-second not more than this many dB below the loudest."""

STEADY = 20.0
"""Around it, sound whose quietest tenth is not more than this many dB below the loudest half-second is noise;
a quiet voice has pauses, and nothing says that those are not the reader's words."""

LEAST = 200
"""Frames of noise that are worth cutting off."""

MARGIN = 100
"""Frames kept beside the reading, for its quiet beginnings and ends."""

NOWHERE = -12.0
"""Log probability, and log-odds of acceptance, of every phone where nobody reads."""


def reading_extent(samples: NDArray[np.float32]) -> tuple[int, int]:
    """First and one-past-last frame (10 ms) of the part of a recording that is worth listening to.

    All of it, unless noise lasts for seconds before or after a louder reading.

    Args:
        samples: mono 16 kHz, shape (n,).
    """
    energy = rms_energy(samples)
    frames = len(energy)
    if frames < LEAST + MARGIN:
        return 0, frames
    sums = np.concatenate([[0.0], np.cumsum(np.square(energy, dtype=np.float64))])
    centres = np.arange(frames)
    first = np.maximum(centres - SMOOTHED // 2, 0)
    last = np.minimum(centres + SMOOTHED // 2, frames)
    smooth = 10.0 * np.log10((sums[last] - sums[first]) / (last - first) + 1e-12)
    level = 20.0 * np.log10(energy + 1e-6)
    loudest = float(smooth.max())
    loud = np.flatnonzero(smooth >= loudest - BELOW)
    start, end = max(int(loud[0]) - MARGIN, 0), min(int(loud[-1]) + 1 + MARGIN, frames)

    def is_noise(part: NDArray[np.float32]) -> bool:
        return len(part) >= LEAST and float(np.percentile(part, 10)) > loudest - STEADY

    return start if is_noise(level[:start]) else 0, end if is_noise(level[end:]) else frames


def hear_reading(model: AcousticModel, audio: Audio) -> Posteriors:
    """The model's posteriors where somebody reads, and silence in the noise before and after."""
    return hear_readings(model, [audio])[0]


def hear_readings(model: AcousticModel, recordings: Sequence[Audio]) -> list[Posteriors]:
    """Of many recordings, as :func:`hear_reading` gives them."""
    extents = [reading_extent(audio.samples) for audio in recordings]
    parts = [_cut(audio, *extent) for audio, extent in zip(recordings, extents, strict=True)]
    heard = model.posteriors_of(parts)
    return [
        found if part is audio else _surround(found, audio, *extent)
        for found, part, audio, extent in zip(heard, parts, recordings, extents, strict=True)
    ]


def _cut(audio: Audio, start: int, end: int) -> Audio:
    """Frames ``start`` to ``end``: the recording itself if these are all."""
    frames = len(audio.samples) // HOP
    if (start, end) == (0, frames):
        return audio
    return Audio(audio.samples[start * HOP : len(audio.samples) if end == frames else end * HOP])


def _surround(heard: Posteriors, audio: Audio, start: int, end: int) -> Posteriors:
    after = len(audio.samples) // HOP - end
    acceptance = np.pad(heard.acceptance, ((start, after), (0, 0)), constant_values=NOWHERE)
    ctc = None if heard.ctc is None else _surrounded(heard.ctc, start // 2, after // 2)
    log_probs = _surrounded(heard.log_probs, start, after)
    return Posteriors(log_probs, acceptance, heard.frame_shift, audio.duration, ctc)


def _surrounded(log_probs: NDArray[np.float32], before: int, after: int) -> NDArray[np.float32]:
    """Frames of silence before and after."""
    padded = np.pad(log_probs, ((before, after), (0, 0)), constant_values=NOWHERE)
    padded[:before, SILENCE_ID] = padded[before + len(log_probs) :, SILENCE_ID] = 0.0
    return padded
