"""Writers: one module per format, each turning a finished assessment into text and computing nothing else."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from elocute.result import Assessment

if TYPE_CHECKING:
    from elocute.audio import Audio

Writer = Callable[[Assessment], str]


def _lazy(module: str) -> Writer:
    def write(assessment: Assessment) -> str:
        text: str = import_module(f"elocute.export.{module}").write(assessment)
        return text

    write.__name__ = f"write_{module}"
    return write


WRITERS: dict[str, Writer] = {
    "table": _lazy("table"),
    "json": _lazy("json"),
    "azure": _lazy("azure"),
    "csv": _lazy("csv"),
    "textgrid": _lazy("textgrid"),
    "html": _lazy("html"),
}
"""Format -> writer; a format's module is imported when it first writes."""


def write(format: str, assessment: Assessment, audio: Audio | None = None) -> str:
    """The assessment in a format of :data:`WRITERS`; with its recording, where the format can hold it."""
    if format == "html" and audio is not None:
        page: str = import_module("elocute.export.html").write(assessment, audio)
        return page
    return WRITERS[format](assessment)
