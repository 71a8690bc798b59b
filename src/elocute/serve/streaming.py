"""The service over a WebSocket: samples in while the learner reads, how far the reading has come, the result.

The client sends ``{"type": "start", "text": …, "rate": …}``, then 16-bit little-endian mono samples as binary
messages, then ``{"type": "end"}``. It gets ``ready``, any number of ``progress``, and at last ``result`` or
``problem``.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import Any

import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect

from elocute.serve.api import MOST_TEXT_BYTES, Service, checked, checked_pronunciations, choice, n_best
from elocute.serve.guard import is_known
from elocute.serve.inference import MEDIA_TYPES, Follow, Job, Pcm
from elocute.serve.problems import Problem
from elocute.serve.progress import Progress

RATES = (8_000, 48_000)
STEP_SECONDS = 0.4
"""New audio from which on progress is worked out again."""

STEP_PATIENCE = 1.0
"""Seconds a step waits for a lane; then it is left out."""

MOST_MESSAGE = 128_000
CLOSE_CODES = {"overloaded": 1013, "not_ready": 1013, "internal": 1011, "timeout": 1011}
FIELDS = ("type", "text", "rate", "format", "acoustic", "n_best", "pronunciations", "key")


class Streams:
    """All streams of a service; there is a most."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.open = 0

    async def serve(self, socket: WebSocket) -> None:
        """One stream, from its beginning to its end."""
        await socket.accept()
        self.open += 1
        try:
            if self.open > self._service.settings.streams:
                raise Problem("overloaded", "All streams are in use.", retry_after=5)
            await _Stream(self._service, socket).run()
        except Problem as problem:
            await self._refuse(socket, problem)
        except WebSocketDisconnect:
            pass
        finally:
            self.open -= 1

    async def _refuse(self, socket: WebSocket, problem: Problem) -> None:
        self._service.metrics.refused(problem.code)
        with suppress(WebSocketDisconnect, RuntimeError):  # it may have gone by itself
            await socket.send_json({"type": "problem", "problem": problem.to_dict()})
            await socket.close(CLOSE_CODES.get(problem.code, 1008), problem.code)


class _Stream:
    def __init__(self, service: Service, socket: WebSocket) -> None:
        self._service, self._settings, self._socket = service, service.settings, socket
        self._pcm = bytearray()
        self._progress: Progress | None = None
        self._step: asyncio.Task[None] | None = None
        self._asked_seconds = 0.0

    async def run(self) -> None:
        most = 2 * self._settings.most_seconds + self._settings.request_seconds
        try:
            await asyncio.wait_for(self._converse(), most)
        except asyncio.TimeoutError:
            raise Problem("timeout", "The stream has been open for too long.") from None
        finally:
            if self._step is not None:
                self._step.cancel()

    async def _converse(self) -> None:
        self._open(await self._receive())
        self._service.lanes.check_ready()
        await self._socket.send_json({"type": "ready"})
        while True:
            message = await self._receive()
            if isinstance(message, bytes):
                self._take(message)
            elif message.get("type") == "end":
                break
            else:
                raise Problem(
                    "bad_message", 'Send samples as binary messages, and {"type": "end"} at the end.'
                )
        if self._step is not None:  # progress must not come after the result
            await asyncio.wait([self._step])
        await self._finish()

    async def _receive(self) -> bytes | dict[str, Any]:
        try:
            message = await asyncio.wait_for(self._socket.receive(), self._settings.idle_seconds)
        except asyncio.TimeoutError:
            raise Problem("idle", "Send samples while the learner reads, and the end after it.") from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        if (data := message.get("bytes")) is not None:
            return bytes(data)
        try:
            text = message.get("text") or ""
            found = json.loads(text) if len(text) <= MOST_MESSAGE else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Problem("bad_message", "Messages are samples (binary) or JSON objects (text).")
        return found

    def _open(self, start: bytes | dict[str, Any]) -> None:
        if isinstance(start, bytes) or start.get("type") != "start":
            raise Problem("bad_message", 'The first message is {"type": "start", "text": …, "rate": …}.')
        settings = self._settings
        if settings.key_digests and not is_known(str(start.get("key", "")), settings):
            raise Problem("unauthorized", "Put an API key into the first message: key.")
        if not start.keys() <= set(FIELDS):
            raise Problem("unknown_field", f"The first message has only {', '.join(FIELDS)}.")
        text, rate = start.get("text"), start.get("rate", 16_000)
        if not isinstance(text, str):
            raise Problem("missing_field", "Send text, what is to be read.")
        if len(text) > MOST_TEXT_BYTES:
            raise Problem("text_too_long", "The text is too long; cut it into parts.")
        if type(rate) is not int or not RATES[0] <= rate <= RATES[1]:
            raise Problem("bad_field", f"rate is {RATES[0]} to {RATES[1]} Hz.")
        said = start.get("pronunciations")
        self._rate, self._text = rate, text
        self._said = None if said is None else checked_pronunciations(said)
        acoustic = start.get("acoustic", settings.default_acoustic)
        self._acoustic = choice("acoustic", acoustic, tuple(settings.acoustics))
        self._n_best = n_best(start.get("n_best"))
        self._format = choice("format", start.get("format", "json"), tuple(MEDIA_TYPES))

    def _take(self, data: bytes) -> None:
        self._pcm += data
        seconds = len(self._pcm) / 2 / self._rate
        if seconds > self._settings.most_seconds:
            raise Problem("audio_too_long", f"A reading may last {self._settings.most_seconds:g} s.")
        if seconds - self._asked_seconds < STEP_SECONDS or (self._step and not self._step.done()):
            return
        self._asked_seconds = seconds
        self._step = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        """Say how far the reading has come; nothing if everybody is busy or something fails."""
        start = 0.0 if self._progress is None else self._progress.window_start
        window = self._samples(round(start * self._rate))
        job = Follow(Pcm(window, self._rate), self._text, self._said, self._acoustic, self._progress)
        lanes = self._service.lanes
        with suppress(Problem, WebSocketDisconnect, RuntimeError):
            async with lanes.lane(time.monotonic() + STEP_PATIENCE, admitted=True) as lane:
                deadline = time.monotonic() + self._settings.request_seconds
                found = await lanes.work(lane.ask, job, deadline)
            if isinstance(found, Progress):
                self._progress = found
                await self._socket.send_json(
                    {
                        "type": "progress",
                        "seconds": round(found.seconds, 3),
                        "word": found.word,
                        "is_done": found.is_done,
                    }
                )

    def _samples(self, first: int) -> Any:
        whole = len(self._pcm) // 2
        return np.frombuffer(bytes(self._pcm[2 * first : 2 * whole]), "<i2")

    async def _finish(self) -> None:
        if len(self._pcm) % 2:
            raise Problem("bad_message", "Samples have two bytes; the last one lacks one.")
        pcm = Pcm(self._samples(0), self._rate)
        job = Job("assess", pcm, self._text, self._said, self._acoustic, self._format, self._n_best)
        lanes = self._service.lanes
        deadline = time.monotonic() + self._settings.request_seconds
        async with lanes.lane(deadline, admitted=True) as lane:  # who has read to the end is not sent away
            outcome = checked(await lanes.work(lane.ask, job, deadline))
        self._service.metrics.done(outcome.status, len(self._pcm) / 2 / self._rate)
        is_json = MEDIA_TYPES[self._format] == "application/json"
        result = json.loads(outcome.body) if is_json else outcome.body
        await self._socket.send_json({"type": "result", "result": result})
        await self._socket.close()
