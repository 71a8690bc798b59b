"""Experiments: one TOML file each, read into frozen options; an unknown key is an error, not a silent
default."""

from __future__ import annotations

import dataclasses
import sys
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from elocute.acoustics.align import AlignOptions
from elocute.errors import ElocuteError
from elocute.features.handcrafted import REGISTRY
from elocute.training.acoustic import AcousticOptions
from elocute.training.forest import ForestOptions
from elocute.training.hierarchy import HierarchyOptions
from elocute.training.pretrain import MtpOptions
from elocute.training.scorer import Recipe, ScorerOptions
from elocute.training.tdnnf.fit import FitOptions
from elocute.training.tdnnf.network import TdnnfOptions

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")
FOLDS = 5
CORE: tuple[str, ...] = (
    "speech_rate", "articulation_rate", "phonation_ratio", "all_pause_count", "all_pause_duration",
    "long_pause_count", "longest_pause", "mean_length_run", "phone_duration_mean", "phone_duration_sd",
    "vowel_npvi", "vowel_share", "f0_sd", "f0_range", "energy_sd", "gop_mean", "gop_sd", "phone_match_rate",
    "phone_count",
)  # fmt: skip
"""The utterance features of the first scorers; docs/features.md lists all there are."""


class ConfigError(ElocuteError):
    """A configuration that cannot be read."""

    code = "config"


@dataclass(frozen=True)
class AcousticConfig:
    """Training of a phonetic encoder.

    ``encoder``: Whisper folder or hub id; ``frozen`` and ``tuned``: number of its lower blocks kept and of
    the next ones fine-tuned; ``native``: folder of native speech (may be relative to the configuration);
    ``native_share``: share of it mixed into every learner model; ``native_held_out``: its speakers kept out
    of all training, to measure on; ``rounds`` of training and realignment, the last with ``options``, those
    before with ``first_options``; ``align``: how posteriors are aligned, in training as in use.
    ``aligner``: folder of an earlier acoustic model that makes the first alignments; pocketsphinx makes them
    if there is none. ``continued``: every round starts from the models of the round before, instead of the
    native model. ``integers``: export with products of 8-bit integers.
    """

    name: str
    version: str
    encoder: str
    native: str
    aligner: str = ""
    frozen: int = 3
    tuned: int = 2
    rounds: int = 2
    continued: bool = False
    integers: bool = False
    native_share: float = 0.2
    native_held_out: tuple[str, ...] = ()
    native_options: AcousticOptions = field(default_factory=lambda: AcousticOptions(epochs=1))
    first_options: AcousticOptions = field(default_factory=AcousticOptions)
    options: AcousticOptions = field(default_factory=AcousticOptions)
    align: AlignOptions = field(default_factory=AlignOptions)


@dataclass(frozen=True)
class TdnnfConfig:
    """Training of a TDNN-F (``kind = "tdnnf"``).

    ``teacher``: configuration of the phonetic encoder that teaches it, relative to this one, trained in the
    same working folder; ``native_share``: share of its native speech mixed into every learner model;
    ``integers``: as for the encoder; ``native_options`` and ``options``: of the model of native speech and
    of those that start from it.
    """

    kind: str
    name: str
    version: str
    teacher: str
    integers: bool = False
    native_share: float = 0.2
    network: TdnnfOptions = field(default_factory=TdnnfOptions)
    native_options: FitOptions = field(default_factory=FitOptions)
    options: FitOptions = field(default_factory=FitOptions)
    align: AlignOptions = field(default_factory=AlignOptions)


