"""How the routes are described: requests, answers, examples. Hand-written, as forms are read by hand."""

from __future__ import annotations

from typing import Any

from elocute.serve.problems import CODES, MEDIA_TYPE

DESCRIPTION = """Scores how a text was read aloud: every phone, every word and the whole reading.

Errors are RFC 9457 problems with a stable `code`. A recording in which nobody speaks, or in which something
else was read, is no error: the answer is 200, its `status` says `no_speech` or `off_script`, and its scores
are null."""

_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": sorted(CODES)},
    },
}
_MEANINGS = {
    400: "The form or the recording is damaged",
    401: "An API key is needed",
    403: "A page of another origin called",
    404: "Nothing here",
    405: "Another method is needed",
    408: "The body came too slowly",
    413: "The body or the recording is too long",
    415: "Not a multipart form, or not a supported recording",
    422: "A field or the text cannot be used",
    429: "Too many requests of one client",
    500: "The service failed",
    503: "Busy or not ready; see Retry-After",
    504: "It took too long",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Responses for ``statuses``, each with the codes it may carry as examples."""
    return {status: _problem(status) for status in statuses}


def _problem(status: int) -> dict[str, Any]:
    examples = {
        code: {
            "value": {
                "type": f"urn:elocute:problem:{code}", "title": title, "status": status,
                "detail": f"{title}: what to do.", "code": code,
            }
        }
        for code, (its, title) in CODES.items()
        if its == status
    }  # fmt: skip
    described: dict[str, Any] = {
        "description": _MEANINGS[status],
        "content": {MEDIA_TYPE: {"schema": _PROBLEM_SCHEMA, "examples": examples}},
    }
    if status in (429, 503):
        described["headers"] = {
            "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}
        }
    return described


_RESULT_EXAMPLE = {
    "schema": "elocute/1",
    "status": "ok",
    "warnings": [],
    "text": "Ask her.",
    "duration": 1.2,
    "scores": {"accuracy": 85.1, "completeness": 100.0, "fluency": 85.0, "prosody": 80.2, "total": 81.3},
    "words": [
        {
            "text": "ask", "start": 0.2, "end": 0.5, "accuracy": 91.0, "stress": 100.0, "total": 90.0,
            "verdict": "ok", "pronunciation_source": "lexicon",
            "phones": [
                {
                    "phone": "AE1", "ipa": "æ", "start": 0.2, "end": 0.3, "accuracy": 95.0,
                    "heard": [{"phone": "AE", "probability": 0.93}],
                }
            ],
        }
    ],
    "pauses": [],
    "features": {"speech_rate": {"value": 3.1, "unit": "syllables/s", "percentile": 44.0, "effect": None}},
    "model": {"name": "phonetic-encoder+scorer", "version": "0.1.0+1.1", "sha256": "…"},
}  # fmt: skip


def _form(formats: tuple[str, ...]) -> dict[str, Any]:
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["audio", "text"],
                        "additionalProperties": False,
                        "properties": {
                            "audio": {
                                "type": "string",
                                "format": "binary",
                                "description": "A WAV, FLAC, OGG or MP3 recording",
                            },
                            "text": {
                                "type": "string",
                                "minLength": 1,
                                "maxLength": 6000,
                                "description": "What should have been read",
                                "example": "Please call Stella.",
                            },
                            "format": {"type": "string", "enum": list(formats), "default": "json"},
                            "acoustic": {"type": "string", "description": "A name of GET /v1/models"},
                            "n_best": {
                                "type": "integer",
                                "minimum": 1,
                                "maximum": 39,
                                "description": "Phones listed as heard for every phone; else the likely ones",
                            },
                            "pronunciations": {
                                "type": "string",
                                "description": "JSON: word to ARPAbet, or to a list of variants",
                                "example": '{"tomato": "T AH0 M EY1 T OW0"}',
                            },
                        },
                    }
                }
            },
        }
    }


def _text(example: str) -> dict[str, Any]:
    return {"schema": {"type": "string"}, "example": example}


def _json(example: Any) -> dict[str, Any]:
    return {"schema": {"type": "object"}, "example": example}


_EVERYWHERE = (400, 403, 405, 408, 413, 500)
_KEYED = (401, 429)
_WORK = (415, 422, 503, 504)


def _route(
    summary: str, ok: dict[str, Any], *statuses: int, form: dict[str, Any] | None = None
) -> dict[str, Any]:
    described = {"description": summary, "content": ok}
    return {
        "summary": summary,
        "response_model": None,
        "responses": {200: described, **problems(*sorted((*_EVERYWHERE, *statuses)))},
        "openapi_extra": form,
    }


ASSESS = _route(
    "The assessment, in the format asked for",
    {
        "application/json": _json(_RESULT_EXAMPLE),
        "text/csv": _text("level,word,phone,…"),
        "text/plain": _text('File type = "ooTextFile"'),
        "text/html": _text("<!DOCTYPE html>"),
    },
    *_KEYED, *_WORK,
    form=_form(("json", "azure", "csv", "textgrid", "html")),
)  # fmt: skip
ALIGN = _route(
    "When every word and phone was spoken",
    {
        "application/json": _json({"schema": "elocute-alignment/1", "duration": 1.2, "words": []}),
        "text/plain": _text('File type = "ooTextFile"'),
    },
    *_KEYED, *_WORK,
    form=_form(("json", "textgrid")),
)  # fmt: skip
AZURE = _route(
    "The assessment as Azure's REST API for short audio gives it",
    {"application/json": _json({"RecognitionStatus": "Success", "NBest": []})},
    *_KEYED, *_WORK,
    form={
        "parameters": [
            {
                "name": "Pronunciation-Assessment", "in": "header", "required": True,
                "description": "Base64 of JSON: ReferenceText, Granularity, NBestPhonemeCount, …",
                "schema": {"type": "string", "format": "byte"},
                "example": "eyJSZWZlcmVuY2VUZXh0IjoiSGVsbG8uIn0=",
            },
            {
                "name": "language", "in": "query", "description": "English only",
                "schema": {"type": "string", "default": "en-US"},
            },
        ],
        "requestBody": {
            "required": True,
            "content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}},
        },
    },
)  # fmt: skip
MODELS = _route(
    "The models",
    {
        "application/json": _json(
            {
                "models": [
                    {"acoustic": "phonetic-encoder", "default": True, "model": _RESULT_EXAMPLE["model"]},
                ]
            }
        )
    },
    *_KEYED,
    503,
)
CATALOGUE = _route(
    "What the names in a result mean: its features, and the phones",
    {
        "application/json": _json(
            {
                "features": {
                    "speech_rate": {
                        "label": "Pace", "key": 2, "family": "Rate and durations", "unit": "syllables/s",
                        "formula": "vowels / time from first to last word",
                        "advice": "Link the words of a phrase.", "words": ["faster", "slower"],
                    }
                },
                "sounds": {"TH": {"ipa": "θ", "example": "thin", "how": "Put the tongue tip …"}},
            }
        )
    },
    *_KEYED,
)  # fmt: skip
HEALTH = _route("Alive", {"application/json": _json({"status": "alive"})})
READY = _route("Ready for recordings", {"application/json": _json({"status": "ready"})}, 503)
METRICS = _route("Prometheus metrics", {"text/plain": _text("elocute_requests_total 1.0")}, *_KEYED)
