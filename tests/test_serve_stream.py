"""Streaming: progress while the learner reads, the result at the end, and what a client can do wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from elocute.serve.settings import digest
from fakes import fake_assessor, speech
from servers import TEXT, running


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with running(most_seconds=5.0, idle_seconds=1.0, streams=2) as client:
        yield client


@contextmanager
def stream(client: httpx.Client, **options: Any) -> Iterator[ClientConnection]:
    address = f"ws://127.0.0.1:{client.base_url.port}/v1/stream"
    with connect(address, proxy=None, **options) as socket:
        yield socket


def samples(seconds: float = 1.5, rate: int = 16_000) -> bytes:
    sound = np.repeat(speech(seconds), rate // 16_000)
    return (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()


def say(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def hear(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(timeout=20))


def refusal(socket: ClientConnection) -> tuple[str, int]:
    """Code of the problem, and the code the socket is closed with."""
    while (message := hear(socket))["type"] in ("ready", "progress"):
        pass
    assert message["type"] == "problem"
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    return message["problem"]["code"], closed.value.rcvd.code


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_a_reading(client: httpx.Client, rate: int) -> None:
    with stream(client) as socket:
        say(socket, type="start", text=TEXT, rate=rate)
        assert hear(socket) == {"type": "ready"}
        sound = samples(3.0, rate)
        messages = []
        for begin in range(0, len(sound), 6401):  # odd: messages need not end with a sample
            socket.send(sound[begin : begin + 6401])
        say(socket, type="end")
        while (message := hear(socket))["type"] == "progress":
            messages.append(message)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)
    assert messages
    seconds = [message["seconds"] for message in messages]
    assert seconds == sorted(seconds)
    assert all(-1 <= message["word"] < 2 for message in messages)
    whole = np.frombuffer(sound, "<i2")
    expected = fake_assessor().assess(whole, TEXT, rate=rate)
    assert message == {"type": "result", "result": expected.to_dict()}


def test_other_formats(client: httpx.Client) -> None:
    with stream(client) as socket:
        say(socket, type="start", text=TEXT, format="textgrid")
        socket.send(samples())
        say(socket, type="end")
        while (message := hear(socket))["type"] != "result":
            pass
    assert message["result"].startswith('File type = "ooTextFile"')


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ({"type": "begin"}, "bad_message"),
        ({"type": "start"}, "missing_field"),
        ({"type": "start", "text": 5}, "missing_field"),
        ({"type": "start", "text": "a" * 30_000}, "text_too_long"),
        ({"type": "start", "text": TEXT, "rate": 4000}, "bad_field"),
        ({"type": "start", "text": TEXT, "rate": True}, "bad_field"),
        ({"type": "start", "text": TEXT, "rate": "fast"}, "bad_field"),
        ({"type": "start", "text": TEXT, "format": "yaml"}, "bad_field"),
        ({"type": "start", "text": TEXT, "format": []}, "bad_field"),
        ({"type": "start", "text": TEXT, "n_best": "5.5"}, "bad_field"),
        ({"type": "start", "text": TEXT, "acoustic": "none"}, "bad_field"),
        ({"type": "start", "text": TEXT, "pronunciations": []}, "bad_field"),
        ({"type": "start", "text": TEXT, "speed": 1}, "unknown_field"),
    ],
)
def test_a_bad_start(client: httpx.Client, start: dict[str, Any], code: str) -> None:
    with stream(client) as socket:
        say(socket, **start)
        assert refusal(socket) == (code, 1008)


@pytest.mark.parametrize("message", ["{", "[" * 50_000, "[]", "x" * 200_000, b"samples"])
def test_a_first_message_that_is_none(client: httpx.Client, message: str | bytes) -> None:
    with stream(client) as socket:
        socket.send(message)
        assert refusal(socket) == ("bad_message", 1008)


def test_bad_ends(client: httpx.Client) -> None:
    for text, sound, code in (
        (TEXT, b"", "audio_too_short"),
        (TEXT, samples() + b"x", "bad_message"),
        ("!", samples(), "no_pronounceable_word"),
        (TEXT, samples(6.0), "audio_too_long"),
    ):
        with stream(client) as socket:
            say(socket, type="start", text=text)
            socket.send(sound)
            say(socket, type="end")
            assert refusal(socket) == (code, 1008)
    with stream(client) as socket:
        say(socket, type="start", text=TEXT)
        say(socket, type="more")
        assert refusal(socket) == ("bad_message", 1008)


def test_a_client_that_falls_silent(client: httpx.Client) -> None:
    with stream(client) as socket:
        say(socket, type="start", text=TEXT)
        socket.send(samples())
        assert refusal(socket) == ("idle", 1008)


def test_a_client_that_leaves_does_not_disturb(client: httpx.Client) -> None:
    for _ in range(5):
        with stream(client) as socket:
            say(socket, type="start", text=TEXT)
            socket.send(samples())
    test_a_reading(client, 16_000)


def test_too_many_streams(client: httpx.Client) -> None:
    with stream(client), stream(client), stream(client) as third:
        assert refusal(third) == ("overloaded", 1013)


def test_pages_of_other_origins_may_not_listen(client: httpx.Client) -> None:
    with pytest.raises(InvalidStatus) as refused, stream(client, origin="https://page.example"):  # type: ignore[arg-type]
        pass
    assert refused.value.response.status_code == 403
    assert b"cross_origin" in refused.value.response.body


def test_a_key_comes_in_the_first_message() -> None:
    with running(key_digests=(digest("key"),)) as client:
        with stream(client) as socket:
            say(socket, type="start", text=TEXT)
            assert refusal(socket) == ("unauthorized", 1008)
        with stream(client) as socket:
            say(socket, type="start", text=TEXT, key="key")
            assert hear(socket) == {"type": "ready"}
