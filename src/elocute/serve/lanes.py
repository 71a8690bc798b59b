"""Lanes: as many requests at work as there are cores, a bounded queue before them, honest refusals beyond.

A lane is a nursery for decoders and a process with the models; a request has both while it is at work, so
there are never more busy processes than lanes. A lane whose process died or was killed comes back with a
new one while the others go on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from elocute.audio import Audio, Limits
from elocute.errors import ModelError
from elocute.serve.child import Child, Died, TooSlow
from elocute.serve.decoding import read_answer, undecodable
from elocute.serve.inference import Job, Outcome, models
from elocute.serve.problems import Problem
from elocute.serve.settings import Settings

START_SECONDS = 120.0
RETRY_SECONDS = 5.0
T = TypeVar("T")
log = logging.getLogger("elocute.serve")


class Lane:
    """Blocking; used from one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._limits = Limits(
            max_seconds=settings.most_seconds,
            max_source_bytes=settings.most_body,
            max_decoded_bytes=settings.most_decoded,
        )
        self._decoder: Child | None = None
        self._models: Child | None = None
        self.described: dict[str, dict[str, str]] = {}

    @property
    def is_whole(self) -> bool:
        return all(child is not None and child.is_alive for child in (self._decoder, self._models))

    def mend(self) -> None:
        """Start what is not running.

        Raises:
            ModelError: the models cannot be loaded.
            Died, TooSlow: a process does not come up.
        """
        settings = self._settings
        decoder = models_ = None
        if self._decoder is None or not self._decoder.is_alive:
            decoding = self._limits, settings.decode_seconds, settings.decode_recordings
            decoder = Child(settings.nursery, *decoding)
        if self._models is None or not self._models.is_alive:
            models_ = Child(models, dict(settings.acoustics))
        if decoder is not None:
            decoder.receive(START_SECONDS)
            self._decoder = decoder
        if models_ is not None:
            described = models_.receive(START_SECONDS)
            if isinstance(described, str):
                models_.kill()
                raise ModelError(described)
            self._models, self.described = models_, described

    def decode(self, data: bytes, deadline: float) -> Audio:
        """Decode a recording.

        Raises:
            Problem: it cannot be used.
            Died, TooSlow: the lane must be mended.
        """
        assert self._decoder is not None
        try:
            self._decoder.pipe.send_bytes(data)
            if not self._decoder.pipe.poll(max(deadline - time.monotonic(), 0.0)):
                self._decoder.kill()
                raise TooSlow
            return read_answer(self._decoder.pipe.recv_bytes())
        except (EOFError, OSError):  # the nursery itself is gone
            self._decoder.kill()
            raise undecodable() from None

    def assess(self, data: bytes, job: Callable[[Audio], Job], deadline: float) -> tuple[Outcome, float]:
        """The outcome of the job for a recording, and how many seconds it lasts; errors as of both steps."""
        audio = self.decode(data, deadline)
        outcome: Outcome = self.ask(job(audio), deadline)
        return outcome, audio.duration

    def ask(self, job: Any, deadline: float) -> Any:
        """What the models' process answers to ``job``; Died, TooSlow: the lane must be mended."""
        assert self._models is not None
        return self._models.ask(job, deadline - time.monotonic())

    def close(self) -> None:
        for child in (self._decoder, self._models):
            if child is not None:
                child.kill()


class Lanes:
    """All lanes and the queue before them; methods belong to the event loop's thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lanes = [Lane(settings) for _ in range(settings.lanes)]
        self._idle: asyncio.Queue[Lane] = asyncio.Queue()
        self._threads = ThreadPoolExecutor(settings.lanes, "lane")
        self._mending: set[asyncio.Task[None]] = set()
        self._service_seconds = 0.5  # moving average of the time a request has a lane
        self.inside = 0  # requests that wait or are at work
        self.restarts = 0
        self.described: dict[str, dict[str, str]] = {}
        self.failure: str | None = None

    @property
    def ready(self) -> bool:
        return bool(self.described) and any(lane.is_whole for lane in self._lanes)

    def start(self) -> None:
        """Begin to load; :attr:`ready` tells when the first lane has."""
        for lane in self._lanes:
            self._begin_mending(lane)

    async def close(self) -> None:
        for task in self._mending:
            task.cancel()
        for lane in self._lanes:
            await asyncio.get_running_loop().run_in_executor(None, lane.close)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def check_ready(self) -> None:
        """Raise a Problem while no lane is ready."""
        if not self.ready:
            raise Problem("not_ready", self.failure or "The models are being loaded.", retry_after=2)

    def check_room(self) -> None:
        """Refuse early, before a body is read.

        Raises:
            Problem: ``not_ready`` or ``overloaded``.
        """
        self.check_ready()
        settings = self._settings
        waiting = self._service_seconds * self.inside / settings.lanes
        # Who would wait in vain is told at once.
        if self.inside >= settings.lanes + settings.queue or waiting > settings.request_seconds:
            raise Problem("overloaded", "All lanes are busy and the queue is full.", retry_after=waiting)

    @asynccontextmanager
    async def lane(self, deadline: float, *, admitted: bool = False) -> AsyncIterator[Lane]:
        """A lane for one request.

        Raises:
            Problem: ``overloaded`` where the queue is full and the request not yet ``admitted``, ``timeout``
                where none comes free in time.
        """
        if not admitted:
            self.check_room()
        self.inside += 1
        try:
            try:
                lane = await asyncio.wait_for(self._idle.get(), max(deadline - time.monotonic(), 0.0))
            except asyncio.TimeoutError:
                raise _late() from None
            begin = time.monotonic()
            try:
                yield lane
            finally:
                self._service_seconds += 0.1 * (time.monotonic() - begin - self._service_seconds)
                if lane.is_whole:
                    self._idle.put_nowait(lane)
                else:
                    self.restarts += 1
                    self._begin_mending(lane)
        finally:
            self.inside -= 1

    async def work(self, act: Callable[..., T], *arguments: Any) -> T:
        """Run a lane's blocking method in a thread.

        Raises:
            Problem: what ``act`` raises, ``timeout`` if it took too long, ``internal`` if its process died.
        """
        future = asyncio.get_running_loop().run_in_executor(self._threads, act, *arguments)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:  # the lane is free only when its thread is
            await asyncio.wait([future])
            raise
        except TooSlow:
            raise _late() from None
        except Died:
            raise Problem("internal", "The process at work on the request died; try again.") from None

    def _begin_mending(self, lane: Lane) -> None:
        task = asyncio.get_running_loop().create_task(self._mend(lane))
        self._mending.add(task)
        task.add_done_callback(self._mending.discard)

    async def _mend(self, lane: Lane) -> None:
        while True:
            try:
                await asyncio.get_running_loop().run_in_executor(None, lane.mend)
            except ModelError as error:
                self.failure = str(error)
                log.error("the models cannot be loaded: %s", error)
            except (Died, TooSlow) as error:
                log.error("a lane does not come up: %s", type(error).__name__)
            else:
                self.failure = None
                self.described = lane.described
                self._idle.put_nowait(lane)
                return
            await asyncio.sleep(RETRY_SECONDS)


def _late() -> Problem:
    return Problem("timeout", "The assessment took too long; send a shorter recording or try again later.")
