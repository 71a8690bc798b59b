"""The server process: uvicorn around the application, its log, and how it ends.

On SIGTERM it takes no more connections, finishes the requests it has, and ends its processes.
"""

from __future__ import annotations

import contextlib
import logging
import sys

import uvicorn

from elocute.serve.app import create_app
from elocute.serve.connections import bounded
from elocute.serve.settings import Settings

MOST_WS_MESSAGE = 1 << 20


def run(settings: Settings, log_level: str = "info") -> None:
    """Serve until a signal ends it."""
    _set_up_log(log_level)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(configured(settings)).run()


def configured(settings: Settings) -> uvicorn.Config:
    """The server around the application."""
    return uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http=bounded(settings),
        log_config=None,
        access_log=False,  # it would write whole paths; the guard writes its own lines
        server_header=False,
        ws_max_size=MOST_WS_MESSAGE,
        ws_per_message_deflate=False,  # a small message could unfold to a large one
        timeout_graceful_shutdown=int(settings.drain_seconds),
        timeout_keep_alive=int(settings.idle_seconds + 1),  # the protocol is stricter
    )


def _is_harmless(record: logging.LogRecord) -> bool:
    """Uvicorn's lines about WebSockets hold the client's address and the whole path: they stay out."""
    return record.levelno >= logging.WARNING or str(record.msg).startswith(
        ("Uvicorn", "Shutting", "Finished")
    )


def _set_up_log(level: str) -> None:
    """Lines on standard error."""
    logging.getLogger("uvicorn.error").addFilter(_is_harmless)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name in ("elocute.serve", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level.upper())
