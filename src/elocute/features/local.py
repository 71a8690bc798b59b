"""Handcrafted features below the utterance, one row per phone: how a phone and its word stand out in the
reading. Whether they help is a question that arXiv 2509.16876 leaves open (docs/lab-notebook.md)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elocute.features.handcrafted import PAUSE, Evidence
from elocute.features.handcrafted.rate import stretched

LOCAL: tuple[str, ...] = (
    "z_duration_in_word",
    "z_duration_in_reading",
    "word_stretch",
    "neighbour_stretch",
    "stress_duration_contrast",
    "stress_energy_contrast",
    "stress_f0_contrast",
    "pause_before_word",
    "word_confidence",
    "weakest_acceptance",
)
"""Relative duration of the phone, standardised in its word and in the reading; mean log relative duration of
the word and of those beside it; stressed minus unstressed vowels of the word in log relative duration, dB and
semitones (0 where it has not both); whether a pause precedes the word; mean posterior and least acceptance of
the word's phones."""


def local_features(e: Evidence) -> NDArray[np.float32]:
    """(phones, 10), columns as :data:`LOCAL`."""
    own = stretched(e)
    pace = e.word_means(own)
    in_word = np.zeros(len(own))
    contrast = np.zeros((len(e.first), 3))
    for word, (first, length) in enumerate(zip(e.first, e.word_lengths, strict=True)):
        part = slice(first, first + length)
        spread = own[part].std()
        in_word[part] = (own[part] - own[part].mean()) / spread if spread > 1e-6 else 0.0
        strong, weak = (e.stress[part] == mark for mark in (1, 0))
        for column, values in enumerate((own, e.levels, e.phone_tones)):
            difference = _mean(values[part][strong]) - _mean(values[part][weak])
            contrast[word, column] = 0.0 if np.isnan(difference) else difference
    padded = np.pad(pace, 1, mode="edge")
    paused = np.zeros(len(e.first))
    for silence in e.alignment.silences:
        if 0 <= silence.after_word < len(paused) - 1 and silence.end - silence.start > PAUSE:
            paused[silence.after_word + 1] = 1.0
    spread = own.std()
    rows = np.stack([
        in_word,
        (own - own.mean()) / spread if spread > 1e-6 else np.zeros(len(own)),
        pace[e.word],
        ((padded[:-2] + padded[2:]) / 2.0)[e.word],
        *contrast[e.word].T,
        paused[e.word],
        e.word_means(e.confidence)[e.word],
        np.minimum.reduceat(e.acceptance, e.first)[e.word],
    ], axis=1)  # fmt: skip
    return rows.astype(np.float32)


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
