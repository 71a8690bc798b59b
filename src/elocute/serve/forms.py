"""Multipart forms (RFC 7578) from a body that is already in memory, whole and bounded.

Parsers that take a body piece by piece walk over hostile ones byte by byte in Python; here only
``bytes.find`` sees the content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from elocute.serve.problems import Problem

MOST_PARTS = 16
MOST_HEADER_BYTES = 4096

_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)', re.IGNORECASE)
_DISPOSITION = re.compile(r"^content-disposition:\s*form-data\s*;(.*)$", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(r';\s*name=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))', re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """One field of a form."""

    name: str
    content: bytes


def boundary_of(content_type: str) -> bytes:
    """The boundary a ``Content-Type`` announces.

    Raises:
        Problem: ``not_multipart``, or ``bad_multipart`` without a boundary.
    """
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise Problem("not_multipart", "Send a multipart/form-data body with the fields audio and text.")
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise Problem("bad_multipart", "The Content-Type names no boundary; let your library set it.")
    return (found[1] or found[2]).encode("latin-1", "replace")


def parse_form(body: bytes, boundary: bytes) -> tuple[Part, ...]:
    """The parts of a body.

    Raises:
        Problem: ``bad_multipart``.
    """
    delimiter = b"--" + boundary
    if body.startswith(delimiter):
        at = len(delimiter)
    else:  # there may be a preamble
        found = body.find(b"\r\n" + delimiter)
        if found < 0:
            raise _bad("its boundary is not in it")
        at = found + 2 + len(delimiter)
    parts: list[Part] = []
    while body[at : at + 2] != b"--":
        if len(parts) == MOST_PARTS:
            raise _bad(f"it has more than {MOST_PARTS} parts")
        begin = body.find(b"\r\n", at, at + 128)
        if begin < 0 or body[at:begin].strip(b" \t"):
            raise _bad("a boundary is followed by something else")
        part, at = _part(body, begin + 2, b"\r\n" + delimiter)
        parts.append(part)
    return tuple(parts)


def _part(body: bytes, begin: int, delimiter: bytes) -> tuple[Part, int]:
    """The part whose headers begin at ``begin``, and where its closing boundary ends."""
    headers_end = body.find(b"\r\n\r\n", begin, begin + MOST_HEADER_BYTES)
    if headers_end < 0:
        raise _bad("a part's headers do not end")
    end = body.find(delimiter, headers_end + 2)
    if end < 0:
        raise _bad("it breaks off")
    disposition = _DISPOSITION.search(body[begin:headers_end].decode("utf-8", "replace").replace("\r", ""))
    name = _NAME.search(";" + disposition[1]) if disposition else None
    if name is None:
        raise _bad("a part has no name")
    return Part(name[1] or name[2] or "", body[headers_end + 4 : end]), end + len(delimiter)


def _bad(why: str) -> Problem:
    return Problem("bad_multipart", f"The form cannot be read: {why}.")
