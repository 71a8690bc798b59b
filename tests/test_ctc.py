"""Alignment-free goodness against the sum over all paths, one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment, PhoneSegment, WordSegment
from elocute.acoustics.ctc import LIMIT, PHONES, alignment_free, alignment_free_goodness, ctc_ratios
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID
from elocute.phones import PHONES as NAMES

Frames = NDArray[np.float64]

KNOWN = 3
"""Only so many phones have any probability, so that all paths can be listed."""


def summed(log_probs: np.ndarray, wanted: tuple[int, ...]) -> float:
    """log of the probability of all paths that collapse to ``wanted``."""
    total = 0.0
    for path in product([SILENCE_ID, *range(KNOWN)], repeat=len(log_probs)):
        merged = [s for t, s in enumerate(path) if t == 0 or path[t - 1] != s]
        if tuple(s for s in merged if s != SILENCE_ID) == wanted:
            total += float(np.exp(log_probs[np.arange(len(path)), path].sum()))
    return float(np.log(total)) if total else -np.inf


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, KNOWN - 1), min_size=1, max_size=3), st.integers(0, 2), st.integers(0, 1000))
def test_ratios_are_those_of_all_paths(phones: list[int], extra: int, seed: int) -> None:
    frames = 2 * len(phones) - 1 + extra
    random = np.random.default_rng(seed)
    probabilities = np.full((frames, len(CLASSES)), 1e-30)
    probabilities[:, [SILENCE_ID, *range(KNOWN)]] = random.dirichlet(np.ones(KNOWN + 1), frames)
    log_probs = np.log(probabilities)
    found = ctc_ratios(log_probs, np.array(phones))
    whole = summed(log_probs, tuple(phones))
    for place in range(len(phones)):
        for other in range(KNOWN):
            script = (*phones[:place], other, *phones[place + 1 :])
            np.testing.assert_allclose(found[place, other], summed(log_probs, script) - whole, atol=1e-6)
        without = (*phones[:place], *phones[place + 1 :])
        np.testing.assert_allclose(found[place, SILENCE_ID], summed(log_probs, without) - whole, atol=1e-6)
    np.testing.assert_allclose(found[np.arange(len(phones)), phones], 0.0, atol=1e-9)


def spoken(phones: list[int], each: int = 4, sure: float = 0.9) -> Frames:
    """Log posteriors of phones said one after another, ``each`` frames apart, the last of which is blank."""
    probabilities = np.full((each * len(phones), len(CLASSES)), (1.0 - sure) / SILENCE_ID)
    for place, phone in enumerate(phones):
        probabilities[each * place : each * (place + 1) - 1, phone] = sure
        probabilities[each * (place + 1) - 1, SILENCE_ID] = sure
    return np.asarray(np.log(probabilities / probabilities.sum(1, keepdims=True)))


def test_what_was_said_is_best_and_what_was_not_stands_out() -> None:
    said = [3, 17, 8, 25]
    found = alignment_free(spoken(said), np.array(said))
    assert ((found > -0.2) & (found <= 0.0)).all()
    found = alignment_free(spoken(said), np.array([3, 30, 8, 25]))
    assert found[1] < -5.0
    assert (np.delete(found, 1) > -0.5).all()
    assert found.dtype == np.float32


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 38), min_size=1, max_size=30), st.integers(1, 300), st.integers(0, 1000))
def test_no_script_is_too_wrong(phones: list[int], frames: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    log_probs = random.normal(0.0, 30.0, (frames, len(CLASSES)))
    log_probs -= np.logaddexp.reduce(log_probs, axis=1, keepdims=True)
    found = alignment_free(log_probs, np.array(phones))
    assert found.shape == (len(phones),)
    assert np.isfinite(found).all()
    assert (found <= 1e-6).all()
    assert (found >= -LIMIT - np.log(len(CLASSES))).all()


def test_a_long_reading_is_summed_in_parts() -> None:
    random = np.random.default_rng(0)
    words = random.integers(0, 39, (60, 4))
    wrong = words.copy()
    wrong[30, 2] = (wrong[30, 2] + 1) % 39
    heard = spoken(list(wrong.ravel()))
    each = 4 * 0.02
    segments = [
        [
            PhoneSegment(NAMES[phone], each * (4 * n + k), each * (4 * n + k + 1))
            for k, phone in enumerate(word)
        ]
        for n, word in enumerate(words)
    ]
    aligned = Alignment(
        tuple(WordSegment("word", "lexicon", tuple(word)) for word in segments), (), each * words.size, ()
    )
    assert words.size > 2 * PHONES
    whole = alignment_free(heard, words.ravel())
    np.testing.assert_allclose(alignment_free_goodness(heard, aligned), whole, atol=0.05)
    assert int(whole.argmin()) == 30 * 4 + 2
