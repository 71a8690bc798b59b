"""No connection is held for nothing: each stage has its time, heads have a size, all together a number.

Uvicorn bounds only the pause between two requests. Who connects and says nothing, sends heads or bodies drop
by drop, or does not fetch answers would keep a connection for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from elocute.serve.problems import Problem
from elocute.serve.settings import Settings

MOST_HEAD = 64 << 10
"""Bytes of a request line and headers."""

GRACE = 5.0
"""Seconds by which these limits lie behind those that are answered with a problem."""


def bounded(settings: Settings) -> type[HttpToolsProtocol]:
    """The protocol of a server with these settings."""

    class Bounded(_Bounded):
        pass

    Bounded.settings = settings
    return Bounded


class _Bounded(HttpToolsProtocol):
    """Stages: *idle* before a request, *head*, *body*, *answer* until all of it is sent."""

    settings: Settings

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._patience: asyncio.TimerHandle | None = None
        self._stage = "idle"
        self._since = 0.0
        self._head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._enter("idle")
        if len(self.connections) > self.settings.connections and not self._make_room():
            self._turn_away()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._stage == "head":
            self._head += len(data)
            if self._head > MOST_HEAD and not self.transport.is_closing():
                self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0
        self._enter("head")

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._enter("body")

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._enter("idle" if self.cycle is not None and self.cycle.response_complete else "answer")

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._stage == "answer":
            self._enter("answer" if self.cycle is not None and not self.cycle.response_complete else "idle")

    def handle_websocket_upgrade(self) -> None:
        self._leave()  # streams have limits of their own
        super().handle_websocket_upgrade()

    def _enter(self, stage: str) -> None:
        self._leave()
        settings = self.settings
        seconds = {
            "idle": settings.idle_seconds,
            "head": settings.idle_seconds,
            "body": settings.upload_seconds + GRACE,
            "answer": settings.request_seconds + settings.upload_seconds + GRACE,
        }[stage]
        self._stage, self._since = stage, self.loop.time()
        self._patience = self.loop.call_later(seconds, self._lose_patience)

    def _leave(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        if self._stage == "idle" and self.transport.get_write_buffer_size():  # it still fetches its answer
            self._enter("answer")
        else:
            self.transport.abort()

    def _make_room(self) -> bool:
        """End the connection that has waited longest without sending a request; whether there is one."""
        others = [other for other in self.connections if isinstance(other, _Bounded) and other is not self]
        waiting = [other for other in others if other._stage in ("idle", "head")]
        if not waiting:
            return False
        min(waiting, key=lambda other: other._since).transport.abort()
        return True

    def _turn_away(self) -> None:
        response = Problem("overloaded", "All connections are in use.", retry_after=5).response()
        lines = [b"HTTP/1.1 503 Service Unavailable", b"connection: close"]
        lines += [name + b": " + value for name, value in response.raw_headers]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + bytes(response.body))
        self.transport.close()
