"""Any allowed recording -> mono float32 at 16 kHz: the one place for every audio limit and every audio error.

Formats are recognised by their first bytes, never by a file name, and only those of an allow-list reach the
decoder (libsndfile): WAV (RIFF, RF64, extensible) as PCM, float or G.711; FLAC; Ogg Vorbis and Opus; MP3.

No number in a header is believed. The recording is decoded and resampled block by block, forward only, and
given up at the first block that passes a limit, so memory follows the limits and not what a header claims.

A recording cut short is decoded as far as it goes (a WAV whose header promises more than the file holds, an
Ogg or MP3 that breaks off). FLAC carries checksums: a cut or a damaged frame is an error (libsndfile 1.2.2).

Loudness is nobody's error: silence, whispers and clipped speech load; ``level_db`` and ``clipping_ratio``
measure them for those who want to warn.
"""

from __future__ import annotations

import functools
import io
import math
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elocute.errors import AudioTooLong, AudioTooShort, DamagedAudio, NotAudio, UnsupportedAudio

if TYPE_CHECKING:
    import soundfile

Samples = NDArray[np.float32]

RATE = 16_000
"""Sample rate of every ``Audio``, Hz."""

_BLOCK_FRAMES = 1 << 16
_MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What is accepted. Every bound is inclusive.

    ``max_decoded_bytes`` bounds frames x channels x 4 whatever sample rate the header claims; the default
    leaves room for the longest stereo recording at the highest rate. ``max_source_bytes`` bounds the file or
    the bytes as given. ``max_peak`` (full scale is 1) tells float samples that are merely hot from those in
    another unit, such as unscaled 16-bit numbers.
    """

    min_seconds: float = 0.3
    max_seconds: float = 120.0
    max_source_bytes: int = 64 * _MIB
    max_decoded_bytes: int = 192 * _MIB
    min_rate: int = 8_000
    max_rate: int = 192_000
    max_channels: int = 2
    max_peak: float = 16.0


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class Audio:
    """A mono recording: ``samples`` float32 (n,), read-only, finite, full scale 1, at ``rate`` = 16,000 Hz.

    ``source_rate`` is the sample rate it had before resampling, Hz: at 8,000 there is nothing above 4 kHz.
    """

    samples: Samples
    source_rate: int = RATE
    rate: int = RATE

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


def load_audio(
    source: str | os.PathLike[str] | bytes | NDArray[Any],
    rate: int | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> Audio:
    """Load a recording: channels averaged, resampled to 16 kHz (soxr, high quality).

    Args:
        source: a path; the bytes of a file; or samples of shape (n,) or (n, channels), floats with full scale
            1 or PCM integers (uint8 centred on 128, int16, int32).
        rate: sample rate of an array, Hz. Only for arrays: a file carries its own.
        limits: what to accept.

    Raises:
        NotAudio: no readable file at the path, no bytes, or bytes that are not an allowed format.
        UnsupportedAudio: a sample rate, channel count, coding or array type outside what is supported.
        AudioTooShort, AudioTooLong: outside the limits, in seconds or bytes.
        DamagedAudio: the decoder gives up midway, or a sample is not finite or beyond ``max_peak``.
        TypeError: a source of another type, or a rate with a file.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, rate, limits)
    if rate is not None:
        raise TypeError("rate is for arrays of samples only: a recording carries its own")
    if isinstance(source, bytes | bytearray | memoryview):
        _check_source_size(memoryview(source).nbytes, limits)
        return _from_bytes(bytes(source), limits)
    if isinstance(source, str | os.PathLike):
        return _from_bytes(_read(source, limits), limits)
    raise TypeError(f"source must be a path, bytes or a numpy array, not {type(source).__name__}")


def level_db(samples: Samples) -> float:
    """RMS level in dBFS: 0 for a full-scale square wave, -3.01 for a sine, -inf for digital silence.

    Args:
        samples: float (n,), full scale 1.
    """
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return 10 * math.log10(power) if power > 0 else -math.inf


def clipping_ratio(samples: Samples, threshold: float = 0.99) -> float:
    """Share (0-1) of samples at or beyond ``threshold`` of full scale; 0 without samples.

    The threshold is below 1 because resampling ripples the flat tops of a clipped wave. Speech that is not
    clipped stays far below 0.001.

    Args:
        samples: float (n,), full scale 1.
    """
    return float(np.mean(np.abs(samples) >= threshold)) if len(samples) else 0.0


# --- where the bytes come from ---------------------------------------------------------------------------


