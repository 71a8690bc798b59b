"""What is no recording, or no allowed one, is refused in one sentence, in bounded time and memory."""

from __future__ import annotations

import io
import math
import os
import re
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from elocute.audio import RATE, Limits, load_audio
from elocute.errors import (
    AudioError,
    AudioTooLong,
    AudioTooShort,
    DamagedAudio,
    NotAudio,
    UnsupportedAudio,
)
from recordings import (
    CHANNELS_AT,
    FORMATS,
    ID3,
    MIB,
    RATE_AT,
    SENTENCE,
    SIZE_AT,
    check,
    encode,
    patched,
    recording,
    refusal,
    tone,
    with_flac_total,
)

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
