"""Alignment-free goodness of pronunciation from CTC (Cao et al. 2024): how much better another phone, or
none, in the place of each phone would explain the recording, summed over all alignments.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.posteriors import CLASSES, SILENCE_ID

Floats = NDArray[np.float64]


def ctc_ratios(log_probs: NDArray[np.floating], phones: NDArray[np.integer]) -> Floats:
    """log P(script with another symbol in this place) - log P(script), natural logarithms.

    Args:
        log_probs: (frames, 40) log posteriors of a CTC output, silence being the blank.
        phones: (n,) ids of the script's phones.

    Returns:
        (n, 40): columns of the 39 phones (0 for the phone itself), and, last, for leaving the phone out.
        Minus infinity where there are too few frames.
    """
    emit = np.asarray(log_probs, np.float64)
    states = np.full(2 * len(phones) + 1, SILENCE_ID)
    states[1::2] = phones
    forward, backward = _forward(emit, states), _backward(emit, states)
    whole = np.logaddexp(forward[-1, -1], forward[-1, -2])
    ratios = np.empty((len(phones), len(CLASSES)))
    ratios[:, :SILENCE_ID] = _substituted(emit, phones, forward, backward) - whole
    ratios[:, SILENCE_ID] = _deleted(emit, phones, forward, backward) - whole
    return ratios


def _skips(states: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether a state may be reached from the one before the last: a phone unlike the phone before it."""
    return np.concatenate([[False, False], (states[2:] != SILENCE_ID) & (states[2:] != states[:-2])])


def _forward(emit: Floats, states: NDArray[np.integer]) -> Floats:
    """(frames, states) log probability of all paths up to a frame that end in a state."""
    found = np.full((len(emit), len(states)), -np.inf)
    found[0, :2] = emit[0, states[:2]]
    skip = _skips(states)
    for frame in range(1, len(emit)):
        before = found[frame - 1]
        total = np.logaddexp(before, np.concatenate([[-np.inf], before[:-1]]))
        jumped = np.where(skip, np.concatenate([[-np.inf] * 2, before[:-2]]), -np.inf)
        found[frame] = np.logaddexp(total, jumped) + emit[frame, states]
    return found


def _backward(emit: Floats, states: NDArray[np.integer]) -> Floats:
    """(frames + 1, states) log probability of all paths from a frame on that begin in a state; the last row
    is that of an ended recording: nothing may follow."""
    flipped = _forward(emit[::-1], states[::-1])[::-1, ::-1]
    return np.concatenate([flipped, np.full((1, len(states)), -np.inf)])


def _before(forward: Floats, phones: NDArray[np.integer]) -> tuple[Floats, Floats]:
    """(frames, n) each: paths ending in the blank before each phone, and in the phone before that."""
    blank = forward[:, 0:-1:2]
    phone = np.concatenate([np.full((len(forward), 1), -np.inf), forward[:, 1:-2:2]], axis=1)
    return blank, phone[:, : len(phones)]


def _after(backward: Floats) -> tuple[Floats, Floats]:
    """(frames + 1, n) each: paths beginning in the blank after each phone, and in the phone after that."""
    blank = backward[:, 2::2]
    phone = np.concatenate([backward[:, 3::2], np.full((len(backward), 1), -np.inf)], axis=1)
    return blank, phone


def _substituted(emit: Floats, phones: NDArray[np.integer], forward: Floats, backward: Floats) -> Floats:
    """(n, 39) log probability of the script with each phone in each place."""
    count, others = len(phones), np.arange(SILENCE_ID)
    blank_before, phone_before = _before(forward, phones)
    blank_after, phone_after = _after(backward)
    previous = np.concatenate([[-1], phones[:-1]])[:, None] == others
    following = np.concatenate([phones[1:], [-1]])[:, None] == others
    inside = np.full((count, SILENCE_ID), -np.inf)
    total = np.full((count, SILENCE_ID), -np.inf)
    for frame in range(len(emit)):
        if frame == 0:
            entered = np.where(np.arange(count)[:, None] == 0, 0.0, -np.inf) + np.zeros(SILENCE_ID)
        else:
            entered = np.where(previous, -np.inf, phone_before[frame - 1][:, None])
            entered = np.logaddexp(entered, blank_before[frame - 1][:, None])
        inside = np.logaddexp(inside, entered) + emit[frame, :SILENCE_ID]
        left = np.where(following, -np.inf, phone_after[frame + 1][:, None])
        left = np.logaddexp(left, blank_after[frame + 1][:, None])
        if frame == len(emit) - 1:
            left = np.where(np.arange(count)[:, None] == count - 1, 0.0, -np.inf) + np.zeros(SILENCE_ID)
        total = np.logaddexp(total, inside + left)
    return total


def _deleted(emit: Floats, phones: NDArray[np.integer], forward: Floats, backward: Floats) -> Floats:
    """(n,) log probability of the script without each phone."""
    if len(phones) == 1:
        return np.array([emit[:, SILENCE_ID].sum()])
    blank_before, phone_before = _before(forward, phones)
    _, phone_after = _after(backward)
    alike = np.concatenate([[False], phones[2:] == phones[:-2], [False]])
    arrived = np.logaddexp(blank_before, np.where(alike, -np.inf, phone_before))
    found = np.logaddexp.reduce(arrived[:-1] + phone_after[1:-1], axis=0)
    first = phone_after[0, 0]  # a recording that begins with the second phone at once
    found[0] = np.logaddexp(found[0], first)
    found[-1] = np.logaddexp(blank_before[-1, -1], phone_before[-1, -1])
    return np.asarray(found)
