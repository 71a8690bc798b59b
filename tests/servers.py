"""A running service for tests: a real socket on loopback, real processes, stand-ins for the models."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from elocute.assessor import Assessor
from elocute.serve.app import create_app
from elocute.serve.settings import Settings
from fakes import fake_assessor

FAKE: Mapping[str, Callable[[], Assessor]] = {"fake": fake_assessor}


@contextmanager
def running(**options: Any) -> Iterator[httpx.Client]:
    """A client of a service with these settings, ready; it ends with the context."""
    settings = Settings(**{"lanes": 1, "acoustics": FAKE, **options})
    config = uvicorn.Config(
        create_app(settings), port=0, log_config=None, access_log=False, ws_per_message_deflate=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        _wait(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            _wait(lambda: client.get("/readyz").status_code == 200)
            yield client
    finally:
        server.should_exit = True
        thread.join(20)


def _wait(done: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "the service does not come up"
        time.sleep(0.02)
