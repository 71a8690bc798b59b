"""Model cards: the JSON beside a weights file that says what it is, and the check that both fit together."""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from elocute.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime

ASSETS = Path(__file__).parent / "assets"

Record = TypeVar("Record")


@dataclass(frozen=True)
class Card:
    """A card as read from ``card.json``; ``data`` holds everything, the rest is common to all models."""

    folder: Path
    name: str
    version: str
    sha256: str
    data: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        try:
            return self.data[key]
        except KeyError:
            raise ModelError(f"{self.folder / 'card.json'} lacks {key!r}: install the model again.") from None

    def record(self, key: str, kind: type[Record]) -> Record:
        """The entry ``key`` as the dataclass ``kind``, of whose fields those with a default may be missing.

        Raises:
            ModelError: the entry is missing or of another shape.
        """
        entry, known = self[key], fields(kind)  # type: ignore[arg-type]
        needed = {field.name for field in known if field.default is MISSING}
        if not isinstance(entry, dict) or not needed <= entry.keys() <= {field.name for field in known}:
            raise ModelError(
                f"{self.folder / 'card.json'}: {key!r} must have {', '.join(sorted(needed))} "
                "and nothing else: install the model again."
            )
        return kind(**entry)


def read_card(folder: Path) -> Card:
    """Read ``card.json`` and check the hash of ``model.onnx`` beside it.

    Raises:
        ModelError: a file is missing, or the weights are not those the card describes.
    """
    try:
        data = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        found = file_sha256(folder / "model.onnx")
        card = Card(folder, data["name"], data["version"], data["sha256"], data)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"No usable model in {folder} ({error}): give a folder with card.json and model.onnx."
        ) from None
    if found != card.sha256:
        raise ModelError(f"{folder / 'model.onnx'} is not the file its card describes: install it again.")
    return card


@cache
def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file; read once per process."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def open_session(card: Card) -> onnxruntime.InferenceSession:
    """An ONNX Runtime session on one thread: callers run several beside each other, not one on all cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            str(card.folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises its own unrelated exception types
        raise ModelError(f"{card.folder / 'model.onnx'} cannot be loaded: {error}") from None
