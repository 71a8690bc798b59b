"""What runs in the processes that hold the models: one job at a time, one thread."""

from __future__ import annotations

import json
import math
import os
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from elocute.audio import RATE, Audio, Limits, load_audio
from elocute.errors import ElocuteError
from elocute.serve.progress import Progress, chain, follow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from elocute.acoustics.alignment import Alignment
    from elocute.assessor import Assessor

Format = Literal["json", "azure", "csv", "textgrid", "html"]
MEDIA_TYPES: dict[str, str] = {
    "json": "application/json",
    "azure": "application/json",
    "csv": "text/csv; charset=utf-8",
    "textgrid": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
}
"""Format -> media type of its answers."""


@dataclass(frozen=True, repr=False)
class Pcm:
    """Samples of a stream, int16 (n,), at ``rate`` Hz."""

    samples: NDArray[np.int16]
    rate: int

    def audio(self, least: float) -> Audio:
        """Resampled; AudioTooShort below ``least`` seconds."""
        return load_audio(self.samples, self.rate, limits=Limits(min_seconds=least, max_seconds=math.inf))


@dataclass(frozen=True, repr=False)  # no repr: it would put audio and text where a job is printed
class Job:
    """What to do with a recording of a text."""

    task: Literal["assess", "align"]
    audio: Audio | Pcm
    text: str
    pronunciations: dict[str, Any] | None
    acoustic: str
    format: str
    n_best: int | None = None
    view: dict[str, str] | None = None  # of format azure


@dataclass(frozen=True, repr=False)
class Follow:
    """Work out how far a reading has come; the answer is a :class:`Progress`."""

    pcm: Pcm
    text: str
    pronunciations: dict[str, Any] | None
    acoustic: str
    before: Progress | None


@dataclass(frozen=True, repr=False)
class Outcome:
    """``body`` in the job's format; or the ``code`` of what is wrong and a message in ``body``.

    ``status`` is the assessment's. ``failure`` tells of an error of ours, without any value it was about.
    """

    body: str = ""
    code: str = ""
    status: str = ""
    failure: str = ""


def models(pipe: Connection, acoustics: Mapping[str, Callable[[], Assessor]]) -> None:
    """Load the models, send what they are, then answer jobs with outcomes until the pipe closes."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        assessors = {name: load() for name, load in acoustics.items()}
    except ElocuteError as error:
        pipe.send(str(error))
        return
    for assessor in assessors.values():
        _warm_up(assessor)
    pipe.send({name: describe(assessor) for name, assessor in assessors.items()})
    while True:
        pipe.send(run(assessors, pipe.recv()))


def describe(assessor: Assessor) -> dict[str, str]:
    """What made the scores: name, version and hash as in every result."""
    model = assessor.model
    return {"name": model.name, "version": model.version, "sha256": model.sha256}


def run(assessors: Mapping[str, Assessor], job: Job | Follow) -> Outcome | Progress:
    """The outcome of a job; never an exception."""
    try:
        if isinstance(job, Follow):
            return _follow(assessors[job.acoustic], job)
        return _do(assessors[job.acoustic], job)
    except ElocuteError as error:
        return Outcome(str(error), error.code)
    except Exception as error:
        return Outcome(failure=where(error))


def where(error: BaseException) -> str:
    """Type and place of an error. Not its message, which may quote what was read."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places}"


def _do(assessor: Assessor, job: Job) -> Outcome:
    from elocute.text import read_script

    script = read_script(job.text, job.pronunciations)
    audio = job.audio.audio(Limits.min_seconds) if isinstance(job.audio, Pcm) else job.audio
    if job.task == "align":
        return Outcome(_alignment(assessor.align(audio, script), job.format))
    from elocute.export import write

    assessment = assessor.assess(audio, script, n_best=job.n_best)
    if job.view is not None:
        from elocute.export import azure

        return Outcome(azure.write(assessment, **job.view), status=assessment.status)
    return Outcome(write(job.format, assessment, audio), status=assessment.status)


def _follow(assessor: Assessor, job: Follow) -> Progress:
    from elocute.text import read_script

    heard = assessor.acoustic.posteriors(job.pcm.audio(0.1))
    return follow(chain(read_script(job.text, job.pronunciations)), heard, job.before)


def _alignment(alignment: Alignment, format: str) -> str:
    if format == "textgrid":
        from elocute.export.textgrid import write_alignment

        return write_alignment(alignment)
    from elocute.export.alignment import alignment_to_dict

    return json.dumps(alignment_to_dict(alignment), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _end_with(server: int) -> None:
    """End this process when the server is gone, even in the middle of a job."""
    while os.getppid() == server:
        time.sleep(1.0)
    os._exit(1)


def _warm_up(assessor: Assessor) -> None:
    """A second of faint hum through everything, so that the first learner does not wait."""
    hum = 0.1 * np.sin(2 * np.pi * 150 * np.arange(RATE) / RATE).astype(np.float32)
    assessor.features(Audio(hum), "Hello.")
