"""Praat's TextGrid, long text format: a tier of words and a tier of phones.

Source: Praat manual, "TextGrid file formats". Praat wants intervals that cover the whole recording without
gaps and have a length: what lies between the segments gets an empty label, segments without length are left
out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from elocute.acoustics.alignment import Alignment
from elocute.result import Assessment

Interval: TypeAlias = tuple[int, int, str]
"""Start and end in microseconds, so that neighbours share the very same boundary, and the label."""


class Segment(Protocol):
    """Anything that lasts from ``start`` to ``end`` seconds."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...


def write(assessment: Assessment) -> str:
    """Words and phones (ARPAbet) of an assessment."""
    words = [(word, word.text) for word in assessment.words]
    phones = [(phone, phone.phone) for word in assessment.words for phone in word.phones]
    return _grid({"words": words, "phones": phones}, assessment.duration)


def write_alignment(alignment: Alignment) -> str:
    """Words and phones (ARPAbet) of an alignment."""
    words = [(word, word.text) for word in alignment.words]
    phones = [(phone, phone.phone) for phone in alignment.phones]
    return _grid({"words": words, "phones": phones}, alignment.duration)


def _grid(tiers: dict[str, Sequence[tuple[Segment, str]]], duration: float) -> str:
    end = _micro(duration)
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {_seconds(end)}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, segments) in enumerate(tiers.items(), start=1):
        lines += [f"    item [{number}]:", *_tier(name, _cover(segments, end), end)]
    return "\n".join(lines) + "\n"


def _tier(name: str, intervals: list[Interval], end: int) -> list[str]:
    lines = [
        '        class = "IntervalTier"',
        f"        name = {_quoted(name)}",
        "        xmin = 0",
        f"        xmax = {_seconds(end)}",
        f"        intervals: size = {len(intervals)}",
    ]
    for number, (start, stop, label) in enumerate(intervals, start=1):
        lines += [
            f"        intervals [{number}]:",
            f"            xmin = {_seconds(start)}",
            f"            xmax = {_seconds(stop)}",
            f"            text = {_quoted(label)}",
        ]
    return lines


def _cover(segments: Sequence[tuple[Segment, str]], end: int) -> list[Interval]:
    """Intervals from 0 to ``end`` that touch each other."""
    intervals: list[Interval] = []
    now = 0
    for segment, label in segments:
        start, stop = max(now, _micro(segment.start)), min(end, _micro(segment.end))
        if start >= stop:
            continue
        if start > now:
            intervals.append((now, start, ""))
        intervals.append((start, stop, label))
        now = stop
    if now < end:
        intervals.append((now, end, ""))
    return intervals


def _micro(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _seconds(micro: int) -> str:
    return f"{micro / 1_000_000:.6f}".rstrip("0").rstrip(".")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
