"""`elocute serve`: options become settings; what is wrong is one line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from elocute import cli
from elocute.serve import server
from elocute.serve.settings import LOOPBACK, MIB, Settings, cores, digest


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Filled with the settings a run would have."""
    kept: list[Settings] = []
    monkeypatch.setattr(server, "run", lambda settings, log_level: kept.append(settings))
    monkeypatch.delenv("ELOCUTE_API_KEYS", raising=False)
    return kept


def run(*arguments: object) -> Any:
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve", *map(str, arguments)])
    return ended.value.code


def test_by_default_it_is_alone_with_this_machine(settings: list[Settings]) -> None:
    assert run() == 0
    (found,) = settings
    assert (found.host, found.port, found.lanes) == ("127.0.0.1", 8000, cores())
    assert (found.hosts, found.origins, found.key_digests) == (LOOPBACK, (), ())
    assert found.default_acoustic == "phonetic-encoder"


def test_options(settings: list[Settings], tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("secret\n")
    options = (
        "--host",
        "0.0.0.0",
        "--port",
        0,
        "--workers",
        3,
        "--queue",
        0,
        "--connections",
        9,
        "--max-mib",
        1,
        "--max-seconds",
        20,
    )
    more = (
        "--max-seconds",
        20,
        "--timeout",
        5,
        "--decoder-recordings",
        1,
        "--per-minute",
        9,
        "--api-keys",
        keys,
        "--cors-origin",
        "https://a.example",
    )
    assert run(*options, *more, "--allowed-host", "b.example", "--allowed-host", "c.example") == 0
    (found,) = settings
    assert (found.host, found.port, found.lanes, found.queue) == ("0.0.0.0", 0, 3, 0)
    assert (found.most_body, found.most_seconds, found.request_seconds) == (MIB, 20, 5)
    assert (found.decode_recordings, found.connections) == (1, 9)
    assert (found.per_minute, found.key_digests) == (9, (digest("secret"),))
    assert (found.origins, found.hosts) == (("https://a.example",), ("b.example", "c.example"))


def test_mistakes_are_one_line(
    settings: list[Settings], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (("--api-keys", "missing"), ("--log-level", "loud"), ("--port", 70_000)):
        assert run(*arguments) == 2
        assert capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "elocute.serve.server")
    assert run() == 2
    assert "pip install 'elocute[serve]'" in capsys.readouterr().err
    assert settings == []
