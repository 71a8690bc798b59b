"""What loudness says about a frame, by hand, and what the aligner makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from elocute.acoustics.align import AlignOptions, align
from elocute.acoustics.loudness import LIMIT, WEIGHT, loudness_evidence
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID, Posteriors
from elocute.phones import PHONE_ID
from elocute.text.script import Pronunciation, Script, ScriptWord

LOUD, QUIET = 0.1, 0.001
"""RMS 40 dB apart."""


def energy(*stretches: tuple[float, int]) -> NDArray[np.float32]:
    return np.concatenate([np.full(frames, rms, np.float32) for rms, frames in stretches])


@pytest.mark.parametrize(
    ("phone", "frame", "nats"),
    [
        # log N(0; -6.9, 9.1) - log N(0; -18.8, 15.3) = -0.287 - 2.208 + 0.755 + 2.728, times a half
        ("AA", 0, 0.494),
        ("S", 0, 0.045),
        ("SIL", 0, -2.0),
        # at -40 dB: -0.140 - 2.163 + 0.960 + 2.728
        ("SIL", -1, 0.693),
        ("AA", -1, -2.0),
    ],
)
def test_evidence_by_hand(phone: str, frame: int, nats: float) -> None:
    found = loudness_evidence(energy((LOUD, 50), (QUIET, 50)))
    assert found[frame, CLASSES.index(phone)] == pytest.approx(nats, abs=2e-3)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, st.integers(1, 60), elements=st.floats(0.0, 1.0, width=32)), st.floats(0.25, 4.0))
def test_bounds_and_gain(levels: NDArray[np.float32], gain: float) -> None:
    found = loudness_evidence(levels + np.float32(1e-3))
    assert found.shape == (len(levels), len(CLASSES))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= WEIGHT * LIMIT
    again = loudness_evidence((levels + np.float32(1e-3)) * np.float32(gain))
    np.testing.assert_allclose(found, again, atol=1e-3)


def test_it_says_nothing_in_noise() -> None:
    assert not loudness_evidence(energy((0.1, 50), (0.012, 50))).any()  # 18 dB
    assert loudness_evidence(energy((0.1, 50), (0.005, 50))).any()  # 26 dB
    assert not loudness_evidence(np.zeros(40, np.float32)).any()


def test_a_pause_that_posteriors_leave_open_is_where_it_is_quiet() -> None:
    word = ScriptWord("ah", "ah", (Pronunciation(("AA1",), "lexicon"),))
    script = Script("ah ah", (word, word))
    probabilities = np.full((90, len(CLASSES)), 1e-4)
    probabilities[:, PHONE_ID["AA"]] = 0.6
    probabilities[20:70, SILENCE_ID] = 0.4
    log_probs = np.log(probabilities / probabilities.sum(1, keepdims=True)).astype(np.float32)
    heard = Posteriors(log_probs, np.zeros((90, SILENCE_ID), np.float32), 0.01, 0.9)
    options = AlignOptions(silence_penalty=0.0, other_floor=0)
    assert align(heard, script, options).silences == ()
    (pause,) = align(heard, script, options, energy((LOUD, 30), (QUIET, 30), (LOUD, 30))).silences
    assert (pause.start, pause.end) == (pytest.approx(0.295, abs=0.02), pytest.approx(0.595, abs=0.02))
