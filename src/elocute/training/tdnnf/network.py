"""The TDNN-F network (Povey et al., "Semi-Orthogonal Low-Rank Matrix Factorization for Deep Neural Networks",
Interspeech 2018).

Every layer is a wide matrix factored into two narrow ones, the first of which is kept semi-orthogonal; its
input is added to its output, scaled by .66. No layer pads: the input carries the context all layers together
reach for, its first and last frame repeated. So a recording's output does not depend on what it is batched
with, and batch norms fold into the weights exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from elocute.acoustics.filterbank import BANDS
from elocute.acoustics.posteriors import CLASSES
from elocute.acoustics.tdnnf import Context
from elocute.phones import PHONES

SPAN = 3
"""10 ms frames a layer's two taps lie apart, whatever the subsampling."""

STEM = 3
"""10 ms frames the stem reaches to both sides of the middle of what an output frame answers for."""


@dataclass(frozen=True)
class TdnnfOptions:
    """``width`` and ``bottleneck`` of the factored layers and their number; ``stem`` and ``inner``: widths of
    the first layer and of the heads; ``subsampling``: 10 ms frames one output frame answers for, 1 or 3;
    ``bypass``: scale of a layer's input where it is added; ``dropout``: largest deviation from 1 of the
    random scales of every channel."""

    width: int = 512
    bottleneck: int = 96
    layers: int = 9
    stem: int = 128
    inner: int = 192
    subsampling: int = 3
    bypass: float = 0.66
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if self.subsampling not in (1, 3):
            raise TypeError(f"subsampling is 1 or 3, not {self.subsampling}")

    @property
    def context(self) -> Context:
        """Frames the network needs around those it answers for."""
        reach = SPAN * (self.layers + 1) + STEM
        half = self.subsampling // 2
        return Context(reach - half, reach + half - self.subsampling + 1)


