"""Evaluation: the pipeline from waveforms on a labelled corpus, against what the experts said."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from elocute.assessor import Assessor
from elocute.corpora import speechocean762
from elocute.corpora.types import Utterance
from elocute.errors import ElocuteError
from elocute.predictions import Prediction, prediction_rows
from elocute.progress import track
from elocute.report import KEYS, build_report
from elocute.result import Assessment
from elocute.text.script import Script

Factory = Callable[[], Assessor]
Outcome = Assessment | str
"""Of one recording: its assessment, or why there is none."""

BATCH = 8
"""Recordings that a process assesses at a time, if they are equally long."""


def evaluate(
    corpus: str | Path,
    split: str,
    *,
    limit: int | None = None,
    workers: int | None = None,
    factory: Factory = Assessor,
) -> tuple[tuple[Prediction, ...], dict[str, Any]]:
    """Assess a split and compare with its labels, if it has any.

    Args:
        corpus, split: as in :func:`elocute.corpora.speechocean762.load`.
        limit: only the first utterances of the split.
        workers: processes, by default one per core; the result does not depend on it.
        factory: makes the assessor of each process; must be importable there.

    Returns:
        The prediction rows in the order of the corpus, and the report of
        :func:`elocute.report.build_report`. A recording that cannot be assessed is listed as failed,
        explained on standard error, and scored 0.

    Raises:
        CorpusError, ModelError: nothing can be evaluated.
    """
    utterances = speechocean762.load(corpus, split)[:limit]
    workers = min(workers or _cores(), len(utterances))
    begin = time.monotonic()
    found: dict[int, tuple[Prediction, ...]] = {}
    failed, seconds = set(), 0.0
    with _outcomes(utterances, workers, factory) as outcomes:
        for number, outcome in track(outcomes, f"evaluate {split}", total=len(utterances)):
            utterance = utterances[number]
            if isinstance(outcome, str):
                print(f"{utterance.id}: {outcome}", file=sys.stderr, flush=True)
                failed.add(number)
                found[number] = prediction_rows(utterance, None)
            else:
                seconds += outcome.duration
                found[number] = prediction_rows(utterance, outcome)
    rows = [row for number in range(len(utterances)) for row in found[number]]
    report = build_report(
        rows,
        children={utterance.speaker for utterance in utterances if utterance.is_child},
        audio_seconds=round(seconds, 3),
        wall_seconds=round(time.monotonic() - begin, 3),
        failed=[utterances[number].id for number in sorted(failed)],
    )
    return tuple(rows), report


def summary(report: dict[str, Any]) -> str:
    """The report for people: every value with its 95 % interval, and of children and others apart."""
    lines = [f"{'':24}{'all':>7}  {'95 % interval':17}{'children':>8}{'others':>8}"]
    for level, keys in KEYS.items():
        for key in keys:
            parts = (report, report["groups"]["children"], report["groups"]["others"])
            value, young, old = (_number(part[level][key]) for part in parts)
            interval = report["ci95"][level][key]
            between = " to ".join(map(_number, interval)) if interval else ""
            lines.append(f"{level + ' ' + key:24}{value:>7}  {between:17}{young:>8}{old:>8}".rstrip())
    speed = report["audio_seconds"] / max(report["wall_seconds"], 1e-3)
    lines.append(
        f"{report['n']} utterances, {report['labelled']} labelled, {len(report['failed'])} failed; "
        f"{report['wall_seconds']:.1f} s, {speed:.1f} times real time"
    )
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


@contextmanager
def _outcomes(
    utterances: Sequence[Utterance], workers: int, factory: Factory
) -> Iterator[Iterator[tuple[int, Outcome]]]:
    """Outcomes with the number of their utterance, computed ahead by processes that end with the context."""
    batches = _batches(utterances)
    # The labels stay here.
    readings = [[(utterances[number].audio, utterances[number].script) for number in own] for own in batches]
    run = partial(_assess, factory)
    if workers <= 1:
        yield _numbered(batches, map(run, readings))
        return
    # Spawned, not forked: a fork would inherit locks of the runtime's threads.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_leave_interrupts)
    try:
        yield _numbered(batches, pool.map(run, readings))
    except BrokenProcessPool:
        raise ElocuteError("A process died, perhaps for lack of memory; use fewer workers.") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _batches(utterances: Sequence[Utterance]) -> list[list[int]]:
    """Numbers of utterances that are equally long, to the frame, a few at a time: a model can hear them at
    once."""
    alike: dict[int, list[list[int]]] = {}
    for number, utterance in enumerate(utterances):
        batches = alike.setdefault(_frames(utterance.audio), [[]])
        if len(batches[-1]) == BATCH:
            batches.append([])
        batches[-1].append(number)
    return sorted(batch for batches in alike.values() for batch in batches)


def _frames(audio: Path) -> int:
    """Frames of 10 ms of a recording as its header has it; 0 for what cannot be read."""
    import soundfile

    try:
        header = soundfile.info(str(audio))
    except (OSError, soundfile.LibsndfileError):
        return 0
    return int(header.frames * 100 // header.samplerate)


def _numbered(
    batches: Sequence[Sequence[int]], outcomes: Iterable[Sequence[Outcome]]
) -> Iterator[tuple[int, Outcome]]:
    for numbers, found in zip(batches, outcomes, strict=True):
        yield from zip(numbers, found, strict=True)


def _leave_interrupts() -> None:
    """An interrupt ends the main process, which ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _assess(factory: Factory, readings: Sequence[tuple[Path, Script]]) -> list[Outcome]:
    found = _assessor(factory).assess_all(readings)
    return [str(outcome) if isinstance(outcome, ElocuteError) else outcome for outcome in found]


@cache
def _assessor(factory: Factory) -> Assessor:
    """One per process."""
    return factory()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
