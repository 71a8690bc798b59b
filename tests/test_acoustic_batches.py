"""What goes through a network together, and that it comes back in order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from elocute.acoustics.model import TOGETHER, Outputs, in_batches

Array = NDArray[np.float32]


@given(st.lists(st.sampled_from([1, 90, 200, 390, 1200]), max_size=24))
def test_every_piece_gets_its_own_answer(lengths: list[int]) -> None:
    """Of pieces of one length as many as are allowed go together, and no others do."""
    pieces = [np.full((80, length), number, np.float32) for number, length in enumerate(lengths)]
    seen: list[tuple[int, int]] = []

    def network(batch: Array) -> Outputs:
        seen.append((len(batch), batch.shape[2]))
        return {"sum": batch.sum(axis=(1, 2))[:, None], "first": batch[:, 0, :]}

    found = in_batches(network, pieces)
    assert len(found) == len(pieces)
    for number, (piece, outputs) in enumerate(zip(pieces, found, strict=True)):
        assert outputs["sum"].item() == piece.sum()
        np.testing.assert_array_equal(outputs["first"], np.full(piece.shape[1], number))
    for length in set(lengths):
        most = max(TOGETHER // max(length, 80), 1)
        sizes = [size for size, own in seen if own == length]
        assert sum(sizes) == lengths.count(length)
        assert len(sizes) == -(-lengths.count(length) // most)
        assert max(sizes) <= most
