"""The TDNN-F as ONNX: batch norms folded into the weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elocute.acoustics.posteriors import CLASSES
from elocute.phones import PHONES
from elocute.training.export import OPSET, halve
from elocute.training.quantization import Arrays, quantize
from elocute.training.targets import FRAME_SHIFT
from elocute.training.tdnnf.network import SPAN, Norm, Taps, Tdnnf, shifted_sum


class Joined(nn.Module):
    """A narrow layer of two taps, whose two halves are one matrix."""

    def __init__(self, narrow: Taps) -> None:
        super().__init__()
        weight, self.step = narrow.linear.weight.data, narrow.step
        width = weight.shape[1] // 2
        self.both = nn.Linear(width, 2 * len(weight), bias=False)
        self.both.weight.data = torch.cat([weight[:, :width], weight[:, width:]])

    def forward(self, x: Tensor) -> Tensor:
        return shifted_sum(self.both(x), self.step)


class Folded(nn.Module):
    """The same function as a trained network, without norms or dropout.

    ReLU commutes with positive scales, so the scale of a norm goes into the weights before its ReLU. Its
    offset is the same in every frame, and no layer pads: it goes into the bias of the layer that reads it.
    """

    def __init__(self, network: Tdnnf) -> None:
        super().__init__()
        self.subsampling = network.options.subsampling
        self.bypass = network.options.bypass
        self.step = SPAN // self.subsampling
        self.stem, offset = _scaled(network.stem, None, network.stem_norm)
        self.join, offset = _scaled(network.join, offset, network.join_norm)
        narrow, widen = [], []
        for layer in network.layers:
            bias = _bias_of(layer.narrow, offset)  # type: ignore[arg-type]
            narrow.append(Joined(layer.narrow))  # type: ignore[arg-type]
            wide, own = _scaled(layer.widen, bias, layer.norm)  # type: ignore[arg-type]
            widen.append(wide)
            offset = own + self.bypass * offset
        self.narrow, self.widen = nn.ModuleList(narrow), nn.ModuleList(widen)
        self.before_phones, own = _scaled(network.before_phones, offset, network.phones_norm)
        self.phones = _shifted(network.phones, own)
        self.before_acceptance, own = _scaled(network.before_acceptance, offset, network.acceptance_norm)
        self.acceptance = _shifted(network.acceptance, own)

    def forward(self, bank: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`Tdnnf.forward`."""
        x = F.relu(self.join(F.relu(self.stem(bank))))
        step = self.step
        for narrow, widen in zip(self.narrow, self.widen, strict=True):
            x = F.relu(widen(narrow(x))) + self.bypass * x[:, step:-step]
        phones = self.phones(F.relu(self.before_phones(x[:, step:-step])))
        judged = self.acceptance(F.relu(self.before_acceptance(x)))
        return phones.reshape(x.shape[0], -1, len(CLASSES)), judged.reshape(x.shape[0], -1, len(PHONES))


def _copy(taps: Taps) -> Taps:
    width = taps.linear.in_features // taps.taps
    copy = Taps(width, taps.linear.out_features, taps.taps, taps.step, taps.stride)
    copy.linear.weight.data = taps.linear.weight.data.clone()
    copy.linear.bias.data.zero_()
    if taps.linear.bias is not None:
        copy.linear.bias.data = taps.linear.bias.data.clone()
    return copy


def _bias_of(taps: Taps, offset: Tensor) -> Tensor:
    """What a layer makes of an input that is ``offset`` in every frame."""
    return taps.linear.weight.data @ offset.repeat(taps.taps)


def _shifted(taps: Taps, offset: Tensor | None) -> Taps:
    """The layer for an input that lacks ``offset``."""
    copy = _copy(taps)
    if offset is not None:
        copy.linear.bias.data += _bias_of(taps, offset)
    return copy


def _scaled(taps: Taps, offset: Tensor | None, norm: Norm) -> tuple[Taps, Tensor]:
    """The layer for an input that lacks ``offset``, with the norm's scale; and the norm's offset."""
    copy = _shifted(taps, offset)
    mean, variance = norm.norm.running_mean, norm.norm.running_var
    assert mean is not None
    assert variance is not None
    scale = (variance + norm.norm.eps).rsqrt()
    copy.linear.weight.data *= scale[:, None]
    copy.linear.bias.data *= scale
    return copy, -mean * scale


def export_tdnnf(network: Tdnnf, path: Path, banks: Arrays = ()) -> None:
    """One ONNX file: with ``banks``, normalised and padded recordings, matrix products as in
    :func:`quantize`; (other) weights in half precision."""
    context, step = network.options.context, network.options.subsampling
    frames = context.before + 60 * step + context.after
    free = {0: "batch", 1: "frames"}
    torch.onnx.export(
        Folded(network.float().eval()).eval(),
        (torch.zeros(2, frames, 80),),
        str(path),
        input_names=["bank"],
        output_names=["logits", "acceptance"],
        dynamic_axes={"bank": free, "logits": free, "acceptance": free},
        opset_version=OPSET,
        dynamo=False,
    )
    if banks:
        quantize(path, banks)
    halve(path)


def network_card(network: Tdnnf, arithmetic: str) -> dict[str, Any]:
    """What the card says about the network alone."""
    options = network.options
    return {
        "kind": "acoustic",
        "front_end": "filterbank",
        "architecture": (
            f"TDNN-F, {options.layers} factored layers, width {options.width}, bottleneck "
            f"{options.bottleneck}, run every {10 * options.subsampling} ms, answering every 10 ms, heads "
            f"for phones and acceptance by raters; {arithmetic}"
        ),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "classes": CLASSES,
        "frame_shift": FRAME_SHIFT,
        "rate": 16_000,
        "band": [20, 7600],
        "context": dataclasses.asdict(options.context),
        "subsampling": options.subsampling,
    }
