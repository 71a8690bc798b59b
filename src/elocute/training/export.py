"""Trained networks as ONNX files with their cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from elocute.card import file_sha256
from elocute.features.phone import PhoneFeatures
from elocute.training.encoder import PhoneticEncoder
from elocute.training.examples import make_inputs
from elocute.training.hierarchy import Hierarchy
from elocute.training.inputs import Inputs
from elocute.training.quantization import Arrays, quantize, smooth
from elocute.training.whisper import WhisperEncoder

OPSET = 17

STEPS = {"logits": "fine", "acceptance": "fine", "ctc": "coarse"}
"""Outputs of an encoder and the names of their time axes: 10 ms and 20 ms frames."""


class WholeEncoder(nn.Module):
    """Spectrograms (batch, 80, frames) to ``logits`` (batch, 2 * ceil(frames / 2), 40), ``acceptance``
    (…, 39) and, if the network has such an output, ``ctc`` (batch, ceil(frames / 2), 40)."""

    def __init__(self, lower: WhisperEncoder, upper: PhoneticEncoder) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper

    def forward(self, mel: Tensor) -> tuple[Tensor, ...]:
        phones, acceptance, ctc = self.upper(self.lower(mel), None)
        return (phones, acceptance) if ctc is None else (phones, acceptance, ctc)


class Ensemble(nn.Module):
    """Mean output of the members of a scorer network, from unpadded inputs given one by one."""

    def __init__(self, network: Hierarchy) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, phone: Tensor, stress: Tensor, manner: Tensor, word: Tensor, place: Tensor, values: Tensor,
        utterance: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        mask = torch.ones_like(phone, dtype=torch.bool)
        outputs = self.network(Inputs(phone, stress, manner, word, place, values, utterance, mask))
        return tuple(level.mean(0) for level in outputs[:3])


def export_encoder(
    lower: WhisperEncoder, upper: PhoneticEncoder, path: Path, spectrograms: Arrays = ()
) -> None:
    """One ONNX file: with ``spectrograms``, (80, frames) each, to measure its scales on, matrix products as
    in :mod:`elocute.training.quantization`; (other) weights in half precision, widened when the session is
    made."""
    names = list(STEPS) if upper.head.ctc is not None else list(STEPS)[:2]
    whole = WholeEncoder(lower, upper).float().eval()
    if spectrograms:
        smooth(whole, spectrograms)
    torch.onnx.export(
        whole,
        (torch.zeros(2, 80, 200),),
        str(path),
        input_names=["mel"],
        output_names=names,
        dynamic_axes={
            "mel": {0: "batch", 2: "frames"}, **{name: {0: "batch", 1: STEPS[name]} for name in names}
        },
        opset_version=OPSET,
        dynamo=False,
    )  # fmt: skip
    if spectrograms:
        quantize(path, spectrograms)
    halve(path)


def export_scorer(network: Hierarchy, example: PhoneFeatures, utterance: np.ndarray, path: Path) -> None:
    """One ONNX file that holds all members of the network and averages them."""
    inputs = make_inputs([example], [utterance])
    names = ("phone", "stress", "manner", "word", "place", "values", "utterance")
    torch.onnx.export(
        Ensemble(network).eval(),
        tuple(getattr(inputs, name) for name in names),
        str(path),
        input_names=list(names),
        output_names=["phones", "words", "scores"],
        dynamic_axes={name: {1: "phones"} for name in (*names[:-1], "phones", "words")},
        opset_version=OPSET,
        dynamo=False,
    )
    halve(path)


def halve(path: Path, least: int = 1024) -> None:
    """Store the float weights of an ONNX file (those of at least ``least`` numbers) in half precision.

    A Cast follows each; ONNX Runtime folds it when it loads the file, so arithmetic stays in single
    precision.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(str(path))
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < least:
            continue
        stored = f"{weight.name}.half"
        casts.append(helper.make_node("Cast", [stored], [weight.name], to=TensorProto.FLOAT))
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write ``card.json`` with the hash of ``model.onnx`` beside it."""
    file_sha256.cache_clear()  # the file may have been another one a moment ago
    digest = file_sha256(folder / "model.onnx")
    text = json.dumps({**card, "sha256": digest}, indent=1, ensure_ascii=False)
    (folder / "card.json").write_text(text + "\n", encoding="utf-8")
