"""The step ``handcrafted``: what the handcrafted features say alone, and how readers' features lie.

Measures all learners with cross-fitted posteriors and a part of the native speech, and writes into the
scorer's folder ``features.npz`` (the measurements), ``linear.json`` (the interpretable scorer),
``reference.npz`` (percentiles) and ``handcrafted.json`` (cross-validation, selection).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.align import align
from elocute.corpora.types import Utterance
from elocute.errors import TextAudioMismatch
from elocute.features.handcrafted import REGISTRY
from elocute.features.measurements import measure, utterance_vector
from elocute.features.reference import make_reference, save_reference
from elocute.metrics import bootstrap_by_speaker, pcc
from elocute.progress import track
from elocute.scoring.linear import ASPECTS
from elocute.training.acoustic import stored_posteriors
from elocute.training.crossfit import EVERYBODY, model_path
from elocute.training.measured import load_prosody, measure_all
from elocute.training.selection import FeatureTable, Fit, dropped, fit_lasso
from elocute.training.workshop import Workshop, load_network, seconds

NATIVES_PER_SPEAKER = 20
PAPER = {"accuracy": 56, "fluency": 51, "prosodic": 50, "total": 53, "union": 112}
"""Features the paper selects (it also selects 66 for completeness, which is a rule here)."""

Floats = NDArray[np.float64]


def learner_table(shop: Workshop, posteriors: dict[str, Any]) -> FeatureTable:
    """All registered features of all labelled learners."""
    names = tuple(REGISTRY)
    tunes = load_prosody(shop.learners, shop.path("prosody.npz"))
    measured = measure_all(shop.learners, posteriors, tunes, shop.config.align, names)
    labels = [u.labels for u in shop.learners]
    return FeatureTable(
        names,
        np.stack([m.example.utterance for m in measured]).astype(np.float64),
        np.array([[getattr(found, aspect) for aspect in ASPECTS] for found in labels], np.float64),
        np.array([u.speaker for u in shop.learners]),
    )


def native_values(shop: Workshop) -> Floats:
    """(readings, features) of native speech, a few recordings of every speaker, heard by the model of
    everybody."""
    chosen = some_natives(shop.natives, NATIVES_PER_SPEAKER)
    network = shop.new_network(0)
    load_network(network, model_path(shop, shop.config.rounds, EVERYBODY))
    tunes = load_prosody(chosen, shop.path("prosody-natives.npz"))
    rows = []
    for utterance in track(chosen, "measure natives"):
        heard = stored_posteriors(network, shop.store, utterance.id, seconds(utterance.audio))
        try:
            alignment = align(heard, utterance.script, shop.config.align, tunes[utterance.id].energy)
        except TextAudioMismatch:
            continue
        rows.append(
            utterance_vector(measure(heard, alignment, tunes[utterance.id]).utterance, tuple(REGISTRY))
        )
    return np.stack(rows).astype(np.float64)


def some_natives(natives: Sequence[Utterance], most: int) -> list[Utterance]:
    """At most ``most`` recordings of each speaker, spread over what there is."""
    by_speaker: dict[str, list[Utterance]] = {}
    for utterance in natives:
        by_speaker.setdefault(utterance.speaker, []).append(utterance)
    found = []
    for own in by_speaker.values():
        picks = np.unique(np.linspace(0, len(own) - 1, min(most, len(own))).astype(int))
        found += [own[n] for n in picks]
    return found


def reader_groups(table: FeatureTable, children: set[str], natives: Floats) -> dict[str, Floats]:
    """The readings of every group of the reference; bands are of the experts' total."""
    total = table.scores[:, ASPECTS.index("total")]
    child = np.isin(table.speakers, list(children))
    bands = {f"band_{a}_{b}": (total >= a) & (total <= b) for a, b in ((0, 4), (5, 6), (7, 8), (9, 10))}
    chosen = {"children": child, "others": ~child, **bands}
    learners = {name: table.values[rows] for name, rows in chosen.items()}
    return {"natives": natives, "learners": table.values, **learners}


