"""Phones in their context, and an utterance, as one flat row of numbers each: what trees judge.

A network sees a phone's neighbours through attention; trees must be shown them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.gop import ACCEPTANCE
from elocute.features.phone import ALIGNMENT_FREE, PhoneFeatures

SCALARS = ("lpp_canonical", "lpr_rival", "lpr_silence")
"""Columns of log posteriors that are not one of a vector over phones."""

SHARED: tuple[str, ...] = (
    *ACCEPTANCE, "lpp_canonical", "lpr_rival", "log_mean_posterior", "duration", "relative_duration",
    "energy_mean", "f0_mean", ALIGNMENT_FREE,
)  # fmt: skip
"""Columns that are also told of the phone before and the phone after, and as the least of the word."""

PLACE: tuple[str, ...] = (
    "phone", "stress", "manner", "place", "word_index", "phones_in_word", "words_in_utterance"
)  # fmt: skip

LOW = 20.0
"""Percentile that tells of an utterance's poorest phones."""


def scalars(names: Sequence[str]) -> list[int]:
    """Columns that are not one of a vector over phones."""
    return [
        n for n, name in enumerate(names) if not name.startswith(("lpp_", "lpr_")) or name in SCALARS
    ]  # fmt: skip


def phone_columns(names: Sequence[str], utterance: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns of :func:`phone_rows`."""
    single = [names[n] for n in scalars(names)]
    shared = [name for name in SHARED if name in names]
    parts = (
        ("", names), ("before.", shared), ("after.", shared), ("word_mean.", single), ("word_min.", shared),
        ("utterance_mean.", single), ("", utterance), ("", PLACE),
    )  # fmt: skip
    return tuple(prefix + name for prefix, own in parts for name in own)


def phone_rows(features: PhoneFeatures, utterance: NDArray[np.float32]) -> NDArray[np.float32]:
    """(phones, columns) every phone with its neighbours, word and utterance.

    Args:
        utterance: (n,) handcrafted features, NaN where the utterance does not define one.
    """
    values, word, starts = features.values, features.word, features.word_starts
    count = len(values)
    single = values[:, scalars(features.names)]
    shared = values[:, [features.names.index(name) for name in SHARED if name in features.names]]
    padded = np.pad(shared, ((1, 1), (0, 0)), mode="edge")
    lengths = np.diff(np.append(starts, count))
    means = np.add.reduceat(single, starts, axis=0) / lengths[:, None]
    place = np.stack(
        [
            features.phone, features.stress, features.manner, features.place, word, lengths[word],
            np.full(count, len(starts)),
        ],
        axis=1,
    )  # fmt: skip
    parts = (
        values, padded[:-2], padded[2:], means[word], np.minimum.reduceat(shared, starts, axis=0)[word],
        np.repeat(single.mean(axis=0, keepdims=True), count, axis=0),
        np.repeat(utterance[None], count, axis=0), place,
    )  # fmt: skip
    return np.concatenate(parts, axis=1).astype(np.float32)


def utterance_columns(names: Sequence[str], utterance: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns of :func:`utterance_row`."""
    return (*utterance, *(f"mean.{name}" for name in names), *(f"low.{name}" for name in names))


def utterance_row(features: PhoneFeatures, utterance: NDArray[np.float32]) -> NDArray[np.float32]:
    """(columns,) the handcrafted features, and mean and low percentile of what was measured of the phones."""
    values = features.values
    found = np.concatenate([utterance, values.mean(axis=0), np.percentile(values, LOW, axis=0)])
    return found.astype(np.float32)
