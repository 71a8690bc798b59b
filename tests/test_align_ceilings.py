"""Phones that last too long, and the pauses that would otherwise make them."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from elocute.acoustics.align import AlignOptions, align
from elocute.acoustics.graph import LONG_ID, Graph, Limits, build_graph, fewest_phones
from elocute.acoustics.pauses import give_back
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID
from elocute.acoustics.viterbi import best_path
from elocute.phones import PHONE_ID, PHONES, is_vowel
from elocute.text.script import Script
from test_align import lengths, posteriors, readings, score, script, small_script


def brute_force(text: Script, scores: np.ndarray, limits: Limits) -> float:
    """Greatest sum of scores over every path whose phones keep to their limits, by trying all of them."""
    frames, best = len(scores), -np.inf
    for units in readings(text):
        floors = [limits.silence if silent else limits.phone for _, silent in units]
        highest = [frames if silent else limits.ceiling_of(PHONES[column]) for column, silent in units]
        columns = [column for column, _ in units]
        for shares in lengths(len(units), floors, frames):
            if all(share <= most for share, most in zip(shares, highest, strict=True)):
                path = np.repeat(columns, shares)
                best = max(best, float(scores[np.arange(frames), path].sum(dtype=np.float64)))
    return best


@given(
    small_script, st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4),
    st.integers(1, 9), st.integers(0, 2**32 - 1),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_best_path_is_the_best_of_all_below_the_ceilings(
    text: Script, floor: int, silence: int, ceiling: int, vowel_ceiling: int, frames: int, seed: int
) -> None:
    limits = Limits(floor, silence, ceiling=ceiling, vowel_ceiling=vowel_ceiling)
    scores = np.random.default_rng(seed).normal(0, 3, (frames, len(CLASSES))).astype(np.float32)
    assume(fewest_phones(text) * floor <= frames)
    expected = brute_force(text, scores, limits)
    assume(np.isfinite(expected))
    graph = build_graph(text, limits)
    path = best_path(graph, scores)
    for unit, count in runs(graph, path):
        assert count <= unit.ceiling or not unit.ceiling
    assert score(graph, path, scores) == pytest.approx(expected, abs=1e-5)


def runs(graph: Graph, path: np.ndarray) -> list[tuple]:  # type: ignore[type-arg]
    return [(graph.units[unit], len(list(frames))) for unit, frames in groupby(path.tolist())]


def test_a_ceiling_is_never_below_the_floor() -> None:
    limits = Limits(9, 4, ceiling=5, vowel_ceiling=20)
    assert (limits.ceiling_of("T"), limits.ceiling_of("AH0")) == (9, 20)
    assert Limits(9, 4).ceiling_of("T") == 0
    for unit in build_graph(script("T AH0"), limits).units:
        assert unit.ceiling == (0 if unit.is_silence else 20 if is_vowel(PHONES[unit.column]) else 9)


def hesitating(pause: int) -> np.ndarray:
    """ "get up" with a pause in which the model hesitates between silence and the T before it."""
    rows = np.full((30 + pause + 20, len(CLASSES)), 1e-3)
    for start, end, name in ((0, 10, "G"), (10, 20, "EH"), (20, 30, "T"), (-20, -10, "AH"), (-10, None, "P")):
        rows[start:end, CLASSES.index(name)] = 0.9
    rows[30 : 30 + pause, CLASSES.index("T")] = 0.3
    rows[30 : 30 + pause, SILENCE_ID] = 0.6
    return np.log(rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)


TEXT = script("G EH1 T", "AH1 P")
HELD_BACK = AlignOptions(5, 4, 2.0, other_floor=0)


def test_a_long_pause_is_no_consonant() -> None:
    """Held back in every frame, silence loses a whole second to the T."""
    heard = posteriors(hesitating(100))
    assert align(heard, TEXT, HELD_BACK).phones[2].duration > 1.0
    limited = AlignOptions(5, 4, 2.0, other_floor=0, ceiling=35, vowel_ceiling=50, silence_penalised=20)
    found = align(heard, TEXT, limited)
    assert found.phones[2].start == pytest.approx(0.195)
    assert found.phones[2].duration < 0.35 + 0.2
    assert max(silence.end - silence.start for silence in found.silences) > 0.6


def test_a_short_pause_stays_as_it_was() -> None:
    heard = posteriors(hesitating(10))
    limited = AlignOptions(5, 4, 2.0, other_floor=0, ceiling=35, vowel_ceiling=50, silence_penalised=20)
    assert align(heard, TEXT, limited) == align(heard, TEXT, HELD_BACK)


def test_a_long_pause_gives_back_what_it_took() -> None:
    """Only where the phone scores more than silence that is held back, and from either side."""
    graph = build_graph(script("S", "P"), Limits(1, 1, long=8, long_cost=5.0))
    scores = np.full((40, LONG_ID + 1), -9.0, np.float32)
    scores[:, LONG_ID], scores[:, SILENCE_ID] = -1.0, -3.0
    scores[:10, PHONE_ID["S"]] = scores[30:, PHONE_ID["P"]] = 0.0
    scores[10:14, PHONE_ID["S"]] = scores[28:30, PHONE_ID["P"]] = -2.0
    path = best_path(graph, scores)
    assert [count for _, count in runs(graph, path)] == [10, 20, 10]
    for reach, expected in ((0, [10, 20, 10]), (3, [13, 15, 12]), (20, [14, 14, 12])):
        assert [count for _, count in runs(graph, give_back(graph, path, scores, reach))] == expected


@given(small_script, st.integers(0, 30), st.integers(30, 60), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_giving_back_keeps_the_order_and_every_unit(text: Script, reach: int, frames: int, seed: int) -> None:
    scores = np.random.default_rng(seed).normal(0, 3, (frames, LONG_ID + 1)).astype(np.float32)
    graph = build_graph(text, Limits(1, 2, 3, 1.0, 1.0, long=5, long_cost=2.0))
    path = best_path(graph, scores)
    before, after = runs(graph, path), runs(graph, give_back(graph, path, scores, reach))
    assert [unit for unit, _ in after] == [unit for unit, _ in before]
    for (unit, old), (_, new) in zip(before, after, strict=True):
        assert new == old or (new < old if unit.column == LONG_ID else old < new <= old + 2 * reach)
