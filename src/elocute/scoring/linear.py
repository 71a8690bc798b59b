"""The interpretable scorer: utterance scores as weighted sums of handcrafted features, nothing else.

score = bias + sum of weight * clip((feature - center) / scale, -LIMIT, LIMIT), on the experts' scale. A
feature that an utterance does not define counts as average, so every contribution is exact.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from elocute.card import ASSETS
from elocute.errors import ModelError
from elocute.scoring.scores import SCALE, Scores

LIMIT = 3.0
"""Standard deviations from the mean beyond which a feature counts no further."""

ASPECTS: tuple[str, ...] = ("accuracy", "fluency", "prosodic", "total")


@dataclass(frozen=True)
class LinearAspect:
    """``bias`` is the score of a reading with average features (0-10), ``weights`` are points of that scale
    per standard deviation; ``share`` (0-1) is how much the score counts beside the network's."""

    bias: float
    weights: dict[str, float]
    share: float


@dataclass(frozen=True)
class LinearModel:
    """``centers`` and ``scales``: mean and standard deviation of every feature that any aspect weighs."""

    name: str
    version: str
    sha256: str
    centers: dict[str, float]
    scales: dict[str, float]
    aspects: dict[str, LinearAspect]

    def contributions(self, aspect: str, utterance: Mapping[str, float | None]) -> dict[str, float]:
        """What every weighed feature adds to the bias of ``aspect``, on the experts' scale (0-10)."""
        found = {}
        for name, weight in self.aspects[aspect].weights.items():
            value = utterance.get(name)
            found[name] = 0.0 if value is None else weight * self._standard(name, value)
        return found

    def score(self, aspect: str, utterance: Mapping[str, float | None]) -> float:
        """The bias and the contributions in sum, not clipped to the scale."""
        return self.aspects[aspect].bias + math.fsum(self.contributions(aspect, utterance).values())

    def _standard(self, name: str, value: float) -> float:
        return min(max((value - self.centers[name]) / self.scales[name], -LIMIT), LIMIT)


def fuse(
    scores: Scores,
    utterance: Mapping[str, float | None],
    model: LinearModel,
    moved: Mapping[str, float] | None = None,
) -> tuple[Scores, float, dict[str, float]]:
    """The utterance scores averaged with the linear ones, each aspect by its share.

    Args:
        moved: what features already added to the total of ``scores`` (0-10).

    Returns:
        the scores; the total without what the features add; what every feature adds to it (0-10).
    """
    found = {}
    for aspect in ASPECTS:
        share = model.aspects[aspect].share
        mixed = (1.0 - share) * getattr(scores, aspect) + share * model.score(aspect, utterance)
        found[aspect] = min(max(mixed, 0.0), SCALE)
    total, moved = model.aspects["total"], moved or {}
    effects = {n: (1.0 - total.share) * move for n, move in moved.items()}
    for name, part in model.contributions("total", utterance).items():
        effects[name] = effects.get(name, 0.0) + total.share * part
    own = scores.total - math.fsum(moved.values())
    reference = (1.0 - total.share) * own + total.share * total.bias
    return replace(scores, **found), reference, effects


def read_linear(path: Path) -> LinearModel:
    """Read the model from JSON.

    Raises:
        ModelError: the file is missing or of another shape.
    """
    try:
        text = path.read_bytes()
        return parse_linear(json.loads(text), hashlib.sha256(text).hexdigest())
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is no linear scorer ({error!r}): install the model again.") from None


def parse_linear(data: Mapping[str, Any], sha256: str) -> LinearModel:
    """Raises:
    KeyError, TypeError, ValueError: the data are of another shape.
    """
    aspects = {
        name: LinearAspect(float(a["bias"]), dict(a["weights"]), float(a["share"]))
        for name, a in data["aspects"].items()
    }
    known = {name for aspect in aspects.values() for name in aspect.weights}
    centers, scales = ({n: float(data[key][n]) for n in known} for key in ("centers", "scales"))
    if set(aspects) != set(ASPECTS) or not all(scale > 0 for scale in scales.values()):
        raise ValueError(f"it must score {', '.join(ASPECTS)}")
    return LinearModel(data["name"], data["version"], sha256, centers, scales, aspects)


@cache
def default_linear() -> LinearModel:
    """The interpretable scorer shipped for the phonetic encoder."""
    return read_linear(ASSETS / "scorer" / "linear.json")