class Taps(nn.Module):
    """A linear layer over ``taps`` frames that lie ``step`` apart, without padding: (n, t, a) to
    (n, t - (taps - 1) * step, b), or every ``stride``-th of those."""

    def __init__(self, a: int, b: int, taps: int, step: int = 1, stride: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.taps, self.step, self.stride = taps, step, stride
        self.linear = nn.Linear(taps * a, b, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.taps == 1:
            return self.linear(x)
        if self.taps == 2 and self.stride == 1 and self.linear.out_features < self.linear.in_features:
            return self._narrow(x)
        # Ends are counted from the back, so that an exported network need not compute its input's length.
        ends = [k * self.step for k in range(self.taps)]
        shifted = [x[:, a : -b or None : self.stride] for a, b in zip(ends, ends[::-1], strict=True)]
        return self.linear(torch.cat(shifted, dim=-1))

    def _narrow(self, x: Tensor) -> Tensor:
        """The same where shifting and adding the narrow output costs less than joining the wide input."""
        weight, width = self.linear.weight, x.shape[2]
        both = F.linear(x, torch.cat([weight[:, :width], weight[:, width:]]))
        out = shifted_sum(both, self.step)
        return out if self.linear.bias is None else out + self.linear.bias


def shifted_sum(both: Tensor, step: int) -> Tensor:
    """The first half of the channels plus the second half ``step`` frames later."""
    half = both.shape[2] // 2
    return both[:, :-step, :half] + both[:, step:, half:]


class Norm(nn.Module):
    """ReLU, batch norm without scale or offset, and dropout that scales whole channels of a recording."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width, affine=False)
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        x = self.norm(x.flatten(0, 1)).view_as(x)
        if not self.training or not self.dropout:
            return x
        return x * (1.0 + self.dropout * (2.0 * torch.rand(len(x), 1, x.shape[2], dtype=x.dtype) - 1.0))


class Factored(nn.Module):
    """One TDNN-F layer; gives ``step`` frames fewer at either end."""

    def __init__(self, width: int, bottleneck: int, step: int, bypass: float, dropout: float) -> None:
        super().__init__()
        self.narrow = Taps(width, bottleneck, 2, step, bias=False)
        self.widen = Taps(bottleneck, width, 2, step)
        self.norm = Norm(width, dropout)
        self.bypass = bypass

    def forward(self, x: Tensor) -> Tensor:
        step = self.narrow.step
        return self.norm(self.widen(self.narrow(x))) + self.bypass * x[:, step:-step]


class Tdnnf(nn.Module):
    """Filterbank energies with context to logits of the classes and log-odds of acceptance, every 10 ms."""

    def __init__(self, options: TdnnfOptions) -> None:
        super().__init__()
        self.options = options
        step, dropout = SPAN // options.subsampling, options.dropout
        self.stem = Taps(BANDS, options.stem, 3)
        self.stem_norm = Norm(options.stem, 0.0)
        self.join = Taps(options.stem, options.width, 5, stride=options.subsampling)
        self.join_norm = Norm(options.width, dropout)
        self.layers = nn.ModuleList(
            Factored(options.width, options.bottleneck, step, options.bypass, dropout)
            for _ in range(options.layers)
        )
        self.before_phones = Taps(options.width, options.inner, 1)
        self.phones_norm = Norm(options.inner, dropout)
        self.phones = Taps(options.inner, options.subsampling * len(CLASSES), 1)
        self.before_acceptance = Taps(options.width, options.inner, 3, step)
        self.acceptance_norm = Norm(options.inner, dropout)
        self.acceptance = Taps(options.inner, options.subsampling * len(PHONES), 1)
        constrain(self, steps=30)

    def forward(self, bank: Tensor) -> tuple[Tensor, Tensor]:
        """bank: (batch, before + s * t + after, 80) -> (batch, s * t, 40) and (batch, s * t, 39)."""
        x = self.stem_norm(self.stem(bank))
        x = self.join_norm(self.join(x))
        for layer in self.layers:
            x = layer(x)
        step = SPAN // self.options.subsampling
        middle = x[:, step : x.shape[1] - step]
        phones = self.phones(self.phones_norm(self.before_phones(middle)))
        judged = self.acceptance(self.acceptance_norm(self.before_acceptance(x)))
        return phones.reshape(len(x), -1, len(CLASSES)), judged.reshape(len(x), -1, len(PHONES))


def semi_orthogonal(weight: Tensor) -> tuple[Tensor, Tensor]:
    """``M M^T`` of a (narrow, wide) matrix, and the square of the scale at which it is nearest to a multiple
    of the identity: trace(P P^T) / trace(P), the scale floats with the weights."""
    product = weight @ weight.T
    return product, (product * product).sum() / product.trace()


def off_orthogonal(weight: Tensor) -> float:
    """Relative distance ||M M^T - a^2 I|| / ||a^2 I|| (Frobenius) from the nearest semi-orthogonal matrix."""
    product, square = semi_orthogonal(weight.double())
    target = square * torch.eye(len(product), dtype=product.dtype)
    return float((product - target).norm() / target.norm())


def first_factors(network: nn.Module) -> list[Tensor]:
    """(narrow, wide) weights that are kept semi-orthogonal."""
    return [part.narrow.linear.weight for part in network.modules() if isinstance(part, Factored)]


@torch.no_grad()
def constrain(network: Tdnnf, steps: int = 1) -> None:
    """Move the first factor of every layer towards a semi-orthogonal matrix, as Kaldi does every fourth step.

    M <- M - 4 v / a^2 (M M^T - a^2 I) M with v = 1/8, which converges quadratically near the goal; v is
    smaller far from it, where the step would overshoot.
    """
    for weight in first_factors(network):
        for _ in range(steps):
            product, square = semi_orthogonal(weight)
            # How unequal the eigenvalues are: 1 where the matrix is semi-orthogonal up to its scale.
            ratio = float((product * product).sum() * len(product) / product.trace() ** 2)
            speed = 0.125 if ratio <= 1.02 else 0.0625 if ratio <= 1.1 else 0.03125
            product.diagonal().sub_(square)
            weight.sub_(4.0 * speed / square * product @ weight)


def pad(bank: NDArray[np.float32], options: TdnnfOptions) -> NDArray[np.float32]:
    """(frames, 80) with the context the network needs, up to a whole number of output frames."""
    return options.context.pad(bank, options.subsampling)
