"""Connections that say nothing, little or too much: none is held for ever, and others get in."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from websockets.sync.client import connect

from elocute.serve import connections
from servers import post, recording, running

HEAD = b"POST /v1/assess HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    limits = {"idle_seconds": 0.5, "upload_seconds": 1.0, "request_seconds": 1.5}
    with pytest.MonkeyPatch.context() as patch, running(connections=8, **limits) as client:
        patch.setattr(connections, "GRACE", 0.2)
        yield client
        assert post(client).status_code == 200, "it does not go on"


def opened(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=10)


def until_closed(connection: socket.socket, drop: bytes = b"") -> tuple[float, bytes]:
    """Seconds until the service ends it, and what it said; ``drop`` is sent every .1 s meanwhile."""
    begin, said = time.monotonic(), b""
    connection.settimeout(0.1)
    while time.monotonic() - begin < 15:
        try:
            if drop:
                connection.sendall(drop)
            piece = connection.recv(65_536)
        except TimeoutError:
            continue
        except OSError:
            break
        if not piece:
            break
        said += piece
    else:
        raise AssertionError("it is held for ever")
    connection.close()
    return time.monotonic() - begin, said


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (b"", b""),
        (b"", b"\r\n"),
        (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", b""),
        (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"a: b\r\n"),
        (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"\r\n"),
    ],
)
def test_heads_that_do_not_come(client: httpx.Client, first: bytes, drop: bytes) -> None:
    connection = opened(client)
    connection.sendall(first)
    seconds, _ = until_closed(connection, drop)
    assert 0.4 < seconds < 3


@pytest.mark.parametrize("length", [b"Content-Length: 100000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
def test_bodies_that_come_drop_by_drop(client: httpx.Client, length: bytes) -> None:
    connection = opened(client)
    connection.sendall(HEAD + length)
    seconds, said = until_closed(connection, b"x" if b"100000" in length else b"1\r\nx\r\n")
    assert said.startswith(b"HTTP/1.1 408 ")
    assert seconds < 3


def test_heads_without_end(client: httpx.Client) -> None:
    for piece in (b"a: " + b"b" * 1000 + b"\r\n", b"b" * 1000):
        connection = opened(client)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\na: ")
        said = b""
        try:
            for _ in range(1000):
                connection.sendall(piece)
            said = connection.recv(65_536)
        except ConnectionError:  # it hangs up on the rest
            pass
        else:
            assert said.startswith(b"HTTP/1.1 400 ")
        connection.close()


def test_who_says_nothing_makes_room(client: httpx.Client) -> None:
    silent = [opened(client) for _ in range(40)]
    begin = time.monotonic()
    assert httpx.get(f"{client.base_url}/healthz").status_code == 200
    assert time.monotonic() - begin < 0.4
    for connection in silent:
        connection.close()


def test_who_is_at_work_is_not_sent_away(client: httpx.Client) -> None:
    busy = [opened(client) for _ in range(8)]
    for connection in busy:
        connection.sendall(HEAD + b"Content-Length: 10\r\n\r\n")
    time.sleep(0.2)
    seconds, said = until_closed(opened(client))
    assert seconds < 0.4
    assert said.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 5" in said
    assert b'"overloaded"' in said
    for connection in busy:
        assert connection.recv(65_536).startswith(b"HTTP/1.1 408 ")
        connection.close()


def test_answers_that_are_not_fetched(client: httpx.Client) -> None:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((client.base_url.host, client.base_url.port or 0))
    connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 400)
    time.sleep(4)
    _, said = until_closed(connection)
    assert 0 < said.count(b"HTTP/1.1 200 OK") < 400


def test_pipelined_requests_are_all_answered(client: httpx.Client) -> None:
    connection = opened(client)
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 3)
    _, said = until_closed(connection)
    assert said.count(b"HTTP/1.1 200 OK") == 3


def test_streams_have_their_own_patience(client: httpx.Client) -> None:
    address = f"ws://{client.base_url.host}:{client.base_url.port}/v1/stream"
    with connect(address, proxy=None) as stream:
        stream.send('{"type": "start", "text": "Hello world."}')
        assert "ready" in str(stream.recv(timeout=5))
        for _ in range(4):
            time.sleep(0.3)
            stream.send(recording()[44:6444])
        stream.send('{"type": "end"}')
        assert any('"result"' in str(message) for message in stream)
