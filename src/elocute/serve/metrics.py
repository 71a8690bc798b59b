"""What ``/metrics`` tells, in Prometheus's text format. Numbers only; nothing is sent anywhere."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """One registry for each app, so that two apps in one process do not meet."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "elocute_requests", "Requests answered.", ("path", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "elocute_request_seconds", "Time from the first byte of a request to its answer.", ("path",),
            buckets=BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._problems = Counter(
            "elocute_problems", "Requests refused, by the problem's code.", ("code",), registry=self._registry
        )
        self._assessed = Counter(
            "elocute_assessed", "Recordings assessed, by status.", ("status",), registry=self._registry
        )
        self._audio = Counter("elocute_audio_seconds", "Audio assessed or aligned.", registry=self._registry)

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """A gauge that asks ``value`` when it is read."""
        Gauge(name, meaning, registry=self._registry).set_function(value)

    def seen(self, path: str, status: int, seconds: float) -> None:
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def refused(self, code: str) -> None:
        self._problems.labels(code).inc()

    def done(self, status: str, seconds: float) -> None:
        """A recording of ``seconds`` was assessed (``status`` of the result) or aligned (``""``)."""
        self._assessed.labels(status or "aligned").inc()
        self._audio.inc(seconds)

    def text(self) -> bytes:
        return generate_latest(self._registry)
