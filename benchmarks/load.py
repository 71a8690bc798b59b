"""The service under load, against the pipeline alone: throughput, waiting, sameness, memory, and its end.

    python benchmarks/load.py [--seconds N] [--clients N] [--requests N]

Starts ``elocute serve`` on loopback with the shipped models. Clients share the machine with it, so the ratio
is a lower bound. Ratios of one run compare; seconds depend on the machine.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from elocute.card import ASSETS
from elocute.serve.settings import cores

AUDIO = ASSETS / "demo" / "demo.flac"
TEXT = (ASSETS / "demo" / "demo.txt").read_text(encoding="utf-8").strip()


def form(audio: bytes, **fields: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a request."""
    mark = "load-" + hashlib.sha256(audio).hexdigest()[:16]
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{mark}\r\nContent-Disposition: form-data; name="audio"; filename="a"\r\n\r\n'.encode()
    body = b"".join([*parts, head, audio, f"\r\n--{mark}--\r\n".encode()])
    return body, {"Content-Type": f"multipart/form-data; boundary={mark}"}


@contextmanager
def service(*options: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """``elocute serve``, ready, and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "elocute",
        "serve",
        "--port",
        str(port),
        "--log-level",
        "error",
        *options,
    ]
    process = subprocess.Popen(command)
    try:
        while status(port, "/readyz") != 200:
            assert process.poll() is None, "the service does not come up"
            time.sleep(0.1)
        yield process, port
    finally:
        process.kill()
        process.wait()


def status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def family(pid: int) -> list[int]:
    """A process and all below it; without /proc, none."""
    try:
        lists = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [pid, *(each for found in lists for child in found for each in family(int(child)))]


def resident(pid: int) -> int:
    """Resident memory of a family, bytes; pages that two of them share count twice."""
    pages = 0
    for each in family(pid):
        with suppress(OSError):  # a fork that has ended since
            pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pid: int) -> float:
    """Of a family and of those of it that have ended."""
    ticks = 0
    for each in family(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass
class Seen:
    """What one client saw."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    bodies: set[str] = field(default_factory=set)


def client(port: int, body: bytes, headers: dict[str, str], go_on: Callable[[], bool]) -> Seen:
    """One request after another; a refusal is waited out as its Retry-After asks."""
    seen = Seen()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while go_on():
        begin = time.perf_counter()
        connection.request("POST", "/v1/assess", body, headers)
        answer = connection.getresponse()
        content = answer.read()
        seen.statuses[answer.status] += 1
        if answer.status == 200:
            seen.seconds.append(time.perf_counter() - begin)
            seen.bodies.add(hashlib.sha256(content).hexdigest())
        elif answer.status in (429, 503):
            connection.close()  # the service would hang up while nothing comes
            time.sleep(float(answer.headers["retry-after"]))
    connection.close()
    return seen


def crowd(port: int, clients: int, go_on: Callable[[], bool]) -> Seen:
    """``clients`` at once; all they saw."""
    body, headers = form(AUDIO.read_bytes(), text=TEXT)
    with ThreadPoolExecutor(clients) as threads:
        tasks = [threads.submit(client, port, body, headers, go_on) for _ in range(clients)]
        whole = Seen()
        for seen in (task.result() for task in tasks):
            whole.statuses += seen.statuses
            whole.seconds += seen.seconds
            whole.bodies |= seen.bodies
    return whole


def for_seconds(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


def pure_pipeline(seconds: float) -> tuple[int, float]:
    """Recordings one process assesses in ``seconds``, models warm, and the processor time it takes."""
    from elocute import Assessor
    from elocute.export import WRITERS

    assessor, data = Assessor(), AUDIO.read_bytes()
    WRITERS["json"](assessor.assess(data, TEXT))
    go_on, done, begin = for_seconds(seconds), 0, time.process_time()
    while go_on():
        WRITERS["json"](assessor.assess(data, TEXT))
        done += 1
    return done, time.process_time() - begin


def pure_throughput(seconds: float) -> tuple[float, float]:
    """Recordings a second with a process for each core, and processor time for each."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    with get_context("spawn").Pool(cores()) as pool:
        counts, times = zip(*pool.map(pure_pipeline, [seconds] * cores(), chunksize=1), strict=True)
    return sum(counts) / seconds, sum(times) / sum(counts)


def report_memory(pid: int, port: int, requests: int) -> None:
    """Resident memory after every tenth of ``requests``."""
    sizes = []
    for _ in range(10):
        left = iter(range(requests // 10))
        crowd(port, 2, lambda left=left: next(left, None) is not None)
        sizes.append(resident(pid) / 2**20)
    print(f"memory over {requests} requests, MiB: " + " ".join(f"{size:.0f}" for size in sizes))
    print(f"  last half against first: {statistics.mean(sizes[5:]) / statistics.mean(sizes[:5]):.3f}")


def report_end(process: subprocess.Popen[bytes], port: int) -> None:
    """SIGTERM with requests at work: each is answered, then the service ends."""
    body, headers = form(AUDIO.read_bytes(), text=TEXT)
    with ThreadPoolExecutor(4) as threads:
        once = [iter([True]) for _ in range(4)]
        tasks = [threads.submit(client, port, body, headers, lambda i=i: next(i, False)) for i in once]
        time.sleep(0.1)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        answers = sum((task.result().statuses for task in tasks), Counter())
    process.wait(30)
    print(f"SIGTERM with 4 requests inside: {dict(answers)}, ended after {time.monotonic() - begin:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--requests", type=int, default=2000)
    asked = parser.parse_args()
    pure, pure_cost = pure_throughput(min(asked.seconds, 20))
    with service() as (process, port):
        bodies = {clients: crowd(port, clients, for_seconds(3)).bodies for clients in (1, 8)}
        begin, spent = time.monotonic(), processor_seconds(process.pid)
        seen = crowd(port, asked.clients, for_seconds(asked.seconds))
        took, spent = time.monotonic() - begin, processor_seconds(process.pid) - spent
        bodies[asked.clients] = seen.bodies
        rate = seen.statuses[200] / took
        print(f"{cores()} cores, {asked.clients} clients for {took:.0f} s: {dict(seen.statuses)}")
        print(f"throughput {rate:.2f}/s, the pipeline alone {pure:.2f}/s, ratio {rate / pure:.2f}")
        late = sorted(seen.seconds)[int(0.95 * len(seen.seconds))]
        cost = spent / seen.statuses[200]
        print(f"processor ms a request: {1000 * cost:.0f}, the pipeline alone {1000 * pure_cost:.0f}")
        print(f"seconds: median {statistics.median(seen.seconds):.2f}, p95 {late:.2f}")
        print(f"different answers to the same bytes: {len(set().union(*bodies.values())) - 1}")
        report_memory(process.pid, port, asked.requests)
        report_end(process, port)


if __name__ == "__main__":
    main()
