"""The phonetic encoder: upper blocks of a Whisper encoder, fine-tuned, with a head for phones and acceptance.

The lower blocks stay frozen, so their output is computed once and stored. The head answers for both 10 ms
halves of every 20 ms encoder frame: logits of the 40 posterior classes, and for each of the 39 phones the
log-odds that raters accept the frame as that phone (the *acceptance*). For training only, it can also give
logits per encoder frame for connectionist temporal classification (CTC; Graves et al. 2006), the silence
column serving as blank.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elocute.acoustics.posteriors import CLASSES, SILENCE_ID
from elocute.phones import PHONES
from elocute.training.whisper import Block

SUBFRAMES = 2


class Outputs(NamedTuple):
    """``phones`` (batch, 2 * frames, 40) logits, ``acceptance`` (batch, 2 * frames, 39) log-odds, ``ctc``
    (batch, frames, 40) logits, or ``None`` if the network has no such output."""

    phones: Tensor
    acceptance: Tensor
    ctc: Tensor | None


class Reading(nn.Module):
    """What the whole reading is like, as a shift of what its frames are judged by.

    Raters hear a phone against the rest of the reading: the mean over all frames, weighted by how probably
    they are speech, tells a frame what it is to be compared with. Starts as no shift at all.
    """

    def __init__(self, width: int, inner: int = 64) -> None:
        super().__init__()
        self.look = nn.Linear(width, inner)
        self.shift = nn.Linear(inner, width)
        nn.init.zeros_(self.shift.weight)
        nn.init.zeros_(self.shift.bias)

    def forward(self, frames: Tensor, speech: Tensor) -> Tensor:
        """frames: (batch, frames, width); speech: (batch, frames, 1) -> (batch, 1, width)."""
        total = (F.gelu(self.look(frames)) * speech).sum(1, keepdim=True)
        return self.shift(total / speech.sum(1, keepdim=True).clamp(min=1e-3))


class Head(nn.Module):
    """Layer norm per tapped layer, a bottleneck, residual convolutions over time, linear outputs; acceptance
    is judged against the reading."""

    def __init__(
        self, taps: int, width: int, inner: int = 256, kernel: int = 5, dropout: float = 0.1,
        ctc: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(taps))
        self.squeeze = nn.Linear(taps * width, inner)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inner, inner, kernel, padding=kernel // 2) for _ in range(2)
        )
        self.reading = Reading(inner)
        self.judge = nn.Conv1d(inner, inner // 2, kernel, padding=kernel // 2)
        self.dropout = nn.Dropout(dropout)
        self.phones = nn.Linear(inner, SUBFRAMES * len(CLASSES))
        self.acceptance = nn.Linear(inner // 2, SUBFRAMES * len(PHONES))
        self.ctc = nn.Linear(inner, len(CLASSES)) if ctc else None

    def forward(self, layers: Sequence[Tensor], mask: Tensor | None) -> Outputs:
        """layers: (batch, frames, width) each; mask as below."""
        x = torch.cat([norm(layer) for norm, layer in zip(self.norms, layers, strict=True)], dim=-1)
        x = F.gelu(self.squeeze(self.dropout(x)))
        keep = 1.0 if mask is None else mask[:, None, :].to(x.dtype)
        for convolution in self.convolutions:
            x = x + F.gelu(convolution(self.dropout(x).transpose(1, 2) * keep)).transpose(1, 2)
        n, t = x.shape[:2]
        phones = self.phones(self.dropout(x)).reshape(n, t * SUBFRAMES, len(CLASSES))
        # Detached: the phones shall not learn to move the weights of the mean.
        silence = phones.detach().softmax(-1)[..., SILENCE_ID].reshape(n, t, SUBFRAMES)
        speech = 1.0 - silence.mean(-1, keepdim=True)
        if mask is not None:
            speech = speech * mask[..., None]
        heard = x + self.reading(x, speech)
        judged = F.gelu(self.judge(self.dropout(heard).transpose(1, 2) * keep)).transpose(1, 2)
        acceptance = self.acceptance(self.dropout(judged)).reshape(n, t * SUBFRAMES, len(PHONES))
        return Outputs(phones, acceptance, None if self.ctc is None else self.ctc(self.dropout(x)))


class PhoneticEncoder(nn.Module):
    """Upper blocks and head; the head reads the blocks' input and every block's output."""

    def __init__(
        self, blocks: Sequence[Block], width: int, inner: int = 256, dropout: float = 0.1, ctc: bool = False
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(copy.deepcopy(block) for block in blocks)
        self.head = Head(len(self.blocks) + 1, width, inner, dropout=dropout, ctc=ctc)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Outputs:
        """hidden: (batch, frames, width) of the last frozen block; mask: (batch, frames) True at real
        frames, or ``None`` where all are."""
        layers = [hidden]
        for block in self.blocks:
            layers.append(block(layers[-1], None if mask is None else mask[:, None, None, :]))
        return self.head(layers, mask)
