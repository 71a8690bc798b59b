"""The routes. Nothing here blocks: decoding and inference happen in the lanes' processes."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from elocute.audio import Audio
from elocute.export.catalogue import catalogue
from elocute.phones import PHONES
from elocute.serve import dialect, openapi
from elocute.serve.forms import Part, boundary_of, parse_form
from elocute.serve.inference import MEDIA_TYPES, Job, Outcome
from elocute.serve.lanes import Lanes
from elocute.serve.metrics import Metrics
from elocute.serve.problems import Problem
from elocute.serve.settings import Settings

MOST_TEXT_BYTES = 24_000
"""Four bytes for each character a text may have; longer ones are refused unread."""

MOST_PRONUNCIATIONS_BYTES = 64_000
MOST_PRONUNCIATIONS = 300

RESULT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; sandbox allow-scripts"
)
"""Of a result as HTML: apart from every page of this origin, and it names its only script by its hash."""

log = logging.getLogger("elocute.serve")
Task = Literal["assess", "align"]


@dataclass
class Service:
    """What the routes share."""

    settings: Settings
    lanes: Lanes
    metrics: Metrics


@dataclass(frozen=True, repr=False)
class Asked:
    """A form: the recording as it came, and what to do with it."""

    audio: bytes
    text: str
    pronunciations: dict[str, Any] | None
    acoustic: str
    format: str
    n_best: int | None
    view: dict[str, str] | None = None

    def job(self, task: Task) -> Callable[[Audio], Job]:
        """What makes the job from the decoded recording."""
        asked = self.text, self.pronunciations, self.acoustic, self.format, self.n_best, self.view
        return lambda audio: Job(task, audio, *asked)


def routes(service: Service) -> APIRouter:
    """All routes of the API."""
    router = APIRouter()

    @router.post("/v1/assess", **openapi.ASSESS)
    async def assess(request: Request) -> Response:
        return await _answer(service, request, "assess", tuple(MEDIA_TYPES))

    @router.post("/v1/align", **openapi.ALIGN)
    async def align(request: Request) -> Response:
        return await _answer(service, request, "align", ("json", "textgrid"))

    @router.post(dialect.PATH, **openapi.AZURE)
    async def azure(request: Request) -> Response:
        parameters = dialect.asked_parameters(request.headers, request.query_params)
        service.lanes.check_room()
        asked = Asked(
            await request.body(),
            dialect.text_of(parameters),
            None,
            dialect.acoustic_of(request.query_params, service.settings),
            "azure",
            n_best(parameters.get("NBestPhonemeCount")),
            dialect.view_of(parameters),
        )
        return await _work(service, request, "assess", asked)

    @router.get("/v1/models", **openapi.MODELS)
    async def models() -> Response:
        if not service.lanes.described:
            service.lanes.check_ready()
        default = service.settings.default_acoustic
        entries = [
            {"acoustic": name, "default": name == default, "model": model}
            for name, model in service.lanes.described.items()
        ]
        return JSONResponse({"models": entries})

    @router.get("/v1/catalogue", **openapi.CATALOGUE)
    async def names() -> Response:
        return JSONResponse(catalogue())

    @router.get("/healthz", **openapi.HEALTH)
    async def healthz() -> Response:
        return JSONResponse({"status": "alive"})

    @router.get("/readyz", **openapi.READY)
    async def readyz() -> Response:
        service.lanes.check_ready()
        return JSONResponse({"status": "ready"})

    @router.get("/metrics", **openapi.METRICS)
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


async def _answer(service: Service, request: Request, task: Task, formats: tuple[str, ...]) -> Response:
    boundary = boundary_of(request.headers.get("content-type", ""))
    service.lanes.check_room()  # before a body is read that would be thrown away
    parts = parse_form(await request.body(), boundary)
    return await _work(service, request, task, _asked(parts, formats, service.settings))


async def _work(service: Service, request: Request, task: Task, asked: Asked) -> Response:
    deadline = time.monotonic() + service.settings.request_seconds
    async with service.lanes.lane(deadline) as lane:
        if await request.is_disconnected():
            return Response(status_code=499)  # nobody is left to read it
        outcome, seconds = await service.lanes.work(lane.assess, asked.audio, asked.job(task), deadline)
    return response(service, outcome, seconds, asked.format)


def response(service: Service, outcome: Outcome, seconds: float, format: str) -> Response:
    """The answer for an outcome.

    Raises:
        Problem: the outcome's.
    """
    checked(outcome)
    service.metrics.done(outcome.status, seconds)
    headers = {"cache-control": "no-store"}
    if format == "html":
        headers["content-security-policy"] = RESULT_POLICY
    return Response(outcome.body, headers=headers, media_type=MEDIA_TYPES[format])


def checked(outcome: Outcome) -> Outcome:
    """The outcome, if there is one; else the Problem."""
    if outcome.failure:
        log.error("%s", outcome.failure)
        raise Problem("internal", "The service failed; the error has been logged.")
    if outcome.code:
        raise Problem.of(outcome.code, outcome.body)
    return outcome


# --- what a form asks ------------------------------------------------------------------------------------

FIELDS = ("audio", "text", "format", "acoustic", "n_best", "pronunciations")


def _asked(parts: tuple[Part, ...], formats: tuple[str, ...], settings: Settings) -> Asked:
    fields: dict[str, bytes] = {}
    for part in parts:
        if part.name not in FIELDS:
            raise Problem("unknown_field", f"There are only the fields {', '.join(FIELDS)}.")
        if part.name in fields:
            raise Problem("bad_field", f"The field {part.name} is there twice.")
        fields[part.name] = part.content
    for name in ("audio", "text"):
        if name not in fields:
            raise Problem(
                "missing_field", f"Send the field {name}: audio, a recording, and text, what was read."
            )
    given = {name: _text(name, fields[name]) for name in fields if name != "audio"}
    return Asked(
        fields["audio"],
        given["text"],
        pronunciations(given.get("pronunciations", "")),
        choice("acoustic", given.get("acoustic") or settings.default_acoustic, tuple(settings.acoustics)),
        choice("format", given.get("format") or "json", formats),
        n_best(given.get("n_best") or None),
    )


def _text(name: str, content: bytes) -> str:
    if len(content) > (MOST_PRONUNCIATIONS_BYTES if name == "pronunciations" else MOST_TEXT_BYTES):
        raise Problem("text_too_long", f"The field {name} is too long; cut the text into parts.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem("bad_field", f"The field {name} is not UTF-8.") from None


def choice(name: str, given: str, among: tuple[str, ...]) -> str:
    """``given``, if it is one of ``among``; else a Problem."""
    if given not in among:
        raise Problem("bad_field", f"The field {name} can be {', '.join(among)}.")
    return given


def n_best(given: Any) -> int | None:
    """How many phones to list, if it was said; else a Problem."""
    if given is None:
        return None
    if isinstance(given, str) and given.isascii() and given.isdecimal() and len(given) < 3:
        given = int(given)
    if type(given) is not int or not 1 <= given <= len(PHONES):
        raise Problem("bad_field", f"n_best is a number from 1 to {len(PHONES)}.")
    return given


def pronunciations(given: str) -> dict[str, Any] | None:
    """The pronunciations of a JSON object, none of an empty string; else a Problem."""
    if not given:
        return None
    try:
        found = json.loads(given)
    except (ValueError, RecursionError):
        found = None
    return checked_pronunciations(found)


def checked_pronunciations(found: Any) -> dict[str, Any]:
    """``found``, if it maps words to strings or lists of strings; else a Problem."""
    if (
        not isinstance(found, dict)
        or len(found) > MOST_PRONUNCIATIONS
        or not all(isinstance(said, str | list) for said in found.values())
    ):
        example = '{"tomato": "T AH0 M EY1 T OW0"}'
        raise Problem("bad_field", f"pronunciations is a JSON object of at most 300 words, as {example}.")
    return found
