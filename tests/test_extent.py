"""Where a noisy recording is worth listening to, and what is heard elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from elocute.acoustics.extent import MARGIN, hear_reading, hear_readings, reading_extent
from elocute.acoustics.posteriors import SILENCE_ID, Posteriors
from elocute.audio import Audio
from fakes import RATE, FakeAcoustic, fake_assessor, speech


def around(reading: NDArray[np.float32], level_db: float, before: float, after: float) -> NDArray[np.float32]:
    """A reading with noise before, under and after it, ``level_db`` above its own level."""
    padded = np.pad(reading, (round(before * RATE), round(after * RATE)))
    level = np.sqrt(np.mean(np.square(reading))) * 10.0 ** (level_db / 20.0)
    hiss = np.random.default_rng(0).standard_normal(len(padded)) * level
    return np.asarray(padded + hiss, np.float32)


@pytest.mark.parametrize("level", [-10.0, -14.0])
@given(
    before=st.sampled_from([0.0, 5.0, 10.0]), after=st.sampled_from([0.0, 5.0, 10.0]), lasts=st.floats(1, 4)
)
@settings(max_examples=12, deadline=None)
def test_noise_before_and_after_is_left_out(level: float, before: float, after: float, lasts: float) -> None:
    samples = around(speech(lasts, 0.0), level, before, after)
    start, end = reading_extent(samples)
    frames = len(samples) // 160
    assert start == pytest.approx(100 * before - MARGIN if before else 0, abs=30)
    assert end == pytest.approx(frames - (100 * after - MARGIN if after else 0), abs=30)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.float32),
        np.zeros(10 * RATE, np.float32),
        speech(2.0, 8.0),
        around(speech(2.0, 0.0), -40.0, 8.0, 8.0),
        around(np.zeros(RATE, np.float32), 0.0, 8.0, 8.0),
        np.concatenate([0.3 * speech(1.0, 0.4), 0.3 * speech(1.0, 0.4), speech(2.0, 0.2)]),
    ],
    ids=["empty", "digital silence", "silence around", "hiss around", "noise alone", "quiet words first"],
)
def test_everything_else_is_heard_whole(samples: NDArray[np.float32]) -> None:
    assert reading_extent(samples) == (0, len(samples) // 160)


def test_silence_is_heard_in_the_noise() -> None:
    sound = Audio(around(speech(2.0, 0.0), -10.0, 6.0, 5.0))
    start, end = reading_extent(sound.samples)
    heard, model = hear_reading(FakeAcoustic(), sound), FakeAcoustic()
    assert len(heard.log_probs) == len(heard.acceptance) == len(sound.samples) // 160
    assert heard.duration == sound.duration
    part = model.posteriors(Audio(sound.samples[start * 160 : end * 160]))
    np.testing.assert_array_equal(heard.log_probs[start:end], part.log_probs)
    silent = heard.log_probs.argmax(axis=1) == SILENCE_ID
    assert silent[:start].all()
    assert silent[end:].all()
    # The model alone calls the noise speech, since it is loud.
    assert not (model.posteriors(sound).log_probs.argmax(axis=1) == SILENCE_ID).any()


class WithCtc(FakeAcoustic):
    def posteriors(self, audio: Audio) -> Posteriors:
        found = super().posteriors(audio)
        return replace(found, ctc=found.log_probs[::2])


def test_ctc_frames_stay_where_they_were() -> None:
    sound = Audio(around(speech(2.0, 0.0), -10.0, 6.0, 5.0))
    heard = hear_reading(WithCtc(), sound)
    assert heard.ctc is not None
    assert abs(len(heard.ctc) - len(heard.log_probs) / 2) <= 1
    silent = heard.log_probs.argmax(axis=1)[::2] == SILENCE_ID
    blank = heard.ctc.argmax(axis=1)[: len(silent)] == SILENCE_ID
    assert (silent[: len(blank)] != blank).sum() <= 2
    np.testing.assert_allclose(np.exp(heard.ctc).sum(axis=1), 1.0, atol=1e-3)


def test_words_are_found_in_the_reading() -> None:
    sound = Audio(around(speech(2.0, 0.0), -10.0, 10.0, 10.0))
    words = fake_assessor().align(sound, "one two").words
    assert words[0].start > 10.0 - MARGIN / 100 - 0.3
    assert words[-1].end < 12.0 + MARGIN / 100 + 0.3


def test_many_recordings_are_heard_as_one_by_one() -> None:
    noisy = Audio(around(speech(2.0, 0.0), -10.0, 6.0, 5.0))
    recordings = [Audio(speech(1.0)), noisy, Audio(speech(2.0)), noisy]
    model = WithCtc()
    for sound, found in zip(recordings, hear_readings(model, recordings), strict=True):
        expected = hear_reading(model, sound)
        assert found.duration == sound.duration
        for name in ("log_probs", "acceptance", "ctc"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
