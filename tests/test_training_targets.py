"""Frame targets of the phonetic encoder, and alignments on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elocute.acoustics.posteriors import CLASSES, SILENCE_ID
from elocute.corpora.types import UtteranceLabels, WordLabels
from elocute.phones import PHONE_ID, PHONES
from readings import reading

torch = pytest.importorskip("torch")

from elocute.training.targets import frame_targets, load_alignments, save_alignments, trust  # noqa: E402

torch.set_num_threads(1)  # networks this small only wait for more


@pytest.mark.parametrize(("score", "expected"), [(0.0, 0.0), (1.0, 0.0), (1.5, 0.5), (2.0, 1.0)])
def test_trust(score: float, expected: float) -> None:
    assert trust(score) == expected


def test_frame_targets() -> None:
    alignment = reading("_:3 | B:4 AA1:2 | _:1 | S:5 | _:2")
    scores = (WordLabels("a", 10, 10, 10, (2.0, 1.5)), WordLabels("b", 10, 10, 10, (0.0,)))
    expected = (
        [SILENCE_ID] * 3 + [PHONE_ID["B"]] * 4 + [PHONE_ID["AA"]] * 2 + [SILENCE_ID] + [PHONE_ID["S"]] * 5
    )
    found = frame_targets(alignment, UtteranceLabels(10, 10, 10, 10, 10, scores), 17)
    assert found.classes.tolist() == [*expected, SILENCE_ID, SILENCE_ID]
    np.testing.assert_allclose(found.weights, [1, 1, 1, 1, 1, 1, 1, 0.5, 0.5, 1, 0, 0, 0, 0, 0, 1, 1])
    unlabelled = frame_targets(alignment, None, 17)
    assert unlabelled.classes.tolist() == found.classes.tolist()
    assert (unlabelled.weights == 1).all()


def test_alignments_on_disk(tmp_path: Path) -> None:
    alignments = {
        "a": reading("_:3 | B:4 AA1:2 | _:1 | S:5 | _:2"),
        "ü": reading("S:5"),
    }
    save_alignments(alignments, tmp_path / "alignments.jsonl")
    assert load_alignments(tmp_path / "alignments.jsonl") == alignments
    assert [p.name for p in tmp_path.iterdir()] == ["alignments.jsonl"]


def test_the_encoder_answers_every_ten_milliseconds_whatever_the_padding() -> None:
    from elocute.training.encoder import PhoneticEncoder
    from elocute.training.whisper import Block

    torch.manual_seed(0)
    encoder = PhoneticEncoder([Block(8, 2, 16), Block(8, 2, 16)], width=8, inner=12).eval()
    hidden = torch.randn(2, 9, 8)
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[1, 6:] = False
    with torch.inference_mode():
        phones, acceptance, _ = encoder(hidden, mask)
        alone = encoder(hidden[1:, :6], mask[1:, :6])
    assert phones.shape == (2, 18, len(CLASSES))
    assert acceptance.shape == (2, 18, len(PHONES))
    torch.testing.assert_close(phones[1, :12], alone[0][0], atol=1e-5, rtol=0)
    torch.testing.assert_close(acceptance[1, :12], alone[1][0], atol=1e-5, rtol=0)
