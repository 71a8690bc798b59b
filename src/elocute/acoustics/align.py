"""Forced alignment: the best path of a script through the posteriors (Viterbi, exact)."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment, InsertedSegment, PhoneSegment, SilenceSegment, WordSegment
from elocute.acoustics.edges import settle_edges
from elocute.acoustics.graph import LONG_ID, OTHER_ID, Graph, Limits, build_graph, fewest_phones
from elocute.acoustics.insertions import credible_gaps, name_insertions
from elocute.acoustics.loudness import loudness_evidence
from elocute.acoustics.pauses import give_back
from elocute.acoustics.posteriors import SILENCE_ID, Posteriors
from elocute.acoustics.viterbi import best_path
from elocute.errors import TextAudioMismatch
from elocute.text.script import Script

LEAST = np.float32(-1e4)
"""Log probability taken for anything less probable, so that a probability of zero stays comparable."""


@dataclass(frozen=True)
class AlignOptions:
    """``floor``: least frames of a phone, lowered to ``floor_share`` of the mean phone where speech is fast;
    ``ceiling`` and ``vowel_ceiling``: greatest number of frames of a consonant and of a vowel, 0 for none;
    ``silence_floor``: least frames of a silence; ``silence_penalty``: nats taken off silence in every frame,
    because a model trained on read speech has seen silence most of all and lets it swallow the ends of
    words; ``silence_penalised``: frames of a pause for which it is taken, 0 for all; ``other_floor``,
    ``other_penalty``, ``other_cost``: least frames of speech outside the script, what it loses against the
    best phone of every frame, and what entering it costs, in nats: a mispronounced word must not be cheaper
    to explain as something else; ``again_cost``: nats for beginning a word once more."""

    floor: int = 4
    silence_floor: int = 4
    silence_penalty: float = 3.0
    floor_share: float = 0.6
    other_floor: int = 8
    other_penalty: float = 1.5
    other_cost: float = 25.0
    again_cost: float = 10.0
    ceiling: int = 0
    vowel_ceiling: int = 0
    silence_penalised: int = 0


def align(
    posteriors: Posteriors,
    script: Script,
    options: AlignOptions | None = None,
    energy: NDArray[np.float32] | None = None,
) -> Alignment:
    """Align a script with a recording.

    Every phone lies inside the recording, in script order, without gaps inside a word; the pronunciation
    variant that fits best is chosen. Speech between the words that the script does not have is found, too.

    Args:
        energy: (frames,) RMS every 10 ms; with it, loudness helps to tell sounds and pauses apart, and places
            the edges beside pauses.

    Raises:
        TextAudioMismatch: the recording has fewer frames than the script has phones.
    """
    options = options or AlignOptions()
    frames, phones = len(posteriors.log_probs), fewest_phones(script)
    if frames < phones:
        raise TextAudioMismatch(
            f"The text needs more time than the recording's {posteriors.duration:.1f} s: "
            "check that they belong together."
        )
    scores = _scores(posteriors, options, energy)

    def floor(spoken: float) -> int:
        """Least frames of a phone if the phones share ``spoken`` frames."""
        return min(options.floor, max(int(options.floor_share * spoken / phones), 1), frames // phones)

    def search(gaps: Container[int] | None = None) -> Alignment:
        graph = build_graph(script, limits, gaps)
        path = best_path(graph, scores)
        if options.silence_penalised:
            path = give_back(graph, path, scores, options.silence_penalised)
        return _segments(graph, path, posteriors, script)

    speech = int((posteriors.log_probs.argmax(axis=1) != SILENCE_ID).sum())
    limits = Limits(
        floor(speech), options.silence_floor, options.other_floor, options.other_cost, options.again_cost,
        options.ceiling, options.vowel_ceiling, options.silence_penalised,
        options.silence_penalised * options.silence_penalty,
    )  # fmt: skip
    found = search()
    spoken = sum(word.end - word.start for word in found.words) / posteriors.frame_shift
    lower = floor(spoken)
    if lower < limits.phone:  # others speak, too, so the reader speaks faster than it seemed
        limits = replace(limits, phone=lower)
        found = search()
    kept = credible_gaps(found, posteriors)
    if any(segment.after_word not in kept for segment in found.inserted):
        found = search(kept)
    if energy is not None:
        found = settle_edges(found, energy)
    return name_insertions(found, posteriors)


def _scores(
    posteriors: Posteriors, options: AlignOptions, energy: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """(frames, 42) what each class, other speech and a long pause gain in each frame."""
    frames = len(posteriors.log_probs)
    scores = np.empty((frames, LONG_ID + 1), np.float32)
    np.maximum(posteriors.log_probs, LEAST, out=scores[:, :OTHER_ID])
    if energy is not None and len(energy):
        rows = np.minimum(np.arange(frames), len(energy) - 1)
        scores[:, :OTHER_ID] += loudness_evidence(energy)[rows]
    scores[:, LONG_ID] = scores[:, SILENCE_ID]
    scores[:, SILENCE_ID] -= options.silence_penalty
    scores[:, OTHER_ID] = scores[:, :OTHER_ID].max(axis=1) - options.other_penalty
    return scores


def _segments(graph: Graph, path: NDArray[np.intp], posteriors: Posteriors, script: Script) -> Alignment:
    cuts = np.flatnonzero(np.diff(path)) + 1
    edges = [posteriors.boundary(int(cut)) for cut in cuts]
    words: list[WordSegment] = []
    silences: list[SilenceSegment] = []
    inserted: list[InsertedSegment] = []
    phones: list[PhoneSegment] = []
    for number, start, end in zip(
        path[np.concatenate([[0], cuts])], [0.0, *edges], [*edges, posteriors.duration], strict=True
    ):
        unit = graph.units[number]
        if unit.is_silence:
            silences.append(SilenceSegment(start, end, unit.word))
            continue
        if unit.is_other:
            inserted.append(InsertedSegment(start, end, unit.word, "speech", ""))
            continue
        word = script.words[unit.word]
        pronunciation = word.pronunciations[unit.variant]
        phones.append(PhoneSegment(pronunciation.phones[unit.position], start, end))
        if unit.position == len(pronunciation.phones) - 1:
            words.append(WordSegment(word.text, pronunciation.source, tuple(phones)))
            phones = []
    return Alignment(tuple(words), tuple(silences), posteriors.duration, tuple(inserted))
