"""The models in the package's assets, found by their cards: a model put there can be chosen by its name.

An acoustic model is a folder whose card is of kind "acoustic"; the scorer that belongs to it is the one whose
card names it and its version.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elocute.acoustics.model import AcousticModel, OnnxAcousticModel
from elocute.acoustics.tdnnf import OnnxTdnnf
from elocute.card import ASSETS, Card, read_card
from elocute.errors import ModelError, UnknownModel
from elocute.scoring.scorer import OnnxScorer

DEFAULT = "phonetic-encoder"


@dataclass(frozen=True)
class Shipped:
    """An acoustic model that can be chosen: what its card says, and the folder of its scorer, if there is
    one."""

    name: str
    version: str
    folder: Path
    architecture: str
    cross_validation: dict[str, float]
    scorer: Path | None

    @property
    def megabytes(self) -> float:
        """Of the weights of both, in millions of bytes."""
        folders = filter(None, (self.folder, self.scorer))
        return sum(path.stat().st_size for folder in folders for path in folder.rglob("*.onnx")) / 1e6


def shipped_models(assets: Path = ASSETS) -> tuple[Shipped, ...]:
    """Every acoustic model in ``assets``, the default first, then by name."""
    cards = dict(_cards(assets))
    scorers = {card["acoustic"]: folder for folder, card in cards.items() if card.get("kind") == "scorer"}
    found = [
        Shipped(
            card["name"],
            card["version"],
            folder,
            card.get("architecture", ""),
            card.get("cross_validation", {}),
            scorers.get(f"{card['name']} {card['version']}"),
        )
        for folder, card in cards.items()
        if card.get("kind") == "acoustic"
    ]
    return tuple(sorted(found, key=lambda model: (model.name != DEFAULT, model.name)))


def acoustic_model(name: str = DEFAULT, assets: Path = ASSETS) -> AcousticModel:
    """Load a shipped acoustic model.

    Raises:
        UnknownModel: none has this name.
    """
    known = {model.name: model for model in shipped_models(assets)}
    if name not in known:
        raise UnknownModel(f"There is no acoustic model {name!r}; use one of {', '.join(known)}.")
    return open_acoustic(known[name].folder)


def open_acoustic(folder: Path) -> AcousticModel:
    """Load the acoustic model in ``folder``, of whichever kind its card says it is."""
    filterbank = read_card(folder).data.get("front_end") == "filterbank"
    return OnnxTdnnf(folder) if filterbank else OnnxAcousticModel(folder)


def scorer_for(acoustic: Card, assets: Path = ASSETS) -> OnnxScorer:
    """The shipped scorer that was trained on this acoustic model's features.

    Raises:
        ModelError: there is none.
    """
    for model in shipped_models(assets):
        if (model.name, model.version) == (acoustic.name, acoustic.version) and model.scorer is not None:
            return OnnxScorer(model.scorer)
    raise ModelError(
        f"No scorer for the acoustic model {acoustic.name} {acoustic.version} is installed: "
        "give the scorer trained on its features."
    )


def _cards(assets: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(assets.glob("*/card.json")):
        try:
            yield path.parent, json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ModelError(f"{path} cannot be read ({error}): install the model again.") from None
