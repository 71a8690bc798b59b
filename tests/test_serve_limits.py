"""Bad input and the accidents of other audio services: each ends in a problem, and the service goes on."""

from __future__ import annotations

import io
import socket
import struct
from collections.abc import Callable, Iterator
from types import ModuleType

import httpx
import numpy as np
import pytest
import soundfile

from fakes import speech
from servers import CRASH, HANG, TEXT, fragile_nursery, post, problem, recording, running

MIB = 1 << 20


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    limits = {"most_body": MIB, "most_seconds": 10.0, "most_decoded": 2 * MIB, "upload_seconds": 1.0}
    with running(nursery=fragile_nursery, decode_seconds=1.0, **limits) as client:
        yield client
        assert post(client).status_code == 200, "it does not go on"


def refused(client: httpx.Client, audio: bytes, **fields: str) -> str:
    """The same problem at both entry points."""
    told = problem(post(client, audio=audio, **fields))
    assert problem(post(client, "/v1/align", audio=audio, **fields)) == told
    return told


# --- sizes ------------------------------------------------------------------------------------------------


def test_a_small_file_that_is_long(client: httpx.Client) -> None:
    silence = np.zeros(60 * 16_000, np.float32)
    for format, subtype in (("OGG", "OPUS"), ("FLAC", "PCM_16"), ("MP3", None)):
        audio = recording(silence, 16_000, format, subtype)
        assert len(audio) < 300_000
        assert refused(client, audio) == "413 audio_too_long"


