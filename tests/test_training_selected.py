"""Handcrafted features that the Lasso does not choose are not seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")
from elocute.training.examples import make_batch  # noqa: E402
from elocute.training.hierarchy import HierarchyOptions, Sizes  # noqa: E402
from elocute.training.scorer import chosen_features, new_network  # noqa: E402
from tables import COLUMNS, made_up  # noqa: E402

SMALL = HierarchyOptions(width=8, heads=1, depths=(1, 1, 1), dropout=0.0, input_dropout=0.0)


def test_features_that_are_not_selected_change_nothing() -> None:
    """The Lasso finds the one feature that tells the scores; the network then sees no other."""
    random = np.random.default_rng(0)
    examples = [
        replace(e, utterance=np.array([e.scores[3], *random.normal(size=2)], np.float32))
        for e in map(made_up, range(80))
    ]
    chosen = chosen_features(examples, "1")
    assert chosen is not None
    assert chosen.tolist() == [True, False, False]
    assert chosen_features(examples, "all") is None
    network = new_network(examples, Sizes(COLUMNS, 3), SMALL, 1, chosen).eval()
    inputs = make_batch(examples[:4]).inputs
    with torch.inference_mode():
        for column, seen in enumerate(chosen):
            changed = inputs.utterance.clone()
            changed[:, column] += 1.0
            moved = network(replace(inputs, utterance=changed)).scores - network(inputs).scores
            assert bool(moved.abs().max() > 1e-4) == seen


def test_an_unknown_selection() -> None:
    with pytest.raises(ValueError, match="select must be all, union or a number, not best"):
        HierarchyOptions(select="best")
