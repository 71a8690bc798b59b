"""Boosted trees as one node of an ONNX file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class TreeArrays:
    """The attributes of a ``TreeEnsembleRegressor`` in the making."""

    nodes: dict[str, list[Any]] = field(
        default_factory=lambda: {
            name: []
            for name in (
                "treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids",
                "missing_value_tracks_true",
            )
        }
    )  # fmt: skip
    targets: dict[str, list[Any]] = field(
        default_factory=lambda: {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    )

    def node(self, *values: Any) -> None:
        for found, value in zip(self.nodes.values(), values, strict=True):
            found.append(value)

    def target(self, *values: Any) -> None:
        for found, value in zip(self.targets.values(), values, strict=True):
            found.append(value)


def tree_node(
    dump: dict[str, Any], base: float, given: str, output: str, effects: Sequence[int] | None = None
) -> Any:
    """A ``TreeEnsembleRegressor`` that computes ``base`` plus the sum of all trees.

    Args:
        dump: ``Booster.dump_model()`` of LightGBM.
        effects: for every column, the place of its effect among the further targets, -1 for none. Target 0
            stays the sum; target 1 + n is the sum of all moves of splits on columns whose place is n.
    """
    from onnx import helper

    arrays = TreeArrays()
    for number, tree in enumerate(dump["tree_info"]):
        _grow(arrays, number, tree["tree_structure"], effects)
    count = 1 if effects is None else 2 + max(effects)
    attributes: dict[str, Any] = {f"nodes_{name}": values for name, values in arrays.nodes.items()}
    attributes |= {f"target_{name}": values for name, values in arrays.targets.items()}
    return helper.make_node(
        "TreeEnsembleRegressor", [given], [output], domain="ai.onnx.ml", n_targets=count,
        aggregate_function="SUM", post_transform="NONE", base_values=[base] + [0.0] * (count - 1),
        **attributes,
    )  # fmt: skip


def _grow(arrays: TreeArrays, tree: int, root: dict[str, Any], effects: Sequence[int] | None) -> None:
    for number, node, children, moves in _walk(root):
        if "leaf_value" in node:
            arrays.node(tree, number, 0, 0.0, "LEAF", 0, 0, 0)
            arrays.target(tree, number, 0, float(node["leaf_value"]))
            for place, move in _effects(moves, effects).items():
                arrays.target(tree, number, 1 + place, move)
            continue
        absent = node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0.0
        arrays.node(
            tree, number, node["split_feature"], below(node["threshold"]), "BRANCH_LEQ", *children,
            int(absent),
        )  # fmt: skip


Moves = tuple[tuple[int, float], ...]
"""Of a path: the column of each split and by how much it moved the value."""


def _walk(root: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any], tuple[int, int], Moves]]:
    """Every node with its number, those of its children, and the moves of the path that leads to it."""
    waiting: list[tuple[int, dict[str, Any], Moves]] = [(0, root, ())]
    free = 1
    while waiting:
        number, node, moves = waiting.pop()
        if "leaf_value" in node:
            yield number, node, (0, 0), moves
            continue
        yield number, node, (free, free + 1), moves
        for side in ("left_child", "right_child"):
            child = node[side]
            value = child.get("internal_value", child.get("leaf_value"))
            step = (node["split_feature"], value - node["internal_value"])
            waiting.append((free, child, (*moves, step)))
            free += 1


def _effects(moves: Moves, effects: Sequence[int] | None) -> dict[int, float]:
    found: dict[int, float] = {}
    for column, move in moves:
        place = -1 if effects is None else effects[column]
        if place >= 0:
            found[place] = found.get(place, 0.0) + move
    return found


def below(threshold: float) -> float:
    """The greatest number of single precision up to ``threshold``, so that the same values go left."""
    most = float(np.finfo(np.float32).max)
    single = np.float32(min(max(threshold, -most), most))
    # Compared as numbers of double precision: beside a float32 the threshold itself would be rounded.
    return float(single if float(single) <= threshold else np.nextafter(single, np.float32(-np.inf)))
