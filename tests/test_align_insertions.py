"""Speech outside the script: found, named, and out of the other words' way."""

from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elocute.acoustics.align import AlignOptions, align
from elocute.acoustics.graph import OTHER_ID, Limits, build_graph
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID
from elocute.acoustics.viterbi import best_path
from test_align import heard, posteriors, script

OPTIONS = AlignOptions(4, 4, 2.0)
WENT = (("W", 8), ("EH", 8), ("N", 8), ("T", 8))
HOME = (("HH", 8), ("OW", 8), ("M", 8))
TEXT = script("AY1", "W EH1 N T", "HH OW1 M")


def test_a_fluent_reading_has_no_insertion() -> None:
    found = align(heard(("SIL", 20), ("AY", 10), *WENT, ("SIL", 30), *HOME, ("SIL", 9)), TEXT, OPTIONS)
    assert found.inserted == ()
    assert [s.after_word for s in found.silences] == [-1, 1, 2]


@pytest.mark.parametrize("pause", [0, 20])
def test_a_repeated_word(pause: int) -> None:
    gap = (("SIL", pause),) if pause else ()
    found = align(heard(("SIL", 20), ("AY", 10), *WENT, *gap, *WENT, *HOME), TEXT, OPTIONS)
    (again,) = found.inserted
    assert (again.kind, again.text) == ("repetition", "w1")
    i, went, home = found.words
    assert (i.start, i.end) == pytest.approx((0.195, 0.295))
    assert home.start == pytest.approx(0.295 + 0.64 + pause / 100)
    assert went.end - went.start == pytest.approx(0.32)
    assert again.end - again.start >= 0.3


def test_a_phrase_begun_again_is_a_repetition_of_its_words() -> None:
    said = (("AY", 10), *WENT)
    found = align(heard(*said, ("SIL", 20), *said, *HOME), TEXT, OPTIONS)
    assert [(s.kind, s.text) for s in found.inserted] == [("repetition", "w0 w1")]


def test_a_word_said_three_times() -> None:
    found = align(
        heard(("SIL", 10), *WENT, *WENT, ("SIL", 10), *WENT, *HOME), script("W EH1 N T", "HH OW1 M"), OPTIONS
    )
    assert [(s.kind, s.text, s.after_word) for s in found.inserted] == [("repetition", "w0 w0", -1)]
    assert found.words[0].start == pytest.approx(0.1 + 2 * 0.32 + 0.1 - 0.005)


def test_a_phrase_broken_off_in_its_second_word() -> None:
    begun = (("AY", 10), ("W", 8), ("EH", 8))
    found = align(heard(*begun, ("SIL", 12), ("AY", 10), *WENT, *HOME), TEXT, OPTIONS)
    assert [(s.kind, s.text, s.after_word) for s in found.inserted] == [("repetition", "w0", -1)]
    assert found.words[0].start == pytest.approx(0.375)


def test_beginning_again_is_no_way_to_last_longer() -> None:
    """A phone that only lasts long is not one said twice, nor is a word with a pause in it."""
    found = align(heard(("AY", 60), ("W", 8), ("EH", 50), ("N", 40), ("T", 30), *HOME), TEXT, OPTIONS)
    assert found.inserted == ()


def test_a_word_broken_off() -> None:
    found = align(heard(("AY", 10), ("W", 8), ("EH", 8), ("SIL", 15), *WENT, *HOME), TEXT, OPTIONS)
    assert [(s.kind, s.text) for s in found.inserted] == [("fragment", "w1")]


def test_a_filled_pause() -> None:
    found = align(
        heard(("AY", 10), ("SIL", 9), ("AH", 15), ("M", 15), ("SIL", 9), *WENT, *HOME), TEXT, OPTIONS
    )
    (filler,) = found.inserted
    assert (filler.kind, filler.text, filler.after_word) == ("filler", "", 0)
    assert (filler.start, filler.end) == pytest.approx((0.185, 0.485))


@pytest.mark.parametrize("before", [True, False])
def test_other_speech_around_the_reading(before: bool) -> None:
    chatter = tuple((name, 7) for name in ("SH", "UW", "Z", "IY", "K", "AE", "CH"))
    reading = (("AY", 10), *WENT, *HOME)
    parts = (*chatter, ("SIL", 10), *reading) if before else (*reading, ("SIL", 10), *chatter)
    found = align(heard(*parts), TEXT, OPTIONS)
    assert [(s.kind, s.after_word) for s in found.inserted] == [("speech", -1 if before else 2)]
    assert found.words[0].start == pytest.approx(0.585 if before else 0.0)


def test_others_speaking_do_not_make_a_reader_slow() -> None:
    """How fast the reader is, all speech says at first, and then what the words took."""
    talk = (("ZH", 20), ("OY", 20)) * 3
    quick = tuple((name, 5) for name, _ in (("AY", 0), *WENT, *HOME))
    options = AlignOptions(9, 4, 2.0)
    found = align(heard(*talk, *quick, *talk), TEXT, options)
    assert found.words[0].start == pytest.approx(1.195, abs=0.02)
    assert found.words[-1].end == pytest.approx(1.595, abs=0.02)
    assert max(phone.duration for phone in found.phones) < 0.075


def test_a_mispronounced_word_is_no_insertion() -> None:
    """Half of the phones of "went" are others."""
    wrong = tuple((name, 8) for name in ("V", "EH", "M", "T"))
    found = align(heard(("AY", 10), *wrong, *HOME), TEXT, OPTIONS)
    assert found.inserted == ()
    assert found.words[1].end - found.words[1].start == pytest.approx(0.32)


def test_entering_costs() -> None:
    """The cost of a unit is paid once, whatever it lasts."""
    scores = np.full((30, OTHER_ID + 1), -9.0, np.float32)
    scores[:10, CLASSES.index("B")] = scores[10:, OTHER_ID] = 0.0
    for cost, other in ((170.0, 20), (190.0, 0)):
        graph = build_graph(script("B"), Limits(1, 1, 1, cost))
        path = best_path(graph, scores)
        assert sum(graph.units[unit].is_other for unit in path) == other


@given(st.integers(1, 4), st.integers(1, 4), st.integers(30, 60), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_gaps_are_legal(silence: int, other: int, frames: int, seed: int) -> None:
    """Between words: nothing, or silences and other speech in turn, each at least its floor."""
    text = script("B AA1", "S")
    scores = np.random.default_rng(seed).normal(0, 3, (frames, OTHER_ID + 1)).astype(np.float32)
    graph = build_graph(text, Limits(2, silence, other, 1.0))
    runs = [(graph.units[u], len(list(f))) for u, f in groupby(best_path(graph, scores).tolist())]
    assert all(count >= unit.floor for unit, count in runs)
    assert [u.column for u, _ in runs if u.variant >= 0] == [CLASSES.index(p) for p in ("B", "AA", "S")]
    kinds = [u.column for u, _ in runs]
    assert all(a != b for a, b in pairwise(kinds) if {a, b} <= {SILENCE_ID, OTHER_ID})


def test_insertions_do_not_change_what_has_none() -> None:
    scores = np.log(np.random.default_rng(0).dirichlet(np.ones(len(CLASSES)), 200)).astype(np.float32)
    given_posteriors = posteriors(scores)
    without = align(given_posteriors, TEXT, AlignOptions(4, 4, 2.0, other_floor=0))
    assert align(given_posteriors, TEXT, AlignOptions(4, 4, 2.0, other_cost=1e9, again_cost=1e9)) == without
