"""Every allowed recording loads, whatever its format, and sounds as it did."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from elocute.audio import RATE, Limits, clipping_ratio, level_db, load_audio
from elocute.errors import (
    AudioTooLong,
    AudioTooShort,
    DamagedAudio,
    NotAudio,
    UnsupportedAudio,
)
from recordings import (
    FORMATS,
    ID3,
    SIZE_AT,
    check,
    encode,
    patched,
    recording,
    refusal,
    tone,
    with_flac_total,
)

# --- what loads ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("container", "coding"), FORMATS)
def test_every_format_is_recognised_by_content(container: str, coding: str, tmp_path: Path) -> None:
    data = recording(container, coding)
    path = tmp_path / ("speech.txt" if container == "MP3" else "speech.mp3")
    path.write_bytes(data)
    audio = load_audio(path)
    check(audio)
    assert audio.duration == pytest.approx(1.0, abs=0.001)
    assert np.corrcoef(audio.samples[800:15200], tone()[800:15200])[0, 1] > 0.995
    assert level_db(audio.samples) == pytest.approx(level_db(tone().astype(np.float32)), abs=0.2)
    for same in (str(path), data, bytearray(data), memoryview(data)):
        assert np.array_equal(load_audio(same).samples, audio.samples)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_resampling_keeps_pitch_level_and_length(rate: int) -> None:
    audio = load_audio(encode(tone(1.5, rate), rate))
    check(audio)
    assert audio.source_rate == rate
    assert audio.duration == pytest.approx(1.5, abs=1e-4)
    middle = audio.samples[4_000:20_000]
    spectrum = np.abs(np.fft.rfft(middle))  # bins of 1 Hz
    assert spectrum.argmax() == 440
    assert 2 * spectrum[440] / len(middle) == pytest.approx(0.5, rel=0.005)


def test_what_16_khz_cannot_hold_does_not_alias() -> None:
    audio = load_audio(tone(1.0, 48_000, hertz=10_000), 48_000)
    assert level_db(audio.samples[1_000:-1_000]) < -80


def test_blocks_join_without_a_seam() -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (200_000, 2)).astype(np.float32)  # four blocks
    expected = soxr.resample(noise.mean(axis=1), 44_100, RATE)
    assert np.allclose(load_audio(noise, 44_100).samples, expected, atol=1e-6)
    assert np.allclose(load_audio(encode(noise, 44_100, "WAV", "FLOAT")).samples, expected, atol=1e-6)


def test_stereo_is_averaged() -> None:
    left, right = tone(), tone(hertz=1_000, peak=0.25)
    for source in (encode(np.stack([left, right], 1), RATE, "FLAC"), np.stack([left, right], 1)):
        rate = RATE if isinstance(source, np.ndarray) else None
        assert np.allclose(load_audio(source, rate).samples, (left + right) / 2, atol=1e-4)


@pytest.mark.parametrize(
    ("dtype", "scale", "offset"),
    [
        ("float16", 1, 0),
        ("float32", 1, 0),
        ("float64", 1, 0),
        (">f8", 1, 0),
        ("uint8", 127, 128),
        ("int16", 2**15, 0),
        (">i2", 2**15, 0),
        ("int32", 2**31, 0),
    ],
)
def test_arrays_are_scaled_by_type(dtype: str, scale: int, offset: int) -> None:
    array = (tone() * scale + offset).astype(dtype)
    before = array.copy()
    for given_array in (array, array[:, np.newaxis], np.repeat(array, 2)[::2]):
        audio = load_audio(given_array, RATE)
        check(audio)
        assert np.allclose(audio.samples, tone(), atol=0.02 if dtype == "uint8" else 1e-3)
    assert np.array_equal(array, before)


def test_the_result_does_not_share_the_callers_memory() -> None:
    array = tone().astype(np.float32)
    audio = load_audio(array, RATE)
    array[:] = 0
    assert level_db(audio.samples) > -10
    with pytest.raises(ValueError, match="read-only"):
        audio.samples[0] = 1


def test_quiet_silent_and_clipped_recordings_are_no_error() -> None:
    for samples in (np.zeros(RATE), tone(peak=1e-5), np.clip(tone(peak=20), -1, 1)):
        check(load_audio(encode(samples)))


def test_the_limits_are_inclusive() -> None:
    assert load_audio(np.zeros(4_800), RATE).duration == 0.3
    assert load_audio(np.zeros(120 * RATE, np.int16), RATE).duration == 120.0
    assert "0.300 s" in refusal(AudioTooShort, np.zeros(4_799), RATE)
    assert "120 s" in refusal(AudioTooLong, np.zeros(120 * RATE + 1, np.int16), RATE)


def test_limits_can_be_tightened() -> None:
    limits = Limits(max_seconds=0.5, max_source_bytes=20_000, max_channels=1)
    assert "0.5 s" in refusal(AudioTooLong, recording("OGG", "VORBIS"), limits=limits)
    assert "MiB" in refusal(AudioTooLong, recording("WAV", "PCM_16"), limits=limits)
    assert "2 channels" in refusal(UnsupportedAudio, np.zeros((8_000, 2)), RATE, limits=limits)


# --- tags, streams and truncation ------------------------------------------------------------------------


@pytest.mark.parametrize(("container", "coding"), FORMATS)
def test_a_leading_id3_tag_is_skipped(container: str, coding: str) -> None:
    data = recording(container, coding)
    assert np.array_equal(load_audio(ID3 + data).samples, load_audio(data).samples)


def test_a_trailing_tag_is_not_decoded() -> None:
    for container, coding in (("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III"), ("WAV", "PCM_16")):
        data = recording(container, coding)
        assert np.array_equal(load_audio(data + b"TAG" + bytes(125)).samples, load_audio(data).samples)


@pytest.mark.parametrize("total", [0, 2**36 - 1, 1_000_000])
def test_flac_of_unknown_or_forged_length_is_decoded_to_its_end(total: int) -> None:
    flac = recording("FLAC", "PCM_16", 5.0)
    assert load_audio(with_flac_total(flac, total)).duration == 5.0


@pytest.mark.parametrize("size", [0x7FFFFFFF, 0xFFFFFFFF])
def test_wav_whose_header_promises_more_is_decoded_to_its_end(size: int) -> None:
    streamed = patched(recording("WAV", "PCM_16"), SIZE_AT, "<I", size)
    assert load_audio(streamed).duration == 1.0


def test_truncated_wav_is_decoded_as_far_as_it_goes() -> None:
    wav = recording("WAV", "PCM_16")
    cut = load_audio(wav[: 44 + 2 * 9_600])
    assert np.array_equal(cut.samples, load_audio(wav).samples[:9_600])
    assert "0.200 s" in refusal(AudioTooShort, wav[: 44 + 2 * 3_200])
    refusal(AudioTooShort, wav[:44])
    refusal(NotAudio, wav[:30])


@pytest.mark.parametrize(("container", "coding"), [f for f in FORMATS if f[0] in ("OGG", "MP3")])
def test_truncated_ogg_and_mp3_are_decoded_as_far_as_they_go(container: str, coding: str) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 5 * RATE)  # a tone would fit a single Ogg page
    data = encode(noise, RATE, container, coding)
    assert 2.0 < load_audio(data[: len(data) * 3 // 4]).duration < 4.5


def test_truncated_or_damaged_flac_is_refused() -> None:
    flac = recording("FLAC", "PCM_16", 5.0)
    half = len(flac) // 2
    refusal(DamagedAudio, flac[:half])
    refusal(DamagedAudio, flac[:half] + bytes(200) + flac[half + 200 :])


# --- quality measures ------------------------------------------------------------------------------------


def test_level_is_rms_in_dbfs() -> None:
    assert level_db(np.ones(100, np.float32)) == 0
    assert level_db(tone(peak=1.0).astype(np.float32)) == pytest.approx(-3.01, abs=0.01)
    assert level_db(tone(peak=0.1).astype(np.float32)) == pytest.approx(-23.01, abs=0.01)
    assert level_db(np.full(100, 1e-30, np.float32)) == pytest.approx(-600)  # squares below the float32 range
    assert level_db(np.zeros(100, np.float32)) == level_db(np.zeros(0, np.float32)) == -math.inf


def test_clipping_ratio_sees_clipping_also_after_resampling() -> None:
    assert clipping_ratio(np.array([0.5, -1.0, 1.2, 0.98], np.float32)) == 0.5
    assert clipping_ratio(np.array([0.5, -1.0], np.float32), threshold=0.4) == 1.0
    assert clipping_ratio(np.zeros(0, np.float32)) == 0
    clean, clipped = tone(1.0, 44_100, peak=0.9), np.clip(tone(1.0, 44_100, peak=2.0), -1, 1)
    assert clipping_ratio(load_audio(encode(clean, 44_100)).samples) == 0
    assert clipping_ratio(load_audio(encode(clipped, 44_100)).samples) > 0.3


# --- real recordings, and what importing costs -----------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [("native-english", "*.mp3"), ("native-english", "*.flac"), ("speechocean762/samples", "*.flac")],
)
def test_real_recordings_load(folder: str, pattern: str, shared_data: Path) -> None:
    paths = sorted((shared_data / folder).glob(pattern))[::5][:20]
    if not paths:
        pytest.skip(f"no {pattern} in ../shared/data/{folder}")
    for path in paths:
        audio = load_audio(path)
        check(audio)
        assert audio.duration == pytest.approx(soundfile.info(path).duration, abs=0.001)
        assert -60 < level_db(audio.samples) < -5
        assert clipping_ratio(audio.samples) < 0.001


def test_importing_the_module_loads_no_decoder() -> None:
    code = "import elocute.audio, sys; sys.exit(any(m in sys.modules for m in ('soundfile', 'soxr')))"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        ).returncode
        == 0
    )
