"""Every allowed recording loads; every other one is refused in one sentence, in bounded time and memory."""

from __future__ import annotations

import io
import math
import os
import re
import struct
import subprocess
import sys
import tracemalloc
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from elocute.audio import RATE, Audio, Limits, clipping_ratio, level_db, load_audio
from elocute.errors import (
    AudioError,
    AudioTooLong,
    AudioTooShort,
    DamagedAudio,
    NotAudio,
    UnsupportedAudio,
)

FORMATS = [
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "PCM_32"),
    ("WAV", "FLOAT"),
    ("WAV", "DOUBLE"),
    ("WAV", "ULAW"),
    ("WAV", "ALAW"),
    ("WAVEX", "PCM_16"),
    ("RF64", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
]
CHANNELS_AT, RATE_AT, SIZE_AT = 22, 24, 40  # in the 44-byte header soundfile writes for PCM WAV
MIB = 1 << 20
SENTENCE = r"[^\n;]+; [^\n;]+\."  # what is wrong; what to do.


def tone(
    seconds: float = 1.0, rate: int = RATE, hertz: float = 440.0, peak: float = 0.5
) -> NDArray[np.float64]:
    return peak * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def encode(samples: NDArray[Any], rate: int = RATE, container: str = "WAV", coding: str = "PCM_16") -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=container, subtype=coding)
    return stream.getvalue()


@cache
def recording(container: str, coding: str, seconds: float = 1.0) -> bytes:
    return encode(tone(seconds), RATE, container, coding)


def patched(data: bytes, at: int, layout: str, value: int) -> bytes:
    return data[:at] + struct.pack(layout, value) + data[at + struct.calcsize(layout) :]


def with_flac_total(flac: bytes, frames: int) -> bytes:
    """Forge the 36-bit frame count of STREAMINFO."""
    field = int.from_bytes(flac[18:26], "big") >> 36 << 36
    return flac[:18] + (field | frames).to_bytes(8, "big") + flac[26:]


def refusal(kind: type[AudioError], source: Any, *args: Any, **kwargs: Any) -> str:
    """The message of the expected error, which must be one sentence."""
    with pytest.raises(AudioError) as caught:
        load_audio(source, *args, **kwargs)
    message = str(caught.value)
    assert type(caught.value) is kind, message
    assert re.fullmatch(SENTENCE, message), message
    return message


def check(audio: Audio) -> None:
    """What holds for every ``Audio``."""
    assert audio.samples.dtype == np.float32
    assert audio.samples.ndim == 1
    assert not audio.samples.flags.writeable
    assert np.isfinite(audio.samples).all()
    assert audio.rate == RATE
    assert audio.duration == len(audio.samples) / RATE


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

ID3 = b"ID3\x04\x00\x00\x00\x00\x01\x02" + bytes(130)  # 128 + 2 bytes, in 7-bit digits


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


# --- what is refused -------------------------------------------------------------------------------------


