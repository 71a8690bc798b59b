"""Who may call: API keys, host names, origins, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from elocute.errors import ElocuteError
from elocute.serve.command import read_keys
from elocute.serve.guard import Rate
from elocute.serve.settings import digest, hosts_for
from servers import post, problem, running

KEY = "a-long-key"
PAGE = "https://page.example"


@pytest.fixture(scope="module")
def keyed() -> Iterator[httpx.Client]:
    with running(key_digests=(digest("another"), digest(KEY)), origins=(PAGE,)) as client:
        yield client


@pytest.fixture(scope="module")
def local() -> Iterator[httpx.Client]:
    with running(hosts=hosts_for("127.0.0.1", ()), per_minute=3) as client:
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer {KEY}"},
        {"x-api-key": KEY},
        {"ocp-apim-subscription-key": KEY},
    ],
)
def test_a_key_opens(keyed: httpx.Client, headers: dict[str, str]) -> None:
    for path in ("/v1/models", "/metrics"):
        assert keyed.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"x-api-key": KEY[:-1]}, {"x-api-key": ""}, {"authorization": f"Basic {KEY}"}]
)
def test_no_key_does_not(keyed: httpx.Client, headers: dict[str, str]) -> None:
    for path in ("/v1/models", "/metrics"):
        answer = keyed.get(path, headers=headers)
        assert problem(answer) == "401 unauthorized"
        assert answer.headers["www-authenticate"] == "Bearer"
    assert keyed.post("/v1/assess", headers=headers).status_code == 401


def test_page_and_health_need_no_key(keyed: httpx.Client) -> None:
    for path in ("/", "/healthz", "/readyz"):
        assert keyed.get(path).status_code == 200


def test_pages_of_other_origins_are_refused(local: httpx.Client) -> None:
    origin = {"origin": PAGE}
    assert problem(local.get("/healthz", headers=origin)) == "403 cross_origin"
    assert "access-control-allow-origin" not in local.options("/v1/assess", headers=origin).headers
    assert local.get("/healthz", headers={"origin": str(local.base_url).rstrip("/")}).status_code == 200


def test_a_page_of_an_allowed_origin_may_call(keyed: httpx.Client) -> None:
    asked = {"origin": PAGE, "access-control-request-method": "POST"}
    assert keyed.options("/v1/assess", headers=asked).headers["access-control-allow-origin"] == PAGE
    answer = keyed.get("/healthz", headers={"origin": PAGE})
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert problem(keyed.get("/healthz", headers={"origin": PAGE + ".evil"})) == "403 cross_origin"


def test_on_loopback_only_its_own_names_are_answered(local: httpx.Client) -> None:
    port = local.base_url.port
    for name in (f"127.0.0.1:{port}", f"localhost:{port}", "[::1]", "LOCALHOST"):
        assert local.get("/healthz", headers={"host": name}).status_code == 200
    for name in ("rebound.example", f"rebound.example:{port}", "127.0.0.1.rebound.example"):
        assert problem(local.get("/healthz", headers={"host": name})) == "400 bad_host"
    assert hosts_for("0.0.0.0", ()) == ()
    assert hosts_for("0.0.0.0", ("api.example",)) == ("api.example",)


def test_too_many_requests(local: httpx.Client) -> None:
    answers = [post(local) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert problem(answers[-1]) == "429 rate_limited"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
    assert local.get("/healthz").status_code == 200


def test_a_bucket_refills() -> None:
    rate = Rate(60)
    assert [rate.wait("a", now=0.0) for _ in range(60)] == [0.0] * 60
    assert rate.wait("a", now=0.0) == pytest.approx(1.0)
    assert rate.wait("b", now=0.0) == 0.0
    assert rate.wait("a", now=0.5) == pytest.approx(0.5)
    assert rate.wait("a", now=1.5) == 0.0


def test_keys_come_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELOCUTE_API_KEYS", "one, two")
    assert read_keys(None) == ["one", "two"]
    file = tmp_path / "keys"
    file.write_text("# ours\n three \n\nfour\n")
    assert read_keys(file) == ["three", "four"]
    file.write_text("# none\n")
    with pytest.raises(ElocuteError, match="one a line"):
        read_keys(file)
    with pytest.raises(ElocuteError, match="--api-keys"):
        read_keys(tmp_path / "missing")
