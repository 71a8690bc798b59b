"""Matrix products of 8-bit integers for exported networks.

What a product's input is divided by is a constant, found on recordings beforehand, not the largest number of
the recording at hand: so what a network says about a recording does not depend on what it is batched with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from elocute.training.whisper import Block

if TYPE_CHECKING:
    from elocute.training.export import WholeEncoder

Arrays = Sequence[NDArray[np.float32]]
"""What a network's only input was for some recordings, without the axis of the batch."""

MIGRATION = 0.6
"""How much of the differences between channels goes over to the weights: 0 none, 1 all."""


class Divided(nn.Module):
    """A linear layer whose input is divided channel by channel first."""

    def __init__(self, linear: nn.Linear, divisor: Tensor) -> None:
        super().__init__()
        self.linear = linear
        self.factor = nn.Parameter(1.0 / divisor, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x * self.factor)


@torch.no_grad()
def smooth(encoder: WholeEncoder, spectrograms: Arrays) -> None:
    """Even out the channels that go into matrix products, in place; the function stays the same.

    Few channels of a Transformer are much larger than the others, which then share few integers. Dividing the
    channels, and multiplying the weights that read them, moves the difference to where it does less harm
    (SmoothQuant; Xiao et al., ICML 2023, equation 4).
    """
    peaks = _peaks(encoder, spectrograms)
    for block in [*encoder.lower.blocks, *encoder.upper.blocks]:
        assert isinstance(block, Block)
        attention = [block.query, block.key, block.value]
        _divide([block.attention_norm], _share(peaks[block.query], attention))
        _divide([block.inner_norm], _share(peaks[block.inner], [block.inner]))
        divisor = _share(peaks[block.out], [block.out])
        block.value.weight.div_(divisor[:, None])
        block.value.bias.div_(divisor)
        block.outer = Divided(block.outer, _share(peaks[block.outer], [block.outer]))  # type: ignore[assignment]
    head = encoder.upper.head
    _divide(head.norms, _share(peaks[head.squeeze], [head.squeeze]))  # type: ignore[arg-type]


def _peaks(network: nn.Module, inputs: Arrays) -> dict[nn.Module, Tensor]:
    """The largest magnitude of every channel that went into each linear layer."""
    peaks: dict[nn.Module, Tensor] = {}

    def look(layer: nn.Module, arguments: tuple[Tensor]) -> None:
        found = arguments[0].abs().flatten(0, -2).amax(0)
        peaks[layer] = torch.maximum(peaks[layer], found) if layer in peaks else found

    linear = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    hooks = [layer.register_forward_pre_hook(look) for layer in linear]
    for values in inputs:
        network(torch.from_numpy(values)[None])
    for hook in hooks:
        hook.remove()
    return peaks


def _share(peaks: Tensor, readers: Sequence[nn.Linear]) -> Tensor:
    """(channels,) what to divide the channels by; the weights of their ``readers`` are multiplied by it."""
    weights = torch.stack([reader.weight.abs().amax(0) for reader in readers]).amax(0)
    divisor = peaks.clamp(min=1e-4) ** MIGRATION / weights.clamp(min=1e-4) ** (1.0 - MIGRATION)
    divisor = divisor / divisor.median()
    for reader in readers:
        reader.weight.mul_(divisor)
    return divisor


def _divide(norms: Iterable[nn.LayerNorm], divisor: Tensor) -> None:
    """Divide the outputs of norms that stand one after another."""
    start = 0
    for norm in norms:
        own = divisor[start : start + len(norm.weight)]
        norm.weight.div_(own)
        norm.bias.div_(own)
        start += len(norm.weight)


def quantize(path: Path, inputs: Arrays) -> None:
    """Turn the matrix products with constant weights of an ONNX file into products of 8-bit integers.

    Weights get a scale per column and seven bits: with eight, the sums of two products saturate on processors
    without VNNI, so that scores would depend on the processor. The scale of what they are multiplied with is
    the mean over ``inputs`` of what each would need; the few numbers beyond it are cut off.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    name = onnx.load(str(path)).graph.input[0].name
    feeds = iter([{name: values[None]} for values in inputs])

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(feeds, None)

    prepared, done = path.with_suffix(".prepared.onnx"), path.with_suffix(".quantized.onnx")
    quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared), str(done), Reader(), quant_format=QuantFormat.QDQ, op_types_to_quantize=["MatMul"],
        per_channel=True, reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        extra_options={
            "MatMulConstBOnly": True, "OpTypesToExcludeOutputQuantization": ["MatMul"],
            "CalibMovingAverage": True,
        },
    )  # fmt: skip
    prepared.unlink()
    done.replace(path)
