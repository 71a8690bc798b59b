"""What the handcrafted features tell: docs/feature-study.md from the measurements of a training.

    python benchmarks/feature_study.py --corpus speechocean762 --features work/scorer/features.npz \
        [--predictions work/scorer/predictions.csv] > docs/feature-study.md

``features.npz`` is left by ``elocute train score``, and so is ``predictions.csv``, the held-out scores of the
fused scorer. Everything is about the training half; whatever predicts a speaker has not seen the speaker.
"""
# ruff: noqa: E501  sentences of the page

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elocute.corpora import speechocean762
from elocute.corpora.types import Utterance
from elocute.features.handcrafted import FAMILIES, REGISTRY
from elocute.metrics import bootstrap_by_speaker, pcc
from elocute.scoring.linear import ASPECTS
from elocute.training.handcrafted import PAPER, held_out, load_table
from elocute.training.selection import FeatureTable, Fit, dropped, fit_lasso

Floats = NDArray[np.float64]
RATINGS = ("accuracy", "completeness", "fluency", "prosodic", "total")
EXAMPLES = 12


def row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def header(*cells: str) -> list[str]:
    return [row(*cells), "|" + "---|" * len(cells)]


def number(value: float, digits: int = 2) -> str:
    """A correlation without its leading zero."""
    return "" if np.isnan(value) else f"{value:.{digits}f}".replace("0.", ".", 1)


def correlations(values: Floats, ratings: Floats) -> Floats:
    """(features, ratings) Pearson's correlation over the utterances that have the feature."""
    found = np.full((values.shape[1], ratings.shape[1]), np.nan)
    for column in range(values.shape[1]):
        known = ~np.isnan(values[:, column])
        if known.sum() >= 50 and values[known, column].std() > 1e-9:
            for aspect in range(ratings.shape[1]):
                found[column, aspect] = pcc(values[known, column], ratings[known, aspect])
    return found


def agreement(table: FeatureTable, scores: Mapping[str, Floats]) -> list[str]:
    """Correlations with intervals of every scorer, and the gain of the last over the first."""
    lines = header("scorer", *ASPECTS)
    for name, found in scores.items():
        cells = []
        for n in range(len(ASPECTS)):
            low, high = bootstrap_by_speaker(found[:, n], table.scores[:, n], list(table.speakers), "pcc")
            cells.append(f"{pcc(found[:, n], table.scores[:, n]):.3f} ({low:.3f} to {high:.3f})")
        lines.append(row(name, *cells))
    return lines


def paired_gain(
    table: FeatureTable, one: Floats, other: Floats, draws: int = 1000, seed: int = 0
) -> list[tuple[float, float, float]]:
    """Per aspect, gain in correlation of ``other`` over ``one`` and its 95 % interval, speakers resampled."""
    random = np.random.default_rng(seed)
    rows = [np.flatnonzero(table.speakers == speaker) for speaker in np.unique(table.speakers)]
    gains: list[list[float]] = [[] for _ in ASPECTS]
    for _ in range(draws):
        chosen = np.concatenate([rows[n] for n in random.integers(len(rows), size=len(rows))])
        for n in range(len(ASPECTS)):
            truth = table.scores[chosen, n]
            gains[n].append(pcc(other[chosen, n], truth) - pcc(one[chosen, n], truth))
    whole = [pcc(other[:, n], table.scores[:, n]) - pcc(one[:, n], table.scores[:, n]) for n in range(4)]
    return [(whole[n], *map(float, np.percentile(gains[n], [2.5, 97.5]))) for n in range(4)]


def ablation(table: FeatureTable, folds: NDArray[np.int64], whole: Floats) -> list[str]:
    """Each family alone, and all without it."""
    out = dropped(table)
    usable = [name for name in table.names if name not in out]
    lines = header("family", "features", "fluency alone", "total alone", "fluency without", "total without")
    columns = [ASPECTS.index("fluency"), ASPECTS.index("total")]
    for family in FAMILIES:
        own = [name for name in usable if REGISTRY[name].family == family]
        rest = [name for name in usable if REGISTRY[name].family != family]
        cells = []
        for names in (own, rest):
            fits = (
                {int(f): fit_lasso(table.rows(folds != f), names) for f in np.unique(folds)} if names else {}
            )
            found = held_out(fits, table, folds)
            cells += [number(pcc(found[:, n], table.scores[:, n]), 3) if names else "" for n in columns]
        lines.append(row(f"`{family}`", len(own), *cells))
    lines.append(
        row("all", len(usable), *(number(pcc(whole[:, n], table.scores[:, n]), 3) for n in columns), "", "")
    )
    return lines


