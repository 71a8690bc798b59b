"""Growing the forest: boosted trees for phones, words and utterances, cross-fitted like the networks."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elocute.features.context import phone_columns, phone_rows, utterance_columns, utterance_row
from elocute.scoring.forest import Forest, Shares
from elocute.training.examples import Example
from elocute.training.export import OPSET, write_card
from elocute.training.hierarchy import UTTERANCE_ASPECTS, WORD_ASPECTS
from elocute.training.trees import tree_node

Floats = NDArray[np.float64]

EFFECTS = "total_and_effects"
"""Output of the trees of the total: it, and what every named feature adds to it."""


@dataclass(frozen=True)
class TreeOptions:
    """``trees`` of at most ``leaves``, each with at least ``least`` examples; every tree sees a share of the
    ``columns`` and ``rows``; ``penalty`` on the squares of leaf values."""

    trees: int = 300
    leaves: int = 31
    learning_rate: float = 0.04
    least: int = 60
    columns: float = 0.25
    rows: float = 0.7
    penalty: float = 5.0


@dataclass(frozen=True)
class ForestOptions:
    """``phone_share``, ``word_share``, ``utterance_share``: weights beside the network, 0 to 1; no forest is
    grown where all are 0."""

    phone_share: float = 0.6
    word_share: float = 0.6
    utterance_share: float = 0.667
    sounds: TreeOptions = field(default_factory=TreeOptions)
    utterances: TreeOptions = field(
        default_factory=lambda: TreeOptions(400, 15, 0.03, least=20, columns=0.15)
    )

    @property
    def shares(self) -> Shares:
        return Shares(self.phone_share, self.word_share, self.utterance_share)


@dataclass(frozen=True)
class Judged:
    """What trees learn from: ``phones`` (p, columns) with ``phone_scores`` (p,), ``words`` and
    ``word_scores`` (w, 3), ``utterances`` and ``scores`` (u, 4); 0-2, NaN where unknown."""

    phones: NDArray[np.float32]
    phone_scores: Floats
    words: NDArray[np.float32]
    word_scores: Floats
    utterances: NDArray[np.float32]
    scores: Floats


def judged(examples: Sequence[Example]) -> Judged:
    """The rows of examples whose ``utterance`` are the handcrafted features the forest sees."""
    rows = [phone_rows(e.features, e.utterance) for e in examples]
    firsts = [e.features.word_starts for e in examples]
    return Judged(
        np.concatenate(rows),
        np.concatenate([e.phones for e in examples]).astype(np.float64),
        np.concatenate([row[first] for row, first in zip(rows, firsts, strict=True)]),
        np.concatenate([e.words[first] for e, first in zip(examples, firsts, strict=True)]).astype(float),
        np.stack([utterance_row(e.features, e.utterance) for e in examples]),
        np.stack([e.scores for e in examples]).astype(np.float64),
    )


def grow(rows: NDArray[np.float32], scores: Floats, options: TreeOptions) -> tuple[dict[str, Any], float]:
    """LightGBM's dump of trees fitted to the known ``scores``, and the mean they start from."""
    import lightgbm

    known = ~np.isnan(scores)
    base = float(scores[known].mean())
    settings = {
        "objective": "regression", "learning_rate": options.learning_rate, "num_leaves": options.leaves,
        "min_data_in_leaf": options.least, "feature_fraction": options.columns,
        "bagging_fraction": options.rows, "bagging_freq": 1, "lambda_l2": options.penalty, "verbose": -1,
        "num_threads": 1, "boost_from_average": False, "seed": 1, "deterministic": True,
        "force_row_wise": True,
    }  # fmt: skip
    data = lightgbm.Dataset(rows[known], scores[known] - base)
    return lightgbm.train(settings, data, options.trees).dump_model(), base


def fit_forest(
    examples: Sequence[Example], utterance_names: Sequence[str], options: ForestOptions,
    card: Mapping[str, Any], folder: Path,
) -> Forest:  # fmt: skip
    """Grow all trees from ``examples`` and write them with their card.

    Args:
        utterance_names: names of the examples' utterance features.
        card: what else the card shall say: name, version, acoustic model.
    """
    data, names = judged(examples), examples[0].features.names
    columns = utterance_columns(names, utterance_names)
    # Effects are told of the named features of the utterance, which are its first columns.
    places = [n if n < len(utterance_names) else -1 for n in range(len(columns))]
    nodes = [_node(data.phones, data.phone_scores, options.sounds, "phones_in", "phones")]
    for n, aspect in enumerate(WORD_ASPECTS):
        nodes.append(_node(data.words, data.word_scores[:, n], options.sounds, "words_in", f"word_{aspect}"))
    for n, aspect in enumerate(UTTERANCE_ASPECTS):
        output, told = (EFFECTS, places) if aspect == "total" else (f"utterance_{aspect}", None)
        nodes.append(
            _node(data.utterances, data.scores[:, n], options.utterances, "utterance_in", output, told)
        )
    folder.mkdir(parents=True, exist_ok=True)
    _write(nodes, data.phones.shape[1], len(columns), len(utterance_names), folder / "model.onnx")
    record = {
        **card, "kind": "forest", "shares": dataclasses.asdict(options.shares), "features": names,
        "utterance_features": list(utterance_names),
        "phone_columns": len(phone_columns(names, utterance_names)), "utterance_columns": len(columns),
        "options": dataclasses.asdict(options),
    }  # fmt: skip
    write_card(folder, record)
    return Forest(folder)


def _node(
    rows: NDArray[np.float32], scores: Floats, options: TreeOptions, given: str, output: str,
    effects: Sequence[int] | None = None,
) -> Any:  # fmt: skip
    print(f"trees of {output}", file=sys.stderr, flush=True)
    return tree_node(*grow(rows, scores, options), given, output, effects)


def _write(nodes: list[Any], phone: int, utterance: int, named: int, path: Path) -> None:
    """One graph: columns in; ``phones`` (p, 1), ``words`` (w, 3), ``scores`` (1, 4), ``effects`` (1, n)."""
    import onnx
    from onnx import TensorProto, helper

    def value(name: str, rows: str | int, columns: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [rows, columns])

    words = [f"word_{aspect}" for aspect in WORD_ASPECTS]
    whole = [f"utterance_{aspect}" for aspect in UTTERANCE_ASPECTS]
    bounds = {"zero": [0], "one": [1], "end": [1 + named], "axis": [1]}
    constants = [helper.make_tensor(n, TensorProto.INT64, [1], v) for n, v in bounds.items()]
    graph = helper.make_graph(
        [
            *nodes,
            helper.make_node("Slice", [EFFECTS, "zero", "one", "axis"], ["utterance_total"]),
            helper.make_node("Slice", [EFFECTS, "one", "end", "axis"], ["effects"]),
            helper.make_node("Concat", words, ["words"], axis=1),
            helper.make_node("Concat", whole, ["scores"], axis=1),
        ],
        "forest",
        [value("phones_in", "p", phone), value("words_in", "w", phone), value("utterance_in", 1, utterance)],
        [value("phones", "p", 1), value("words", "w", 3), value("scores", 1, 4), value("effects", 1, named)],
        constants,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
