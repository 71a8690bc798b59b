"""Alignment-free goodness of pronunciation from CTC (Cao et al. 2024): how much better another phone, or
none, in the place of each phone would explain the recording, summed over all alignments.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID
from elocute.phones import PHONE_ID, base

Floats = NDArray[np.float64]

FAR = 300.0
"""Nats from the best path of the script beyond which no path is told from another."""

LIMIT = 50.0
"""Nats; how much more or less probable than the script something is makes no difference beyond."""

PHONES = 100
"""Phones of a longer reading after which the sums begin anew, at the word that the alignment has there: what
lies so far away makes no difference, and memory and time grow with the product of phones and frames."""


def alignment_free_goodness(log_probs: NDArray[np.floating], alignment: Alignment) -> NDArray[np.float32]:
    """(phones,) :func:`alignment_free` of every phone of a reading.

    Args:
        log_probs: (frames, 40) log posteriors of a CTC output, evenly over the recording.
    """
    firsts, words = [0], [[PHONE_ID[base(phone.phone)] for phone in word.phones] for word in alignment.words]
    for number in range(1, len(words)):
        if sum(map(len, words[firsts[-1] : number + 1])) > PHONES:
            firsts.append(number)
    rate = len(log_probs) / alignment.duration
    edges = [0, *(round(alignment.words[first].start * rate) for first in firsts[1:]), len(log_probs)]
    parts = [
        alignment_free(log_probs[start:end], np.concatenate(words[first:last]))
        for first, last, start, end in zip(firsts, [*firsts[1:], len(words)], edges, edges[1:], strict=False)
    ]
    return np.concatenate(parts)


def alignment_free(log_probs: NDArray[np.floating], phones: NDArray[np.integer]) -> NDArray[np.float32]:
    """(n,) log P(script) - log P(script with anything, or nothing, in this place): 0 at best.

    Args:
        log_probs: (frames, 40) log posteriors of a CTC output, silence being the blank.
        phones: (n,) ids of the script's phones.
    """
    if len(log_probs) < 2 * len(phones):  # too few frames for most paths: nothing to compare
        return np.zeros(len(phones), np.float32)
    ratios = np.clip(ctc_ratios(log_probs, phones), -LIMIT, LIMIT)
    return np.asarray(-np.logaddexp.reduce(ratios, axis=1), np.float32)


def ctc_ratios(log_probs: NDArray[np.floating], phones: NDArray[np.integer]) -> Floats:
    """log P(script with another symbol in this place) - log P(script), natural logarithms.

    Args:
        log_probs, phones: as in :func:`alignment_free`.

    Returns:
        (n, 40): columns of the 39 phones (0 for the phone itself), and, last, for leaving the phone out.
        Minus infinity where there are too few frames.
    """
    emit = np.asarray(log_probs, np.float64)
    states = np.full(2 * len(phones) + 1, SILENCE_ID)
    states[1::2] = phones
    forward, backward = _sums(emit, states)
    whole = np.logaddexp(forward[-1, -1], forward[-1, -2])
    best = np.argmax(forward + backward[:-1] - emit[:, states], axis=1)
    reference = forward[np.arange(len(emit)), best]
    ratios = np.empty((len(phones), len(CLASSES)))
    ratios[:, :SILENCE_ID] = _substituted(emit, phones, forward, backward, reference, whole)
    ratios[np.arange(len(phones)), phones] = 0.0  # by definition, also where FAR cuts paths off
    ratios[:, SILENCE_ID] = _deleted(emit, phones, forward, backward) - whole
    return ratios


def _sums(emit: Floats, states: NDArray[np.integer]) -> tuple[Floats, Floats]:
    """(frames, states) log probability of all paths up to a frame that end in a state, and (frames + 1,
    states) of all that begin in a state at a frame; nothing may follow after the last."""
    both = np.stack([emit[:, states], emit[::-1, states[::-1]]], axis=1)
    skip = np.stack([_skips(states), _skips(states[::-1])])
    found = np.full(both.shape, -np.inf)
    found[0, :, :2] = both[0, :, :2]
    one, two = np.full((2, 1), -np.inf), np.full((2, 2), -np.inf)
    for frame in range(1, len(both)):
        before = found[frame - 1]
        total = np.logaddexp(before, np.concatenate([one, before[:, :-1]], axis=1))
        jumped = np.where(skip, np.concatenate([two, before[:, :-2]], axis=1), -np.inf)
        found[frame] = np.logaddexp(total, jumped) + both[frame]
    ended = np.full((1, len(states)), -np.inf)
    return found[:, 0], np.concatenate([found[::-1, 1, ::-1], ended])


def _skips(states: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether a state may be reached from the one before the last: a phone unlike the phone before it."""
    return np.concatenate([[False, False], (states[2:] != SILENCE_ID) & (states[2:] != states[:-2])])


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


def _substituted(
    emit: Floats,
    phones: NDArray[np.integer],
    forward: Floats,
    backward: Floats,
    reference: Floats,
    whole: np.floating,
) -> Floats:
    """(n, 39) log probability of the script with each phone in each place, less ``whole``.

    Probabilities, not their logarithms, are summed, relative to ``reference`` (frames,), the log probability
    of the best path up to each frame.
    """
    others = np.arange(SILENCE_ID)
    unlike = (np.concatenate([[-1], phones[:-1]])[:, None] != others).astype(np.float64)
    unlike_next = (np.concatenate([phones[1:], [-1]])[:, None] != others).astype(np.float64)
    done, left = reference[:-1, None], (whole - reference)[:, None]
    blank_before, phone_before = (_relative(paths[:-1] - done) for paths in _before(forward, phones))
    blank_after, phone_after = (_relative(paths[1:] - left) for paths in _after(backward))
    blank_after[-1, -1] = np.exp(reference[-1] - whole)  # the recording may end with the last phone
    steps = np.exp(emit[:, :SILENCE_ID] - np.diff(reference, prepend=0.0)[:, None])
    least, most = np.exp([-FAR, FAR])
    inside = np.zeros((len(phones), SILENCE_ID))
    inside[0] = steps[0]
    total = inside * (blank_after[0][:, None] + phone_after[0][:, None] * unlike_next)
    for frame in range(1, len(emit)):
        inside += blank_before[frame - 1][:, None]
        inside += phone_before[frame - 1][:, None] * unlike
        inside *= steps[frame]
        np.minimum(inside, most, out=inside)
        inside[inside < least] = 0.0  # processors are slow where numbers all but vanish
        total += inside * (blank_after[frame][:, None] + phone_after[frame][:, None] * unlike_next)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(total))


def _relative(logs: Floats) -> Floats:
    """Probabilities of paths, 0 of those too far below the best to matter."""
    return np.where(logs < -FAR, 0.0, np.exp(np.clip(logs, -FAR, FAR)))


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
