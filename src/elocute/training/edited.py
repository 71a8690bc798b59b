"""Examples of phones said instead of, besides or less than those of a script, made by changing the script.

In words that raters found faultless, what was said is known: it is what the script had. So a script with a
phone exchanged, put in or left out is a reading with a known substitution, deletion or insertion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.align import AlignOptions, align
from elocute.acoustics.edits import edit_evidence
from elocute.acoustics.gop import goodness
from elocute.acoustics.posteriors import SILENCE_ID, Posteriors
from elocute.corpora.types import Utterance, WordLabels
from elocute.errors import TextAudioMismatch
from elocute.phones import MANNER, MANNER_OF, PHONE_ID, PHONES, base
from elocute.scoring.hearing import insertion_measures, outcome_measures
from elocute.text.script import Pronunciation, Script

FAULTLESS = 1.9
"""Least score (0-2) of every phone of a word whose pronunciation counts as known."""

EDITED = 0.4
"""Share of the faultless words that get an edit."""

SIMILAR = 0.7
"""Share of exchanged phones that stay in their class of manner, as most of learners' substitutions do."""

UNKNOWN = -2
NOTHING = -1


@dataclass(frozen=True)
class Edited:
    """A changed script. ``said`` per phone of it: the id of the phone that was said there, ``SILENCE_ID`` if
    none was; ``slots`` per slot (before each phone, after the last): the id of a phone said there, or
    ``NOTHING``; in both ``UNKNOWN`` where raters found faults."""

    script: Script
    said: tuple[int, ...]
    slots: tuple[int, ...]


@dataclass(frozen=True)
class EditSample:
    """Measures of phones whose truth is known: ``said`` (n, 39, 4), ``left_out`` (n, 4), ``truth`` (n,) index
    of the outcome, ``script`` (n,) the script's phone; of slots: ``slots`` (m, 3), ``best`` (m,) the phone
    that fits best, ``inserted`` (m,) the phone that was said or ``NOTHING``; and the speakers of both."""

    said: NDArray[np.float32]
    left_out: NDArray[np.float32]
    truth: NDArray[np.int64]
    script: NDArray[np.int64]
    speakers: NDArray[np.str_]
    slots: NDArray[np.float32]
    best: NDArray[np.int64]
    inserted: NDArray[np.int64]
    slot_speakers: NDArray[np.str_]

    def part(self, keep: Callable[[NDArray[np.str_]], NDArray[np.bool_]]) -> EditSample:
        """The examples of the speakers that ``keep`` is true for."""
        a, b = keep(self.speakers), keep(self.slot_speakers)
        return EditSample(
            self.said[a], self.left_out[a], self.truth[a], self.script[a], self.speakers[a],
            self.slots[b], self.best[b], self.inserted[b], self.slot_speakers[b],
        )  # fmt: skip


def edited_script(script: Script, labels: Sequence[WordLabels], random: np.random.Generator) -> Edited:
    """A script with edits in some of its faultless words, one a word, and what was said in truth."""
    words, said, slots = [], [], []
    for word, label in zip(script.words, labels, strict=True):
        phones = list(word.pronunciations[0].phones)
        spoken = [PHONE_ID[base(phone)] for phone in phones]
        gaps = [NOTHING] * (len(phones) + 1)
        if min(label.phones) < FAULTLESS:
            spoken, gaps = [UNKNOWN] * len(spoken), [UNKNOWN] * len(gaps)
        elif random.random() < EDITED:
            at, kind = int(random.integers(len(phones))), random.random()
            if kind < 0.6:
                phones[at] = _other(phones[at], random)
            elif kind < 0.8:
                phones.insert(at, PHONES[int(random.integers(len(PHONES)))])
                spoken.insert(at, SILENCE_ID)
                gaps.insert(at, NOTHING)
            elif len(phones) > 1:
                del phones[at]
                gaps[at : at + 2] = [spoken.pop(at)]
        pronunciation = Pronunciation(tuple(phones), word.pronunciations[0].source)
        words.append(replace(word, pronunciations=(pronunciation,)))
        said += spoken
        slots += gaps
    return Edited(replace(script, words=tuple(words)), tuple(said), tuple(slots))


def _other(phone: str, random: np.random.Generator) -> str:
    """Another phone than ``phone``, mostly of the same manner, without a stress mark."""
    name = base(phone)
    alike = [other for other in MANNER[MANNER_OF[name]] if other != name]
    pool = alike if alike and random.random() < SIMILAR else [other for other in PHONES if other != name]
    return pool[int(random.integers(len(pool)))]


def edit_sample(
    utterances: Sequence[Utterance],
    posteriors: Callable[[Utterance], Posteriors],
    options: AlignOptions,
    energy: Callable[[Utterance], NDArray[np.float32]] | None = None,
    seed: int = 0,
) -> EditSample:
    """What the models of heard phones are fitted to, from every labelled utterance."""
    random = np.random.default_rng(seed)
    phones: list[tuple[NDArray[np.generic], ...]] = []
    slots: list[tuple[NDArray[np.generic], ...]] = []
    speakers, slot_speakers = [], []
    for utterance in utterances:
        if utterance.labels is None:
            continue
        edited, heard = edited_script(utterance.script, utterance.labels.words, random), posteriors(utterance)
        try:
            alignment = align(heard, edited.script, options, energy(utterance) if energy else None)
        except TextAudioMismatch:
            continue
        evidence = edit_evidence(heard, alignment)
        said, left_out = outcome_measures(alignment, goodness(heard, alignment), evidence)
        truth, inserted = np.array(edited.said), np.array(edited.slots)
        script = np.array([PHONE_ID[base(phone.phone)] for phone in alignment.phones])
        known, open_slots = truth != UNKNOWN, inserted != UNKNOWN
        phones.append((said[known].astype(np.float32), left_out[known], truth[known], script[known]))
        measures, best = insertion_measures(evidence), evidence.insertion.argmax(axis=1)
        slots.append((measures[open_slots], best[open_slots], inserted[open_slots]))
        speakers += [utterance.speaker] * int(known.sum())
        slot_speakers += [utterance.speaker] * int(open_slots.sum())
    said, left_out, truth, script = (np.concatenate(column) for column in zip(*phones, strict=True))
    measures, best, inserted = (np.concatenate(column) for column in zip(*slots, strict=True))
    return EditSample(
        np.asarray(said, np.float32), left_out.astype(np.float32), truth, script, np.array(speakers),
        measures.astype(np.float32), best, inserted, np.array(slot_speakers),
    )  # fmt: skip
