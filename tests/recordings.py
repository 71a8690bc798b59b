"""Recordings of every format, whole and bent, and what is said where one is refused."""

from __future__ import annotations

import io
import re
import struct
from functools import cache
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from elocute.audio import RATE, Audio, load_audio
from elocute.errors import (
    AudioError,
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
ID3 = b"ID3\x04\x00\x00\x00\x00\x01\x02" + bytes(130)  # 128 + 2 bytes, in 7-bit digits
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