def _read(path: str | os.PathLike[str], limits: Limits) -> bytes:
    name = os.fsdecode(path)
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:  # ValueError: a name no file can have, such as one with a NUL
        raise NotAudio(f"There is no file at {name!r}; check the path.") from error
    if not stat.S_ISREG(status.st_mode):  # a folder, or a pipe or device that might never end
        raise NotAudio(f"{name!r} is not a file; give the path of a recording.")
    _check_source_size(status.st_size, limits)
    try:
        with open(path, "rb") as file:
            data = file.read(status.st_size)  # not to the limit, for which Python would set memory aside
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise NotAudio(f"{name!r} cannot be read ({reason}); check its permissions.") from error
    _check_source_size(len(data), limits)  # it may have been emptied since
    return data


def _check_source_size(size: int, limits: Limits) -> None:
    if size == 0:
        raise NotAudio("The recording is empty (0 bytes); record or export it again.")
    if size > limits.max_source_bytes:
        allowed = limits.max_source_bytes / _MIB
        raise AudioTooLong(
            f"The recording has {size / _MIB:.1f} MiB; shorten or compress it to {allowed:g} MiB."
        )


# --- what the bytes are ----------------------------------------------------------------------------------

_CODINGS = {
    "WAV": ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"),
    "FLAC": ("PCM_S8", "PCM_16", "PCM_24"),
    "OGG": ("VORBIS", "OPUS"),
    "MP3": ("MPEG_LAYER_III",),
}
# Marks that cost the decoder time and messages wherever they stand: 64 MiB of Ogg page marks keep it busy for
# 1.5 minutes, 64 MiB of ID3 marks make it print 700 MB. An Ogg page holds 2.5 ms or more, an MP3 few tags.
_MARKS = {"OGG": b"OggS", "MP3": b"ID3"}
_MARKS_PER_SECOND = 500
# Formats people send by mistake: (offset, magic, name).
_REFUSED = (
    (0, b"\x1a\x45\xdf\xa3", "WebM"),
    (4, b"ftyp", "MP4 or M4A"),
    (0, b"FORM", "AIFF"),
    (0, b"#!AMR", "AMR"),
)


def _recognise(data: bytes) -> tuple[str, int]:
    """The format (a key of ``_CODINGS``) and the offset where it starts, behind an ID3 tag."""
    start = _id3_length(data)
    head = data[start : start + 12]
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "WAV", start
    if head[:4] == b"fLaC":
        return "FLAC", start
    if head[:4] == b"OggS":
        return "OGG", start
    if _is_mp3_frame(head):
        return "MP3", start
    for offset, magic, name in _REFUSED:
        if head[offset : offset + len(magic)] == magic:
            raise NotAudio(f"{name} recordings are not supported; convert it to WAV, FLAC, OGG or MP3.")
    raise NotAudio("This is not a WAV, FLAC, OGG or MP3 recording; record or export it as one of these.")


def _id3_length(data: bytes) -> int:
    """Length of a leading ID3v2 tag. Left to libsndfile, any format it knows might follow the tag."""
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    return 10 + size


def _is_mp3_frame(head: bytes) -> bool:
    """Whether an MPEG layer III frame header starts here (ISO 11172-3, 2.4.1.3)."""
    return (
        len(head) >= 4
        and head[0] == 0xFF
        and head[1] & 0xE6 == 0xE2  # end of the sync word, layer III
        and head[1] & 0x18 != 0x08  # reserved version
        and head[2] & 0xF0 != 0xF0  # reserved bit rate
        and head[2] & 0x0C != 0x0C  # reserved sample rate
    )


def _from_bytes(data: bytes, limits: Limits) -> Audio:
    kind, start = _recognise(data)
    if kind in _MARKS and data.count(_MARKS[kind]) > _MARKS_PER_SECOND * limits.max_seconds:
        raise _too_long(limits)
    with _open(data[start:], kind) as file:
        if file.subtype not in _CODINGS[kind]:
            raise UnsupportedAudio(f"{kind} in {file.subtype} is not supported; export it as 16-bit PCM WAV.")
        return _convert(_decoded(file, kind), file.samplerate, file.channels, limits)


@functools.cache
def _forward_file() -> type[soundfile.SoundFile]:
    import soundfile

    class ForwardFile(soundfile.SoundFile):  # type: ignore[misc,unused-ignore]
        """Decodes straight on: soundfile seeks after every read, which fails at the end of streamed FLAC."""

        def seekable(self) -> bool:
            return False

    return ForwardFile


def _open(data: bytes, kind: str) -> soundfile.SoundFile:
    import soundfile

    try:
        return _forward_file()(io.BytesIO(data))
    except soundfile.SoundFileError as error:
        raise NotAudio(f"This {kind} recording has a damaged header; export it again.") from error


