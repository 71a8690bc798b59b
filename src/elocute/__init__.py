"""Elocute: pronunciation assessment of a recording and its text.

>>> import elocute
>>> result = elocute.assess("hello.wav", "hello world")
>>> result.scores.total

Everything named in ``__all__`` is public. It is imported from its module at first use, so that
``import elocute`` and the command line's help stay fast.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from elocute._version import __version__

# ONNX Runtime's official builds (from 1.29 on Linux) send events about every process and session to their
# maker and write identifiers to disk, unless this is set before onnxruntime is first imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from elocute import errors as errors
    from elocute.acoustics.alignment import Alignment as Alignment
    from elocute.acoustics.model import AcousticModel as AcousticModel
    from elocute.acoustics.model import OnnxAcousticModel as OnnxAcousticModel
    from elocute.assessor import Assessor as Assessor
    from elocute.assessor import assess as assess
    from elocute.audio import Audio as Audio
    from elocute.audio import Limits as Limits
    from elocute.audio import load_audio as load_audio
    from elocute.errors import ElocuteError as ElocuteError
    from elocute.export import WRITERS as WRITERS
    from elocute.features.measurements import Measurements as Measurements
    from elocute.result import Assessment as Assessment
    from elocute.scoring.scorer import OnnxScorer as OnnxScorer
    from elocute.scoring.scorer import Scorer as Scorer
    from elocute.text.reading import read_script as read_script
    from elocute.text.script import Script as Script

_HOME = {
    "AcousticModel": "elocute.acoustics.model",
    "Alignment": "elocute.acoustics.alignment",
    "Assessment": "elocute.result",
    "Assessor": "elocute.assessor",
    "Audio": "elocute.audio",
    "ElocuteError": "elocute.errors",
    "Limits": "elocute.audio",
    "Measurements": "elocute.features.measurements",
    "OnnxAcousticModel": "elocute.acoustics.model",
    "OnnxScorer": "elocute.scoring.scorer",
    "Scorer": "elocute.scoring.scorer",
    "Script": "elocute.text.script",
    "WRITERS": "elocute.export",
    "assess": "elocute.assessor",
    "load_audio": "elocute.audio",
    "read_script": "elocute.text.reading",
}
"""Public name -> the module that defines it. No module may be called like a public name: importing it would
put the module in the name's place."""

__all__ = ["__version__", "errors", *_HOME]


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("elocute.errors")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