def test_bytes_that_are_no_recording_are_refused() -> None:
    assert "empty" in refusal(NotAudio, b"")
    refusal(NotAudio, b"R")
    refusal(NotAudio, bytes(1_000))
    refusal(NotAudio, "Hello".encode("utf-16") * 100)  # its byte order mark resembles an MPEG frame
    refusal(NotAudio, b"RIFF\x24\x00\x00\x00AVI " + bytes(100))
    refusal(NotAudio, b"fLaC" + bytes(100))
    refusal(NotAudio, b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("WebM", b"\x1a\x45\xdf\xa3" + bytes(100)),
        ("MP4", b"\x00\x00\x00\x20ftypM4A " + bytes(100)),
        ("AIFF", encode(tone(), RATE, "AIFF")),
        ("AIFF", ID3 + encode(tone(), RATE, "AIFF")),
    ],
)
def test_a_known_but_unsupported_format_is_named(name: str, data: bytes) -> None:
    assert name in refusal(NotAudio, data)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "speech.wav"
    text.write_text("This is not a recording.\n" * 100)
    empty = tmp_path / "empty.wav"
    empty.touch()
    refusal(NotAudio, text)
    assert "empty" in refusal(NotAudio, empty)
    assert "no file" in refusal(NotAudio, tmp_path / "missing.wav")
    assert "no file" in refusal(NotAudio, "nul\0byte\n.wav")
    assert "not a file" in refusal(NotAudio, tmp_path)

    def forbidden(*args: Any, **kwargs: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", forbidden)
    assert "Permission denied" in refusal(NotAudio, str(text))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert "not a file" in refusal(NotAudio, tmp_path / "pipe.wav")


def test_a_huge_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.wav"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    monkeypatch.setattr("builtins.open", lambda *args, **kwargs: pytest.fail("opened"))
    assert "64 MiB" in refusal(AudioTooLong, path)


@pytest.mark.parametrize(
    ("container", "coding"), [("WAV", "IMA_ADPCM"), ("WAV", "MS_ADPCM"), ("WAV", "GSM610")]
)
def test_rare_codings_are_refused_by_name(container: str, coding: str) -> None:
    assert coding in refusal(UnsupportedAudio, recording(container, coding))


def test_unusual_rates_and_channels_are_refused() -> None:
    assert "1000 Hz" in refusal(UnsupportedAudio, encode(np.zeros(1_000), 1_000))
    assert "7999 Hz" in refusal(UnsupportedAudio, np.zeros(8_000), 7_999)
    assert "192001 Hz" in refusal(UnsupportedAudio, np.zeros(192_001), 192_001)
    assert "1024 channels" in refusal(UnsupportedAudio, encode(np.zeros((4_800, 1_024))))
    assert "6 channels" in refusal(UnsupportedAudio, encode(np.zeros((8_000, 6)), RATE, "FLAC"))
    assert "16000 channels" in refusal(UnsupportedAudio, np.zeros((2, 16_000)), RATE)


def test_recordings_without_frames_or_channels_are_refused() -> None:
    refusal(AudioTooShort, encode(np.zeros(0)))
    refusal(AudioTooShort, np.zeros(0), RATE)
    refusal(UnsupportedAudio, np.zeros((8_000, 0)), RATE)
    refusal(NotAudio, patched(recording("WAV", "PCM_16"), CHANNELS_AT, "<H", 0))
    refusal(NotAudio, patched(recording("WAV", "PCM_16"), RATE_AT, "<I", 0))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_samples_that_are_not_finite_are_refused(value: float) -> None:
    samples = tone()
    samples[12_345] = value
    with np.errstate(over="ignore"):
        wav = encode(samples, RATE, "WAV", "DOUBLE")
    assert "finite" in refusal(DamagedAudio, wav)
    assert "finite" in refusal(DamagedAudio, samples, RATE)


def test_floats_in_another_unit_are_refused() -> None:
    assert "times full scale" in refusal(DamagedAudio, tone(peak=20_000), RATE)
    check(load_audio(tone(peak=2.0), RATE))


def test_arrays_of_other_types_and_shapes_are_refused() -> None:
    assert "rate=" in refusal(UnsupportedAudio, tone())
    assert "(2, 2, 2)" in refusal(UnsupportedAudio, np.zeros((2, 2, 2)), RATE)
    assert "()" in refusal(UnsupportedAudio, np.array(0.0), RATE)
    for dtype in ("int64", "uint16", "bool", "complex64", "object", "U1"):
        refusal(UnsupportedAudio, np.zeros(8_000).astype(dtype), RATE)
    refusal(UnsupportedAudio, tone(), math.nan)


def test_misuse_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="rate is for arrays"):
        load_audio(recording("WAV", "PCM_16"), RATE)
    for source in (None, 3, [0.0, 0.1]):
        with pytest.raises(TypeError, match="path, bytes or a numpy array"):
            load_audio(source)  # type: ignore[arg-type]


# --- hostile bytes ---------------------------------------------------------------------------------------


