"""The phone head: hidden encoder frames (20 ms) to phone logits (10 ms)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elocute.acoustics.posteriors import CLASSES

SUBFRAMES = 2
"""The encoder sees 10 ms spectrogram frames but answers every 20 ms; the head answers for both halves."""


class PhoneHead(nn.Module):
    """Layer norm per tapped layer, a bottleneck, two residual convolutions over time, a linear output.

    Input (batch, frames, taps * width), output (batch, 2 * frames, 40) logits.
    """

    def __init__(self, taps: int, width: int, inner: int = 256, kernel: int = 5, dropout: float = 0.1) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(taps))
        self.squeeze = nn.Linear(taps * width, inner)
        self.convolutions = nn.ModuleList(nn.Conv1d(inner, inner, kernel, padding=kernel // 2) for _ in range(2))
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(inner, SUBFRAMES * len(CLASSES))

    def trunk(self, hidden: Tensor) -> Tensor:
        parts = hidden.chunk(len(self.norms), dim=-1)
        x = torch.cat([norm(part) for norm, part in zip(self.norms, parts, strict=True)], dim=-1)
        x = F.gelu(self.squeeze(self.dropout(x)))
        for convolution in self.convolutions:
            x = x + F.gelu(convolution(self.dropout(x).transpose(1, 2)).transpose(1, 2))
        return x

    def forward(self, hidden: Tensor) -> Tensor:
        x = self.out(self.dropout(self.trunk(hidden)))
        return x.reshape(x.shape[0], x.shape[1] * SUBFRAMES, len(CLASSES))
