"""What the handcrafted features are computed from, and the arrays that many of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, wraps
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.gop import ACCEPTANCE, SUMMARIES, Goodness, frame_spans
from elocute.acoustics.prosody import FRAME_SHIFT, Prosody
from elocute.features.handcrafted.english import FUNCTION_WORDS
from elocute.features.handcrafted.statistics import Summary, summarise
from elocute.phones import MANNER_OF, PHONE_ID, base, stress
from elocute.text.syllables import syllabify

T = TypeVar("T")
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

PAUSE = 0.145
LONG_PAUSE = 0.495
"""Seconds from which a gap between words is a silence, and a long one (method of arXiv 2509.16876)."""

SILENT = 1e-6
"""RMS up to which a recording has no loudness to speak of."""

UNMARKED = -1
"""Stress of consonants, and of the vowel of a word of one syllable: there it has nothing to contrast with."""


@dataclass(frozen=True)
class Syllables:
    """One entry per syllable: times in seconds, index of its word and of its vowel's phone (-1: none)."""

    start: Floats
    end: Floats
    word: Ints
    nucleus: Ints


@dataclass(frozen=True)
class Intervals:
    """Stretches of vowels or of consonants: neighbours of a kind merge unless a silence lies between them.

    ``duration`` in seconds, ``count`` of the phones in each, ``vocalic`` True for vowels.
    """

    duration: Floats
    count: Ints
    vocalic: Flags


