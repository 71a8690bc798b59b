"""Layers of a stack of networks that are trained side by side.

Networks this small wait for the dispatch of their operations, not for arithmetic. So every parameter has a
leading dimension *members*: one network per fold and seed, with weights, data and dropout of its own, and one
call works on all of them. Activations are (members, batch, positions, width).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_POOL = 1 << 22
_pools: dict[float, Tensor] = {}


def redraw_dropout() -> None:
    """Forget the pools of dropout masks; new ones are drawn by torch's current random state."""
    _pools.clear()


class Dropout(nn.Module):
    """Dropout whose masks are windows, at random places, of a pool of 4 million draws.

    Drawing every mask anew takes longer than the layers it regularises; the pool is drawn anew each epoch.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.probability == 0.0:
            return x
        keep = 1.0 - self.probability
        if self.probability not in _pools:
            _pools[self.probability] = torch.empty(_POOL).bernoulli_(keep).div_(keep)
        size = x.numel()
        if size >= _POOL:
            return F.dropout(x, self.probability)
        start = int(torch.randint(_POOL - size, ()))
        return x * _pools[self.probability][start : start + size].view(x.shape)


class Linear(nn.Module):
    """A linear map per member, initialised like ``torch.nn.Linear``."""

    def __init__(self, members: int, inner: int, outer: int) -> None:
        super().__init__()
        bound = inner**-0.5
        self.weight = nn.Parameter(torch.empty(members, inner, outer).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outer).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        members, outer = self.bias.shape[0], self.bias.shape[2]
        flat = x.reshape(members, -1, x.shape[-1])
        found = torch.baddbmm(self.bias, flat, self.weight)
        return found.reshape(*x.shape[:-1], outer)


class Embedding(nn.Module):
    """A table of ``count`` vectors per member; ids are (members or 1, batch, positions)."""

    def __init__(self, members: int, count: int, width: int, scale: float = 1.0) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(members, count, width) * scale)

    def forward(self, ids: Tensor) -> Tensor:
        members, count, width = self.table.shape
        offsets = torch.arange(members, device=ids.device)[:, None, None] * count
        return F.embedding(ids + offsets, self.table.reshape(members * count, width))


class Norm(nn.Module):
    """Layer normalisation without gain and offset: a linear map that has its own always follows."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.shape = (width,)

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.shape)


class Local(nn.Module):
    """Depthwise convolution over neighbouring positions; ``x`` is zero where there is padding."""

    def __init__(self, members: int, width: int, kernel: int) -> None:
        super().__init__()
        bound = kernel**-0.5
        self.weight = nn.Parameter(torch.empty(members, kernel, 1, 1, width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, 1, width).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        kernel, length = self.weight.shape[1], x.shape[2]
        padded = F.pad(x, (0, 0, kernel // 2, kernel // 2))
        found: Tensor = self.bias
        for offset in range(kernel):
            found = torch.addcmul(found, padded[:, :, offset : offset + length], self.weight[:, offset])
        return found


class Attention(nn.Module):
    """Multi-head self-attention written out, so that it exports to plain ONNX operators."""

    def __init__(self, members: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project = Linear(members, width, 3 * width)
        self.out = Linear(members, width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (members, batch, positions, width), mask (members or 1, batch, positions)."""
        members, n, t, width = x.shape
        size = width // self.heads
        query, key, value = (
            part.reshape(members, n, t, self.heads, size).transpose(2, 3)
            for part in self.project(x).chunk(3, dim=-1)
        )
        logits = (query * size**-0.5) @ key.transpose(-1, -2)
        weights = logits.masked_fill(~mask[:, :, None, None, :], -1e4).softmax(-1)
        return self.out((weights @ value).transpose(2, 3).reshape(members, n, t, width))


class Pool(nn.Module):
    """Attention pooling: a learned score per item, softmax over the items of each group.

    With a ``clip`` (lower, upper) such as (-0.1, 1.1) the softmax is stretched to that range and clipped to
    0-1, so that items can be left out entirely (Bondarenko et al. 2023).
    """

    def __init__(self, members: int, width: int, clip: tuple[float, float] | None = None) -> None:
        super().__init__()
        self.score = Linear(members, width, 1)
        self.clip = clip

    def forward(self, x: Tensor, groups: Tensor) -> Tensor:
        """x (members, batch, items, width), groups (members or 1, batch, groups, items) True: member ->
        (members, batch, groups, width), zero for a group without items."""
        logits = self.score(x).transpose(-1, -2).masked_fill(~groups, -1e4)
        weights = logits.softmax(-1)
        if self.clip:
            lower, upper = self.clip
            weights = (weights * (upper - lower) + lower).clamp(0.0, 1.0)
        return (weights * groups) @ x


class Heads(nn.Module):
    """Small regression networks with one output each, one for every aspect."""

    def __init__(self, members: int, width: int, hidden: int, aspects: int) -> None:
        super().__init__()
        self.norm = Norm(width)
        self.inner = nn.Parameter(torch.empty(members, aspects, width, hidden).uniform_(-1, 1) * width**-0.5)
        self.offset = nn.Parameter(torch.empty(members, aspects, 1, hidden).uniform_(-1, 1) * width**-0.5)
        self.outer = nn.Parameter(torch.empty(members, aspects, 1, hidden).uniform_(-1, 1) * hidden**-0.5)
        self.bias = nn.Parameter(torch.empty(members, aspects, 1).uniform_(-1, 1) * hidden**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """(members, 1 or aspects, rows, width) -> (members, aspects, rows)."""
        hidden = F.gelu(self.norm(x) @ self.inner + self.offset)
        return (hidden * self.outer).sum(-1) + self.bias
