"""More than it can do, processes that fail, and the end: refusals are honest, others are not disturbed."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from websockets.sync.client import connect

from elocute.errors import ModelError
from elocute.serve.lanes import Lanes
from elocute.serve.problems import Problem
from elocute.serve.settings import Settings
from fakes import fake_assessor
from servers import (
    CRASH,
    TEXT,
    broken,
    dying,
    fragile_nursery,
    post,
    problem,
    recording,
    running,
    sleepy,
    slow_to_load,
    until,
)


def lasting(seconds: float) -> bytes:
    return recording(np.full(int(16_000 * seconds), 0.1, np.float32))


def test_overload_is_refused_at_once() -> None:
    with running(acoustics={"sleepy": sleepy}, queue=1) as client, ThreadPoolExecutor(6) as threads:
        tasks = [threads.submit(post, client, audio=lasting(2.0)) for _ in range(6)]
        answers = [task.result() for task in tasks]
        assert client.get("/metrics").text.count('code="overloaded"') == 2  # the count, and since when
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200, 200, 503, 503, 503, 503]
    for answer in answers:
        if answer.status_code == 503:
            assert problem(answer) == "503 overloaded"
            assert int(answer.headers["retry-after"]) >= 1


def test_health_answers_while_all_lanes_are_busy() -> None:
    with running(acoustics={"sleepy": sleepy}) as client, ThreadPoolExecutor(2) as threads:
        busy = threads.submit(post, client, audio=lasting(3.0))
        time.sleep(0.3)
        assert client.get("/healthz").status_code == 200
        assert not busy.done()
        assert busy.result().status_code == 200


def test_a_request_that_takes_too_long_is_ended() -> None:
    with running(acoustics={"sleepy": sleepy}, request_seconds=4.0) as client:
        assert problem(post(client, audio=lasting(30.0))) == "504 timeout"
        until(lambda: client.get("/readyz").status_code == 200)
        assert post(client, audio=lasting(0.4)).status_code == 200
        assert "elocute_lane_restarts 1.0" in client.get("/metrics").text


def test_a_request_that_waits_too_long_is_ended() -> None:
    async def wait() -> None:
        lanes = Lanes(Settings(lanes=1, acoustics={}))  # none comes up
        with pytest.raises(Problem) as late:
            async with lanes.lane(time.monotonic() + 0.05, admitted=True):
                pass
        assert late.value.code == "timeout"
        assert lanes.inside == 0

    asyncio.run(wait())


def test_an_error_of_ours_says_nothing_about_the_input(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), running(acoustics={"broken": broken}) as client:
        answer = post(client)
        assert problem(answer) == "500 internal"
        assert post(client).status_code == 500, "it does not go on"
    assert "RuntimeError at " in caplog.text
    assert "secret" not in caplog.text + answer.text


def test_a_process_that_dies_is_replaced() -> None:
    with running(acoustics={"dying": dying}) as client:
        assert problem(post(client)) == "500 internal"
        until(lambda: client.get("/readyz").status_code == 200)
        assert "elocute_lane_restarts 1.0" in client.get("/metrics").text


def test_before_the_models_are_loaded() -> None:
    with running(wait=False, acoustics={"slow": slow_to_load}) as client:
        assert client.get("/healthz").status_code == 200
        for answer in (client.get("/readyz"), client.get("/v1/models"), post(client)):
            assert problem(answer) == "503 not_ready"
            assert answer.headers["retry-after"] == "2"
        until(lambda: client.get("/readyz").status_code == 200)
        assert post(client).status_code == 200


def missing_model() -> None:
    raise ModelError("There is no model; install it again.")


def test_models_that_cannot_be_loaded() -> None:
    with running(wait=False, acoustics={"missing": missing_model}) as client:
        until(lambda: "install it again" in client.get("/readyz").text)
        assert problem(client.get("/readyz")) == "503 not_ready"


def test_the_same_bytes_give_the_same_json_however_many_ask() -> None:
    audio = recording()
    with running(lanes=2, queue=64) as client:
        alone = post(client, audio=audio).content
        for clients in (8, 32):
            with ThreadPoolExecutor(clients) as threads:
                tasks = [threads.submit(post, client, audio=audio) for _ in range(clients)]
                assert {task.result().content for task in tasks} == {alone}


# --- the process ------------------------------------------------------------------------------------------


@contextmanager
def process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client, Path]]:
    """A service in a process of its own that may not write files, a client, and what it logged in the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = (
        "import servers\nfrom elocute.serve.server import run\nfrom elocute.serve.settings import Settings\n"
        f"run(Settings(port={port}, lanes=1, acoustics={{'sleepy': servers.sleepy}}, "
        "nursery=servers.fragile_nursery))"
    )
    (tmp_path / "tmp").mkdir()
    log = tmp_path / "log"

    def no_file_may_grow() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths, "TMPDIR": str(tmp_path / "tmp")}
    command = [sys.executable, "-c", code]
    service = subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=no_file_may_grow
    )
    threading.Thread(target=lambda: log.write_bytes(service.communicate()[1])).start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            until(lambda: is_ready(client))
            yield service, client, log
    finally:
        service.kill()
        service.wait()


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def family(pid: int) -> list[int]:
    """Ids of the processes below ``pid``."""
    lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    found = " ".join(lists).split()
    return [each for child in map(int, found) for each in (child, *family(child))]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks at processes in /proc")
def test_sigterm_drains_and_nothing_is_left(tmp_path: Path) -> None:
    with process(tmp_path) as (service, client, _), ThreadPoolExecutor(1) as threads:
        children = family(service.pid)
        assert len(children) >= 2
        at_work = threads.submit(post, client, audio=lasting(2.5))
        time.sleep(0.8)
        os.kill(service.pid, signal.SIGTERM)
        assert at_work.result().status_code == 200
        service.wait(10)
        until(lambda: not any(map(is_running, children)), 10)
        with pytest.raises(httpx.TransportError):
            client.get("/healthz")
        assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks at processes in /proc")
def test_nothing_of_a_recording_is_kept(tmp_path: Path) -> None:
    kept = tmp_path / "tmp"
    text = "Sesquipedalian marmalade."
    with process(tmp_path) as (service, client, log), ThreadPoolExecutor(1) as threads:
        assert post(client, text=text, audio=lasting(0.4)).status_code == 200
        assert post(client, text=text, audio=CRASH).status_code == 400
        assert post(client, text=text, audio=b"nonsense" * 100).status_code == 415
        assert client.post(f"/v1/assess?text={text}", content=text.encode()).status_code == 415
        assert client.get("/Sesquipedalian").status_code == 404
        address = f"ws://127.0.0.1:{client.base_url.port}/v1/stream?text=Sesquipedalian"
        with connect(address, proxy=None) as stream:
            stream.send(json.dumps({"type": "start", "text": text}))
            assert "ready" in str(stream.recv(timeout=10))
        assert list(kept.iterdir()) == []
        children = family(service.pid)
        killed = threads.submit(post, client, text=text, audio=lasting(20.0))
        time.sleep(0.8)
        service.kill()
        with pytest.raises(httpx.TransportError):
            killed.result()
        until(lambda: not any(map(is_running, children)), 10)
        assert list(kept.iterdir()) == []
        until(log.is_file, 10)
        written = log.read_text(encoding="utf-8")
    assert "POST /v1/assess 200" in written
    for secret in ("esquipedalian", "armalade", "nonsense"):
        assert secret not in written


def test_fakes_are_importable() -> None:
    assert fake_assessor().assess(recording(), TEXT).status == "ok"
    assert fragile_nursery is not None
