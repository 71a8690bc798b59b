"""How far a reading has come, while it is being read.

A chain of the text's phones, with a place to rest before, between and after words, is followed frame by frame
(Viterbi). No path is kept, only how well each place explains what has been said so far, so a step costs the
same after two minutes as after one second. Resting takes silence, and at a price any speech: someone who says
something else, or begins again, is waited for. This is a guide for the eye; the result comes from the
alignment of the whole recording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.posteriors import SILENCE_ID, Posteriors
from elocute.phones import PHONE_ID, base
from elocute.text.script import Script

CONTEXT_SECONDS = 2.0
"""Audio before the new frames that the acoustic model hears again."""

LATE_SECONDS = 0.2
"""The newest audio waits for the next step: the model has not yet heard what follows it."""

WORST = -6.0
"""Least score of a frame (nats below its best phone): one bad sound must not stop everything."""

REST = -2.5
"""Least score of a frame of rest."""

ADVANCE = -1.5
"""Price of every next phone, so that noise does not run through the text."""


@dataclass(frozen=True, eq=False)
class Progress:
    """After ``frames`` frames, ``word`` is the last word begun (-1: none); ``is_done``: the last has ended.

    ``scores`` (places,) belong to the places of :func:`chain`. ``frame_shift`` is in seconds.
    """

    frames: int
    frame_shift: float
    word: int
    is_done: bool
    scores: NDArray[np.float64]

    @property
    def seconds(self) -> float:
        return self.frames * self.frame_shift

    @property
    def window_start(self) -> float:
        """Where the audio of the next step must begin, seconds."""
        return max(self.frames - round(CONTEXT_SECONDS / self.frame_shift), 0) * self.frame_shift


@dataclass(frozen=True)
class Chain:
    """Places in reading order: posterior ``columns``, and the ``words`` they belong to (-1: before all)."""

    columns: NDArray[np.intp]
    words: NDArray[np.intp]

    @property
    def is_rest(self) -> NDArray[np.bool_]:
        return np.equal(self.columns, SILENCE_ID)


def chain(script: Script) -> Chain:
    """The places of a text, each word in its most common pronunciation."""
    places = [(SILENCE_ID, -1)]
    for index, word in enumerate(script.words):
        places += [(PHONE_ID[base(phone)], index) for phone in word.pronunciations[0].phones]
        places.append((SILENCE_ID, index))
    columns, words = zip(*places, strict=True)
    return Chain(np.array(columns, np.intp), np.array(words, np.intp))


def follow(places: Chain, heard: Posteriors, before: Progress | None, *, last: bool = False) -> Progress:
    """Go on from ``before`` (None: the beginning) with what was heard.

    Args:
        heard: posteriors of the audio from ``before.window_start`` to now.
        last: nothing will follow; else the newest frames are left for the next step.
    """
    shift = heard.frame_shift
    first = 0 if before is None else round(before.window_start / shift)
    done = 0 if before is None else before.frames
    end = first + len(heard.log_probs) - (0 if last else round(LATE_SECONDS / shift))
    scores = _start(places) if before is None else before.scores
    if end <= done:
        return Progress(done, shift, *_reached(places, scores), scores)
    log_probs = heard.log_probs[done - first : end - first].astype(np.float64)
    relative = log_probs - log_probs.max(axis=1, keepdims=True)
    emitted = np.maximum(relative[:, places.columns], np.where(places.is_rest, REST, WORST))
    # Into a word from the rest before it, or past that rest from the word before.
    after_rest = np.roll(places.is_rest, 1)
    for frame in emitted:
        step = np.roll(scores, 1)
        step[0] = -np.inf
        skip = np.where(after_rest, np.roll(scores, 2), -np.inf)
        skip[:2] = -np.inf
        arriving = np.maximum(step, skip) + np.where(places.is_rest, 0.0, ADVANCE)
        scores = np.maximum(scores, arriving) + frame
    scores = scores - scores.max()
    return Progress(end, shift, *_reached(places, scores), scores)


def _start(places: Chain) -> NDArray[np.float64]:
    scores = np.full(len(places.columns), -np.inf)
    scores[:2] = 0.0
    return scores


def _reached(places: Chain, scores: NDArray[np.float64]) -> tuple[int, bool]:
    best = int(scores.argmax())
    return int(places.words[best]), best == len(scores) - 1
