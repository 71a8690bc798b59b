"""The phonetic encoder: upper blocks of a Whisper encoder, fine-tuned, with a head for phones and acceptance.

The lower blocks stay frozen, so their output is computed once and stored. The head answers for both 10 ms
halves of every 20 ms encoder frame: logits of the 40 posterior classes, and for each of the 39 phones the
log-odds that raters accept the frame as that phone (the *acceptance*).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elocute.acoustics.posteriors import CLASSES
from elocute.phones import PHONES
from elocute.training.whisper import Block

SUBFRAMES = 2


class Head(nn.Module):
    """Layer norm per tapped layer, a bottleneck, residual convolutions over time, two linear outputs."""

    def __init__(
        self, taps: int, width: int, inner: int = 256, kernel: int = 5, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(taps))
        self.squeeze = nn.Linear(taps * width, inner)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inner, inner, kernel, padding=kernel // 2) for _ in range(2)
        )
        self.judge = nn.Conv1d(inner, inner // 2, kernel, padding=kernel // 2)
        self.dropout = nn.Dropout(dropout)
        self.phones = nn.Linear(inner, SUBFRAMES * len(CLASSES))
        self.acceptance = nn.Linear(inner // 2, SUBFRAMES * len(PHONES))

    def forward(self, layers: Sequence[Tensor], mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """layers: (batch, frames, width) each; mask as below -> (batch, 2 * frames, 40) and (…, 39)."""
        x = torch.cat([norm(layer) for norm, layer in zip(self.norms, layers, strict=True)], dim=-1)
        x = F.gelu(self.squeeze(self.dropout(x)))
        keep = 1.0 if mask is None else mask[:, None, :].to(x.dtype)
        for convolution in self.convolutions:
            x = x + F.gelu(convolution(self.dropout(x).transpose(1, 2) * keep)).transpose(1, 2)
        judged = F.gelu(self.judge(self.dropout(x).transpose(1, 2) * keep)).transpose(1, 2)
        n, t = x.shape[:2]
        phones = self.phones(self.dropout(x)).reshape(n, t * SUBFRAMES, len(CLASSES))
        return phones, self.acceptance(self.dropout(judged)).reshape(n, t * SUBFRAMES, len(PHONES))


class PhoneticEncoder(nn.Module):
    """Upper blocks and head; the head reads the blocks' input and every block's output."""

    def __init__(self, blocks: Sequence[Block], width: int, inner: int = 256, dropout: float = 0.1) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(copy.deepcopy(block) for block in blocks)
        self.head = Head(len(self.blocks) + 1, width, inner, dropout=dropout)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """hidden: (batch, frames, width) of the last frozen block; mask: (batch, frames) True at real
        frames, or ``None`` where all are."""
        layers = [hidden]
        for block in self.blocks:
            layers.append(block(layers[-1], None if mask is None else mask[:, None, None, :]))
        return self.head(layers, mask)
