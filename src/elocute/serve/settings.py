"""Everything that can be set, with defaults for one machine and nobody else."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from elocute.serve.child import Target
from elocute.serve.decoding import nursery

if TYPE_CHECKING:
    from elocute.assessor import Assessor

MIB = 1 << 20
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def shipped() -> Mapping[str, Callable[[], Assessor]]:
    """Acoustic models that can be chosen -> what loads an assessor with each; the first is the default."""
    from elocute.assessor import Assessor
    from elocute.shipped import shipped_models

    return {model.name: partial(Assessor, model.name) for model in shipped_models() if model.scorer}


def digest(key: str) -> bytes:
    """What is kept of an API key."""
    return hashlib.sha256(key.encode()).digest()


@dataclass(frozen=True)
class Settings:
    """Limits and manners of a server.

    Sizes are bytes, times seconds. ``connections`` is how many may be open, ``streams`` how many of them may
    be WebSockets, ``queue`` how many requests may wait for a lane. ``most_buffered`` bounds the bodies of all
    requests together. ``idle_seconds`` is how long a connection or a stream may say nothing,
    ``upload_seconds`` how long a body may take, ``request_seconds`` what a request may take after that:
    waiting, decoding and inference.
    ``decode_recordings`` is how many recordings one decoder may take: 1, a fresh process for each.
    ``per_minute`` requests of one client (API key, else address), 0: as many as it likes.
    ``key_digests`` are :func:`digest` of the API keys; without any, nobody is asked for one.
    ``hosts`` are the names the server answers to, none: all; ``origins`` the foreign origins browsers may
    call from. ``acoustics`` and ``nursery`` must be importable by other processes.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    lanes: int = field(default_factory=cores)
    queue: int = 16
    connections: int = 256
    streams: int = 16
    most_body: int = 32 * MIB
    most_buffered: int = 256 * MIB
    most_seconds: float = 120.0
    most_decoded: int = 192 * MIB
    upload_seconds: float = 30.0
    request_seconds: float = 30.0
    decode_seconds: float = 10.0
    decode_recordings: int = 64
    idle_seconds: float = 15.0
    drain_seconds: float = 60.0
    per_minute: int = 0
    key_digests: tuple[bytes, ...] = ()
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    acoustics: Mapping[str, Callable[[], Assessor]] = field(default_factory=shipped)
    nursery: Target = nursery

    @property
    def default_acoustic(self) -> str:
        return next(iter(self.acoustics))


def hosts_for(host: str, given: Iterable[str]) -> tuple[str, ...]:
    """Names to answer to. On loopback only loopback's own: a page elsewhere may point its name there."""
    names = tuple(given)
    return names or (LOOPBACK if host in LOOPBACK else ())
