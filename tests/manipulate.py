"""Recordings changed in one way: pitch flattened, speech stretched, a pause put in. Mono, 16 kHz."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.prosody import FRAME_SHIFT, prosody

RATE = 16_000
UNVOICED_PERIOD = 0.005
Samples = NDArray[np.float32]


def psola(samples: Samples, stretch: float = 1.0, pitch: float | None = None) -> Samples:
    """Pitch-synchronous overlap and add (Moulines & Charpentier 1990): ``stretch`` times as long, voiced
    speech at ``pitch`` Hz if given."""
    f0 = prosody(samples).f0
    marks = _analysis_marks(samples, f0)
    periods = np.diff(marks, append=marks[-1] + 80)
    out = np.zeros(int(len(samples) * stretch) + RATE, np.float64)
    weight = np.zeros_like(out)
    time = float(marks[0]) * stretch
    while time < len(samples) * stretch:
        nearest = int(np.argmin(np.abs(marks - time / stretch)))
        mark, period = int(marks[nearest]), int(np.clip(periods[nearest], 32, 270))
        voiced = not np.isnan(f0[min(mark // 160, len(f0) - 1)])
        _add(out, weight, samples, mark, int(time), period)
        time += RATE / pitch if voiced and pitch else period
    found = out / np.maximum(weight, 0.3)
    return found[: int(len(samples) * stretch)].astype(np.float32)


def _analysis_marks(samples: Samples, f0: NDArray[np.float32]) -> NDArray[np.int64]:
    """One mark per period of voiced speech, near its greatest sample, and one every 5 ms elsewhere."""
    marks, time = [], 100
    while time < len(samples) - 100:
        tone = f0[min(int(time / RATE / FRAME_SHIFT), len(f0) - 1)]
        period = int(RATE * UNVOICED_PERIOD) if np.isnan(tone) else int(RATE / tone)
        if not np.isnan(tone):
            reach = period // 5
            part = samples[time - reach : time + reach + 1]
            time += int(np.argmax(part)) - reach if len(part) else 0
        marks.append(time)
        time += period
    return np.array(marks)


def _add(
    out: NDArray[np.float64],
    weight: NDArray[np.float64],
    samples: Samples,
    source: int,
    target: int,
    period: int,
) -> None:
    window = np.hanning(2 * period + 1)
    a, b = source - period, source + period + 1
    c = target - period
    if a < 0 or b > len(samples) or c < 0 or c + len(window) > len(out):
        return
    out[c : c + len(window)] += window * samples[a:b]
    weight[c : c + len(window)] += window


def with_pause(samples: Samples, at: float, seconds: float) -> Samples:
    """``seconds`` of the recording's own background noise put in at the time ``at``."""
    level = float(np.sqrt(np.mean(samples[: RATE // 10] ** 2)))
    noise = np.random.default_rng(0).normal(0.0, max(level, 1e-5), round(seconds * RATE)).astype(np.float32)
    cut = round(at * RATE)
    return np.concatenate([samples[:cut], noise, samples[cut:]])
