"""Kinds of encoder block, chosen by name; padded positions come out zero.

``transformer``: attention, then feed-forward. ``parallel``: attention beside a depthwise convolution, then
feed-forward. ``branchformer``: an attention branch with feed-forward and a convolution branch, merged by a
learned weighted average (the block of HierCB, Yan et al. 2025, after Peng et al. 2022). ``e-branchformer``:
macaron half feed-forwards around attention beside a convolutional gating MLP, merged by concatenation and
depthwise convolution (Kim et al. 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elocute.training.layers import Attention, Dropout, Linear, Local, Norm


@dataclass(frozen=True)
class BlockOptions:
    """``expansion``: inner width of the feed-forward layers over ``width``; ``kernel``: odd, in positions."""

    kind: str
    width: int
    heads: int
    dropout: float
    expansion: int
    kernel: int


class FeedForward(nn.Module):
    """Norm, widen, GELU, narrow."""

    def __init__(self, members: int, options: BlockOptions) -> None:
        super().__init__()
        self.norm = Norm(options.width)
        self.inner = Linear(members, options.width, options.expansion * options.width)
        self.outer = Linear(members, options.expansion * options.width, options.width)
        self.dropout = Dropout(options.dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.outer(self.dropout(F.gelu(self.inner(self.norm(x))))))


class Transformer(nn.Module):
    def __init__(self, members: int, options: BlockOptions) -> None:
        super().__init__()
        self.norm = Norm(options.width)
        self.attention = Attention(members, options.width, options.heads)
        self.dropout = Dropout(options.dropout)
        self.feed = FeedForward(members, options)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norm(x), mask))
        return (x + self.feed(x)) * mask[..., None]


class Parallel(nn.Module):
    def __init__(self, members: int, options: BlockOptions) -> None:
        super().__init__()
        self.norm = Norm(options.width)
        self.attention = Attention(members, options.width, options.heads)
        self.local = Local(members, options.width, options.kernel)
        self.mix = Linear(members, options.width, options.width)
        self.dropout = Dropout(options.dropout)
        self.feed = FeedForward(members, options)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        y = self.norm(x) * mask[..., None]
        x = x + self.dropout(self.attention(y, mask) + self.mix(F.gelu(self.local(y))))
        return (x + self.feed(x)) * mask[..., None]


class Branchformer(nn.Module):
    def __init__(self, members: int, options: BlockOptions) -> None:
        super().__init__()
        width = options.width
        self.norm = Norm(options.width)
        self.attention = Attention(members, width, options.heads)
        self.feed = FeedForward(members, options)
        self.gate = Linear(members, width, 2 * width)
        self.local = Local(members, width, options.kernel)
        self.mix = Linear(members, width, width)
        self.dropout = Dropout(options.dropout)
        self.pool = Linear(members, width, 1)
        self.merge = Linear(members, width, 1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        y = self.norm(x) * mask[..., None]
        far = x + self.dropout(self.attention(y, mask))
        far = far + self.feed(far)
        near = F.glu(self.gate(y), dim=-1) * mask[..., None]
        near = x + self.dropout(self.mix(F.relu(self.norm(self.local(near)))))
        branches = torch.stack([self._weight(far, mask), self._weight(near, mask)]).softmax(0)
        return (branches[0] * far + branches[1] * near) * mask[..., None]

    def _weight(self, x: Tensor, mask: Tensor) -> Tensor:
        """(members, batch, 1, 1) how much a branch counts, from an attention pooling of its output."""
        logits = self.pool(x).masked_fill(~mask[..., None], -1e4)
        return self.merge((logits.softmax(2) * x).sum(2, keepdim=True))


class EBranchformer(nn.Module):
    def __init__(self, members: int, options: BlockOptions) -> None:
        super().__init__()
        width = options.width
        inner = options.expansion * width
        self.before = FeedForward(members, options)
        self.after = FeedForward(members, options)
        self.norm = Norm(options.width)
        self.attention = Attention(members, width, options.heads)
        self.gate_norm = Norm(inner // 2)
        self.widen = Linear(members, width, inner)
        self.spatial = Local(members, inner // 2, options.kernel)
        self.narrow = Linear(members, inner // 2, width)
        self.local = Local(members, 2 * width, options.kernel)
        self.merge = Linear(members, 2 * width, width)
        self.dropout = Dropout(options.dropout)
        # The convolutional gate starts open: its branch is then a plain MLP.
        nn.init.normal_(self.spatial.weight, std=1e-2)
        nn.init.ones_(self.spatial.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        real = mask[..., None]
        x = x + 0.5 * self.before(x)
        y = self.norm(x) * real
        far = self.attention(y, mask)
        passed, gate = F.gelu(self.widen(y)).chunk(2, dim=-1)
        near = self.narrow(self.dropout(passed * self.spatial(self.gate_norm(gate) * real)))
        both = torch.cat([far, near], dim=-1) * real
        x = x + self.dropout(self.merge(both + self.local(both)))
        return (x + 0.5 * self.after(x)) * real


KINDS: dict[str, type[nn.Module]] = {
    "transformer": Transformer,
    "parallel": Parallel,
    "branchformer": Branchformer,
    "e-branchformer": EBranchformer,
}


def new_blocks(members: int, options: BlockOptions, count: int) -> nn.ModuleList:
    return nn.ModuleList(KINDS[options.kind](members, options) for _ in range(count))
