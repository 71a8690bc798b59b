"""What speech outside the script was: words of the script once more, a word broken off, a filled pause."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment, InsertedSegment, InsertionKind
from elocute.acoustics.gop import frame_spans
from elocute.acoustics.graph import Graph, Unit
from elocute.acoustics.posteriors import SILENCE_ID, Posteriors
from elocute.acoustics.viterbi import best_path
from elocute.phones import PHONE_ID, base

BACK, AHEAD = 3, 2
"""Words before and after an insertion that may be what was said: readers go back, or start a word twice."""

FITS = 1.5
"""Nats a frame, less than the best phones, up to which a reading of an insertion is believed."""

FILLER_FITS = 0.5
"""The same for a filled pause, which fits more easily."""

NEIGHBOURS_FIT = 1.0
"""Nats a frame that the words beside an insertion may be less than the best phones."""

FILLER = np.array([PHONE_ID[name] for name in ("AA", "AE", "AH", "AO", "EH", "ER", "HH", "M", "N", "UH")])
"""Posterior columns of what "um", "uh", "er", "mm" and "hmm" are made of."""

LEAST = np.float32(-12.0)
"""Log probability taken for anything less probable."""


def credible_gaps(alignment: Alignment, posteriors: Posteriors) -> set[int]:
    """Words after which an insertion stands whose neighbours were themselves said as the script has them.

    Where they were not, the speech between them is what was made of them: it has to stay theirs, or nobody
    sees how they were mispronounced.
    """
    if not alignment.inserted:
        return set()
    ends = np.cumsum([len(word.phones) for word in alignment.words])
    words = [float(np.mean(part)) for part in np.split(_misfits(alignment, posteriors), ends[:-1])]
    gaps = {segment.after_word for segment in alignment.inserted}
    return {gap for gap in gaps if max(words[max(gap, 0) : gap + 2]) <= NEIGHBOURS_FIT}


def _misfits(alignment: Alignment, posteriors: Posteriors) -> NDArray[np.float64]:
    """(phones,) nats a frame that each phone is less probable than the best."""
    log_probs = posteriors.log_probs
    columns = [PHONE_ID[base(phone.phone)] for phone in alignment.phones]
    spans = frame_spans(alignment, posteriors.frame_shift, len(log_probs))
    return np.array(
        [
            float((log_probs[start:end].max(axis=1) - log_probs[start:end, column]).mean())
            for (start, end), column in zip(spans, columns, strict=True)
        ]
    )


def name_insertions(alignment: Alignment, posteriors: Posteriors) -> Alignment:
    """The alignment with the insertions of each gap joined, and each named by what fits it best."""
    if not alignment.inserted:
        return alignment
    joined = []
    for _, group in groupby(alignment.inserted, lambda segment: segment.after_word):
        segments = list(group)
        whole = replace(segments[0], end=segments[-1].end)
        kind, text = _named(whole, alignment, posteriors)
        joined.append(replace(whole, kind=kind, text=text))
    silences = tuple(
        silence
        for silence in alignment.silences
        if not any(segment.start <= silence.start and silence.end <= segment.end for segment in joined)
    )
    return replace(alignment, inserted=tuple(joined), silences=silences)


def _named(
    segment: InsertedSegment, alignment: Alignment, posteriors: Posteriors
) -> tuple[InsertionKind, str]:
    centres = np.arange(len(posteriors.log_probs)) * posteriors.frame_shift
    inside = (centres >= segment.start) & (centres < segment.end)
    scores = np.maximum(posteriors.log_probs[inside], LEAST)
    scores = scores[scores.argmax(axis=1) != SILENCE_ID]
    if not len(scores):
        return "speech", ""
    best = scores.max(axis=1)
    first = max(segment.after_word + 1 - BACK, 0)
    words = range(first, min(segment.after_word + 1 + AHEAD, len(alignment.words)))
    path, graph = _reading(scores, alignment, words)
    misfit = float((best - scores[np.arange(len(scores)), graph.columns[path]]).mean())
    if misfit <= FITS:
        return _words(path, graph, alignment)
    if float((best - scores[:, FILLER].max(axis=1)).mean()) <= FILLER_FITS:
        return "filler", ""
    return "speech", ""


def _reading(
    scores: NDArray[np.float32], alignment: Alignment, words: range
) -> tuple[NDArray[np.intp], Graph]:
    """The best path through the words, which begins with any of them, goes on with the next or goes back, and
    breaks off anywhere."""
    units = [
        Unit(number, 0, position, PHONE_ID[base(phone.phone)], 1)
        for number in words
        for position, phone in enumerate(alignment.words[number].phones)
    ]
    starts = np.array([n for n, unit in enumerate(units) if unit.position == 0])
    ends = np.append(starts[1:] - 1, len(units) - 1)
    sources = np.full((len(words), len(units)), len(units), np.intp)
    sources[0] = np.arange(-1, len(units) - 1)
    # A word may follow itself and any later word, but of those before it only the one next to it.
    for number, start in enumerate(starts):
        sources[:, start] = len(units)
        sources[max(number - 1, 0) :, start] = ends[max(number - 1, 0) :]
    graph = Graph(tuple(units), sources, starts, np.arange(len(units)))
    return best_path(graph, scores), graph


def _words(path: NDArray[np.intp], graph: Graph, alignment: Alignment) -> tuple[InsertionKind, str]:
    """Words that were said whole are a repetition; if none was, the word was broken off."""
    visited = [graph.units[number] for number, _ in groupby(path.tolist())]
    said = [unit for unit in visited if unit.position == len(alignment.words[unit.word].phones) - 1]
    if not said:
        return "fragment", alignment.words[visited[-1].word].text
    return "repetition", " ".join(alignment.words[unit.word].text for unit in said)
