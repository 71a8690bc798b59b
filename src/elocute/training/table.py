"""All training examples as one table of tensors, and who may see which of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elocute.training.examples import Batch, Example, TextInput, make_batch
from elocute.training.hierarchy import Sizes


@dataclass(frozen=True)
class Member:
    """One network: the fold it never sees and the seed of all its randomness."""

    fold: int
    seed: int


@dataclass(frozen=True)
class Table:
    """``batch`` holds all examples in order; ``folds`` (rows,) is the fold of each one's speaker, -1 for
    speech that only pretraining uses."""

    examples: Sequence[Example]
    batch: Batch
    lengths: NDArray[np.int64]
    folds: NDArray[np.int64]
    sizes: Sizes

    def seen(self, fold: int) -> NDArray[np.int64]:
        """Rows with scores that a network may learn from which never sees ``fold``."""
        return np.flatnonzero((self.folds != fold) & (self.folds >= 0))

    def unscored(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.folds < 0)


def make_table(
    examples: Sequence[Example],
    folds: Mapping[str, int],
    more: Sequence[Example] = (),
    text: Sequence[TextInput] | None = None,
    text_size: int = 0,
) -> Table:
    """``more`` is speech without scores, for pretraining; ``text`` is of ``examples`` and ``more``."""
    rows = [*examples, *more]
    own = [*(folds[e.speaker] for e in examples), *[-1] * len(more)]
    sizes = Sizes(tuple(examples[0].features.names), len(examples[0].utterance), text_size)
    lengths = np.array([len(e.phones) for e in rows])
    return Table(rows, make_batch(rows, text), lengths, np.array(own), sizes)
