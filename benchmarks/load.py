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


def crowd(port: int, clients: int, go_on: Callable[[], bool], **fields: str) -> Seen:
    """``clients`` at once; all they saw."""
    body, headers = form(AUDIO.read_bytes(), text=TEXT, **fields)
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


def pure_pipeline(seconds: float) -> tuple[list[float], float]:
    """What each recording takes in ``seconds`` of one process, models warm; processor time of one."""
    from elocute import Assessor
    from elocute.export import WRITERS

    assessor, data = Assessor(), AUDIO.read_bytes()
    WRITERS["json"](assessor.assess(data, TEXT))
    go_on, begin, took = for_seconds(seconds), time.process_time(), []
    while go_on():
        start = time.perf_counter()
        WRITERS["json"](assessor.assess(data, TEXT))
        took.append(time.perf_counter() - start)
    return took, (time.process_time() - begin) / len(took)


@dataclass
class Pure:
    """The pipeline alone, a process for each core: recordings a second, processor time, seconds of each."""

    rate: float
    cost: float
    seconds: list[float]


def pure(seconds: float) -> Pure:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    with get_context("spawn").Pool(cores()) as pool:
        found, costs = zip(*pool.map(pure_pipeline, [seconds] * cores(), chunksize=1), strict=True)
    times = [each for times in found for each in times]
    return Pure(len(times) / seconds, statistics.mean(costs), times)


def late(seconds: list[float]) -> float:
    """The 95th percentile."""
    return sorted(seconds)[int(0.95 * len(seconds))]


def report_saturation(port: int, pure: Pure) -> None:
    """As many clients as lanes, where throughput is first at its most and nobody waits in a queue."""
    begin, seen = time.monotonic(), crowd(port, cores(), for_seconds(10))
    rate = seen.statuses[200] / (time.monotonic() - begin)
    middle, p95 = statistics.median(seen.seconds), late(seen.seconds)
    print(f"{cores()} clients: {rate:.2f}/s, ratio {rate / pure.rate:.2f}; ", end="")
    print(f"ms median {1000 * middle:.0f}, p95 {1000 * p95:.0f}; ", end="")
    alone = 1000 * statistics.median(pure.seconds), 1000 * late(pure.seconds)
    print(f"the pipeline alone {alone[0]:.0f}, {alone[1]:.0f}, ratio of p95 {1000 * p95 / alone[1]:.2f}")


def report_load(pid: int, port: int, clients: int, seconds: float, pure: Pure) -> None:
    begin, spent = time.monotonic(), processor_seconds(pid)
    seen = crowd(port, clients, for_seconds(seconds))
    took, spent = time.monotonic() - begin, processor_seconds(pid) - spent
    rate, cost = seen.statuses[200] / took, spent / seen.statuses[200]
    print(f"{cores()} cores, {clients} clients for {took:.0f} s: {dict(seen.statuses)}")
    print(f"throughput {rate:.2f}/s, the pipeline alone {pure.rate:.2f}/s, ratio {rate / pure.rate:.2f}")
    print(f"processor ms a request: {1000 * cost:.0f}, the pipeline alone {1000 * pure.cost:.0f}")
    print(f"seconds: median {statistics.median(seen.seconds):.2f}, p95 {late(seen.seconds):.2f}")
    print(f"different answers to the same bytes: {len(seen.bodies) - 1}")


def report_sameness(port: int) -> None:
    """The same bytes under 1, 8 and 32 clients, with every model, against the pipeline's own answer."""
    from elocute import Assessor
    from elocute.export import WRITERS
    from elocute.serve.settings import shipped

    for acoustic in shipped():
        alone = WRITERS["json"](Assessor(acoustic).assess(AUDIO.read_bytes(), TEXT))
        bodies = {hashlib.sha256(alone.encode()).hexdigest()}
        answers = {}
        for clients in (1, 8, 32):
            seen = crowd(port, clients, for_seconds(3), acoustic=acoustic)
            bodies |= seen.bodies
            answers[clients] = seen.statuses[200]
        told = ", ".join(f"{count} to {clients} clients" for clients, count in answers.items())
        print(f"{acoustic}: answers that differ from the pipeline's: {len(bodies) - 1} ({told})")


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
    alone = pure(min(asked.seconds, 20))
    with service() as (process, port):
        report_sameness(port)
        report_saturation(port, alone)
        report_load(process.pid, port, asked.clients, asked.seconds, alone)
        report_memory(process.pid, port, asked.requests)
        report_end(process, port)


if __name__ == "__main__":
    main()
