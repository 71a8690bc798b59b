"""The forest: boosted trees on phones in context and on utterances, run by ONNX Runtime.

Trees and networks err differently, so the scores that ship are their mean. What a named feature adds to the
trees' total is read off the paths: every split moves the mean of the training readings that reach it, and the
moves of all splits on a feature are its effect (Saabas 2014). With the start of all trees they add up to the
total.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elocute.card import Card, open_session, read_card
from elocute.errors import ModelError
from elocute.features.context import phone_columns, phone_rows, utterance_columns, utterance_row
from elocute.features.measurements import utterance_vector
from elocute.features.phone import PhoneFeatures
from elocute.scoring.linear import ASPECTS
from elocute.scoring.scores import PHONE_SCALE, SCALE, Scores, WordScores, native_scores


@dataclass(frozen=True)
class Shares:
    """How much the forest counts beside the network, 0 to 1, at each level."""

    phone: float
    word: float
    utterance: float


class Forest:
    """The trees of a folder with ``model.onnx`` and ``card.json``."""

    def __init__(self, folder: Path | str) -> None:
        self.card: Card = read_card(Path(folder))
        self.shares = self.card.record("shares", Shares)
        self._names = tuple(self.card["features"])
        self._utterance_names = tuple(self.card["utterance_features"])
        known = phone_columns(self._names, self._utterance_names)
        whole = utterance_columns(self._names, self._utterance_names)
        if (len(known), len(whole)) != (self.card["phone_columns"], self.card["utterance_columns"]):
            raise ModelError(f"{folder}: its trees judge other columns than this elocute makes.")
        self._session = open_session(self.card)

    def score(
        self, features: PhoneFeatures, utterance: dict[str, float | None]
    ) -> tuple[Scores, dict[str, float]]:
        """Scores of one utterance, and what each named feature adds to its total (0-10).

        Raises:
            ModelError: the features are not those the trees were grown on.
        """
        if features.names != self._names or not set(self._utterance_names) <= utterance.keys():
            raise ModelError("The forest knows other features: use the acoustic model its card names.")
        values = utterance_vector(utterance, self._utterance_names)
        rows = phone_rows(features, values)
        phones, words, scores, effects = self._session.run(
            ["phones", "words", "scores", "effects"],
            {
                "phones_in": rows,
                "words_in": rows[features.word_starts],
                "utterance_in": utterance_row(features, values)[None],
            },
        )
        found = native_scores(phones[:, 0], words[features.word], scores[0], features.word_starts)
        moves = (effects[0] * (SCALE / PHONE_SCALE)).tolist()
        return found, dict(zip(self._utterance_names, moves, strict=True))


def blend(network: Scores, forest: Scores, shares: Shares) -> Scores:
    """The mean of both, each level by the forest's share."""

    def mean(own: float, other: float, share: float) -> float:
        return (1.0 - share) * own + share * other

    words = tuple(
        WordScores(*(mean(getattr(own, a), getattr(other, a), shares.word) for a in vars(own)))
        for own, other in zip(network.words, forest.words, strict=True)
    )
    phones: NDArray[np.float32] = (1.0 - shares.phone) * network.phones + shares.phone * forest.phones
    accuracy, fluency, prosodic, total = (
        mean(getattr(network, aspect), getattr(forest, aspect), shares.utterance) for aspect in ASPECTS
    )
    return Scores(phones.astype(np.float32), words, accuracy, fluency, prosodic, total)
