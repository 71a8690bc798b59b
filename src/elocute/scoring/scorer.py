"""The scorer: phone features in, scores out."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from elocute.card import Card, open_session, read_card
from elocute.errors import ModelError
from elocute.features.measurements import utterance_vector
from elocute.features.phone import PhoneFeatures
from elocute.features.reference import load_reference
from elocute.scoring.forest import Forest, blend
from elocute.scoring.hearing import HearingModel
from elocute.scoring.linear import fuse, read_linear
from elocute.scoring.presence import MEASURES, PresenceModel
from elocute.scoring.scores import Explanation, Scores, native_scores


class Scorer(Protocol):
    """What the pipeline needs of a scorer; must be safe to call from several threads."""

    @property
    def card(self) -> Card: ...

    @property
    def parts(self) -> str:
        """Hashes of what scores beside the card's model; empty if nothing does."""
        ...

    @property
    def presence(self) -> PresenceModel: ...

    @property
    def hearing(self) -> HearingModel | None: ...

    def score(self, features: PhoneFeatures, utterance: dict[str, float | None]) -> Scores: ...


class OnnxScorer:
    """The assessment network run by ONNX Runtime from a folder with ``model.onnx`` and ``card.json``, with
    what lies beside it: trees (``forest/``), the linear scorer (``linear.json``), percentiles."""

    def __init__(self, folder: Path | str) -> None:
        self.card = read_card(Path(folder))
        self.presence = self.card.record("presence", PresenceModel)
        if np.shape(self.presence.weights) != (len(MEASURES),):
            raise ModelError(f"{folder}: its presence model weighs other measures than this elocute takes.")
        self.hearing: HearingModel | None = None
        if "hearing" in self.card.data:
            self.hearing = self.card.record("hearing", HearingModel)
            if not self.hearing.fits():
                raise ModelError(f"{folder}: its model of heard phones is of another elocute.")
        self._names = tuple(self.card["features"])
        self._utterance_names = tuple(self.card["utterance_features"])
        self._session = open_session(self.card)
        self.linear = read_linear(linear) if (linear := Path(folder) / "linear.json").exists() else None
        self.forest = Forest(trees) if (trees := Path(folder) / "forest").exists() else None
        percentiles = Path(folder) / "reference.npz"
        self._reference = load_reference(percentiles) if percentiles.exists() else None

    @property
    def parts(self) -> str:
        linear = self.linear.sha256 if self.linear else ""
        return linear + (self.forest.card.sha256 if self.forest else "")

    def score(self, features: PhoneFeatures, utterance: dict[str, float | None]) -> Scores:
        """Score one utterance.

        Raises:
            ModelError: the features are not those the network was trained on.
        """
        if features.names != self._names or not set(self._utterance_names) <= utterance.keys():
            raise ModelError("The scorer knows other features: use the acoustic model its card names.")
        ids = ("phone", "stress", "manner", "word", "place")
        phones, words, scores = self._session.run(
            ["phones", "words", "scores"],
            {
                **{name: getattr(features, name)[None] for name in ids},
                "values": features.values[None],
                "utterance": utterance_vector(utterance, self._utterance_names)[None],
            },
        )
        found = native_scores(phones[0], words[0], scores[0], features.word_starts)
        moved: dict[str, float] = {}
        if self.forest is not None:
            trees, effects = self.forest.score(features, utterance)
            found = blend(found, trees, self.forest.shares)
            moved = {name: self.forest.shares.utterance * effect for name, effect in effects.items()}
        return self._explained(found, utterance, moved)

    def _explained(
        self, scores: Scores, utterance: dict[str, float | None], moved: dict[str, float]
    ) -> Scores:
        """The scores with those of the linear scorer, and what the features did; ``moved`` is what they
        already did to the total."""
        total = scores.total - math.fsum(moved.values()) if moved else None
        if self.linear is not None:
            scores, total, moved = fuse(scores, utterance, self.linear, moved)
        percentiles = self._reference.percentiles(utterance) if self._reference is not None else {}
        return replace(scores, explanation=Explanation(total, moved, percentiles))
