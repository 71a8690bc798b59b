"""Progress with an estimate of the time left, for anything that takes longer than a few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], what: str, total: int | None = None, every: float = 10.0) -> Iterator[T]:
    """Yield ``items`` and tell standard error now and then how far it is (``every`` seconds)."""
    if total is None and isinstance(items, Sequence):
        total = len(items)
    begin = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= every:
            last = now
            left = f", {(total - done) * (now - begin) / done:.0f} s left" if total else ""
            print(f"{what}: {done}{f' of {total}' if total else ''}{left}", file=sys.stderr, flush=True)