@dataclass(frozen=True)
class ScorerConfig:
    """Training of a scorer: the acoustic model's configuration (relative to this one), sizes, pretraining,
    optimisation, seeds of the networks that are averaged, the presence model's operating points, from which
    utterances (every n-th, 0 for none) examples of words nobody said are made, and the handcrafted features
    of the utterance that the network sees. ``forest``: the trees beside the network. ``linear_share`` is the
    weight of the linear scorer on handcrafted features beside both, 0 to 1. ``text_model``: where
    ``network.text`` is ``tokens``, a folder, a hub id or ``package:NAME``."""

    name: str
    version: str
    acoustic: str
    seeds: tuple[int, ...] = (22, 33, 44)
    network: HierarchyOptions = field(default_factory=HierarchyOptions)
    pretraining: MtpOptions = field(default_factory=MtpOptions)
    options: ScorerOptions = field(default_factory=ScorerOptions)
    text_model: str = ""
    false_omissions: float = 0.0015
    false_rejections: float = 0.001
    on_script: float = 0.5
    strangers: int = 3
    utterance_features: tuple[str, ...] = CORE
    forest: ForestOptions = field(default_factory=ForestOptions)
    linear_share: float = 0.25

    def __post_init__(self) -> None:
        unknown = sorted(set(self.utterance_features) - REGISTRY.keys())
        if unknown:
            raise ConfigError(f"utterance_features: no such features: {', '.join(unknown)}.")

    @property
    def recipe(self) -> Recipe:
        return Recipe(self.network, self.pretraining, self.options, self.text_model)


def read_acoustic_config(path: Path) -> AcousticConfig | TdnnfConfig:
    """Read ``[acoustic]`` of a TOML file: of a TDNN-F where its ``kind`` says so, else of a phonetic encoder.

    Raises:
        ConfigError: as :func:`read_config`, or the kind is unknown.
    """
    data = _table(path, "acoustic")
    kind = data.get("kind") if isinstance(data, dict) else None
    if kind not in (None, "tdnnf"):
        raise ConfigError(f'{path}: acoustic.kind: use "tdnnf", or leave it out for a phonetic encoder.')
    if kind is None:
        return read_config(AcousticConfig, path, "acoustic")
    return read_config(TdnnfConfig, path, "acoustic")


def read_config(kind: type[T], path: Path, table: str) -> T:
    """Read ``[table]`` of a TOML file as ``kind``; the key ``extends`` names a file (relative to this one)
    whose table it changes and adds to.

    Raises:
        ConfigError: the file or table is missing, or a key is unknown or of the wrong kind.
    """
    return typing.cast(T, _build(kind, _table(path, table), f"{path}: {table}"))


def _table(path: Path, table: str, depth: int = 0) -> Any:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))[table]
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError(f"{path} has no readable table [{table}]: {error!r}.") from None
    if not isinstance(data, dict) or "extends" not in data:
        return data
    if depth > 8 or not isinstance(data["extends"], str):
        raise ConfigError(f"{path}: extends must name another file, and not come back to this one.")
    base = _table(path.parent / data.pop("extends"), table, depth + 1)
    return _merged(base, data)


def _merged(base: Any, change: Any) -> Any:
    """``change`` over ``base``, table by table."""
    if not isinstance(base, dict) or not isinstance(change, dict):
        return change
    return base | {key: _merged(base.get(key), value) for key, value in change.items()}


def _build(kind: Any, data: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(data, dict):
            raise ConfigError(f"{where}: expected a table, found {data!r}.")
        hints = typing.get_type_hints(kind)
        unknown = sorted(set(data) - hints.keys())
        if unknown:
            raise ConfigError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(hints)}.")
        values = {key: _build(hints[key], value, f"{where}.{key}") for key, value in data.items()}
        try:
            return typing.cast(Any, kind)(**values)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{where}: {error}.") from None
    if typing.get_origin(kind) is tuple:
        kinds = typing.get_args(kind)
        if isinstance(data, list) and kinds[-1] is Ellipsis:
            kinds = kinds[:1] * len(data)
        if not isinstance(data, list) or len(data) != len(kinds):
            raise ConfigError(f"{where}: expected {kind}, found {data!r}.")
        return tuple(_build(part, value, where) for part, value in zip(kinds, data, strict=True))
    if kind is float and type(data) is int:
        return float(data)
    if type(data) is not kind:  # a bool would pass for an int
        raise ConfigError(f"{where}: expected {kind.__name__}, found {data!r}.")
    return data
