"""The phone features: one row of numbers per phone, made the same way for training and for assessment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.gop import ACCEPTANCE, SUMMARIES, frame_spans
from elocute.acoustics.posteriors import CLASSES
from elocute.acoustics.prosody import FRAME_SHIFT, Prosody
from elocute.features.handcrafted import Evidence
from elocute.features.local import LOCAL, local_features
from elocute.phones import MANNER_OF, MANNERS, PHONE_ID, base, is_vowel, stress

STATISTICS: tuple[str, ...] = ("mean", "std", "median", "mad", "sum", "min", "max")
STRESS_UNMARKED = 3
"""Stress id of consonants; 0-2 are vowels as marked in the lexicon."""


@dataclass(frozen=True)
class PhoneFeatures:
    """Features of the phones of one utterance, in order.

    Ids, each (phones,) int64: ``phone`` (0-38), ``stress`` (0, 1, 2; 3 for consonants), ``manner`` (0-7),
    ``word`` (index of the word), ``place`` (0 only, 1 first, 2 inner, 3 last phone of the word).
    Measurements, ``values`` (phones, features) float32, columns named by ``names``.
    """

    phone: NDArray[np.int64]
    stress: NDArray[np.int64]
    manner: NDArray[np.int64]
    word: NDArray[np.int64]
    place: NDArray[np.int64]
    values: NDArray[np.float32]
    names: tuple[str, ...]

    @property
    def word_starts(self) -> NDArray[np.intp]:
        """(words,) index of the first phone of each word."""
        return np.flatnonzero(np.diff(self.word, prepend=-1))


VALUES: tuple[str, ...] = (
    *(f"lpp_{name}" for name in CLASSES),
    *(f"lpr_{name}" for name in CLASSES),
    *SUMMARIES,
    "duration",
    "log_duration",
    "pause_before",
    "pause_after",
    "relative_duration",
    *(f"energy_{name}" for name in STATISTICS),
    *(f"f0_{name}" for name in STATISTICS),
    "voiced_share",
    *ACCEPTANCE,
    *LOCAL,
)
"""Names of the columns of :attr:`PhoneFeatures.values`, from every acoustic model."""

ALIGNMENT_FREE = "alignment_free"
"""One more column, the last, where the acoustic model has a CTC output."""


def statistics(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, 7) the :data:`STATISTICS` of what each row has beside NaN (mad: median absolute deviation);
    zeros where it has nothing."""
    counts = (~np.isnan(rows)).sum(axis=1)
    number = np.maximum(counts, 1)
    ordered = np.sort(rows, axis=1)  # NaN comes last
    sums = np.nansum(rows, axis=1)
    means = sums / number
    medians = _middle(ordered, number)
    spreads = _middle(np.sort(np.abs(rows - medians[:, None]), axis=1), number)
    deviations = np.sqrt(np.nansum(np.square(rows - means[:, None]), axis=1) / number)
    last = ordered[np.arange(len(rows)), number - 1]
    found = np.stack([means, deviations, medians, spreads, sums, ordered[:, 0], last], axis=1)
    return np.where(counts[:, None] > 0, found, 0.0).astype(np.float32)


def _middle(ordered: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """(rows,) median of the first ``counts`` of ascending values."""
    row = np.arange(len(ordered))
    return np.asarray((ordered[row, (counts - 1) // 2] + ordered[row, counts // 2]) / np.float32(2.0))


def phone_features(evidence: Evidence, free: NDArray[np.float32] | None = None) -> PhoneFeatures:
    """All features of the phones of an utterance.

    Args:
        free: (phones,) alignment-free goodness, see ``acoustics/ctc.py``.

    Energy is relative to the RMS over the aligned speech, so gain does not matter; F0 is in semitones from
    the utterance's median, voiced frames only.
    """
    alignment, goods = evidence.alignment, evidence.goodness
    phones = alignment.phones
    durations = np.array([phone.duration for phone in phones], np.float32)
    timing = np.stack(
        [durations, np.log(durations + 1e-3), *_pauses(alignment), durations / np.median(durations)], axis=1
    )
    voice = _prosodic(alignment, evidence.prosody)
    values = np.concatenate(
        [goods.lpp, goods.lpr, goods.summaries, timing, voice, goods.acceptance, local_features(evidence)],
        axis=1,
    ).astype(np.float32)
    phone, mark, manner, word, place = _ids(alignment)
    names = VALUES
    if free is not None:
        values, names = np.concatenate([values, free[:, None]], axis=1), (*VALUES, ALIGNMENT_FREE)
    return PhoneFeatures(phone, mark, manner, word, place, values, names)


def _ids(alignment: Alignment) -> tuple[NDArray[np.int64], ...]:
    rows = []
    for number, word in enumerate(alignment.words):
        syllables = sum(is_vowel(phone.phone) for phone in word.phones)
        for position, segment in enumerate(word.phones):
            phone = base(segment.phone)
            mark = STRESS_UNMARKED
            if is_vowel(phone):
                # Lexicons disagree on marking monosyllables, where stress has nothing to contrast with.
                mark = (stress(segment.phone) or 0) if syllables > 1 else 0
            last = position == len(word.phones) - 1
            place = 0 if len(word.phones) == 1 else 1 if position == 0 else 3 if last else 2
            rows.append((PHONE_ID[phone], mark, MANNERS.index(MANNER_OF[phone]), number, place))
    return tuple(np.array(rows, np.int64).T)


def _pauses(alignment: Alignment) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Seconds of silence before and after each phone, at most 2; none counts at the edges of the reading."""
    after: dict[int, float] = {}
    for silence in alignment.silences:  # speech outside the script cuts a pause in two
        after[silence.after_word] = after.get(silence.after_word, 0.0) + silence.end - silence.start
    before, behind = [], []
    last_word = len(alignment.words) - 1
    for number, word in enumerate(alignment.words):
        for position in range(len(word.phones)):
            first, last = position == 0, position == len(word.phones) - 1
            before.append(after.get(number - 1, 0.0) if first and number else 0.0)
            behind.append(after.get(number, 0.0) if last and number < last_word else 0.0)
    return np.minimum(np.array(before, np.float32), 2.0), np.minimum(np.array(behind, np.float32), 2.0)


def _prosodic(alignment: Alignment, prosody: Prosody) -> NDArray[np.float32]:
    """(phones, 15): statistics of relative energy and of F0, and the voiced share of the phone."""
    spans = frame_spans(alignment, FRAME_SHIFT, len(prosody.energy))
    speech = np.concatenate([prosody.energy[a:b] for a, b in spans])
    energy = prosody.energy / max(float(np.sqrt((speech**2).mean())), 1e-8)
    voiced = prosody.f0[~np.isnan(prosody.f0)]
    semitones = 12.0 * np.log2(prosody.f0 / np.median(voiced)) if len(voiced) else prosody.f0
    index = spans[:, :1] + np.arange((spans[:, 1] - spans[:, 0]).max())
    inside = index < spans[:, 1:]
    index = np.minimum(index, len(energy) - 1)
    levels, tones = (np.where(inside, values[index], np.nan) for values in (energy, semitones))
    voicing = (~np.isnan(tones)).sum(axis=1) / inside.sum(axis=1)
    return np.column_stack([statistics(levels), statistics(tones), voicing]).astype(np.float32)
