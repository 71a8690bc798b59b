"""The service from outside: what it answers, over a real socket."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import httpx
import pytest
import soundfile

from elocute.result import Assessment
from fakes import fake_assessor, speech
from servers import running

TEXT = "Hello world."


def wav(seconds: float = 1.5) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, speech(seconds), 16_000, format="WAV", subtype="PCM_16")
    return stream.getvalue()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with running() as client:
        yield client


def post(
    client: httpx.Client, path: str = "/v1/assess", audio: bytes | None = None, **fields: str
) -> httpx.Response:
    files = {"audio": ("hello.wav", wav() if audio is None else audio, "audio/wav")}
    return client.post(path, files=files, data={"text": TEXT, **fields})


def test_the_answer_is_the_result_of_the_pipeline(client: httpx.Client) -> None:
    answer = post(client)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert Assessment.from_dict(answer.json()) == fake_assessor().assess(wav(), TEXT)


@pytest.mark.parametrize(
    ("name", "media_type", "sign"),
    [
        ("json", "application/json", '"schema": "elocute/1"'),
        ("azure", "application/json", '"PronScore"'),
        ("csv", "text/csv", "level,word,phone"),
        ("textgrid", "text/plain", "ooTextFile"),
        ("html", "text/html", "<!DOCTYPE html>"),
    ],
)
def test_formats(client: httpx.Client, name: str, media_type: str, sign: str) -> None:
    answer = post(client, format=name)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    assert sign in answer.text


def test_align(client: httpx.Client) -> None:
    words = post(client, "/v1/align").json()["words"]
    assert [word["text"] for word in words] == ["hello", "world"]
    assert post(client, "/v1/align", format="textgrid").text.startswith('File type = "ooTextFile"')


def test_pronunciations(client: httpx.Client) -> None:
    said = json.dumps({"Hello": ["HH AY1", "HH EH1"]})
    word = post(client, pronunciations=said).json()["words"][0]
    assert word["pronunciation_source"] == "user"


def test_models_health_readiness_and_metrics(client: httpx.Client) -> None:
    (model,) = client.get("/v1/models").json()["models"]
    assert (model["acoustic"], model["default"]) == ("fake", True)
    assert model["model"] == post(client).json()["model"]
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    assert 'elocute_requests_total{path="/v1/assess",status="200"}' in client.get("/metrics").text


def test_the_page(client: httpx.Client) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
