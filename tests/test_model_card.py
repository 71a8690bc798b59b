"""Model folders: what is refused, and how windows of a long recording are joined."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from elocute.acoustics.align import AlignOptions
from elocute.acoustics.model import (
    OVERLAP,
    WINDOW,
    OnnxAcousticModel,
    Outputs,
    _joined,
    _windows,
    log_softmax,
)
from elocute.acoustics.posteriors import CLASSES
from elocute.card import open_session, read_card
from elocute.errors import ModelError
from elocute.scoring.presence import MEASURES
from elocute.scoring.scorer import OnnxScorer

WEIGHTS = b"not really a network"


def folder(path: Path, **changes: Any) -> Path:
    """A model folder whose card fits its weights but for ``changes`` (None: left out)."""
    card = {
        "name": "tiny",
        "version": "3",
        "sha256": hashlib.sha256(WEIGHTS).hexdigest(),
        "classes": list(CLASSES),
    }
    card |= changes
    (path / "model.onnx").write_bytes(WEIGHTS)
    (path / "card.json").write_text(
        json.dumps({key: value for key, value in card.items() if value is not None})
    )
    return path


def test_read_card(tmp_path: Path) -> None:
    card = read_card(folder(tmp_path, extra=[1, 2]))
    assert (card.name, card.version, card.folder) == ("tiny", "3", tmp_path)
    assert card.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert card["extra"] == [1, 2]
    with pytest.raises(ModelError, match="'align'"):
        card["align"]


@pytest.mark.parametrize("missing", ["card.json", "model.onnx"])
def test_missing_file(tmp_path: Path, missing: str) -> None:
    (folder(tmp_path) / missing).unlink()
    with pytest.raises(ModelError, match=missing):
        read_card(tmp_path)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere"):
        read_card(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"tiny"'])
def test_card_that_is_no_card(tmp_path: Path, text: str) -> None:
    (folder(tmp_path) / "card.json").write_text(text)
    with pytest.raises(ModelError, match="No usable model"):
        read_card(tmp_path)


@pytest.mark.parametrize("key", ["name", "version", "sha256"])
def test_incomplete_card(tmp_path: Path, key: str) -> None:
    with pytest.raises(ModelError, match=key):
        read_card(folder(tmp_path, **{key: None}))


def test_weights_of_another_card(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not the file its card describes"):
        read_card(folder(tmp_path, sha256="0" * 64))


def test_weights_that_are_no_network(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_session(read_card(folder(tmp_path)))


def test_model_of_another_phone_set(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="phone set"):
        OnnxAcousticModel(folder(tmp_path, classes=["AA", "SIL"]))


ALIGN = {"floor": 4, "silence_floor": 3, "silence_penalty": 2.5, "floor_share": 0.7}


def without_session(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """The cards below belong to no network that could be opened."""
    monkeypatch.setattr(f"{module}.open_session", lambda card: None)


def test_align_options_of_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_session(monkeypatch, "elocute.acoustics.model")
    assert OnnxAcousticModel(folder(tmp_path, align=ALIGN)).align_options == AlignOptions(4, 3, 2.5, 0.7)


@pytest.mark.parametrize("align", [None, [], 4, {**ALIGN, "flour": 1}])
def test_align_options_that_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, align: Any) -> None:
    without_session(monkeypatch, "elocute.acoustics.model")
    with pytest.raises(ModelError, match=r"card\.json.*'align'"):
        OnnxAcousticModel(folder(tmp_path, align=align))


PRESENCE = {
    "weights": [0.5] * len(MEASURES),
    "bias": 1.0,
    "threshold": 0.5,
    "least_evidence": 0.1,
    "on_script": 0.4,
    "doubtful": 2.0,
    "slope": 1.0,
    "well_read": 6.0,
}
SCORER = {"features": ["duration"], "utterance_features": []}


def test_presence_model_of_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_session(monkeypatch, "elocute.scoring.scorer")
    found = OnnxScorer(folder(tmp_path, presence=PRESENCE, **SCORER)).presence
    assert {**dataclasses.asdict(found), "weights": list(found.weights)} == PRESENCE


@pytest.mark.parametrize(
    ("presence", "message"),
    [
        (None, "'presence'"),
        ("always", "'presence'"),
        ({**PRESENCE, "offset": 1.0}, "'presence'"),
        ({k: v for k, v in PRESENCE.items() if k != "bias"}, "'presence'.*bias"),
        ({**PRESENCE, "weights": [0.5]}, "other measures"),
        ({**PRESENCE, "weights": 0.5}, "other measures"),
    ],
)
def test_presence_model_that_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, presence: Any, message: str
) -> None:
    without_session(monkeypatch, "elocute.scoring.scorer")
    with pytest.raises(ModelError, match=message):
        OnnxScorer(folder(tmp_path, presence=presence, **SCORER))


def positions(mel: NDArray[np.float32]) -> Outputs:
    """A network that answers with where its input came from, in whole pairs of frames as the encoder does."""
    frames = mel.shape[1]
    row = np.concatenate([mel[0], np.full(frames % 2, -1, np.float32)])
    return {
        "logits": np.repeat(row[:, None], 40, axis=1),
        "acceptance": row[:, None] * 2,
        "ctc": row[::2, None],
    }


@pytest.mark.parametrize(
    "frames",
    [1, 29, 199, 200, 201, 2600, 2601, 2799, 2800, 2801, 2802, 5200, 5400, 5401, 8001, 11_999, 12_000],
)
def test_windows_join_without_loss(frames: int) -> None:
    seen = []

    def run(mel: NDArray[np.float32]) -> Outputs:
        seen.append(mel.shape[1])
        return positions(mel)

    mel = np.tile(np.arange(frames, dtype=np.float32), (80, 1))
    found = _joined([run(window) for window in _windows(mel)])
    np.testing.assert_array_equal(found["logits"][:frames, 0], np.arange(frames))
    np.testing.assert_array_equal(found["acceptance"][:frames, 0], 2 * np.arange(frames))
    np.testing.assert_array_equal(found["ctc"][:, 0], np.arange(0, frames, 2))
    assert len(found["logits"]) == len(found["acceptance"]) == frames + frames % 2
    assert max(seen) <= WINDOW
    assert len(seen) == 1 or min(seen) > OVERLAP


def test_every_answer_has_context_on_both_sides() -> None:
    """Next to a seam each answer comes from a window that reaches half the overlap further."""

    def run(mel: NDArray[np.float32]) -> Outputs:
        frames = mel.shape[1] + mel.shape[1] % 2
        left, right = np.arange(frames), np.arange(frames)[::-1]
        return {"logits": np.stack([left, right], 1).astype(np.float32)}

    frames = 12_000
    windows = _windows(np.zeros((80, frames), np.float32))
    context = _joined([run(window) for window in windows])["logits"]
    inner = slice(OVERLAP // 2, frames - OVERLAP // 2)
    assert context[inner, 0].min() >= OVERLAP // 2
    assert context[inner, 1].min() >= OVERLAP // 2 - 1


def testlog_softmax_of_large_logits() -> None:
    found = log_softmax(np.array([[1e4, 0.0, -1e4], [1.0, 1.0, 1.0]], np.float32))
    np.testing.assert_allclose(found[1], np.log(1 / 3), rtol=1e-6)
    np.testing.assert_allclose(np.exp(found).sum(1), 1.0, rtol=1e-6)
    assert np.isfinite(found).all()
