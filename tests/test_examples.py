"""The example clients against a running service: they print what it says, and its problems."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from elocute.serve.settings import digest
from servers import TEXT, recording, running

EXAMPLES = Path(__file__).parents[1] / "examples"
CLIENTS = {
    "assess.sh": ["sh"],
    "assess.py": [sys.executable],
    "assess.mjs": ["node"],
    "stream.py": [sys.executable],
}
NEEDS = {"assess.sh": "curl", "assess.mjs": "node"}


@pytest.fixture(scope="module")
def service() -> Iterator[httpx.Client]:
    with running(key_digests=(digest("key"),)) as client:
        yield client


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    path = tmp_path / "hello.wav"
    path.write_bytes(recording())
    return path


def call(
    name: str, service: httpx.Client, *arguments: object, key: str = "key"
) -> subprocess.CompletedProcess[str]:
    if name in NEEDS and shutil.which(NEEDS[name]) is None:
        pytest.skip(f"no {NEEDS[name]}")
    command = [*CLIENTS[name], str(EXAMPLES / name), *map(str, arguments)]
    environment = {**os.environ, "SERVICE": str(service.base_url).rstrip("/"), "API_KEY": key}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_every_example_is_tested() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == set(CLIENTS)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_score(name: str, service: httpx.Client, hello: Path) -> None:
    run = call(name, service, hello, TEXT)
    assert run.returncode == 0, run.stderr
    if name == "assess.sh":
        assert '"status": "ok"' in run.stdout
    else:
        assert "ok " in run.stdout
    if name == "stream.py":
        assert "s: word " in run.stdout


@pytest.mark.parametrize("name", CLIENTS)
def test_a_problem(name: str, service: httpx.Client, hello: Path) -> None:
    run = call(name, service, hello, TEXT, key="wrong")
    assert run.returncode != 0
    assert "An API key is needed" in run.stdout + run.stderr
    assert "Traceback" not in run.stderr
