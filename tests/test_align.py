"""Forced alignment: exact, in order, inside the recording."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from elocute.acoustics.align import AlignOptions, align, best_path
from elocute.acoustics.graph import Graph, Limits, build_graph, fewest_phones
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID, Posteriors
from elocute.errors import TextAudioMismatch
from elocute.phones import PHONE_ID
from elocute.text.script import Pronunciation, Script, ScriptWord

Scores = NDArray[np.float32]
SHIFT = 0.01
FREE = AlignOptions(floor=1, silence_floor=1, silence_penalty=0.0, other_floor=0)


def script(*words: str) -> Script:
    """One word per argument; variants separated by "|": ``script("K AE T", "DH AH0|DH IY0")``."""
    spoken = tuple(
        ScriptWord(f"w{i}", f"w{i}", tuple(Pronunciation(tuple(v.split()), "user") for v in word.split("|")))
        for i, word in enumerate(words)
    )
    return Script(" ".join(words), spoken)


def posteriors(scores: Scores, shift: float = SHIFT) -> Posteriors:
    return Posteriors(scores, np.zeros((len(scores), 0), np.float32), shift, len(scores) * shift)


def heard(*classes: tuple[str, int]) -> Posteriors:
    """Posteriors nearly sure of each class for its number of frames: ``heard(("K", 5), ("SIL", 9))``."""
    columns = [CLASSES.index(name) for name, frames in classes for _ in range(frames)]
    probs = np.full((len(columns), len(CLASSES)), 0.1 / len(CLASSES), np.float32)
    probs[np.arange(len(columns)), columns] += 0.9
    return posteriors(np.log(probs))


def lengths(units: int, floors: list[int], frames: int) -> Iterator[list[int]]:
    """All ways to share ``frames`` between units that last at least their floors."""
    if units == 0:
        if frames == 0:
            yield []
        return
    for first in range(floors[0], frames - sum(floors[1:]) + 1):
        for rest in lengths(units - 1, floors[1:], frames - first):
            yield [first, *rest]


def readings(text: Script) -> Iterator[list[tuple[int, bool]]]:
    """All readings as (posterior column, is silence): variants and optional silences chosen freely."""

    def silence() -> Iterator[list[tuple[int, bool]]]:
        yield []
        yield [(SILENCE_ID, True)]

    def rest(index: int) -> Iterator[list[tuple[int, bool]]]:
        if index == len(text.words):
            yield []
            return
        for said in text.words[index].pronunciations:
            phones = [(PHONE_ID[p.rstrip("012")], False) for p in said.phones]
            for gap in silence():
                for more in rest(index + 1):
                    yield phones + gap + more

    for gap in silence():
        for more in rest(0):
            yield gap + more


def brute_force(text: Script, scores: Scores, floor: int, silence_floor: int) -> float:
    """Greatest sum of scores over every path, by trying all of them."""
    best = -np.inf
    for units in readings(text):
        floors = [silence_floor if silent else floor for _, silent in units]
        columns = [column for column, _ in units]
        for shares in lengths(len(units), floors, len(scores)):
            best = max(
                best, float(scores[np.arange(len(scores)), np.repeat(columns, shares)].sum(dtype=np.float64))
            )
    return best


def score(graph: Graph, path: NDArray[np.intp], scores: Scores) -> float:
    return float(scores[np.arange(len(scores)), graph.columns[path]].sum(dtype=np.float64))


def assert_legal(text: Script, graph: Graph, path: NDArray[np.intp], floor: int, silence_floor: int) -> None:
    runs = [(graph.units[unit], len(list(frames))) for unit, frames in groupby(path.tolist())]
    assert all(count >= (silence_floor if unit.is_silence else floor) for unit, count in runs)
    assert [(unit.column, unit.is_silence) for unit, _ in runs] in list(readings(text))


phone = st.sampled_from(["AA1", "B", "S", "IY0"])
word = st.lists(st.lists(phone, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=2).map("|".join)
small_script = st.lists(word, min_size=1, max_size=3).map(lambda words: script(*words))


@given(small_script, st.integers(1, 3), st.integers(1, 3), st.integers(1, 9), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_best_path_is_the_best_of_all_paths(
    text: Script, floor: int, silence_floor: int, frames: int, seed: int
) -> None:
    assume(fewest_phones(text) * floor <= frames)
    scores = np.random.default_rng(seed).normal(0, 3, (frames, len(CLASSES))).astype(np.float32)
    graph = build_graph(text, Limits(floor, silence_floor))
    path = best_path(graph, scores)
    assert_legal(text, graph, path, floor, silence_floor)
    assert score(graph, path, scores) == pytest.approx(
        brute_force(text, scores, floor, silence_floor), abs=1e-5
    )


def test_small_differences_survive_many_frames() -> None:
    """Minutes of frames at -90 nats must not drown a difference of a thousandth in rounding."""
    frames = 20_000
    scores = np.full((frames, len(CLASSES)), -90.0, np.float32)
    scores[:, SILENCE_ID] = -1e4
    scores[frames // 2 : frames // 2 + 3, PHONE_ID["B"]] += 0.001
    graph = build_graph(script("P|B"), Limits(1, 1))
    assert graph.columns[best_path(graph, scores)[-1]] == PHONE_ID["B"]


@given(small_script, st.integers(1, 4), st.integers(1, 60), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_phones_in_order_inside_the_recording(text: Script, floor: int, frames: int, seed: int) -> None:
    needed = fewest_phones(text)
    assume(needed <= frames)
    scores = np.log(np.random.default_rng(seed).dirichlet(np.ones(len(CLASSES)), frames)).astype(np.float32)
    found = align(posteriors(scores), text, AlignOptions(floor, 2, 1.0, floor_share=99.0))
    assert [w.text for w in found.words] == [w.text for w in text.words]
    for said, expected in zip(found.words, text.words, strict=True):
        assert tuple(p.phone for p in said.phones) in [p.phones for p in expected.pronunciations]
    pieces = sorted([*found.phones, *found.silences, *found.inserted], key=lambda piece: piece.start)
    edges = [(piece.start, piece.end) for piece in pieces]
    assert edges[0][0] == 0.0
    assert edges[-1][1] == found.duration == frames * SHIFT
    assert all(end == start for (_, end), (start, _) in pairwise(edges))
    assert [p for p in pieces if p in found.phones] == list(found.phones)
    granted = min(floor, frames // needed)
    for piece in found.phones:
        missing = (
            0.5 if piece.start == 0.0 else 0.0
        )  # the first frame is centred at 0: half of it lies before
        assert piece.duration >= (granted - missing) * SHIFT - 1e-9


def test_boundaries_lie_between_frames() -> None:
    found = align(heard(("SIL", 10), ("K", 6), ("AE", 8), ("T", 5), ("SIL", 7)), script("K AE1 T"))
    k, ae, t = found.phones
    assert (k.phone, ae.phone, t.phone) == ("K", "AE1", "T")
    # Frame k is centred at 10 k ms, so the boundary before frame 10 lies at 95 ms.
    assert [k.start, k.end, ae.end, t.end] == pytest.approx([0.095, 0.155, 0.235, 0.285])
    assert [(s.after_word, s.start, s.end) for s in found.silences] == [
        (-1, 0.0, pytest.approx(0.095)),
        (0, pytest.approx(0.285), found.duration),
    ]


@pytest.mark.parametrize(
    ("frame", "seconds"), [(0, 0.0), (1, 0.01), (2, 0.03), (49, 0.97), (50, 0.99), (60, 0.99)]
)
def test_boundary(frame: int, seconds: float) -> None:
    scores = np.zeros((50, len(CLASSES)), np.float32)
    given_posteriors = Posteriors(scores, scores[:, :0], 0.02, 0.99)
    assert given_posteriors.boundary(frame) == pytest.approx(seconds)


def test_audio_chooses_the_variant() -> None:
    text = script("DH AH0|DH IY0", "EH1 N D")
    for vowel in ("AH", "IY"):
        found = align(heard(("DH", 6), (vowel, 6), ("EH", 6), ("N", 6), ("D", 6)), text)
        assert found.words[0].phones[1].phone == f"{vowel}0"


def test_variants_of_different_length() -> None:
    text = script("K AE1 M ER0 AH0|K AE1 M R AH0|K AE1 M", "T UW1")
    long = align(heard(*((p, 5) for p in ("K", "AE", "M", "ER", "AH", "T", "UW"))), text)
    short = align(heard(*((p, 5) for p in ("K", "AE", "M", "T", "UW"))), text)
    assert [len(w.phones) for w in long.words] == [5, 2]
    assert [len(w.phones) for w in short.words] == [3, 2]


def test_more_variants_than_a_byte_can_count() -> None:
    """A user may give any number of variants; back pointers must hold the last one, too."""
    text = script("|".join(["B"] * 299 + ["S"]), "AA1")
    found = align(heard(("S", 10), ("AA", 10)), text)
    assert [p.phone for p in found.phones] == ["S", "AA1"]


def test_silences_are_optional() -> None:
    text = script("B AA1", "S IY1")
    tight = align(heard(("B", 5), ("AA", 5), ("S", 5), ("IY", 5)), text)
    loose = align(heard(("B", 5), ("AA", 5), ("SIL", 20), ("S", 5), ("IY", 5)), text)
    assert tight.silences == ()
    assert [s.after_word for s in loose.silences] == [0]
    assert loose.silences[0].end - loose.silences[0].start == pytest.approx(0.2)


def test_penalty_keeps_silence_from_swallowing_speech() -> None:
    probs = np.full((30, len(CLASSES)), 1e-4)
    probs[:10, PHONE_ID["B"]] = 0.9
    probs[10:, SILENCE_ID], probs[10:, PHONE_ID["AA"]] = 0.6, 0.3
    given_posteriors = posteriors(np.log(probs / probs.sum(1, keepdims=True)).astype(np.float32))
    bare = align(given_posteriors, script("B AA1"), AlignOptions(4, 4, 0.0))
    fined = align(given_posteriors, script("B AA1"), AlignOptions(4, 4, 3.0))
    assert bare.words[0].end < 0.2
    assert fined.words[0].end == fined.duration


def test_floor_gives_way_when_the_recording_is_short() -> None:
    text = script("K AE1 T")
    for frames, longest_floor in ((12, 4), (11, 3), (6, 2), (5, 1), (3, 1)):
        scores = np.zeros((frames, len(CLASSES)), np.float32)
        found = align(posteriors(scores), text, AlignOptions(4, 4, 1.0, floor_share=99.0))
        inner = found.phones[1]
        assert inner.duration >= longest_floor * SHIFT - 1e-9
        assert len(found.phones) == 3


def test_floor_gives_way_when_speech_is_fast() -> None:
    """Seven frames a phone, one of three: a floor of six would push the boundaries of the others."""
    said = (("SIL", 20), ("K", 9), ("AE", 9), ("T", 3), ("SIL", 20))
    slow = align(heard(*said), script("K AE1 T"), AlignOptions(6, 4, 0.0, floor_share=99.0))
    fast = align(heard(*said), script("K AE1 T"), AlignOptions(6, 4, 0.0, floor_share=0.5))
    assert slow.phones[2].duration == pytest.approx(0.06)
    assert fast.phones[2].duration == pytest.approx(0.03)


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_too_short_for_the_text(frames: int) -> None:
    scores = np.zeros((frames, len(CLASSES)), np.float32)
    with pytest.raises(TextAudioMismatch, match="belong together"):
        align(posteriors(scores), script("K AE1 T"))


def test_the_shortest_variant_decides_what_is_too_short() -> None:
    scores = np.zeros((2, len(CLASSES)), np.float32)
    assert len(align(posteriors(scores), script("K AE1 T|AE1 T")).phones) == 2


def test_probability_zero_is_no_error() -> None:
    """A model that rules a phone out completely still gives an alignment."""
    scores = np.full((20, len(CLASSES)), -np.inf, np.float32)
    scores[:, SILENCE_ID] = 0.0
    found = align(posteriors(scores), script("B AA1", "S"), FREE)
    assert [p.phone for p in found.phones] == ["B", "AA1", "S"]
    assert sum(s.end - s.start for s in found.silences) >= 0.16


def test_the_posteriors_are_not_changed() -> None:
    given_posteriors = heard(("B", 10), ("AA", 10))
    before = given_posteriors.log_probs.copy()
    align(given_posteriors, script("B AA1"))
    np.testing.assert_array_equal(given_posteriors.log_probs, before)
