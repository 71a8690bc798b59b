"""Alignment-free goodness against the sum over all paths, one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from elocute.acoustics.posteriors import CLASSES, SILENCE_ID
from elocute.training.ctc_goodness import ctc_ratios

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
