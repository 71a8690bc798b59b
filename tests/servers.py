"""A running service for tests: a real socket on loopback, real processes, stand-ins for the models."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import httpx
import numpy as np
import soundfile
import uvicorn
from numpy.typing import NDArray

from elocute.acoustics.posteriors import Posteriors
from elocute.assessor import Assessor
from elocute.audio import Audio, Limits
from elocute.serve import decoding
from elocute.serve.server import configured
from elocute.serve.settings import Settings
from fakes import FakeAcoustic, FakeScorer, fake_assessor, speech

FAKE: Mapping[str, Callable[[], Assessor]] = {"fake": fake_assessor}
TEXT = "Hello world."


@contextmanager
def running(*, wait: bool = True, **options: Any) -> Iterator[httpx.Client]:
    """A client of a service with these settings, ready if ``wait``; it ends with the context."""
    settings = Settings(**{"lanes": 1, "acoustics": FAKE, "port": 0, **options})
    server = uvicorn.Server(configured(settings))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            if wait:
                until(lambda: client.get("/readyz").status_code == 200)
            yield client
    finally:
        server.should_exit = True
        thread.join(20)


def until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


def recording(
    samples: NDArray[np.float32] | None = None,
    rate: int = 16_000,
    format: str = "WAV",
    subtype: str | None = None,
) -> bytes:
    """The bytes of a file; of hummed speech if no samples are given."""
    stream = io.BytesIO()
    soundfile.write(stream, speech() if samples is None else samples, rate, format=format, subtype=subtype)
    return stream.getvalue()


def post(
    client: httpx.Client, path: str = "/v1/assess", audio: bytes | None = None, **fields: str
) -> httpx.Response:
    """The answer to a recording of ``TEXT``, or of the text among the fields."""
    files = {"audio": ("x", recording() if audio is None else audio)}
    return client.post(path, files=files, data={"text": TEXT, **fields})


def problem(answer: httpx.Response) -> str:
    """``status code`` of a problem, which is checked for its shape."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["type"] == f"urn:elocute:problem:{told['code']}"
    assert told["title"]
    assert len(told["detail"]) > 10
    return f"{answer.status_code} {told['code']}"


# --- processes that misbehave -----------------------------------------------------------------------------


class SleepyAcoustic(FakeAcoustic):
    """Takes as long as the recording lasts."""

    def posteriors(self, audio: Audio) -> Posteriors:
        time.sleep(audio.duration)
        return super().posteriors(audio)


class BrokenAcoustic(FakeAcoustic):
    """Works for the second it is warmed up with."""

    def posteriors(self, audio: Audio) -> Posteriors:
        if audio.duration != 1.0:
            raise RuntimeError("the text was a secret")
        return super().posteriors(audio)


class DyingAcoustic(FakeAcoustic):
    def posteriors(self, audio: Audio) -> Posteriors:
        if audio.duration != 1.0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().posteriors(audio)


def sleepy() -> Assessor:
    return Assessor(SleepyAcoustic(), FakeScorer())


def broken() -> Assessor:
    return Assessor(BrokenAcoustic(), FakeScorer())


def dying() -> Assessor:
    return Assessor(DyingAcoustic(), FakeScorer())


def slow_to_load() -> Assessor:
    time.sleep(1.0)
    return fake_assessor()


CRASH, HANG = b"RIFF-crash", b"RIFF-hang"


def fragile_nursery(pipe: Connection, limits: Limits, seconds: float, recordings: int) -> None:
    """Its decoder crashes or hangs when it is told to."""
    decode = decoding._decode

    def fragile(data: bytes, limits: Limits) -> bytes:
        if data == CRASH:
            os.kill(os.getpid(), signal.SIGSEGV)
        if data == HANG:
            time.sleep(60)
        return decode(data, limits)

    decoding._decode = fragile
    decoding.nursery(pipe, limits, seconds, recordings)


ODD = b"odd"


def telling_nursery(pipe: Connection, limits: Limits, seconds: float, recordings: int) -> None:
    """Its decoders answer with their process in place of a rate; ``ODD`` is damaged, others as above."""

    def tell(data: bytes, limits: Limits) -> bytes:
        if data == CRASH:
            os.kill(os.getpid(), signal.SIGSEGV)
        code = "damaged_audio" if data == ODD else ""
        return json.dumps({"code": code, "message": "", "rate": os.getpid()}).encode().ljust(4096)

    decoding._decode = tell
    decoding.nursery(pipe, limits, seconds, recordings)
