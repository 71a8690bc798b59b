"""What the handcrafted features say alone, and how readers' features lie.

Of a training's measurements it makes, in the scorer's folder, ``features.npz`` (the features),
``linear.json`` (the interpretable scorer) and ``handcrafted.json`` (its cross-validation, the selection).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.align import align
from elocute.acoustics.extent import hear_reading
from elocute.acoustics.model import AcousticModel
from elocute.acoustics.prosody import prosody
from elocute.audio import load_audio
from elocute.corpora.types import Utterance
from elocute.errors import TextAudioMismatch
from elocute.features.handcrafted import REGISTRY
from elocute.features.measurements import measure, utterance_vector
from elocute.metrics import bootstrap_by_speaker, pcc
from elocute.progress import track
from elocute.scoring.linear import ASPECTS, LinearModel, parse_linear
from elocute.training.config import FOLDS, ScorerConfig
from elocute.training.measured import Measured
from elocute.training.selection import FeatureTable, Fit, dropped, fit_lasso

NATIVES_PER_SPEAKER = 20
PAPER = {"accuracy": 56, "fluency": 51, "prosodic": 50, "total": 53, "union": 112}
"""Features the paper selects (it also selects 66 for completeness, which is a rule here)."""

Floats = NDArray[np.float64]


def learner_table(measured: Sequence[Measured]) -> FeatureTable:
    """All registered features of labelled utterances."""
    names = tuple(REGISTRY)
    return FeatureTable(
        names,
        np.stack([utterance_vector(m.measurements.utterance, names) for m in measured]).astype(np.float64),
        np.array([[getattr(m.utterance.labels, a) for a in ASPECTS] for m in measured], np.float64),
        np.array([m.utterance.speaker for m in measured]),
    )


def native_values(natives: Sequence[Utterance], acoustic: AcousticModel) -> Floats:
    """(readings, features) of native speech, a few recordings of every speaker."""
    rows = []
    for utterance in track(some_natives(natives, NATIVES_PER_SPEAKER), "measure natives"):
        sound = load_audio(utterance.audio)
        heard, tune = hear_reading(acoustic, sound), prosody(sound.samples)
        try:
            alignment = align(heard, utterance.script, acoustic.align_options, tune.energy)
        except TextAudioMismatch:
            continue
        rows.append(utterance_vector(measure(heard, alignment, tune).utterance, tuple(REGISTRY)))
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


def linear_json(fit: Fit, config: ScorerConfig, report: Mapping[str, Any]) -> dict[str, Any]:
    """The interpretable scorer as :func:`elocute.scoring.linear.read_linear` reads it."""
    columns = {name: fit.names.index(name) for name in fit.union()}
    return {
        "name": f"{config.name}-linear",
        "version": config.version,
        "kind": "linear scorer",
        "centers": {n: float(f"{fit.scaling.center[c]:.6g}") for n, c in columns.items()},
        "scales": {n: float(f"{fit.scaling.scale[c]:.6g}") for n, c in columns.items()},
        "aspects": {
            aspect: {
                "bias": round(float(fit.bias[row]), 5),
                "share": config.linear_share,
                "weights": {n: round(float(fit.weights[row, columns[n]]), 5) for n in fit.selected(aspect)},
            }
            for row, aspect in enumerate(ASPECTS)
        },
        "cross_validation": dict(report),
    }


def fit_handcrafted(
    measured: Sequence[Measured], folds: Mapping[str, int], config: ScorerConfig, folder: Path
) -> dict[int, LinearModel]:
    """Fit the linear scorer for every fold and for everybody, and report how it does alone.

    Returns:
        by fold, the linear scorer that never saw its speakers.
    """
    table = learner_table(measured)
    own = np.array([folds[speaker] for speaker in table.speakers])
    save_table(table, own, [m.utterance.id for m in measured], folder / "features.npz")
    fits = {fold: fit_lasso(table.rows(own != fold)) for fold in range(FOLDS)}
    everybody = fit_lasso(table)
    report = linear_report(table, held_out(fits, table, own), everybody)
    (folder / "handcrafted.json").write_text(json.dumps(report, indent=1) + "\n")
    brief = {key: report[key] for key in ("n", "pcc", "ci95", "selected")}
    (folder / "linear.json").write_text(json.dumps(linear_json(everybody, config, brief), indent=1) + "\n")
    print(f"handcrafted features alone: {brief['pcc']}", file=sys.stderr)
    return {fold: parse_linear(linear_json(fit, config, {}), "") for fold, fit in fits.items()}


def held_out(fits: Mapping[int, Fit], table: FeatureTable, folds: NDArray[np.int64]) -> Floats:
    """(n, 4) what the linear model of each fold says of its speakers, whom it has not seen."""
    found = np.zeros_like(table.scores)
    for fold, fit in fits.items():
        if (folds == fold).any():
            found[folds == fold] = fit.predict(table.rows(folds == fold))
    return found


def save_table(table: FeatureTable, folds: NDArray[np.int64], ids: Sequence[str], path: Path) -> None:
    np.savez_compressed(
        path, names=np.array(table.names), values=table.values.astype(np.float32), scores=table.scores,
        speakers=table.speakers, folds=folds, ids=np.array(ids),
    )  # fmt: skip


def load_table(path: Path) -> tuple[FeatureTable, NDArray[np.int64], list[str]]:
    """Table, fold of every utterance, and ids."""
    with np.load(path, allow_pickle=False) as data:
        names, values = tuple(map(str, data["names"])), data["values"].astype(np.float64)
        table = FeatureTable(names, values, data["scores"], data["speakers"])
        return table, data["folds"], [str(key) for key in data["ids"]]