@dataclass(frozen=True)
class Evidence:
    """The stages' results for one utterance; every array is computed once, when it is first asked for.

    Arrays are float64 with one entry per phone, word or gap; NaN marks what a phone does not have, as the
    pitch of an unvoiced one.
    """

    alignment: Alignment
    goodness: Goodness
    prosody: Prosody
    _memory: dict[object, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def recall(self, key: object, compute: Callable[[Evidence], T]) -> T:
        """What ``compute`` answers for this evidence, computed the first time ``key`` is asked for."""
        if key not in self._memory:
            self._memory[key] = compute(self)
        found: T = self._memory[key]
        return found

    def summary(self, name: str, values: Callable[[Evidence], Floats]) -> Summary:
        """The statistics of ``values``, remembered under ``name``."""
        return self.recall(name, lambda e: summarise(values(e)))

    # --- time --------------------------------------------------------------------------------------------

    @cached_property
    def times(self) -> Floats:
        """(phones, 2) start and end."""
        return np.array([(phone.start, phone.end) for phone in self.alignment.phones], np.float64)

    @cached_property
    def durations(self) -> Floats:
        return np.asarray(self.times[:, 1] - self.times[:, 0])

    @cached_property
    def word_times(self) -> Floats:
        """(words, 2) start and end."""
        return np.array([(word.start, word.end) for word in self.alignment.words], np.float64)

    @cached_property
    def word_durations(self) -> Floats:
        return np.asarray(self.word_times[:, 1] - self.word_times[:, 0])

    @cached_property
    def span(self) -> float:
        """Seconds from the beginning of the first word to the end of the last."""
        return self.alignment.words[-1].end - self.alignment.words[0].start

    @cached_property
    def gaps(self) -> Floats:
        """Seconds of every silence between words."""
        last = len(self.alignment.words) - 1
        found = [s.end - s.start for s in self.alignment.silences if 0 <= s.after_word < last]
        return np.array(found, np.float64)

    @cached_property
    def pauses(self) -> Floats:
        """The gaps longer than :data:`PAUSE`."""
        return np.asarray(self.gaps[self.gaps > PAUSE])

    @cached_property
    def long_pauses(self) -> Floats:
        return np.asarray(self.gaps[self.gaps > LONG_PAUSE])

    @cached_property
    def paused(self) -> float:
        """Seconds of pauses in all."""
        return float(self.pauses.sum())

    @cached_property
    def articulated(self) -> float:
        """Seconds from first to last word without the pauses."""
        return max(self.span - self.paused, 0.05)

    @cached_property
    def runs(self) -> list[tuple[int, int]]:
        """Stretches of words without a pause between them: first word and one past the last."""
        last = len(self.alignment.words) - 1
        cuts = sorted(
            {
                s.after_word + 1
                for s in self.alignment.silences
                if 0 <= s.after_word < last and s.end - s.start > PAUSE
            }
        )
        return list(zip([0, *cuts], [*cuts, last + 1], strict=True))

    # --- phones, syllables, words ------------------------------------------------------------------------

    @cached_property
    def word(self) -> Ints:
        """(phones,) index of the word."""
        return np.repeat(np.arange(len(self.alignment.words)), self.word_lengths)

    @cached_property
    def word_lengths(self) -> Ints:
        """(words,) phones of each word."""
        return np.array([len(word.phones) for word in self.alignment.words], np.int64)

    @cached_property
    def first(self) -> Ints:
        """(words,) index of the first phone of each word."""
        return np.asarray(np.cumsum(self.word_lengths) - self.word_lengths)

    @cached_property
    def plain(self) -> list[str]:
        """The phones without stress digits."""
        return [base(phone.phone) for phone in self.alignment.phones]

    @cached_property
    def ids(self) -> Ints:
        return np.array([PHONE_ID[phone] for phone in self.plain], np.int64)

    @cached_property
    def manners(self) -> NDArray[np.str_]:
        return np.array([MANNER_OF[phone] for phone in self.plain])

    @cached_property
    def vowel(self) -> Flags:
        return np.asarray(self.manners == "vowel")

    @cached_property
    def vowels(self) -> int:
        """Number of vowels: of syllables, as each has one."""
        return int(self.vowel.sum())

    @cached_property
    def stress(self) -> Ints:
        """(phones,) lexical stress 0-2 of the vowels of words of several syllables, else ``UNMARKED``."""
        marks = np.array([-1 if (mark := stress(p.phone)) is None else mark for p in self.alignment.phones])
        return np.where(self.vowel & (self.vowels_of_word[self.word] > 1), marks, UNMARKED)

    @cached_property
    def vowels_of_word(self) -> Ints:
        return np.asarray(np.add.reduceat(self.vowel.astype(np.int64), self.first))

    @cached_property
    def syllables(self) -> Syllables:
        rows: list[tuple[float, float, int, int]] = []
        at = 0
        for number, word in enumerate(self.alignment.words):
            for length in _syllable_lengths(tuple(phone.phone for phone in word.phones)):
                inside = np.flatnonzero(self.vowel[at : at + length])
                nucleus = at + int(inside[0]) if len(inside) else -1
                rows.append((self.times[at, 0], self.times[at + length - 1, 1], number, nucleus))
                at += length
        start, end, words, nuclei = zip(*rows, strict=True)
        return Syllables(np.array(start), np.array(end), np.array(words), np.array(nuclei))

    @cached_property
    def syllable_durations(self) -> Floats:
        return np.asarray(self.syllables.end - self.syllables.start)

    @cached_property
    def intervals(self) -> Intervals:
        apart = self.times[1:, 0] - self.times[:-1, 1] > 1e-6
        begins = np.concatenate([[True], apart | (self.vowel[1:] != self.vowel[:-1])])
        starts = np.flatnonzero(begins)
        durations = np.add.reduceat(self.durations, starts)
        counts = np.diff(np.append(starts, len(self.vowel)))
        return Intervals(durations, counts, self.vowel[starts])

    @cached_property
    def function_word(self) -> Flags:
        """(words,) one of the small words that native readers leave unstressed."""
        return np.array([word.text.lower() in FUNCTION_WORDS for word in self.alignment.words])

    def word_means(self, values: Floats) -> Floats:
        """(words,) means over the phones of each word that have a value; NaN where none has."""
        known = ~np.isnan(values)
        counts = np.add.reduceat(known.astype(np.float64), self.first)
        sums = np.add.reduceat(np.where(known, values, 0.0), self.first)
        return np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan)

    # --- goodness ----------------------------------------------------------------------------------------

    def goodness_of(self, name: str) -> Floats:
        """(phones,) a column of the goodness summaries."""
        return np.asarray(self.goodness.summaries[:, SUMMARIES.index(name)], np.float64)

    @cached_property
    def gop(self) -> Floats:
        """(phones,) mean log posterior of each phone."""
        return self.goodness_of("lpp_canonical")

    @cached_property
    def confidence(self) -> Floats:
        """(phones,) mean posterior of each phone, 0-1."""
        rows = np.arange(len(self.ids))
        return np.asarray(self.goodness.mean_posteriors[rows, self.ids], np.float64)

    @cached_property
    def rival(self) -> Floats:
        """(phones,) log ratio of the best other phone to the phone; above 0 the other fits better."""
        return self.goodness_of("lpr_rival")

    @cached_property
    def acceptance(self) -> Floats:
        """(phones,) probability that raters accept each phone."""
        return np.asarray(self.goodness.acceptance[:, ACCEPTANCE.index("acceptance_probability")], np.float64)

    @cached_property
    def mismatched(self) -> Flags:
        """(phones,) another phone fits better."""
        return np.asarray(self.rival > 0)

    # --- F0 and energy -----------------------------------------------------------------------------------

    @cached_property
    def spans(self) -> Ints:
        return frame_spans(self.alignment, FRAME_SHIFT, len(self.prosody.f0))

    @cached_property
    def spoken(self) -> Flags:
        """(frames,) inside a phone."""
        inside = np.zeros(len(self.prosody.f0), bool)
        for a, b in zip(
            self.spans[self.first, 0], self.spans[self.first + self.word_lengths - 1, 1], strict=True
        ):
            inside[a:b] = True
        return inside

    @cached_property
    def tones(self) -> Floats:
        """(frames,) F0 in semitones above 100 Hz, NaN where unvoiced or outside the words."""
        f0 = np.where(self.spoken, self.prosody.f0, np.nan).astype(np.float64)
        return np.asarray(12.0 * np.log2(f0 / 100.0))

    @cached_property
    def melody(self) -> Floats:
        """The voiced tones, in order of time."""
        return np.asarray(self.tones[~np.isnan(self.tones)])

    @cached_property
    def phone_tones(self) -> Floats:
        """(phones,) mean tone, NaN if unvoiced."""
        return self.span_means(self.tones)

    @cached_property
    def loudness(self) -> Floats:
        """(frames,) energy in dB relative to the RMS over the words, so gain does not matter; empty if the
        recording is silent."""
        energy = self.prosody.energy.astype(np.float64)
        reference = float(np.sqrt(np.mean(energy[self.spoken] ** 2)))
        if reference <= SILENT:
            return np.zeros(0)
        return np.asarray(20.0 * np.log10(np.maximum(energy / reference, 1e-4)))

    @cached_property
    def levels(self) -> Floats:
        """(phones,) mean energy in dB relative to the RMS over the words; NaN if the recording is silent."""
        energy = self.prosody.energy.astype(np.float64)
        means = self.span_means(energy)
        reference = float(np.sqrt(np.mean(energy[self.spoken] ** 2)))
        if reference <= SILENT:
            return np.full(len(means), np.nan)
        return np.asarray(20.0 * np.log10(np.maximum(means / reference, 1e-4)))

    def span_means(self, frames: Floats) -> Floats:
        """(phones,) means of the frames of each phone that have a value; NaN where none has."""
        known = ~np.isnan(frames)
        sums = np.concatenate([[0.0], np.cumsum(np.where(known, frames, 0.0))])
        counts = np.concatenate([[0], np.cumsum(known)])
        a, b = self.spans.T
        number = counts[b] - counts[a]
        return np.where(number > 0, (sums[b] - sums[a]) / np.maximum(number, 1), np.nan)

    @cached_property
    def word_tones(self) -> Floats:
        """(words, 2) lowest and highest tone, NaN where the word has no voice."""
        rows = []
        ends = self.first + self.word_lengths - 1
        for a, b in zip(self.spans[self.first, 0], self.spans[ends, 1], strict=True):
            part = self.tones[a:b]
            part = part[~np.isnan(part)]
            rows.append((part.min(), part.max()) if len(part) else (np.nan, np.nan))
        return np.array(rows, np.float64)


def once(compute: Callable[[Evidence], T]) -> Callable[[Evidence], T]:
    """Decorates a function that several features call: it runs once per utterance."""

    @wraps(compute)
    def remembered(evidence: Evidence) -> T:
        return evidence.recall(compute, compute)

    return remembered


@lru_cache(maxsize=4096)
def _syllable_lengths(phones: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(len(syllable) for syllable in syllabify(phones))
