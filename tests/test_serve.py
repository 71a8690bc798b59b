"""The service from outside: what it answers to requests that are in order."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from elocute.result import Assessment
from fakes import deaf_assessor, fake_assessor
from servers import TEXT, post, recording, running


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with running() as client:
        yield client


def test_the_answer_is_the_result_of_the_pipeline(client: httpx.Client) -> None:
    answer = post(client)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert Assessment.from_dict(answer.json()) == fake_assessor().assess(recording(), TEXT)


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3"])
def test_every_format_of_recordings(client: httpx.Client, format: str) -> None:
    answer = post(client, audio=recording(format=format, rate=16_000))
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


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


def test_a_result_as_html_is_apart_from_the_page_and_loads_nothing(client: httpx.Client) -> None:
    policy = post(client, format="html", text="Hello <script src=//example.org>").headers[
        "content-security-policy"
    ]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-same-origin" not in policy
    assert "://" not in policy


def test_align(client: httpx.Client) -> None:
    words = post(client, "/v1/align").json()["words"]
    assert [word["text"] for word in words] == ["hello", "world"]
    assert post(client, "/v1/align", format="textgrid").text.startswith('File type = "ooTextFile"')


def test_pronunciations(client: httpx.Client) -> None:
    said = json.dumps({"Hello": ["HH AY1", "HH EH1"]})
    word = post(client, pronunciations=said).json()["words"][0]
    assert word["pronunciation_source"] == "user"


def test_as_many_phones_are_heard_as_asked_for(client: httpx.Client) -> None:
    for many in (1, 5, 39):
        (first, *_) = post(client, n_best=str(many)).json()["words"][0]["phones"]
        heard = [found["probability"] for found in first["heard"]]
        assert len(heard) == many
        assert heard == sorted(heard, reverse=True)


def test_silence_is_no_error(client: httpx.Client) -> None:
    answer = post(client, audio=recording(np.zeros(16_000, np.float32)))
    assert answer.status_code == 200
    assert answer.json()["status"] == "no_speech"
    assert set(answer.json()["scores"].values()) == {None}


def test_another_text_is_no_error() -> None:
    with running(acoustics={"deaf": deaf_assessor}) as client:
        answer = post(client)
    assert answer.status_code == 200
    assert answer.json()["status"] == "off_script"
    assert set(answer.json()["scores"].values()) == {None}


def test_models_health_readiness_and_metrics(client: httpx.Client) -> None:
    (model,) = client.get("/v1/models").json()["models"]
    assert (model["acoustic"], model["default"]) == ("fake", True)
    assert model["model"] == post(client, acoustic="fake").json()["model"]
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    told = client.get("/metrics").text
    assert 'elocute_requests_total{path="/v1/assess",status="200"}' in told
    assert 'elocute_assessed_total{status="ok"}' in told
    assert "elocute_lane_restarts 0.0" in told


def test_the_page_may_load_nothing_from_elsewhere(client: httpx.Client) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert ":" not in policy.replace("data:", "").replace("blob:", "")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_interactive_docs_that_load_from_elsewhere_are_off(client: httpx.Client) -> None:
    assert client.get("/docs").status_code == 404
    assert client.get("/redoc").status_code == 404
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/assess", "/v1/align", "/v1/models", "/healthz", "/readyz", "/metrics"} <= paths.keys()