def redundancy(table: FeatureTable, least: float = 0.95, most: int = 40) -> list[str]:
    values = np.where(np.isnan(table.values), np.nanmean(table.values, axis=0), table.values)
    spread = values.std(axis=0)
    usable = np.flatnonzero(spread > 1e-9)
    matrix = np.corrcoef(values[:, usable].T)
    pairs = [
        (abs(matrix[a, b]), table.names[usable[a]], table.names[usable[b]], matrix[a, b])
        for a in range(len(usable)) for b in range(a) if abs(matrix[a, b]) >= least
    ]  # fmt: skip
    lines = header("r", "feature", "feature")
    lines += [row(number(r), f"`{b}`", f"`{a}`") for _, a, b, r in sorted(pairs, reverse=True)[:most]]
    size = np.linalg.eigvalsh(matrix)
    effective = size.sum() ** 2 / (size**2).sum()
    count = int(np.searchsorted(np.cumsum(size[::-1]) / size.sum(), 0.9)) + 1
    return [
        f"{len(pairs)} of {len(usable) * (len(usable) - 1) // 2} pairs correlate by {least} or more; the strongest:",
        "", *lines, "",
        f"{count} principal components carry 90 % of the variance of {len(usable)} features (participation ratio "
        f"{effective:.0f}).",
    ]  # fmt: skip


def importances(fit: Fit, most: int = 25) -> list[str]:
    """Weights per standard deviation in points of 100."""
    lines = header("feature", "family", *ASPECTS)
    weights = fit.weights * 10.0
    order = np.argsort(-np.abs(weights[ASPECTS.index("total")]), kind="stable")[:most]
    for column in order:
        name = fit.names[column]
        cells = (f"{w:+.1f}" if w else "" for w in weights[:, column])
        lines.append(row(f"`{name}`", REGISTRY[name].family, *cells))
    return lines


