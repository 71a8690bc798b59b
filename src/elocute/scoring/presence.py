"""Was the word spoken at all? A forced alignment finds every word of the script, also those nobody said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.gop import SUMMARIES, Goodness
from elocute.acoustics.posteriors import SILENCE_ID, Posteriors
from elocute.scoring.scores import Scores

MEANS: tuple[str, ...] = ("lpp", "rival", "matched", "best")
"""Of a word's phones: log mean posterior, log ratio of the best rival, whether it beats every rival, best
frame."""

MEASURES: tuple[str, ...] = (*MEANS, "duration", "silence", "phones", *(f"{name}_sum" for name in MEANS))
"""Per word: the means, mean log duration, mean log posterior of silence, log number of phones, and the sums:
a long word that does not fit is surer evidence than a short one."""

PRIOR_WORDS = 2.0
"""Words without evidence that the mean over a script's words counts in: one word alone decides little."""

SPEECH_SECONDS = 0.12
"""Less speech than this is no speech: shorter than any English word read aloud."""


@dataclass(frozen=True)
class PresenceModel:
    """Logistic regression on :data:`MEASURES`, fitted to words that were read and others put into scripts.

    A word is omitted if its log-odds are below ``threshold`` + ``slope`` (``doubtful`` - accuracy, 0-10): the
    scorer sees more than the words' measures tell, so a word that it finds well said needs stronger evidence
    against it. A recording is off script if the mean evidence of its words is below ``least_evidence`` and
    their mean accuracy below ``well_read``, or if less than ``on_script`` of the script's phones belong to
    words that were spoken, or of the recording's speech lies within the script's words, said once or again.
    """

    weights: tuple[float, ...]
    bias: float
    threshold: float
    least_evidence: float
    on_script: float
    doubtful: float = 1.5
    slope: float = 3.0
    well_read: float = 5.5


@dataclass(frozen=True)
class Presence:
    """``spoken`` per word of the script; ``status`` of the reading."""

    spoken: tuple[bool, ...]
    status: Literal["ok", "no_speech", "off_script", "incomplete"]


def word_measures(alignment: Alignment, goods: Goodness) -> NDArray[np.float64]:
    """(words, 11), columns as :data:`MEASURES`."""
    rival, mean, best = (
        goods.summaries[:, SUMMARIES.index(name)]
        for name in ("lpr_rival", "log_mean_posterior", "best_log_posterior")
    )
    evidence = np.stack([mean, rival, rival <= 0, best], axis=1).astype(np.float64)
    durations = np.log([phone.duration + 1e-3 for phone in alignment.phones])
    rows, end = [], 0
    for word in alignment.words:
        start, end = end, end + len(word.phones)
        own = slice(start, end)
        timing = (durations[own].mean(), goods.lpp[own, SILENCE_ID].mean(), np.log(end - start))
        rows.append((*evidence[own].mean(axis=0), *timing, *evidence[own].sum(axis=0)))
    return np.array(rows, np.float64)


def speech_seconds(posteriors: Posteriors) -> float:
    """Time in which any phone is more probable than silence."""
    speech = posteriors.log_probs.argmax(axis=1) != SILENCE_ID
    return float(speech.sum()) * posteriors.frame_shift


def spoken_evidence(measures: NDArray[np.float64], model: PresenceModel) -> NDArray[np.float64]:
    """(words,) log-odds that each word was spoken."""
    return np.asarray(measures @ np.array(model.weights) + model.bias)


def mean_evidence(totals: ArrayLike, words: ArrayLike) -> NDArray[np.float64]:
    """Of readings, from the sums over their words, drawn towards 0 where there are few."""
    return np.asarray(totals, np.float64) / (np.asarray(words, np.float64) + PRIOR_WORDS)


def speech_within(alignment: Alignment, posteriors: Posteriors) -> float:
    """Share of the frames of speech that lie within words of the script, said once or again, 0-1; 1 if there
    is no speech."""
    speech = posteriors.log_probs.argmax(axis=1) != SILENCE_ID
    centres = np.arange(len(speech)) * posteriors.frame_shift
    outside = np.zeros(len(speech), bool)
    times = [(s.start, s.end) for s in alignment.silences]
    times += [(s.start, s.end) for s in alignment.inserted if s.kind == "speech"]
    for start, end in times:
        outside |= (centres >= start) & (centres < end)
    return float((speech & ~outside).sum() / max(speech.sum(), 1)) if speech.any() else 1.0


def judge_presence(
    alignment: Alignment, goods: Goodness, posteriors: Posteriors, model: PresenceModel, scores: Scores
) -> Presence:
    """Which words were spoken, and whether the recording fits the script; ``scores`` are those the words get
    if all were spoken."""
    if speech_seconds(posteriors) < SPEECH_SECONDS:
        return Presence((False,) * len(alignment.words), "no_speech")
    evidence = spoken_evidence(word_measures(alignment, goods), model)
    accuracy = np.array([word.accuracy for word in scores.words])
    spoken = evidence >= model.threshold + model.slope * (model.doubtful - accuracy)
    phones = np.array([len(word.phones) for word in alignment.words])
    read = min(float(phones[spoken].sum() / phones.sum()), speech_within(alignment, posteriors))
    strange = mean_evidence(evidence.sum(), len(evidence)) < model.least_evidence
    if read < model.on_script or (strange and accuracy.mean() < model.well_read):
        return Presence(tuple(map(bool, spoken)), "off_script")
    return Presence(tuple(map(bool, spoken)), "ok" if spoken.all() else "incomplete")


def completeness(spoken: Sequence[bool]) -> float:
    """Share of the script's words that were spoken, 0-10 (the corpus's definition of completeness)."""
    return 10.0 * sum(spoken) / len(spoken)
