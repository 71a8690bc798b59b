"""Where speech begins and ends beside a pause, by its loudness.

Posteriors know a pause only from afar: their frames look at a quarter of a second, and an aligner that holds
silence back, so that it does not swallow the ends of words, leaves the pause's first and last frames to the
words. Loudness is sharp in time. It only ever shortens phones beside pauses; nothing else moves.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment, PhoneSegment, SilenceSegment
from elocute.phones import MANNER_OF, base

SHIFT = 0.01
"""Seconds between frames of energy; frame k is centred at k * SHIFT."""

BELOW = 32.0
"""Speech beside a pause is what is not more than this many dB below the loud phones,"""

ABOVE = 10.0
"""and more than this many dB above the noise of that pause."""

LEAST_RANGE = 18.0
"""dB between a pause and the loud phones below which loudness says too little, as in noise."""

NEAR = 30
"""Frames beside a phone in which the noise of a pause is measured: what lies further away does not matter."""

KEPT = 5
CLOSURE = 6
"""Frames a phone keeps at least; stops and affricates keep CLOSURE, and as many before their burst."""


def settle_edges(alignment: Alignment, energy: NDArray[np.float32]) -> Alignment:
    """The alignment with the phones beside pauses shortened to where they are loud.

    Args:
        energy: (frames,) RMS every 10 ms, as ``prosody.rms_energy`` gives it.
    """
    level = np.asarray(20.0 * np.log10(np.maximum(energy, 1e-6)), np.float32)
    spoken = [level[_frame(word.start) : _frame(word.end)] for word in alignment.words]
    if not any(map(len, spoken)):
        return alignment
    high = float(np.percentile(np.concatenate(spoken), 80))
    first, last = 0.0, alignment.duration
    after_pause = {s.end for s in alignment.silences} | {first}
    before_pause = {s.start for s in alignment.silences} | {last}
    starts, ends, words = {}, {}, []
    for word in alignment.words:
        phones = list(word.phones)
        if phones[-1].end in before_pause:
            ends[phones[-1].end] = _end(phones[-1], level, high)
            phones[-1] = replace(phones[-1], end=ends[phones[-1].end])
        if phones[0].start in after_pause:
            starts[phones[0].start] = _start(phones[0], level, high)
            phones[0] = replace(phones[0], start=starts[phones[0].start])
        words.append(replace(word, phones=tuple(phones)))
    silences = [
        replace(s, start=ends.get(s.start, s.start), end=starts.get(s.end, s.end)) for s in alignment.silences
    ]
    if starts.get(first, first) > first:
        silences.insert(0, SilenceSegment(first, starts[first], -1))
    if ends.get(last, last) < last:
        silences.append(SilenceSegment(ends[last], last, len(words) - 1))
    return replace(alignment, words=tuple(words), silences=tuple(silences))


def _end(phone: PhoneSegment, level: NDArray[np.float32], high: float) -> float:
    start, end = _frame(phone.start), min(_frame(phone.end), len(level))
    least = start + (CLOSURE if _closes(phone) else KEPT)
    threshold = _threshold(level[start : end + NEAR], high)
    edge = end
    while edge > least and level[edge - 1] < threshold:
        edge -= 1
    return phone.end if edge == end else min(max((edge - 0.5) * SHIFT, phone.start), phone.end)


def _start(phone: PhoneSegment, level: NDArray[np.float32], high: float) -> float:
    start, end = _frame(phone.start), min(_frame(phone.end), len(level))
    threshold = _threshold(level[max(start - NEAR, 0) : end], high)
    onset = start
    while onset < end - KEPT and level[onset] < threshold:
        onset += 1
    if _closes(phone):
        onset = max(onset - CLOSURE, start)
    return phone.start if onset <= start else min((onset - 0.5) * SHIFT, phone.end)


def _threshold(near: NDArray[np.float32], high: float) -> float:
    """dB that tells the phone from the pause; nothing is below it if they are too alike."""
    low = float(np.percentile(near, 10)) if len(near) else high
    return -np.inf if high - low < LEAST_RANGE else min(max(high - BELOW, low + ABOVE), high - ABOVE)


def _closes(phone: PhoneSegment) -> bool:
    return MANNER_OF[base(phone.phone)] in ("stop", "affricate")


def _frame(seconds: float) -> int:
    """First frame centred at or after a time."""
    return max(math.ceil(round(seconds / SHIFT, 6)), 0)
