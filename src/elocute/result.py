"""The result tree (schema ``elocute/1``): frozen, JSON-ready, the same in Python and on the command line.

Scores run from 0 to 100 (linear in the corpus's native 0-2 and 0-10 scales), times are seconds from the start
of the recording. A score that cannot be given is ``None``, never invented.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal

SCHEMA = "elocute/1"
Status = Literal["ok", "no_speech", "off_script", "incomplete"]
Verdict = Literal["ok", "mispronounced", "omitted"]
PhoneVerdict = Literal["ok", "mispronounced"]


@dataclass(frozen=True)
class Notice:
    """A warning: a stable code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True)
class UtteranceScores:
    """0-100 each, or ``None``."""

    accuracy: float | None
    completeness: float | None
    fluency: float | None
    prosody: float | None
    total: float | None


@dataclass(frozen=True)
class HeardPhone:
    """A phone the acoustic model heard in a segment and its probability (0-1)."""

    phone: str
    probability: float


@dataclass(frozen=True)
class PhoneResult:
    """One phone of the script: ``heard`` lists the most probable phones of its segment, best first.

    ``error`` is the probability (0-1) that experts call it wrong (a mean below 0.5 on their scale from 0 to
    2), ``verdict`` what follows from it.
    """

    phone: str
    ipa: str
    start: float
    end: float
    accuracy: float | None
    heard: tuple[HeardPhone, ...]
    error: float | None = None
    verdict: PhoneVerdict = "ok"


@dataclass(frozen=True)
class PhoneEdit:
    """What a learner did to a phone of a word, and how probable that is (0-1).

    ``position`` is the phone's index in the word; an inserted phone stands before it. ``expected`` is
    ``None`` for an insertion, ``heard`` for a deletion.
    """

    kind: Literal["substitution", "deletion", "insertion"]
    position: int
    expected: str | None
    heard: str | None
    probability: float


@dataclass(frozen=True)
class WordResult:
    """One word of the script; scores 0-100 or ``None``.

    ``confidence`` (0-1) says how far its times can be trusted; ``edits`` what was said instead of its phones.
    """

    text: str
    start: float
    end: float
    accuracy: float | None
    stress: float | None
    total: float | None
    verdict: Verdict
    pronunciation_source: str
    phones: tuple[PhoneResult, ...]
    confidence: float | None = None
    edits: tuple[PhoneEdit, ...] = ()


@dataclass(frozen=True)
class Pause:
    """A silence; ``after_word`` is the index of the word before it (-1: before the first word)."""

    start: float
    end: float
    after_word: int


@dataclass(frozen=True)
class Insertion:
    """Speech that is not in the text; ``after_word`` as for pauses, ``text`` what was said, if known."""

    start: float
    end: float
    after_word: int
    kind: Literal["filler", "repetition", "fragment", "speech"]
    text: str


@dataclass(frozen=True)
class FeatureValue:
    """A measured feature; ``percentile`` is the share of fluent readers with a smaller value (0-100),
    ``effect`` the feature's contribution to the total in points, both where they are known."""

    value: float | None
    unit: str
    percentile: float | None = None
    effect: float | None = None


@dataclass(frozen=True)
class Suggestion:
    """What to work on: a stable code, a headline and one or two sentences that cite the measurement.

    ``word`` and ``phone`` (its index in the word) say where to listen, ``feature`` names the measurement;
    ``None`` where it is not about one.
    """

    code: str
    title: str
    message: str
    word: int | None = None
    phone: int | None = None
    feature: str | None = None


@dataclass(frozen=True)
class Pitch:
    """The F0 contour: ``f0`` in Hz, ``None`` where unvoiced, value k at k * ``frame_shift`` seconds."""

    frame_shift: float
    f0: tuple[float | None, ...]


@dataclass(frozen=True)
class ModelInfo:
    """What produced the result: the same name, version and hash mean the same scores."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Assessment:
    """The assessment of one recording.

    ``reference_total`` is the total that the same phones get where every named feature is average: the total
    is its sum with the features' effects, unless that lies outside 0 to 100.
    """

    status: Status
    warnings: tuple[Notice, ...]
    text: str
    duration: float
    scores: UtteranceScores
    words: tuple[WordResult, ...]
    pauses: tuple[Pause, ...]
    features: dict[str, FeatureValue]
    model: ModelInfo
    insertions: tuple[Insertion, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    pitch: Pitch | None = None
    reference_total: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, ``schema`` first."""
        return {"schema": SCHEMA, **_plain(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Assessment:
        """Read the JSON form back; fields that an earlier version did not write take their defaults.

        Raises:
            ValueError: another schema, or a missing field.
        """
        if data.get("schema") != SCHEMA:
            raise ValueError(f"expected schema {SCHEMA!r}, found {data.get('schema')!r}")
        rest = {key: value for key, value in data.items() if key != "schema"}
        return typing.cast(Assessment, _build(cls, rest))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _build(kind: Any, data: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin is tuple:
        return tuple(_build(typing.get_args(kind)[0], item) for item in data)
    if origin is dict:
        return {key: _build(typing.get_args(kind)[1], item) for key, item in data.items()}
    if origin in (types.UnionType, typing.Union):
        trees = [item for item in typing.get_args(kind) if dataclasses.is_dataclass(item)]
        return _build(trees[0], data) if trees and data is not None else data
    if not dataclasses.is_dataclass(kind):
        return data
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)
    missing = [f.name for f in fields if f.name not in data and f.default is dataclasses.MISSING]
    if missing:
        raise ValueError(f"{getattr(kind, '__name__', kind)} lacks {', '.join(missing)}")
    known = {f.name: _build(hints[f.name], data[f.name]) for f in fields if f.name in data}
    return typing.cast(Any, kind)(**known)