def test_a_forged_rate_does_not_make_it_short(client: httpx.Client) -> None:
    audio = bytearray(recording(np.zeros(6 * 150_000, np.float32), 150_000, "FLAC"))
    assert len(audio) < MIB
    assert refused(client, bytes(audio)) == "413 audio_too_long"  # 6 s, but 3.4 MiB decoded
    wav = bytearray(recording(np.zeros(400_000, np.float32), 16_000, "WAV", "PCM_U8"))
    wav[24:28] = struct.pack("<I", 400_000 // 2)
    assert refused(client, bytes(wav)) == "415 unsupported_audio"


def test_a_body_is_refused_by_its_claim(client: httpx.Client) -> None:
    assert problem(post(client, audio=bytes(2 * MIB))) == "413 body_too_large"


def test_a_body_without_a_claim_is_refused_while_it_comes(client: httpx.Client) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="audio"; filename="a"\r\n\r\n'
        for _ in range(200):
            sent += 1
            yield bytes(MIB // 4)

    headers = {"content-type": "multipart/form-data; boundary=x"}
    try:
        assert problem(client.post("/v1/assess", content=endless(), headers=headers)) == "413 body_too_large"
    except httpx.TransportError:  # it may hang up on what it does not want
        assert sent < 200


def test_all_bodies_together_are_bounded() -> None:
    with running(most_buffered=100_000) as client:
        answer = post(client, audio=bytes(200_000))
        assert problem(answer) == "503 overloaded"
        assert int(answer.headers["retry-after"]) >= 1
        assert post(client).status_code == 200


def test_a_body_that_does_not_come(client: httpx.Client) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=10) as raw:
        raw.sendall(
            b"POST /v1/assess HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x"
        )
        answer = raw.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"upload_timeout" in answer


# --- recordings -------------------------------------------------------------------------------------------


def test_a_decoder_that_crashes_or_hangs(client: httpx.Client) -> None:
    assert refused(client, CRASH) == "400 undecodable_audio"
    assert problem(post(client, audio=HANG)) == "400 undecodable_audio"


def test_samples_that_are_no_numbers(client: httpx.Client) -> None:
    samples = speech()
    samples[1000] = np.nan
    assert refused(client, recording(samples, subtype="FLOAT")) == "400 damaged_audio"


def test_a_thousand_channels(client: httpx.Client) -> None:
    assert refused(client, recording(np.zeros((20, 1024), np.float32))) == "415 unsupported_audio"


def test_no_frames_and_few_frames(client: httpx.Client) -> None:
    assert refused(client, recording(np.zeros(0, np.float32))) == "422 audio_too_short"
    assert refused(client, recording(np.zeros(1600, np.float32))) == "422 audio_too_short"


@pytest.mark.parametrize("format", ["AIFF", "AU", "CAF", "W64", "VOC"])
def test_other_formats_of_the_decoder_do_not_reach_it(client: httpx.Client, format: str) -> None:
    assert refused(client, recording(format=format, subtype="PCM_16")) == "415 not_audio"


def test_what_browsers_send_by_mistake(client: httpx.Client) -> None:
    answer = post(client, audio=b"\x1a\x45\xdf\xa3" + bytes(1000))
    assert problem(answer) == "415 not_audio"
    assert "WebM" in answer.json()["detail"]
    assert refused(client, b"") == "415 not_audio"
    assert refused(client, b"hello" * 100) == "415 not_audio"


def test_48_khz_is_no_mistake(client: httpx.Client) -> None:
    stream = io.BytesIO()
    soundfile.write(stream, np.repeat(speech(), 3), 48_000, format="WAV", subtype="PCM_16")
    assert post(client, audio=stream.getvalue()).status_code == 200


def test_a_damaged_recording(client: httpx.Client) -> None:
    flac = recording(format="FLAC")
    assert refused(client, flac[: len(flac) // 2]) == "400 damaged_audio"


# --- texts and fields -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": ""}, "empty_text"),
        ({"text": "  \n"}, "empty_text"),
        ({"text": "你好"}, "no_pronounceable_word"),
        ({"text": "word " * 301}, "text_too_long"),
        ({"text": "a" * 30_000}, "text_too_long"),
        ({"text": "one two three four five six seven " * 40}, "text_audio_mismatch"),
        ({"format": "yaml"}, "bad_field"),
        ({"acoustic": "../../etc"}, "bad_field"),
        ({"n_best": "0"}, "bad_field"),
        ({"n_best": "40"}, "bad_field"),
        ({"n_best": "²"}, "bad_field"),
        ({"pronunciations": "{"}, "bad_field"),
        ({"pronunciations": "[" * 60_000}, "bad_field"),
        ({"pronunciations": '["T"]'}, "bad_field"),
        ({"pronunciations": '{"hello": "XX"}'}, "bad_pronunciation"),
        ({"speed": "fast"}, "unknown_field"),
    ],
)
def test_fields_that_cannot_be_used(client: httpx.Client, fields: dict[str, str], code: str) -> None:
    assert refused(client, recording(), **fields) == f"422 {code}"


def test_fields_that_are_missing_or_there_twice(client: httpx.Client) -> None:
    audio = ("audio", ("x", recording()))
    assert problem(client.post("/v1/assess", files=[audio])) == "422 missing_field"
    text = ("text", (None, TEXT))
    assert problem(client.post("/v1/assess", files=[text])) == "422 missing_field"
    assert problem(client.post("/v1/assess", files=[audio, text, text])) == "422 bad_field"
    latin = ("text", (None, b"caf\xe9"))
    assert problem(client.post("/v1/assess", files=[audio, latin])) == "422 bad_field"


def test_bodies_of_another_kind(client: httpx.Client) -> None:
    assert problem(client.post("/v1/assess", json={"text": TEXT})) == "415 not_multipart"
    assert problem(client.post("/v1/assess", content=b"x")) == "415 not_multipart"
    headers = {"content-type": "multipart/form-data"}
    assert problem(client.post("/v1/assess", content=b"x", headers=headers)) == "400 bad_multipart"
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert problem(client.post("/v1/assess", content=b"--x\r\n", headers=headers)) == "400 bad_multipart"


def test_other_paths_and_methods(client: httpx.Client) -> None:
    assert problem(client.get("/v2/assess")) == "404 not_found"
    assert problem(client.get("/../../etc/passwd")) == "404 not_found"
    for method, path in (("GET", "/v1/assess"), ("POST", "/v1/models"), ("DELETE", "/")):
        assert problem(client.request(method, path)) == "405 method_not_allowed"


def test_bent_recordings_end_in_results_or_problems(
    client: httpx.Client, load_benchmark: Callable[[str], ModuleType]
) -> None:
    mutations = load_benchmark("mutations")
    statuses = set()
    for audio in mutations.bent_recordings(80, seed=7):
        answer = post(client, audio=audio)
        statuses.add(answer.status_code)
        if answer.status_code != 200:
            problem(answer)
    assert statuses <= mutations.EXPECTED
    assert {200, 415} <= statuses
