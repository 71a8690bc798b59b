"""A process with a pipe: asked one thing at a time, killed when it takes too long, and known to be gone."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

Target = Callable[..., None]

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Died(Exception):
    """The process ended instead of answering."""


class TooSlow(Exception):
    """The process did not answer in time and has been killed."""


class Child:
    """A process that runs ``target(pipe, *arguments)`` and must send a message when it is ready.

    Spawned, not forked: a fork would inherit the server's sockets and locks. All methods block; none is for
    the event loop's thread.
    """

    def __init__(self, target: Target, *arguments: Any) -> None:
        for name in _ONE_THREAD:  # inherited; one inference is one thread
            os.environ.setdefault(name, "1")
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(target, theirs, *arguments), daemon=True)
        self._process.start()
        theirs.close()  # so that the end of the process is the end of the pipe

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def receive(self, seconds: float) -> Any:
        """The next message.

        Raises:
            Died, TooSlow: there is none; the process is gone.
        """
        try:
            if self.pipe.poll(max(seconds, 0.0)):
                return self.pipe.recv()
        except (EOFError, OSError):
            self.kill()
            raise Died from None
        self.kill()
        raise TooSlow

    def ask(self, message: Any, seconds: float) -> Any:
        """Send ``message`` and wait for the answer; errors as :meth:`receive`."""
        try:
            self.pipe.send(message)
        except OSError:
            self.kill()
            raise Died from None
        return self.receive(seconds)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.join(5)
        self.pipe.close()


def _run(target: Target, pipe: Connection, *arguments: Any) -> None:
    # A signal to the whole group is the server's to handle: it drains, then closes the pipes.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    no_core_dump()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the server is gone
        target(pipe, *arguments)


def no_core_dump() -> None:
    """A core dump would write recordings to disk."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
