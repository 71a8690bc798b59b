"""The application: what belongs together, and its beginning and end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, WebSocket
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from elocute._version import __version__
from elocute.serve import openapi
from elocute.serve.api import Service, routes
from elocute.serve.guard import Guard
from elocute.serve.lanes import Lanes
from elocute.serve.metrics import Metrics
from elocute.serve.problems import Problem
from elocute.serve.settings import Settings
from elocute.serve.streaming import Streams

STATIC = Path(__file__).parent / "static"


def create_app(settings: Settings | None = None) -> ASGIApp:
    """The service as an ASGI application; the models are loaded when it starts, in the background."""
    settings = settings or Settings()
    metrics = Metrics()
    lanes = Lanes(settings)
    service = Service(settings, lanes, metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        lanes.start()
        yield
        await lanes.close()

    # The interactive pages that FastAPI offers load their scripts from elsewhere: they stay off.
    app = FastAPI(
        title="Elocute", version=__version__, description=openapi.DESCRIPTION,
        docs_url=None, redoc_url=None, lifespan=lifespan,
    )  # fmt: skip
    app.include_router(routes(service))
    streams = Streams(service)

    @app.websocket("/v1/stream")
    async def _stream(socket: WebSocket) -> None:
        await streams.serve(socket)

    # Behind all routes, not mounted at "/": a mount would take what a route refuses for its method.
    app.router.default = StaticFiles(directory=STATIC, html=True)

    @app.exception_handler(Problem)
    async def _problem(request: Request, problem: Problem) -> Response:
        metrics.refused(problem.code)
        return problem.response()

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        code = "method_not_allowed" if error.status_code == 405 else "not_found"
        answer = Problem(code, "GET /openapi.json tells all paths and methods.").response()
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    async def _ours(request: Request, error: Exception) -> Response:
        return Problem("internal", "The service failed; the error has been logged.").response()

    metrics.watch("elocute_requests_inside", "Requests that wait or are at work.", lambda: lanes.inside)
    metrics.watch("elocute_streams_open", "WebSockets that are open.", lambda: streams.open)
    metrics.watch("elocute_lane_restarts", "Lanes that got a new process.", lambda: lanes.restarts)
    metrics.watch("elocute_ready", "Whether recordings can be assessed.", lambda: lanes.ready)
    guarded: ASGIApp = Guard(app, settings, metrics)
    if settings.origins:
        guarded = CORSMiddleware(
            guarded, settings.origins, ("GET", "POST"), ("authorization", "x-api-key"),
            expose_headers=("retry-after",),
        )  # fmt: skip
    return guarded
