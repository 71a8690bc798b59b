"""How far a reading has come: the same in one step and in many, and near the alignment on real speech."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elocute import Assessor, load_audio, read_script
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID, Posteriors
from elocute.audio import Audio
from elocute.card import ASSETS
from elocute.phones import PHONE_ID
from elocute.serve.progress import Progress, chain, follow

SHIFT = 0.01


def spoken(phones: list[int]) -> Posteriors:
    """Ten frames of each phone."""
    probabilities = np.full((10 * len(phones), len(CLASSES)), 0.01, np.float32)
    probabilities[np.arange(len(probabilities)), np.repeat(phones, 10)] = 0.6
    odds = np.zeros((len(probabilities), SILENCE_ID), np.float32)
    return Posteriors(np.log(probabilities), odds, SHIFT, len(probabilities) * SHIFT)


def said(*phones: str) -> list[int]:
    return [SILENCE_ID if phone == "-" else PHONE_ID[phone] for phone in phones]


@pytest.mark.parametrize(
    ("phones", "word", "is_done"),
    [
        (said("-", "-"), -1, False),
        (said("-", "G"), 0, False),
        (said("G", "OW", "-", "-"), 0, False),
        (said("G", "OW", "AH"), 1, False),
        (said("G", "OW", "S", "F", "SH", "S", "M"), 0, False),
        (said("G", "OW", "AH", "G", "EH", "N"), 1, False),
        (said("G", "OW", "AH", "G", "EH", "N", "-"), 1, True),
    ],
)
def test_words_are_followed(phones: list[int], word: int, is_done: bool) -> None:
    found = follow(chain(read_script("go again")), spoken(phones), None, last=True)
    assert (found.word, found.is_done) == (word, is_done)
    assert found.seconds == pytest.approx(0.1 * len(phones))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(range(len(CLASSES))), min_size=3, max_size=60), st.integers(1, 9))
def test_many_steps_come_to_where_one_does(phones: list[int], step: int) -> None:
    places = chain(read_script("please call stella and ask her"))
    whole = spoken(phones)
    once = follow(places, whole, None, last=True)
    before: Progress | None = None
    for end in range(step, len(phones) + step, step):
        start = 0 if before is None else round(before.window_start / SHIFT)
        frames = slice(start, min(10 * end, len(whole.log_probs)))
        part = Posteriors(whole.log_probs[frames], whole.acceptance[frames], SHIFT, 0.0)
        before = follow(places, part, before, last=end >= len(phones))
    assert before is not None
    assert (before.frames, before.word, before.is_done) == (once.frames, once.word, once.is_done)
    np.testing.assert_allclose(before.scores, once.scores, atol=1e-6)


def test_on_real_speech_it_is_near_the_alignment() -> None:
    assessor = Assessor()
    sound = load_audio(ASSETS / "demo" / "demo.flac")
    script = read_script((ASSETS / "demo" / "demo.txt").read_text(encoding="utf-8"))
    words = assessor.align(sound, script).words
    before: Progress | None = None
    for end in np.arange(0.5, sound.duration + 0.5, 0.5):
        first = 0 if before is None else round(before.window_start * 16_000)
        window = Audio(sound.samples[first : int(end * 16_000)])
        before = follow(
            chain(script), assessor.acoustic.posteriors(window), before, last=end >= sound.duration
        )
        true = sum(word.start <= before.seconds for word in words) - 1
        assert abs(before.word - true) <= 1
    assert before is not None
    assert before.word == len(words) - 1