def peak_memory(kind: type[AudioError], data: bytes) -> int:
    """Python's and NumPy's peak in bytes while ``data`` is refused."""
    tracemalloc.start()
    try:
        refusal(kind, data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_eight_hours_in_a_small_flac_fail_fast_in_bounded_memory() -> None:
    stream, hour = io.BytesIO(), np.zeros(3_600 * 8_000, np.int16)
    with soundfile.SoundFile(stream, "w", 8_000, 1, format="FLAC", subtype="PCM_16") as file:
        for _ in range(8):
            file.write(hour)
    bomb = stream.getvalue()
    assert len(bomb) < 2 * MIB  # decoded: 879 MiB
    assert peak_memory(AudioTooLong, bomb) < 24 * MIB


def test_the_longest_stereo_at_the_highest_rate_loads_in_bounded_memory(tmp_path: Path) -> None:
    limits = Limits()
    frames = round(limits.max_seconds * limits.max_rate)
    assert frames * limits.max_channels * 4 <= limits.max_decoded_bytes
    path, second = tmp_path / "long.flac", np.zeros((limits.max_rate, limits.max_channels), np.int16)
    with soundfile.SoundFile(path, "w", limits.max_rate, limits.max_channels, subtype="PCM_16") as file:
        for _ in range(round(limits.max_seconds)):
            file.write(second)
    tracemalloc.start()
    try:
        audio = load_audio(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert audio.duration == limits.max_seconds
    assert audio.source_rate == limits.max_rate
    assert peak < 32 * MIB  # decoded: 176 MiB


def test_a_forged_rate_does_not_hide_the_length() -> None:
    header = encode(np.zeros(0), 192_000, "WAV", "PCM_U8")[:SIZE_AT]
    frames = 2 * MIB  # 11 s at 192 kHz
    wav = header + struct.pack("<I", frames) + b"\x80" * frames
    assert load_audio(wav).duration == pytest.approx(frames / 192_000, abs=1e-3)
    limits = Limits(max_decoded_bytes=8 * MIB - 1)
    assert "decodes to over 8 MiB" in refusal(AudioTooLong, wav, limits=limits)


def test_claims_in_a_header_allocate_nothing() -> None:
    wav = recording("WAV", "PCM_16")
    for channels in (3, 255, 1_024):
        assert peak_memory(UnsupportedAudio, patched(wav, CHANNELS_AT, "<H", channels)) < MIB
    short = with_flac_total(recording("FLAC", "PCM_16", 0.2), 2**36 - 1)
    assert peak_memory(AudioTooShort, short) < 4 * MIB


def test_marks_that_stall_the_decoder_are_refused_at_once() -> None:
    refusal(AudioTooLong, recording("OGG", "VORBIS") + b"OggS" * 4_000_000)
    refusal(AudioTooLong, recording("MP3", "MPEG_LAYER_III") + b"ID3\x04\x00\x00\x00\x00\x00\x00" * 4_000_000)


def loads_or_refuses(data: bytes) -> None:
    try:
        check(load_audio(data))
    except AudioError as error:
        message = str(error)
    else:
        return
    assert re.fullmatch(SENTENCE, message), message


MAGIC = [
    b"",
    b"RIFF\xff\xff\xff\x7fWAVEfmt ",
    b"RF64\xff\xff\xff\xffWAVEds64",
    b"fLaC",
    b"OggS",
    b"\xff\xfb\x90",
    b"ID3\x04",
]


@given(st.sampled_from(MAGIC), st.binary(max_size=2_000))
@settings(max_examples=150, deadline=None)
def test_any_bytes_load_or_are_refused(magic: bytes, rest: bytes) -> None:
    loads_or_refuses(magic + rest)


@given(
    seed=st.sampled_from(FORMATS),
    changes=st.lists(
        st.tuples(st.integers(0, 199) | st.integers(0, 20_000), st.integers(0, 255)), max_size=8
    ),
    keep=st.just(1.0) | st.floats(0, 1),
)
@settings(max_examples=300, deadline=None)
def test_mutated_recordings_load_or_are_refused(
    seed: tuple[str, str], changes: list[tuple[int, int]], keep: float
) -> None:
    data = bytearray(recording(*seed, 0.5))
    for at, value in changes:
        data[at % len(data)] = value
    loads_or_refuses(bytes(data[: round(keep * len(data))]))


@given(
    shape=st.tuples(st.integers(0, 9_000)) | st.tuples(st.integers(0, 9_000), st.integers(0, 3)),
    dtype=st.sampled_from(["f2", "f4", "f8", "u1", "i2", "i4", "i8", "?"]),
    rate=st.integers(-1, 200_000),
    value=st.floats(-100, 100),
)
@settings(max_examples=100, deadline=None)
def test_any_array_loads_or_is_refused(shape: tuple[int, ...], dtype: str, rate: int, value: float) -> None:
    array = np.full(shape, int(value) if dtype != "u1" else int(abs(value)), dtype)
    try:
        check(load_audio(array, rate))
    except AudioError:
        pass
    else:
        assert len(array) >= 0.3 * rate


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