def held_out_linear(table: FeatureTable, folds: NDArray[np.int64]) -> Floats:
    """(n, 4) what the sparse linear model says of speakers it has not seen."""
    found = np.zeros_like(table.scores)
    for fold in np.unique(folds):
        fit = fit_lasso(table.rows(folds != fold))
        found[folds == fold] = fit.predict(table.rows(folds == fold))
    return found


def linear_report(table: FeatureTable, predicted: Floats, fit: Fit) -> dict[str, Any]:
    """Cross-validated correlations with intervals, and how many features were selected."""
    out = dropped(table)
    report: dict[str, Any] = {"n": len(table.scores), "pcc": {}, "ci95": {}}
    for number, aspect in enumerate(ASPECTS):
        pair = predicted[:, number], table.scores[:, number]
        low, high = bootstrap_by_speaker(*pair, list(table.speakers), "pcc")
        report["pcc"][aspect] = round(pcc(*pair), 4)
        report["ci95"][aspect] = [round(low, 4), round(high, 4)]
    report["registered"] = len(table.names)
    report["dropped"] = out
    report["selected"] = {aspect: len(fit.selected(aspect)) for aspect in ASPECTS} | {
        "union": len(fit.union())
    }
    report["selected_in_paper"] = PAPER
    return report


def linear_json(fit: Fit, name: str, version: str, acoustic: str, report: dict[str, Any]) -> dict[str, Any]:
    """The interpretable scorer as :func:`elocute.scoring.linear.read_linear` reads it."""
    union = fit.union()
    columns = {n: fit.names.index(n) for n in union}
    return {
        "name": f"{name}-linear",
        "version": version,
        "kind": "linear scorer",
        "acoustic": acoustic,
        "centers": {n: float(f"{fit.scaling.center[c]:.6g}") for n, c in columns.items()},
        "scales": {n: float(f"{fit.scaling.scale[c]:.6g}") for n, c in columns.items()},
        "aspects": {
            aspect: {
                "bias": round(float(fit.bias[row]), 5),
                "weights": {n: round(float(fit.weights[row, columns[n]]), 5) for n in fit.selected(aspect)},
            }
            for row, aspect in enumerate(ASPECTS)
        },
        "cross_validation": {key: report[key] for key in ("n", "pcc", "ci95", "selected")},
    }


def save_table(table: FeatureTable, folds: NDArray[np.int64], ids: Sequence[str], path: Path) -> None:
    np.savez_compressed(
        path, names=np.array(table.names), values=table.values.astype(np.float32), scores=table.scores,
        speakers=table.speakers, folds=folds, ids=np.array(ids),
    )  # fmt: skip


def load_table(path: Path) -> tuple[FeatureTable, NDArray[np.int64], list[str]]:
    """Table, fold of every utterance, and ids."""
    with np.load(path, allow_pickle=False) as data:
        table = FeatureTable(
            tuple(map(str, data["names"])),
            data["values"].astype(np.float64),
            data["scores"],
            data["speakers"],
        )
        return table, data["folds"], [str(key) for key in data["ids"]]


def fit_handcrafted(
    shop: Workshop, posteriors: dict[str, Any], folder: Path, name: str, version: str
) -> dict[str, Any]:
    """The whole step; returns the report."""
    table = learner_table(shop, posteriors)
    folds = np.array([shop.folds[speaker] for speaker in table.speakers])
    save_table(table, folds, [u.id for u in shop.learners], folder / "features.npz")
    fit = fit_lasso(table)
    report = linear_report(table, held_out_linear(table, folds), fit)
    acoustic = f"{shop.config.name} {shop.config.version}"
    linear = linear_json(fit, name, version, acoustic, report)
    (folder / "linear.json").write_text(json.dumps(linear, indent=1) + "\n")
    (folder / "handcrafted.json").write_text(json.dumps(report, indent=1) + "\n")
    children = {u.speaker for u in shop.learners if u.is_child}
    groups = reader_groups(table, children, native_values(shop))
    save_reference(make_reference(table.names, groups), folder / "reference.npz")
    print(json.dumps({key: report[key] for key in ("pcc", "ci95", "selected")}), file=sys.stderr)
    return report
