"""The Dockerfile, which is linted and read here, because building it needs an engine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def instructions() -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def test_hadolint_finds_nothing() -> None:
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if linter is None:
        pytest.skip("no hadolint")
    found = subprocess.run([linter, str(ROOT / "Dockerfile")], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_it_runs_as_nobody_from_pinned_images_with_a_health_check() -> None:
    steps = instructions()
    images = [value.split()[0] for name, value in steps if name == "FROM"]
    assert len(images) == 2, "what builds does not ship"
    assert all(re.fullmatch(r"python:3\.\d+-slim-\w+", image) for image in images)
    last = dict(steps)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last["USER"])
    assert "/readyz" in last["HEALTHCHECK"]
    assert json.loads(last["ENTRYPOINT"])[:2] == ["elocute", "serve"]
    assert "ADD" not in dict(steps)


def test_what_it_copies_is_there_and_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for name, value in instructions()
        if name == "COPY" and not value.startswith("--from")
        for source in value.split()[:-1]
    }
    assert copied == kept
    assert all((ROOT / source).exists() for source in copied)


def test_the_health_check_is_python() -> None:
    (check,) = [value for name, value in instructions() if name == "HEALTHCHECK"]
    command = json.loads(check[check.index("CMD ") + 4 :])
    compile(command[2], "healthcheck", "exec")
