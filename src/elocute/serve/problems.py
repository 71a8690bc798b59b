"""Errors as RFC 9457 problems: each has a status, a stable ``code`` and a sentence that says what to do."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.responses import Response

from elocute.errors import ElocuteError

MEDIA_TYPE = "application/problem+json"

CODES: dict[str, tuple[int, str]] = {
    # the request
    "bad_multipart": (400, "The body is not a complete multipart form"),
    "bad_host": (400, "The server does not answer to this host name"),
    "unauthorized": (401, "An API key is needed"),
    "cross_origin": (403, "Pages of this origin may not call the service"),
    "not_found": (404, "There is nothing at this path"),
    "method_not_allowed": (405, "The path does not know this method"),
    "upload_timeout": (408, "The body came too slowly"),
    "body_too_large": (413, "The body is too large"),
    "not_multipart": (415, "The body is not multipart/form-data"),
    "missing_field": (422, "A field is missing"),
    "unknown_field": (422, "There is no such field"),
    "bad_field": (422, "A field has a value that cannot be used"),
    # the recording
    "damaged_audio": (400, "The recording is damaged"),
    "undecodable_audio": (400, "The recording brings its decoder down"),
    "audio_too_long": (413, "The recording is too long"),
    "not_audio": (415, "This is not a supported recording"),
    "unsupported_audio": (415, "This kind of recording is not supported"),
    "audio_too_short": (422, "The recording is too short"),
    # the text
    "empty_text": (422, "The text is empty"),
    "no_pronounceable_word": (422, "The text has no word that can be read aloud"),
    "text_too_long": (422, "The text is too long"),
    "bad_pronunciation": (422, "A pronunciation is not ARPAbet"),
    "text_audio_mismatch": (422, "The text cannot have been read in this time"),
    # the service
    "rate_limited": (429, "Too many requests"),
    "internal": (500, "The service failed"),
    "overloaded": (503, "The service is busy"),
    "not_ready": (503, "The service is not ready"),
    "timeout": (504, "The assessment took too long"),
    # streams only
    "bad_message": (400, "The message cannot be used"),
    "idle": (408, "Nothing came for too long"),
}
"""Code -> status and title. Codes of recordings and texts are those of ``elocute.errors``."""


class Problem(Exception):
    """An error that the client is told about."""

    def __init__(self, code: str, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.code, self.detail, self.retry_after = code, detail, retry_after
        self.status, self.title = CODES[code]

    @classmethod
    def of(cls, code: str, message: str) -> Problem:
        """From the ``code`` and message of an :class:`ElocuteError`."""
        return cls(code if code in CODES else "bad_field", message)

    @classmethod
    def from_error(cls, error: ElocuteError) -> Problem:
        return cls.of(error.code, str(error))

    def to_dict(self) -> dict[str, Any]:
        """Members of the RFC, then ``code``; ``type`` is a name, not an address to fetch."""
        return {
            "type": f"urn:elocute:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }

    def response(self) -> Response:
        headers = {"cache-control": "no-store"}
        if self.retry_after is not None:
            headers["retry-after"] = str(max(math.ceil(self.retry_after), 1))
        if self.status == 401:
            headers["www-authenticate"] = "Bearer"
        body = json.dumps(self.to_dict(), ensure_ascii=False)
        return Response(body, self.status, headers, MEDIA_TYPE)
