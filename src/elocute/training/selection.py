"""Selecting handcrafted features: filters, then the Lasso with its penalty chosen over training speakers.

The paper (arXiv 2509.16876) drops skewed, near-constant and duplicate features and keeps what the Lasso of
each utterance aspect weighs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elocute.scoring.linear import ASPECTS, LIMIT
from elocute.training.examples import Example

Floats = NDArray[np.float64]

MISSING = 0.6
"""Share of utterances that may lack a feature."""
CONSTANT = 0.95
"""Share of utterances that may have one and the same value."""
SKEWED = 4.0
"""Greatest skewness of the values that are not beyond their 1st and 99th percentile."""
DUPLICATE = 0.98
"""Correlation from which a feature is a duplicate of one registered before it."""
GROUPS = 5


@dataclass(frozen=True)
class FeatureTable:
    """Handcrafted features and scores of many utterances.

    ``values`` (n, features), NaN where undefined; ``scores`` (n, 4) as :data:`ASPECTS`, 0-10; ``speakers``.
    """

    names: tuple[str, ...]
    values: Floats
    scores: Floats
    speakers: NDArray[np.str_]

    def columns(self, names: Sequence[str]) -> Floats:
        """(n, names) the values of some features."""
        return np.asarray(self.values[:, [self.names.index(name) for name in names]])

    def rows(self, chosen: NDArray[np.bool_]) -> FeatureTable:
        return FeatureTable(self.names, self.values[chosen], self.scores[chosen], self.speakers[chosen])


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation of every feature; ``apply`` clips, and makes what is missing average."""

    center: Floats
    scale: Floats

    def apply(self, values: Floats) -> Floats:
        return np.asarray(np.nan_to_num(np.clip((values - self.center) / self.scale, -LIMIT, LIMIT)))


@dataclass(frozen=True)
class Fit:
    """A Lasso per aspect on the features that pass the filters: ``weights`` (4, features) per standard
    deviation, 0 where not selected; ``bias`` (4,); ``penalty`` (4,) as chosen."""

    names: tuple[str, ...]
    scaling: Scaling
    weights: Floats
    bias: Floats
    penalty: Floats

    def predict(self, table: FeatureTable) -> Floats:
        """(n, 4) scores, 0-10."""
        standard = self.scaling.apply(table.columns(self.names))
        return np.asarray(np.clip(standard @ self.weights.T + self.bias, 0.0, 10.0))

    def selected(self, aspect: str) -> tuple[str, ...]:
        """The features the aspect weighs."""
        row = self.weights[ASPECTS.index(aspect)]
        return tuple(name for name, weight in zip(self.names, row, strict=True) if weight)

    def union(self) -> tuple[str, ...]:
        """The features any aspect weighs."""
        return tuple(n for n, column in zip(self.names, self.weights.T, strict=True) if column.any())

    def top(self, count: int) -> tuple[str, ...]:
        """The ``count`` features of greatest absolute weight in any aspect, in order of the registry."""
        rank = np.argsort(-np.abs(self.weights).max(axis=0), kind="stable")[:count]
        return tuple(self.names[n] for n in sorted(rank))


def feature_table(examples: Sequence[Example], names: Sequence[str]) -> FeatureTable:
    """The table of scored examples, whose ``utterance`` has the columns ``names``."""
    scored = [e for e in examples if not np.isnan(e.scores).any()]
    return FeatureTable(
        tuple(names),
        np.stack([e.utterance for e in scored]).astype(np.float64),
        np.stack([e.scores for e in scored]).astype(np.float64) * 5.0,
        np.array([e.speaker for e in scored]),
    )


def scaling(values: Floats) -> Scaling:
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    center = np.where(known, values, 0.0).sum(axis=0) / count
    scale = np.sqrt((np.where(known, values - center, 0.0) ** 2).sum(axis=0) / count)
    return Scaling(center, np.where(scale > 1e-9, scale, 1.0))


def dropped(table: FeatureTable) -> dict[str, str]:
    """Features that the filters drop, and why: ``missing``, ``constant``, ``skewed`` or the name of the
    feature they duplicate."""
    found: dict[str, str] = {}
    kept: list[int] = []
    center = scaling(table.values).center
    standard = np.where(np.isnan(table.values), 0.0, table.values - center)
    standard /= np.maximum(np.sqrt((standard**2).sum(axis=0)), 1e-12)
    for column, name in enumerate(table.names):
        reason = _unusable(table.values[:, column])
        if reason is None and kept:
            similar = np.abs(standard[:, kept].T @ standard[:, column])
            if similar.max() > DUPLICATE:
                reason = table.names[kept[int(similar.argmax())]]
        if reason is None:
            kept.append(column)
        else:
            found[name] = reason
    return found


def _unusable(values: Floats) -> str | None:
    known = values[~np.isnan(values)]
    if len(known) < (1.0 - MISSING) * len(values):
        return "missing"
    if np.unique(known, return_counts=True)[1].max() > CONSTANT * len(known):
        return "constant"
    low, high = np.percentile(known, [1, 99])
    inner = np.clip(known, low, high)
    spread = inner.std()
    skewness = ((inner - inner.mean()) ** 3).mean() / spread**3 if spread > 1e-12 else 0.0
    return "skewed" if abs(skewness) > SKEWED else None


def fit_lasso(table: FeatureTable, names: Sequence[str] | None = None) -> Fit:
    """Filter and fit; the penalty of each aspect is the best of a speaker-grouped cross-validation.

    Args:
        names: only these features; all that pass the filters if left out.
    """
    from sklearn.linear_model import LassoCV

    if names is None:
        out = dropped(table)
        names = [name for name in table.names if name not in out]
    values = table.columns(names)
    scale = scaling(values)
    standard = scale.apply(values)
    splits = speaker_splits(table.speakers, GROUPS)
    weights, bias, penalty = [], [], []
    for aspect in range(len(ASPECTS)):
        # Smaller penalties than a hundredth of the greatest never win, and take a hundred times as long.
        lasso = LassoCV(cv=splits, alphas=30, eps=1e-2, tol=1e-3, max_iter=1000, precompute=True)
        fitted = lasso.fit(standard, table.scores[:, aspect])
        weights.append(fitted.coef_)
        bias.append(float(fitted.intercept_))
        penalty.append(float(fitted.alpha_))
    return Fit(tuple(names), scale, np.array(weights), np.array(bias), np.array(penalty))


def speaker_splits(
    speakers: NDArray[np.str_], groups: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Training and held-out rows, ``groups`` times, no speaker in both."""
    groups = min(groups, len(set(speakers)))
    order = {speaker: n % groups for n, speaker in enumerate(dict.fromkeys(speakers))}
    group = np.array([order[speaker] for speaker in speakers])
    return [(np.flatnonzero(group != g), np.flatnonzero(group == g)) for g in range(groups)]
