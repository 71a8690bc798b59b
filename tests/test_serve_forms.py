"""Forms: what libraries send is read as it was meant, and anything else is a problem, never a crash."""

from __future__ import annotations

from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elocute.serve.forms import Part, boundary_of, parse_form
from elocute.serve.problems import Problem

names = st.text("abcdefghijklmnopqrstuvwxyz_-", min_size=1, max_size=12)


@given(st.dictionaries(names, st.binary(max_size=300), min_size=1, max_size=8))
def test_what_a_library_sends_is_read_back(fields: dict[str, bytes]) -> None:
    files = [(name, ("file.bin", content)) for name, content in fields.items()]
    request = httpx.Request("POST", "http://x", files=files)
    parts = parse_form(request.read(), boundary_of(request.headers["content-type"]))
    assert parts == tuple(Part(name, content) for name, content in fields.items())


@given(st.binary(max_size=400), st.sampled_from([b"", b"--x", b"--x\r\n", b"--x--"]))
def test_anything_else_is_read_or_refused(body: bytes, begin: bytes) -> None:
    with suppress(Problem):
        parse_form(begin + body, b"x")


FIELD = b'Content-Disposition: form-data; name="a"'


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"--x\r\n" + FIELD + b"\r\n\r\n1\r\n--x--", (Part("a", b"1"),)),
        (b"preamble\r\n--x  \r\n" + FIELD + b"\r\n\r\n\r\n--x--\r\nepilogue", (Part("a", b""),)),
        (b"--x\r\nX: y\r\ncontent-disposition: FORM-DATA; NAME=a\r\n\r\n1\r\n--x--", (Part("a", b"1"),)),
        (
            b'--x\r\nContent-Disposition: form-data; filename="n"; name="a"\r\n\r\n1\r\n--x--',
            (Part("a", b"1"),),
        ),
        (b"--x\r\n" + FIELD + b"\r\n\r\n\r\n--xy\r\n--x--", None),
        (b"--x--", ()),
    ],
)
def test_corners(body: bytes, parts: tuple[Part, ...] | None) -> None:
    if parts is None:
        with pytest.raises(Problem):
            parse_form(body, b"x")
    else:
        assert parse_form(body, b"x") == parts


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--y\r\n",
        b"--x",
        b"--x\r\n" + FIELD,
        b"--x\r\n" + FIELD + b"\r\n\r\nno end",
        b"--x\r\nX-Long: " + b"a" * 5000 + b"\r\n\r\n1\r\n--x--",
        b"--x\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--x--",
        b"--x\r\nContent-Disposition: form-data; filename=name=a\r\n\r\n1\r\n--x--",
        (b"--x\r\n" + FIELD + b"\r\n\r\n1\r\n") * 17 + b"--x--",
    ],
)
def test_forms_that_cannot_be_read(body: bytes) -> None:
    with pytest.raises(Problem) as refusal:
        parse_form(body, b"x")
    assert refusal.value.code == "bad_multipart"


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; BOUNDARY="a b;c"', b"a b;c"),
        ("multipart/form-data", "bad_multipart"),
        ("multipart/form-data; boundary=" + "a" * 71, "bad_multipart"),
        ("application/json", "not_multipart"),
        ("", "not_multipart"),
    ],
)
def test_boundaries(header: str, boundary: bytes | str) -> None:
    if isinstance(boundary, bytes):
        assert boundary_of(header) == boundary
    else:
        with pytest.raises(Problem) as refusal:
            boundary_of(header)
        assert refusal.value.code == boundary
