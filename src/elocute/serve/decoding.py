"""Decoding in disposable processes, which see nothing but recordings.

A *nursery* has the codecs loaded and forks a :class:`Decoder`. It is bounded in memory and processor time,
can open no file and no connection, and ends with the first recording that it does not decode cleanly, with a
large one, and after ``recordings`` in any case. Bytes that crash it are this request's problem, and nobody
else's.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import signal
import socket
import struct
import time
from multiprocessing.connection import Connection
from typing import NoReturn

import numpy as np

from elocute.audio import RATE, Audio, Limits, load_audio
from elocute.errors import ElocuteError
from elocute.serve.child import no_core_dump
from elocute.serve.problems import CODES, Problem

MEMORY_BEYOND_DECODED = 384 << 20
"""Bytes a decoder may take beside the decoded recording: the file, resampling, and copies in between."""

LARGE = 1 << 20
"""Bytes of a recording after which a decoder ends: what it has grown by goes back at once."""

_HEADER = 4096
_CLEAN = b'{"code": ""'
_LENGTH = struct.Struct("!Q")


def nursery(pipe: Connection, limits: Limits, seconds: float, recordings: int) -> None:
    """Answer recordings (bytes) with what :func:`read_answer` reads, until the pipe closes."""
    _warm_up()
    gc.freeze()
    gc.disable()  # a fork would copy what the collector touches
    pipe.send("ready")
    while True:
        with Decoder(limits, seconds, recordings) as decoder:
            for _ in range(recordings):
                data = pipe.recv_bytes()
                answer, size = decoder.ask(data), len(data)
                del data
                pipe.send_bytes(answer)
                if size > LARGE or not answer.startswith(_CLEAN):
                    break
                del answer


class Decoder:
    """A fork that decodes recordings, one after another, until it is closed."""

    def __init__(self, limits: Limits, seconds: float, recordings: int = 1) -> None:
        self._most = _HEADER + int(limits.max_seconds * RATE + RATE) * 4
        self._seconds = seconds
        self._socket, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _confine(theirs, limits, seconds, recordings)
                _serve(theirs, limits, seconds)
            finally:
                os._exit(0)
        theirs.close()

    def ask(self, data: bytes) -> bytes:
        """Its answer; empty if there is none in time, or one beyond all limits: then it must be closed."""
        deadline = time.monotonic() + self._seconds
        try:
            self._socket.settimeout(self._seconds)
            _send(self._socket, data)
            return _receive(self._socket, self._most, deadline)
        except (EOFError, OSError):
            return b""

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._socket.close()

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _serve(server: socket.socket, limits: Limits, seconds: float) -> NoReturn:
    """In the fork: answer recordings until nobody asks."""
    while True:
        data = _receive(server, limits.max_source_bytes)
        _grant(seconds)
        answer = _decode(data, limits)
        del data
        _send(server, answer)
        signal.alarm(0)
        del answer


def _send(to: socket.socket, message: bytes) -> None:
    to.sendall(_LENGTH.pack(len(message)))
    to.sendall(message)


def _receive(source: socket.socket, most: int, deadline: float | None = None) -> bytes:
    """The next message.

    Raises:
        EOFError: there is none, or it is longer than ``most``.
        TimeoutError: it has not come by the deadline.
    """
    (size,) = _LENGTH.unpack(_exactly(source, _LENGTH.size, deadline))
    if size > most:
        raise EOFError
    return bytes(_exactly(source, size, deadline))


def _exactly(source: socket.socket, size: int, deadline: float | None) -> bytearray:
    whole = bytearray(size)
    left = memoryview(whole)
    while left:
        if deadline is not None:
            source.settimeout(max(deadline - time.monotonic(), 1e-3))
        read = source.recv_into(left)
        if not read:
            raise EOFError
        left = left[read:]
    return whole


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


def _confine(server: socket.socket, limits: Limits, seconds: float, recordings: int) -> None:
    """Take from this process what decoding does not need."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # decoders print remarks on damaged files
        os.dup2(nothing, stream)
    os.closerange(3, server.fileno())  # the nursery's, above all its pipe to the server
    os.closerange(server.fileno() + 1, 1 << 30)
    no_core_dump()
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        most = now + limits.max_decoded_bytes + MEMORY_BEYOND_DECODED
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        ever = recordings * (int(seconds) + 1)
        resource.setrlimit(resource.RLIMIT_CPU, (ever, ever))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # from now on it can open nothing


def _grant(seconds: float) -> None:
    """Time for one recording, should the nursery not live to end this process."""
    signal.alarm(int(seconds) + 1)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, ever = resource.getrlimit(resource.RLIMIT_CPU)
        until = min(int(time.process_time() + seconds) + 1, ever)
        resource.setrlimit(resource.RLIMIT_CPU, (until, ever))


def _warm_up() -> None:
    """Load every decoder once, so that forks find them loaded."""
    import soundfile

    for kind, rate in (("WAV", 16_000), ("FLAC", 44_100), ("OGG", 48_000), ("MP3", 44_100)):
        stream = io.BytesIO()
        soundfile.write(stream, np.zeros(rate // 2, np.float32), rate, format=kind)
        load_audio(stream.getvalue())
