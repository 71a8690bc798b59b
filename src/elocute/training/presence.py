"""Fitting the presence model: words that were read against words put into the scripts at random."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.align import AlignOptions, align
from elocute.acoustics.gop import goodness
from elocute.acoustics.posteriors import Posteriors
from elocute.corpora.types import Utterance
from elocute.errors import TextAudioMismatch
from elocute.scoring.presence import PresenceModel, mean_evidence, word_measures
from elocute.text.script import Script, ScriptWord

READ_TOTAL = 4.0
"""Words that raters gave less may have been left out, so they are no examples of words that were read."""


@dataclass(frozen=True)
class WordSample:
    """Measures of words (n, m), whether each was ``read``, and the speaker and utterance of each."""

    measures: NDArray[np.float64]
    read: NDArray[np.bool_]
    speakers: NDArray[np.str_]
    utterances: NDArray[np.str_]


def corrupt(
    script: Script, vocabulary: Sequence[ScriptWord], random: np.random.Generator
) -> tuple[Script, list[int | None]]:
    """Replace a word by a random other one, or insert one.

    Returns:
        the script, and for each of its words the index of the same word in the original, ``None`` for the
        stranger.
    """
    words: list[ScriptWord] = list(script.words)
    origin: list[int | None] = list(range(len(words)))
    stranger = vocabulary[int(random.integers(len(vocabulary)))]
    at = int(random.integers(len(words)))
    replaced = random.random() < 0.5 and words[at].text != stranger.text
    words[at : at + replaced] = [stranger]
    origin[at : at + replaced] = [None]
    return replace(script, words=tuple(words)), origin


def word_sample(
    utterances: Sequence[Utterance],
    posteriors: Callable[[Utterance], Posteriors],
    options: AlignOptions,
    energy: Callable[[Utterance], NDArray[np.float32]] | None = None,
    seed: int = 0,
) -> WordSample:
    """The words of every utterance as aligned with its script, and a stranger as aligned with a corrupted
    one.

    Neighbours of a stranger lose frames to it, so words that were read are taken from the true script only.
    """
    random = np.random.default_rng(seed)
    vocabulary = [word for utterance in utterances for word in utterance.script.words]
    measures, read, speakers, keys = [], [], [], []
    for utterance in utterances:
        heard = posteriors(utterance)
        corrupted, origin = corrupt(utterance.script, vocabulary, random)
        labels = utterance.labels.words if utterance.labels else None
        sure = [labels is None or labels[n].total >= READ_TOTAL for n in range(len(utterance.script.words))]
        strange = [source is None for source in origin]
        for script, wanted, genuine in ((utterance.script, sure, True), (corrupted, strange, False)):
            try:
                alignment = align(heard, script, options, energy(utterance) if energy else None)
            except TextAudioMismatch:
                continue
            found = word_measures(alignment, goodness(heard, alignment))[wanted]
            measures.append(found)
            read += [genuine] * len(found)
            speakers += [utterance.speaker] * len(found)
            keys += [utterance.id] * len(found)
    return WordSample(np.concatenate(measures), np.array(read, bool), np.array(speakers), np.array(keys))


def fit_presence(
    sample: WordSample, false_omissions: float, false_rejections: float, on_script: float
) -> PresenceModel:
    """Logistic regression, and the two operating points it is used at.

    At most ``false_omissions`` of the words read have less evidence than the threshold, and at most
    ``false_rejections`` of the utterances they come from less than the least; that the scorer has a say, too
    (:class:`PresenceModel`), makes both errors rarer.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fitted = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=500))
    fitted.fit(sample.measures, sample.read)
    scaler, regression = fitted[0], fitted[1]
    weights = regression.coef_[0] / scaler.scale_
    bias = float(regression.intercept_[0] - (weights * scaler.mean_).sum())
    evidence = (sample.measures @ weights + bias)[sample.read]
    _, utterance = np.unique(sample.utterances[sample.read], return_inverse=True)
    means = mean_evidence(np.bincount(utterance, evidence), np.bincount(utterance))
    threshold, least = (
        float(np.quantile(values, share, method="lower"))
        for values, share in ((evidence, false_omissions), (means, false_rejections))
    )
    return PresenceModel(tuple(float(w) for w in weights), bias, threshold, least, on_script)
