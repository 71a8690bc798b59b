"""What every request passes before a route sees it, and what every answer gets.

A pure ASGI middleware, because it counts body bytes while they come: limits on multipart fields do not bound
files, and a ``Content-Length`` is only a claim.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from elocute.serve import dialect
from elocute.serve.inference import where
from elocute.serve.problems import Problem
from elocute.serve.settings import MIB, Settings, digest

if TYPE_CHECKING:
    from elocute.serve.metrics import Metrics

log = logging.getLogger("elocute.serve")

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; worker-src 'self' blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""Of the page: nothing from elsewhere. Inline styles because wavesurfer.js makes them."""

HEADERS = {
    "content-security-policy": PAGE_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}
"""Of every answer that does not set them itself."""

MOST_CLIENTS = 10_000
KNOWN = (
    "/v1/assess",
    "/v1/align",
    "/v1/models",
    "/v1/catalogue",
    "/v1/stream",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    dialect.PATH,
)


class Guard:
    """Size, host name, origin, key and rate of requests; headers, log line and metrics of answers."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics
        self._buffered = 0
        self._rate = Rate(settings.per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        begin = time.monotonic()
        body = _Body(self, receive, scope)
        answer = _Answer(scope, send)
        try:
            self._check(scope)
            body.check_claim()
            await self._app(scope, body.receive, answer.send)
        except Problem as problem:
            await answer.refuse(problem)
        except Exception as error:
            log.error("%s: %s", _label(scope), where(error))
            await answer.refuse(Problem("internal", "The service failed; the error has been logged."))
        finally:
            self._buffered -= body.size
            seconds = time.monotonic() - begin
            self._metrics.seen(_label(scope), answer.status, seconds)
            method = scope.get("method", "WS")
            log.info("%s %s %d %.0f ms", method, _label(scope), answer.status, 1000 * seconds)

    def _check(self, scope: Scope) -> None:
        """Raise the Problem of a request that may not pass."""
        headers, settings = Headers(scope=scope), self._settings
        host = headers.get("host", "")
        if settings.hosts and _name(host) not in settings.hosts:
            raise Problem("bad_host", "Call the service by a name it was told with --allowed-host.")
        origin = headers.get("origin")
        own = {f"http://{host}", f"https://{host}"}
        if origin is not None and origin not in own and origin not in settings.origins:
            raise Problem(
                "cross_origin", "Start the service with --cors-origin to allow pages of this origin."
            )
        path = scope["path"]
        if not (path.startswith(("/v1/", "/speech/")) or path == "/metrics"):
            return
        key = _key(headers)
        # Browsers cannot send headers with a WebSocket; the stream asks for the key itself.
        if settings.key_digests and path != "/v1/stream" and not is_known(key, settings):
            raise Problem("unauthorized", "Send an API key: Authorization: Bearer KEY, or X-Api-Key: KEY.")
        client = digest(key).hex() if settings.key_digests and key else (scope.get("client") or ("",))[0]
        if path != "/metrics" and (wait := self._rate.wait(client)):
            raise Problem("rate_limited", "You have sent too many requests in a minute.", retry_after=wait)

    def take(self, size: int) -> None:
        """Count bytes that are now held in memory."""
        self._buffered += size
        if self._buffered > self._settings.most_buffered:
            raise Problem("overloaded", "Too many recordings are being received.", retry_after=2)

    @property
    def settings(self) -> Settings:
        return self._settings


class Rate:
    """A bucket of ``per_minute`` requests for every client, refilled all the time."""

    def __init__(self, per_minute: int) -> None:
        self._size, self._refill = float(per_minute), per_minute / 60
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str, now: float | None = None) -> float:
        """Take one; seconds to wait if there is none left, else 0."""
        if not self._size:
            return 0.0
        now = time.monotonic() if now is None else now
        left, seen = self._buckets.pop(client, (self._size, now))
        left = min(left + (now - seen) * self._refill, self._size)
        missing = max(1.0 - left, 0.0)
        self._buckets[client] = (left if missing else left - 1.0, now)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return missing / self._refill


class _Body:
    """Counts what comes, and stops it where it passes a limit."""

    def __init__(self, guard: Guard, receive: Receive, scope: Scope) -> None:
        self._guard, self._receive, self._scope = guard, receive, scope
        self._deadline = time.monotonic() + guard.settings.upload_seconds
        self._ended = scope["type"] != "http"
        self.size = 0

    def check_claim(self) -> None:
        claimed = Headers(scope=self._scope).get("content-length", "")
        if claimed.isdecimal() and int(claimed) > self._guard.settings.most_body:
            raise self._too_large()

    async def receive(self) -> Message:
        if self._ended:
            return await self._receive()
        try:
            left = max(self._deadline - time.monotonic(), 0.0)
            message = await asyncio.wait_for(self._receive(), left)
        except asyncio.TimeoutError:
            self._ended = True
            raise Problem("upload_timeout", "Send the whole body without pauses.") from None
        self._ended = not message.get("more_body", False)
        size = len(message.get("body", b""))
        self.size += size
        self._guard.take(size)
        if self.size > self._guard.settings.most_body:
            self._ended = True
            raise self._too_large()
        return message

    def _too_large(self) -> Problem:
        most = self._guard.settings.most_body / MIB
        return Problem("body_too_large", f"A body may have {most:g} MiB; shorten or compress the recording.")


class _Answer:
    """Adds the headers, and remembers the status."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._started = False
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            self._started = True
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        elif message["type"] == "websocket.accept":
            self._started, self.status = True, 101
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Answer with ``problem`` if nothing has been answered."""
        if self._started:
            return
        if self._scope["type"] == "http":
            await problem.response()(self._scope, _nothing, self.send)
        elif "websocket.http.response" in self._scope.get("extensions", {}):
            response = problem.response()
            start = {"status": response.status_code, "headers": response.raw_headers}
            await self.send({"type": "websocket.http.response.start", **start})
            await self._send({"type": "websocket.http.response.body", "body": response.body})
        else:
            self.status = problem.status
            await self._send({"type": "websocket.close", "code": 1008})


def is_known(key: str, settings: Settings) -> bool:
    """Whether ``key`` is one of the server's; takes the same time whichever it is, and whether it is."""
    mine = digest(key)
    found = False
    for known in settings.key_digests:
        found |= hmac.compare_digest(mine, known)
    return found


def _key(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return headers.get("x-api-key") or headers.get("ocp-apim-subscription-key") or ""


def _name(host: str) -> str:
    """A Host header without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _label(scope: Scope) -> str:
    """A path's name in logs and metrics: what a client wrote into a path stays out of them."""
    path = scope["path"]
    return path if path in KNOWN else "page"


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