def disagreements(
    table: FeatureTable, folds: NDArray[np.int64], fits: Mapping[int, Fit], predicted: Floats,
    utterances: Sequence[Utterance],
) -> list[str]:  # fmt: skip
    """The greatest errors in total, half too high and half too low, with what the linear scorer saw."""
    total = ASPECTS.index("total")
    error = predicted[:, total] - table.scores[:, total]
    order = np.argsort(error, kind="stable")
    lines = header("reading", "age", "experts: total, words", "model", "spoke against it", "spoke for it")
    for n in (*order[: EXAMPLES // 2], *order[::-1][: EXAMPLES // 2]):
        fit, utterance = fits[int(folds[n])], utterances[n]
        standard = fit.scaling.apply(table.rows(np.arange(len(error)) == n).columns(fit.names))[0]
        parts = standard * fit.weights[total] * 10.0
        low, high = np.argsort(parts, kind="stable")[:3], np.argsort(-parts, kind="stable")[:3]
        assert utterance.labels is not None
        words = np.mean([word.total for word in utterance.labels.words])
        lines.append(
            row(
                f"{utterance.id}: {utterance.text.lower()}", utterance.age,
                f"{table.scores[n, total]:.0f}, {words:.1f}", f"{predicted[n, total]:.1f}",
                ", ".join(f"`{fit.names[c]}` {parts[c]:+.1f}" for c in low if parts[c] < -0.5),
                ", ".join(f"`{fit.names[c]}` {parts[c]:+.1f}" for c in high if parts[c] > 0.5),
            )
        )  # fmt: skip
    return lines


def why(table: FeatureTable, predicted: Floats, utterances: Sequence[Utterance]) -> list[str]:
    """Where the errors lie: short texts, children, low scores, ratings that contradict their own words."""
    total = ASPECTS.index("total")
    truth = table.scores[:, total]
    error = np.abs(predicted[:, total] - truth)
    words = np.array([np.mean([w.total for w in u.labels.words]) for u in utterances if u.labels])
    length = np.array([len(u.script.words) for u in utterances])
    child = np.array([u.is_child for u in utterances])
    slope, offset = np.polyfit(words, truth, 1)
    apart = np.abs(slope * words + offset - truth) >= 1.5
    groups = {
        "all": np.ones(len(error), bool), "children": child, "older speakers": ~child,
        "at most 3 words": length <= 3, "more than 8 words": length > 8, "rated 0 to 4": truth <= 4,
        "rated 9 or 10": truth >= 9, "total 1.5 or more off what the ratings of its own words suggest": apart,
    }  # fmt: skip
    lines = header("readings", "number", "mean absolute error", "mean error")
    for name, rows in groups.items():
        signed = (predicted[rows, total] - truth[rows]).mean()
        lines.append(row(name, int(rows.sum()), f"{error[rows].mean():.2f}", f"{signed:+.2f}"))
    return lines


def read_scores(path: Path, ids: Sequence[str]) -> Floats:
    """(n, 4) utterance scores of a CSV of predictions."""
    place = {key: n for n, key in enumerate(ids)}
    found = np.full((len(ids), len(ASPECTS)), np.nan)
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if line["level"] == "utterance" and line["aspect"] in ASPECTS and line["utterance"] in place:
                found[place[line["utterance"]], ASPECTS.index(line["aspect"])] = float(line["prediction"])
    return found


def gain_sentence(table: FeatureTable, linear: Floats, fused: Floats) -> str:
    gains = zip(ASPECTS, paired_gain(table, linear, fused), strict=True)
    told = ", ".join(
        f"{aspect} {value:+.3f} ({low:+.3f} to {high:+.3f})" for aspect, (value, low, high) in gains
    )
    return f"\n\nGain of the second over the first, paired: {told}."


def study(
    table: FeatureTable, folds: NDArray[np.int64], utterances: Sequence[Utterance], fused: Floats | None
) -> str:
    fits = {int(fold): fit_lasso(table.rows(folds != fold)) for fold in np.unique(folds)}
    linear, fit, out = held_out(fits, table, folds), fit_lasso(table), dropped(table)
    ratings = np.array([[getattr(u.labels, aspect) for aspect in RATINGS] for u in utterances], float)
    found = correlations(table.values, ratings)
    scores = {"handcrafted features alone (linear)": linear}
    if fused is not None:
        scores["the scorer that ships (networks, trees and linear model)"] = fused
    gain = "" if fused is None else gain_sentence(table, linear, fused)
    order = np.argsort(-np.nan_to_num(np.abs(found[:, RATINGS.index("total")])), kind="stable")
    best = fused if fused is not None else linear
    parts = [
        "# Feature study",
        "What the handcrafted features ([features.md](features.md)) have to do with the experts' ratings: the "
        f"{len(table.scores)} training utterances of speechocean762, {len(set(table.speakers))} speakers, five folds "
        "that share no speaker; acoustic models, selection and weights have not seen the speakers they are applied "
        "to. Made by `benchmarks/feature_study.py`.",
        "## Agreement with the experts\n\nPearson's correlation of utterance scores, 95 % intervals by resampling "
        "speakers.",
        "\n".join(agreement(table, scores)) + gain,
        "## Selection\n\nThe filters drop "
        f"{len(out)} of {len(table.names)} features; the Lasso keeps, beside what arXiv 2509.16876 keeps of its own:",
        "\n".join(selection(fit)),
        "## Importances\n\nPoints (of 100) that one standard deviation of the feature adds, the 25 strongest for the "
        "total. Features that say nearly the same share their weight, so a small weight is no proof of "
        "unimportance; the families tell more.",
        "\n".join(importances(fit)),
        "## Families\n\nCross-validated correlation of the linear scorer with one family alone, and with all others.",
        "\n".join(ablation(table, folds, linear)),
        "## Redundancy",
        "\n".join(redundancy(table)),
        "Dropped by the filters: " + ", ".join(f"`{name}` ({reason})" for name, reason in out.items()) + ".",
        "## Where model and experts disagree",
        "\n".join(why(table, best, utterances)),
        "The greatest errors in total (0 to 10), too low first. The last columns are the linear scorer's strongest "
        "contributions in points of 100.",
        "\n".join(disagreements(table, folds, fits, best, utterances)),
        "## Correlation of every feature with every rating\n\nOver the readings that have the feature; completeness "
        "is nearly constant in the corpus.",
        "\n".join(
            header("feature", "family", *RATINGS, "readings")
            + [
                row(
                    f"`{table.names[c]}`", REGISTRY[table.names[c]].family, *(number(v) for v in found[c]),
                    int((~np.isnan(table.values[:, c])).sum()),
                )
                for c in order
            ]
        ),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def selection(fit: Fit) -> list[str]:
    lines = header("", *ASPECTS, "union")
    lines.append(row("here", *(len(fit.selected(a)) for a in ASPECTS), len(fit.union())))
    lines.append(row("paper", *(PAPER[a] for a in ASPECTS), PAPER["union"]))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--predictions", type=Path)
    options = parser.parse_args()
    table, folds, ids = load_table(options.features)
    by_id = {u.id: u for u in speechocean762.load(options.corpus, "train")}
    fused = read_scores(options.predictions, ids) if options.predictions else None
    sys.stdout.write(study(table, folds, [by_id[key] for key in ids], fused))


if __name__ == "__main__":
    main()