def _decoded(file: soundfile.SoundFile, kind: str) -> Iterator[Samples]:
    """Blocks (frames, channels), each valid until the next: they share a buffer."""
    import soundfile

    buffer = np.empty((_BLOCK_FRAMES, file.channels), np.float32)
    left = file.frames  # a promise at most; behind it there may be tags that are not audio
    while left > 0:
        try:
            block = file.read(min(left, _BLOCK_FRAMES), out=buffer)
        except soundfile.SoundFileError as error:
            raise DamagedAudio(f"This {kind} recording is damaged or cut off; export it again.") from error
        if not len(block):
            return
        left -= len(block)
        yield block


# --- arrays ----------------------------------------------------------------------------------------------


def _from_array(array: NDArray[Any], rate: int | None, limits: Limits) -> Audio:
    if rate is None:
        raise UnsupportedAudio("An array of samples needs its sample rate; pass rate=, in Hz.")
    if array.ndim not in (1, 2):
        raise UnsupportedAudio(f"Samples cannot have shape {array.shape}; give (n,) or (n, channels).")
    frames = array if array.ndim == 2 else array[:, np.newaxis]
    return _convert(_scaled(frames), rate, frames.shape[1], limits)


def _scaled(frames: NDArray[Any]) -> Iterator[Samples]:
    """Blocks (frames, channels) with full scale 1."""
    kind, width = frames.dtype.kind, frames.dtype.itemsize
    if kind != "f" and (kind, width) not in (("u", 1), ("i", 2), ("i", 4)):
        # A 64-bit integer may hold samples of any width: guessing its full scale could silence a recording.
        raise UnsupportedAudio(f"Samples cannot be {frames.dtype}; give float32, int16, int32 or uint8.")
    full_scale = 1.0 if kind == "f" else 2.0 ** (8 * width - 1)
    centre = full_scale if kind == "u" else 0.0
    for start in range(0, len(frames), _BLOCK_FRAMES):
        block = frames[start : start + _BLOCK_FRAMES]
        with np.errstate(over="ignore"):  # beyond float32 is infinite, and refused as such
            scaled = ((block.astype(np.float64) - centre) / full_scale).astype(np.float32)
        yield scaled  # outside errstate, which would hold in the caller, too


# --- one way for all -------------------------------------------------------------------------------------


def _convert(blocks: Iterable[Samples], rate: int, channels: int, limits: Limits) -> Audio:
    """Check, mix down and resample blocks (frames, channels) as they come."""
    _check_shape(rate, channels, limits)
    resample = _resampler(rate)
    pieces = []
    frames = 0
    for block in blocks:
        frames += len(block)
        _check_length(frames, rate, channels, limits)
        _check_values(block, limits)
        pieces.append(resample(block.mean(axis=1, dtype=np.float32), False))
    if frames < limits.min_seconds * rate:
        least = limits.min_seconds
        raise AudioTooShort(f"The recording has {frames / rate:.3f} s; record at least {least:g} s.")
    pieces.append(resample(np.empty(0, np.float32), True))
    samples = np.concatenate(pieces)
    samples.flags.writeable = False
    return Audio(samples, source_rate=int(rate))


def _resampler(rate: int) -> Callable[[Samples, bool], Samples]:
    """A streaming resampler to 16 kHz: (chunk, is it the last) -> what is ready."""
    if rate == RATE:
        return lambda chunk, last: chunk
    import soxr

    stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="HQ")
    return lambda chunk, last: stream.resample_chunk(chunk, last=last)


def _check_shape(rate: int, channels: int, limits: Limits) -> None:
    if not limits.min_rate <= rate <= limits.max_rate:
        low, high = limits.min_rate / 1000, limits.max_rate / 1000
        raise UnsupportedAudio(f"A sample rate of {rate} Hz is not supported; use {low:g} to {high:g} kHz.")
    if not 1 <= channels <= limits.max_channels:
        most = limits.max_channels
        raise UnsupportedAudio(
            f"{channels} channels are not supported; use 1 to {most} (columns of an array)."
        )


def _check_length(frames: int, rate: int, channels: int, limits: Limits) -> None:
    if frames > limits.max_seconds * rate:
        raise _too_long(limits)
    if frames * channels * 4 > limits.max_decoded_bytes:
        allowed = limits.max_decoded_bytes / _MIB
        raise AudioTooLong(f"The recording decodes to over {allowed:g} MiB; shorten it or lower its rate.")


def _check_values(block: Samples, limits: Limits) -> None:
    peak = float(np.abs(block).max())  # NaN if any sample is
    if not math.isfinite(peak):
        raise DamagedAudio("The recording holds samples that are not finite numbers; export it again.")
    if peak > limits.max_peak:
        raise DamagedAudio(f"The recording peaks at {peak:.4g} times full scale; scale it to -1 to 1.")


def _too_long(limits: Limits) -> AudioTooLong:
    return AudioTooLong(f"The recording is longer than {limits.max_seconds:g} s; cut it into parts.")
