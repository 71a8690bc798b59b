"""Rows of phones in context: every column where its name says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from elocute.features.context import (
    SHARED,
    phone_columns,
    phone_rows,
    scalars,
    utterance_columns,
    utterance_row,
)
from elocute.features.phone import ALIGNMENT_FREE, VALUES, PhoneFeatures

NAMES = ("lpp_S", "lpp_canonical", "duration", "acceptance_min", "energy_std")
UTTERANCE = ("speech_rate", "longest_pause")
FEATURES = PhoneFeatures(
    phone=np.array([3, 7, 5]),
    stress=np.array([3, 1, 3]),
    manner=np.array([2, 0, 2]),
    word=np.array([0, 0, 1]),
    place=np.array([1, 3, 0]),
    values=np.array([[9, -1, 0.1, 2, 5], [8, -3, 0.3, 4, 6], [7, -2, 0.2, 9, 1]], np.float32),
    names=NAMES,
)
ROW = np.array([4.5, np.nan], np.float32)


def column(name: str) -> NDArray[np.float32]:
    return phone_rows(FEATURES, ROW)[:, phone_columns(NAMES, UTTERANCE).index(name)]


def test_columns_are_named() -> None:
    names = phone_columns(NAMES, UTTERANCE)
    assert phone_rows(FEATURES, ROW).shape == (3, len(names))
    assert len(set(names)) == len(names)
    assert utterance_row(FEATURES, ROW).shape == (len(utterance_columns(NAMES, UTTERANCE)),)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lpp_S", [9, 8, 7]),
        ("before.duration", [0.1, 0.1, 0.3]),
        ("after.lpp_canonical", [-3, -2, -2]),
        ("word_mean.energy_std", [5.5, 5.5, 1]),
        ("word_min.acceptance_min", [2, 2, 9]),
        ("word_min.lpp_canonical", [-3, -3, -2]),
        ("utterance_mean.duration", [0.2, 0.2, 0.2]),
        ("speech_rate", [4.5, 4.5, 4.5]),
        ("longest_pause", [np.nan] * 3),
        ("phone", [3, 7, 5]),
        ("word_index", [0, 0, 1]),
        ("phones_in_word", [2, 2, 1]),
        ("words_in_utterance", [2, 2, 2]),
    ],
)
def test_values_by_hand(name: str, expected: list[float]) -> None:
    np.testing.assert_allclose(column(name), expected, rtol=1e-6)


def test_the_utterance_by_hand() -> None:
    found = dict(zip(utterance_columns(NAMES, UTTERANCE), utterance_row(FEATURES, ROW).tolist(), strict=True))
    assert found["speech_rate"] == 4.5
    assert np.isnan(found["longest_pause"])
    assert found["mean.lpp_canonical"] == pytest.approx(-2.0)
    # The 20th percentile of three values lies two fifths of the way from the least to the middle one.
    assert found["low.duration"] == pytest.approx(0.1 + 0.4 * 0.1)


def test_vectors_over_phones_are_not_told_of_neighbours() -> None:
    assert [NAMES[n] for n in scalars(NAMES)] == ["lpp_canonical", "duration", "acceptance_min", "energy_std"]
    assert "word_mean.lpp_S" not in phone_columns(NAMES, UTTERANCE)
    assert set(SHARED) <= {*VALUES, ALIGNMENT_FREE}
