"""Network outputs as scores on the native scales, and as points."""

from __future__ import annotations

import numpy as np
import pytest

from elocute.scoring.scores import WordScores, native_scores, points


def test_native_scores() -> None:
    """Two words of two phones and one; outputs outside 0-2 are clipped."""
    phones = np.array([1.5, 2.3, -0.2], np.float32)
    words = np.array([[1.0, 2.0, 1.5]] * 2 + [[-1.0, 3.0, 0.5]], np.float32)
    found = native_scores(phones, words, np.array([0.5, 1.0, 2.5, -0.5], np.float32), np.array([0, 2]))
    np.testing.assert_allclose(found.phones, [1.5, 2.0, 0.0])
    assert found.words == (WordScores(5.0, 10.0, 7.5), WordScores(0.0, 10.0, 2.5))
    assert (found.accuracy, found.fluency, found.prosodic, found.total) == (2.5, 5.0, 10.0, 0.0)


@pytest.mark.parametrize(
    ("value", "scale", "expected"),
    [(1.0, 2.0, 50.0), (7.25, 10.0, 72.5), (-1.0, 10.0, 0.0), (11.0, 10.0, 100.0)],
)
def test_points(value: float, scale: float, expected: float) -> None:
    assert points(value, scale) == expected
