"""Decoding in disposable processes: each recording gets a fork of its own, which sees nothing else.

A *nursery* has the decoders loaded and forks for every recording. The fork is bounded in memory and processor
time, may write nothing but its answer, and ends with it. If hostile bytes crash it or take it over, the next
recording does not notice.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import select
import signal
import time
from multiprocessing.connection import Connection

import numpy as np

from elocute.audio import RATE, Audio, Limits, load_audio
from elocute.errors import ElocuteError
from elocute.serve.child import no_core_dump
from elocute.serve.problems import CODES, Problem

MEMORY_BEYOND_DECODED = 384 << 20
"""Bytes a fork may take beside the decoded recording: the file, resampling, and copies in between."""

_HEADER = 4096


def nursery(pipe: Connection, limits: Limits, seconds: float) -> None:
    """Answer recordings (bytes) with what :func:`read_answer` reads, until the pipe closes."""
    _warm_up()
    gc.freeze()
    gc.disable()  # a fork would copy what the collector touches
    pipe.send("ready")
    while True:
        data = pipe.recv_bytes()
        answer = _decode_in_fork(data, limits, seconds)
        del data
        pipe.send_bytes(answer)


def read_answer(answer: bytes) -> Audio:
    """The recording of an answer. It comes from a process that may not be its own master: believe nothing.

    Raises:
        Problem: the recording cannot be used.
    """
    try:
        header = json.loads(answer[:_HEADER])
        code, message, rate = str(header["code"]), str(header["message"]), int(header["rate"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise undecodable() from None
    if code:
        raise Problem(code, message) if code in CODES else undecodable()
    if (len(answer) - _HEADER) % 4:
        raise undecodable()
    samples = np.frombuffer(answer, np.float32, offset=_HEADER)
    if not np.isfinite(samples).all():
        raise undecodable()
    return Audio(samples, source_rate=rate)


def undecodable() -> Problem:
    return Problem("undecodable_audio", "The recording brings its decoder down; record or export it again.")


def _decode_in_fork(data: bytes, limits: Limits, seconds: float) -> bytes:
    ours, theirs = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.close(ours)
            _confine(limits, seconds)
            _write(theirs, _decode(data, limits))
        finally:
            os._exit(0)
    os.close(theirs)
    most = _HEADER + int(limits.max_seconds * RATE + RATE) * 4
    try:
        return _read(ours, most, seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(ours)


def _read(pipe: int, most: int, seconds: float) -> bytes:
    """All that comes; what lies beyond a limit is not an answer, and neither is nothing."""
    deadline = time.monotonic() + seconds
    pieces: list[bytes] = []
    size = 0
    while size <= most and select.select([pipe], [], [], max(deadline - time.monotonic(), 0.0))[0]:
        piece = os.read(pipe, 1 << 20)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
    return b""


def _write(pipe: int, answer: bytes) -> None:
    view = memoryview(answer)
    while view:
        view = view[os.write(pipe, view) :]


def _decode(data: bytes, limits: Limits) -> bytes:
    code = message = ""
    rate, samples = RATE, b""
    try:
        audio = load_audio(data, limits=limits)
        rate, samples = audio.source_rate, audio.samples.tobytes()
    except ElocuteError as error:
        code, message = error.code, str(error)
    header = json.dumps({"code": code, "message": message, "rate": rate}).encode()
    return header.ljust(_HEADER) + samples


def _confine(limits: Limits, seconds: float) -> None:
    """Take from this process what decoding does not need."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # decoders print remarks on damaged files
        os.dup2(nothing, stream)
    no_core_dump()
    signal.alarm(int(seconds) + 1)  # if the nursery does not live to end it
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        most = now + limits.max_decoded_bytes + MEMORY_BEYOND_DECODED
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _warm_up() -> None:
    """Load every decoder once, so that forks find them loaded."""
    import soundfile

    for kind, rate in (("WAV", 16_000), ("FLAC", 44_100), ("OGG", 48_000), ("MP3", 44_100)):
        stream = io.BytesIO()
        soundfile.write(stream, np.zeros(rate // 2, np.float32), rate, format=kind)
        load_audio(stream.getvalue())
