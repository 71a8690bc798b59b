"""``elocute serve``: options of the command line, checked before anything heavy is loaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from elocute.errors import ElocuteError

KEYS_VARIABLE = "ELOCUTE_API_KEYS"


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")] = 8000,
    workers: Annotated[int | None, typer.Option(min=1, help="Requests at work; as many as cores.")] = None,
    queue: Annotated[int, typer.Option(min=0, help="Requests that may wait; more are refused (503).")] = 16,
    connections: Annotated[int, typer.Option(min=1, help="Connections that may be open.")] = 256,
    max_mib: Annotated[float, typer.Option(min=0.01, help="Largest body, MiB.")] = 32,
    max_seconds: Annotated[float, typer.Option(min=1, help="Longest recording, seconds.")] = 120,
    timeout: Annotated[float, typer.Option(min=0.1, help="Longest a request may take, seconds.")] = 30,
    decoder_recordings: Annotated[
        int, typer.Option(min=1, help="Recordings a decoding process may take; 1: a fresh one for each.")
    ] = 64,
    per_minute: Annotated[int, typer.Option(min=0, help="Requests of one client a minute; 0: any.")] = 0,
    api_keys: Annotated[
        Path | None, typer.Option(help=f"A file of API keys, one a line; or set {KEYS_VARIABLE}.")
    ] = None,
    cors_origin: Annotated[
        list[str] | None, typer.Option(help="An origin whose pages may call, as https://example.org.")
    ] = None,
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="A host name to answer to; any, except on loopback.")
    ] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Serve assessments over HTTP, and a page to record and see them."""
    try:
        from elocute.serve.server import run
        from elocute.serve.settings import MIB, Settings, cores, digest, hosts_for
    except ModuleNotFoundError as error:
        if (error.name or "elocute").partition(".")[0] == "elocute":
            raise
        raise ElocuteError(
            f"Serving needs {error.name}, which is not installed; run: pip install 'elocute[serve]'"
        ) from None
    if log_level not in ("debug", "info", "warning", "error"):
        raise ElocuteError("--log-level is debug, info, warning or error.")
    settings = Settings(
        host=host,
        port=port,
        lanes=workers or cores(),
        queue=queue,
        connections=connections,
        most_body=int(max_mib * MIB),
        most_seconds=max_seconds,
        request_seconds=timeout,
        decode_recordings=decoder_recordings,
        per_minute=per_minute,
        key_digests=tuple(map(digest, read_keys(api_keys))),
        origins=tuple(cors_origin or ()),
        hosts=hosts_for(host, allowed_host or ()),
    )
    run(settings, log_level)


def read_keys(path: Path | None) -> list[str]:
    """API keys of a file, or of the environment; never of an option, which other users could read.

    Raises:
        ElocuteError: the file cannot be read, or holds no key.
    """
    if path is None:
        given = os.environ.get(KEYS_VARIABLE, "")
        return [key for key in given.replace(",", " ").split() if key]
    try:
        keys = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise ElocuteError(f"Cannot use {str(path)!r} ({error}); check --api-keys.") from None
    keys = [key for key in keys if key and not key.startswith("#")]
    if not keys:
        raise ElocuteError(f"{str(path)!r} holds no key; write one a line.")
    return keys
