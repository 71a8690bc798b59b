"""Was the word spoken at all? A forced alignment finds every word of the script, also those nobody said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.gop import SUMMARIES, Goodness
from elocute.acoustics.posteriors import SILENCE_ID, Posteriors

MEASURES: tuple[str, ...] = ("lpp", "rival", "matched", "best", "duration", "silence", "phones")
"""Per word: mean log phone posterior, mean log ratio of the best rival, share of phones that beat every
rival, mean best frame, mean log duration, mean log posterior of silence, log number of phones."""

SPEECH_SECONDS = 0.12
"""Less speech than this is no speech: shorter than any English word read aloud."""


@dataclass(frozen=True)
class PresenceModel:
    """Logistic regression on :data:`MEASURES`, fitted to words that were read and others put into scripts.

    A word is omitted below ``threshold``; a recording is off script if fewer than ``on_script`` of its phones
    belong to words that were spoken.
    """

    weights: tuple[float, ...]
    bias: float
    threshold: float
    on_script: float


@dataclass(frozen=True)
class Presence:
    """``spoken`` per word of the script; ``status`` of the reading."""

    spoken: tuple[bool, ...]
    status: Literal["ok", "no_speech", "off_script", "incomplete"]


def word_measures(alignment: Alignment, goods: Goodness) -> NDArray[np.float64]:
    """(words, 7), columns as :data:`MEASURES`."""
    column = {name: goods.summaries[:, SUMMARIES.index(name)] for name in SUMMARIES}
    durations = np.log([phone.duration + 1e-3 for phone in alignment.phones])
    rows, end = [], 0
    for word in alignment.words:
        start, end = end, end + len(word.phones)
        own = slice(start, end)
        rows.append(
            (
                column["log_mean_posterior"][own].mean(),
                column["lpr_rival"][own].mean(),
                (column["lpr_rival"][own] <= 0).mean(),
                column["best_log_posterior"][own].mean(),
                durations[own].mean(),
                goods.lpp[own, SILENCE_ID].mean(),
                np.log(end - start),
            )
        )
    return np.array(rows, np.float64)


def speech_seconds(posteriors: Posteriors) -> float:
    """Time in which any phone is more probable than silence."""
    speech = posteriors.log_probs.argmax(axis=1) != SILENCE_ID
    return float(speech.sum()) * posteriors.frame_shift


def probability_spoken(measures: NDArray[np.float64], model: PresenceModel) -> NDArray[np.float64]:
    """(words,) between 0 and 1."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -(measures @ np.array(model.weights) + model.bias))))


def judge_presence(
    alignment: Alignment, goods: Goodness, posteriors: Posteriors, model: PresenceModel
) -> Presence:
    """Which words were spoken, and whether the recording fits the script."""
    if speech_seconds(posteriors) < SPEECH_SECONDS:
        return Presence((False,) * len(alignment.words), "no_speech")
    spoken = probability_spoken(word_measures(alignment, goods), model) >= model.threshold
    phones = np.array([len(word.phones) for word in alignment.words])
    if phones[spoken].sum() < model.on_script * phones.sum():
        return Presence(tuple(map(bool, spoken)), "off_script")
    return Presence(tuple(map(bool, spoken)), "ok" if spoken.all() else "incomplete")


def completeness(spoken: Sequence[bool]) -> float:
    """Share of the script's words that were spoken, 0-10 (the corpus's definition of completeness)."""
    return 10.0 * sum(spoken) / len(spoken)
