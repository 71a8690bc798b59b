"""The shortest edit script of two sequences (Myers 1986), as the pairs of items that stay."""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def matches(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Indices (in ``a``, in ``b``) of a longest common subsequence, in order.

    Time and memory grow with length times number of differences.
    """
    trace: list[dict[int, int]] = []
    reach = {1: 0}
    for edits in range(len(a) + len(b) + 1):
        trace.append(dict(reach))
        for diagonal in range(-edits, edits + 1, 2):
            x = _start(reach, diagonal, edits)
            y = x - diagonal
            while x < len(a) and y < len(b) and a[x] == b[y]:
                x, y = x + 1, y + 1
            reach[diagonal] = x
            if x >= len(a) and y >= len(b):
                return _walk_back(trace, len(a), len(b))
    raise AssertionError("deleting and inserting everything is always a way")


def _start(reach: dict[int, int], diagonal: int, edits: int) -> int:
    """Where the furthest path on a diagonal begins: one step down from above, or one to the right."""
    down = diagonal == -edits or (
        diagonal != edits and reach.get(diagonal - 1, -1) < reach.get(diagonal + 1, -1)
    )
    return reach[diagonal + 1] if down else reach[diagonal - 1] + 1


def _walk_back(trace: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    found = []
    for edits in range(len(trace) - 1, -1, -1):
        reach, diagonal = trace[edits], x - y
        start = _start(reach, diagonal, edits)
        while x > start:
            x, y = x - 1, y - 1
            found.append((x, y))
        if edits:
            down = diagonal == -edits or (
                diagonal != edits and reach.get(diagonal - 1, -1) < reach.get(diagonal + 1, -1)
            )
            x, y = (x, y - 1) if down else (x - 1, y)
    return found[::-1]
