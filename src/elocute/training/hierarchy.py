"""The assessment network: phone -> word -> utterance, one small Transformer level each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elocute.features.phone import STRESS_UNMARKED
from elocute.phones import MANNERS, PHONES

WORD_ASPECTS = ("accuracy", "stress", "total")
UTTERANCE_ASPECTS = ("accuracy", "fluency", "prosodic", "total")
"""Completeness is a rule, not a network output: nearly all of its training labels are 10."""


@dataclass(frozen=True)
class HierarchyOptions:
    """Sizes of the network; ``depths`` are the blocks at phone, word and utterance level."""

    width: int = 48
    heads: int = 2
    depths: tuple[int, int, int] = (3, 1, 1)
    dropout: float = 0.15
    input_dropout: float = 0.1


@dataclass(frozen=True)
class Inputs:
    """A padded batch: ids (batch, phones) int64, ``values`` (batch, phones, features), ``utterance``
    (batch, n), ``mask`` (batch, phones) True at real phones; ``word`` is the word index of each phone."""

    phone: Tensor
    stress: Tensor
    manner: Tensor
    word: Tensor
    place: Tensor
    values: Tensor
    utterance: Tensor
    mask: Tensor


class Attention(nn.Module):
    """Multi-head self-attention written out, so that it exports to plain ONNX operators."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        n, t, width = x.shape
        query, key, value = (
            part.reshape(n, t, self.heads, width // self.heads).transpose(1, 2)
            for part in self.project(x).chunk(3, dim=-1)
        )
        logits = query @ key.transpose(-1, -2) * (width // self.heads) ** -0.5
        weights = logits.masked_fill(~mask[:, None, None, :], -1e4).softmax(-1)
        return self.out((weights @ value).transpose(1, 2).reshape(n, t, width))


class Block(nn.Module):
    """Attention beside a depthwise convolution, then a feed-forward layer; padded positions stay zero."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.local = nn.Conv1d(width, width, 3, padding=1, groups=width)
        self.mix = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.inner = nn.Linear(width, 2 * width)
        self.outer = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        y = self.norm1(x) * mask[..., None]
        local = self.mix(F.gelu(self.local(y.transpose(1, 2)).transpose(1, 2)))
        x = x + self.dropout(self.attention(y, mask) + local)
        x = x + self.dropout(self.outer(self.dropout(F.gelu(self.inner(self.norm2(x))))))
        return x * mask[..., None]


class Pool(nn.Module):
    """Attention pooling: a learned score per item, softmax over the items of each group."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)

    def forward(self, x: Tensor, groups: Tensor) -> Tensor:
        """x (batch, items, width), groups (batch, groups, items) True: member -> (batch, groups, width)."""
        logits = self.score(x).transpose(1, 2).masked_fill(~groups, -1e4)
        return (logits.softmax(-1) * groups) @ x


def _head(width: int, extra: int = 0) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(width + extra), nn.Linear(width + extra, width), nn.GELU(), nn.Linear(width, 1)
    )


class Hierarchy(nn.Module):
    """Scores on a common 0-2 scale from phone features.

    ``center`` and ``scale`` normalise ``values``, ``utterance_center`` and ``utterance_scale`` the utterance
    features; a missing utterance feature (NaN) counts as average.
    """

    center: Tensor
    scale: Tensor
    utterance_center: Tensor
    utterance_scale: Tensor

    def __init__(self, values: int, utterance: int, options: HierarchyOptions) -> None:
        super().__init__()
        width = options.width
        self.register_buffer("center", torch.zeros(values))
        self.register_buffer("scale", torch.ones(values))
        self.register_buffer("utterance_center", torch.zeros(utterance))
        self.register_buffer("utterance_scale", torch.ones(utterance))
        self.project = nn.Linear(values, width)
        self.gate = nn.Embedding(len(PHONES), width)
        nn.init.zeros_(self.gate.weight)
        self.refine = nn.Sequential(nn.GELU(), nn.Linear(width, width))
        self.phone_embedding = nn.Embedding(len(PHONES), width)
        self.stress_embedding = nn.Embedding(STRESS_UNMARKED + 1, width)
        self.manner_embedding = nn.Embedding(len(MANNERS), width)
        self.place_embedding = nn.Embedding(4, width)
        self.input_dropout = nn.Dropout(options.input_dropout)
        levels = [
            nn.ModuleList(Block(width, options.heads, options.dropout) for _ in range(depth))
            for depth in options.depths
        ]
        self.phone_blocks, self.word_blocks, self.utterance_blocks = levels
        self.word_pool = Pool(width)
        self.utterance_project = nn.Linear(utterance, width)
        self.phone_head = _head(width)
        self.word_heads = nn.ModuleList(_head(width) for _ in WORD_ASPECTS)
        self.utterance_pools = nn.ModuleList(Pool(width) for _ in UTTERANCE_ASPECTS)
        self.utterance_heads = nn.ModuleList(_head(width, width) for _ in UTTERANCE_ASPECTS)

    def forward(self, inputs: Inputs) -> tuple[Tensor, Tensor, Tensor]:
        """-> phones (batch, phones), words (batch, phones, 3) at each phone, utterance (batch, 4)."""
        mask = inputs.mask
        values = ((inputs.values - self.center) / self.scale).clamp(-6.0, 6.0)
        # What a measurement means depends on the phone, hence the gain per phone.
        x = self.project(self.input_dropout(values)) * (1.0 + self.gate(inputs.phone))
        x = x + self.phone_embedding(inputs.phone) + self.stress_embedding(inputs.stress)
        x = x + self.manner_embedding(inputs.manner) + self.place_embedding(inputs.place)
        x = x + self.refine(x)
        x = x * mask[..., None]
        for block in self.phone_blocks:
            x = block(x, mask)
        phones = self.phone_head(x)[..., 0]
        # Words are kept at their phones' positions: no second padding, and one word's rows are equal.
        same_word = (inputs.word[:, :, None] == inputs.word[:, None, :]) & mask[:, None, :] & mask[:, :, None]
        words = self.word_pool(x, same_word)
        for block in self.word_blocks:
            words = self.word_pool(block(words, mask), same_word)
        word_scores = torch.cat([head(words) for head in self.word_heads], dim=-1)
        x = x + words
        for block in self.utterance_blocks:
            x = block(x, mask)
        known = torch.nan_to_num((inputs.utterance - self.utterance_center) / self.utterance_scale, nan=0.0)
        context = self.utterance_project(self.input_dropout(known.clamp(-4.0, 4.0)))
        everyone = mask[:, None, :]
        utterance = torch.cat(
            [
                head(torch.cat([pool(x, everyone)[:, 0], context], dim=-1))
                for pool, head in zip(self.utterance_pools, self.utterance_heads, strict=True)
            ],
            dim=-1,
        )
        return phones, word_scores, utterance
