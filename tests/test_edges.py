"""Edges beside pauses by loudness."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment, PhoneSegment, SilenceSegment, WordSegment
from elocute.acoustics.edges import settle_edges


def energy(*parts: tuple[float, int]) -> NDArray[np.float32]:
    """RMS from levels in dB and their number of frames."""
    return np.concatenate([np.full(count, 10.0 ** (level / 20.0)) for level, count in parts]).astype(
        np.float32
    )


def reading(*phones: tuple[str, float, float], duration: float = 1.0) -> Alignment:
    word = WordSegment("w", "user", tuple(PhoneSegment(*phone) for phone in phones))
    silences = []
    if word.start > 0:
        silences.append(SilenceSegment(0.0, word.start, -1))
    if word.end < duration:
        silences.append(SilenceSegment(word.end, duration, 0))
    return Alignment((word,), tuple(silences), duration)


def test_phones_end_and_begin_where_they_are_loud() -> None:
    found = settle_edges(reading(("M", 0.2, 0.5), ("AA1", 0.5, 0.8)), energy((-70, 30), (-20, 40), (-70, 30)))
    assert [p.start for p in found.phones] == pytest.approx([0.295, 0.5])
    assert [p.end for p in found.phones] == pytest.approx([0.5, 0.695])
    assert [(s.start, s.end) for s in found.silences] == [
        (0.0, pytest.approx(0.295)), (pytest.approx(0.695), 1.0),
    ]  # fmt: skip


def test_a_word_that_reaches_the_end_leaves_a_silence() -> None:
    found = settle_edges(reading(("M", 0.0, 0.5), ("AA1", 0.5, 1.0)), energy((-70, 20), (-20, 60), (-70, 20)))
    assert [(s.start, s.end, s.after_word) for s in found.silences] == [
        (0.0, pytest.approx(0.195), -1), (pytest.approx(0.795), 1.0, 0),
    ]  # fmt: skip


def test_a_stop_keeps_its_closure() -> None:
    found = settle_edges(reading(("T", 0.1, 0.5), ("AA1", 0.5, 0.8)), energy((-70, 40), (-20, 40), (-70, 20)))
    assert found.phones[0].start == pytest.approx(0.335)


def test_in_noise_nothing_moves() -> None:
    given_alignment = reading(("M", 0.2, 0.5), ("AA1", 0.5, 0.8))
    assert settle_edges(given_alignment, energy((-35, 30), (-20, 40), (-35, 30))) == given_alignment


def test_far_silence_does_not_matter() -> None:
    """A longer and quieter pause must not move the edge: what counts is the noise beside the phone."""
    near = energy((-45, 60), (-20, 40), (-45, 40))
    quiet = energy((-90, 500))
    said = (("M", 0.5, 0.8), ("AA1", 0.8, 1.1))
    short = settle_edges(reading(*said, duration=1.4), near)
    long = settle_edges(reading(*said, duration=6.4), np.concatenate([near, quiet]))
    assert short.words == long.words


@given(st.lists(st.floats(-90, 0), min_size=100, max_size=100), st.floats(0.05, 0.4), st.floats(0.6, 1.0))
def test_phones_only_shrink_and_pieces_touch(levels: list[float], start: float, end: float) -> None:
    before = reading(("F", start, 0.5), ("IY1", 0.5, end))
    found = settle_edges(before, energy(*((level, 1) for level in levels)))
    for was, now in zip(before.phones, found.phones, strict=True):
        assert was.start <= now.start <= now.end <= was.end
        assert now.duration >= min(was.duration, 0.02) - 1e-9
    pieces = sorted([*found.phones, *found.silences], key=lambda piece: (piece.start, piece.end))
    assert pieces[0].start == 0.0
    assert pieces[-1].end == found.duration
    assert all(a.end == b.start for a, b in pairwise(pieces))
