"""The Whisper encoder in PyTorch, run on the unpadded spectrogram, down to any of its blocks.

Architecture and weight names: Radford et al. 2022, ``transformers.WhisperModel`` (``encoder.*``).
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elocute.errors import ModelError


class Block(nn.Module):
    """Pre-norm Transformer block; Whisper's key projection has no bias."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.inner_norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, inner)
        self.outer = nn.Linear(inner, width)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x: (batch, frames, width); mask: (batch, 1, 1, frames), True where attention may look."""
        n, t, width = x.shape
        y = self.attention_norm(x)
        split = (n, t, self.heads, width // self.heads)
        query, key, value = (f(y).view(split).transpose(1, 2) for f in (self.query, self.key, self.value))
        y = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.out(y.transpose(1, 2).reshape(n, t, width))
        return x + self.outer(F.gelu(self.inner(self.inner_norm(x))))


class WhisperEncoder(nn.Module):
    """The convolutional stem and the first ``layers`` blocks; 20 ms frames."""

    def __init__(self, width: int, heads: int, inner: int, layers: int, mels: int, positions: int) -> None:
        super().__init__()
        self.stem1 = nn.Conv1d(mels, width, 3, padding=1)
        self.stem2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.positions = nn.Parameter(torch.zeros(positions, width), requires_grad=False)
        self.blocks = nn.ModuleList(Block(width, heads, inner) for _ in range(layers))

    def stem(self, mel: Tensor) -> Tensor:
        """(batch, mels, frames), at most 30 s -> (batch, ceil(frames / 2), width)."""
        x = F.gelu(self.stem2(F.gelu(self.stem1(mel)))).transpose(1, 2)
        return x + self.positions[: x.shape[1]]

    def forward(self, mel: Tensor) -> Tensor:
        """(batch, mels, frames) -> hidden frames (batch, ceil(frames / 2), width) after the last block."""
        x = self.stem(mel)
        for block in self.blocks:
            x = block(x, None)
        return x


_NAMES = {
    "self_attn_layer_norm": "attention_norm",
    "self_attn.q_proj": "query",
    "self_attn.k_proj": "key",
    "self_attn.v_proj": "value",
    "self_attn.out_proj": "out",
    "final_layer_norm": "inner_norm",
    "fc1": "inner",
    "fc2": "outer",
}


def load_whisper(source: str, layers: int) -> WhisperEncoder:
    """The first ``layers`` blocks of a Whisper encoder from a folder or a hub id.

    Raises:
        ModelError: the folder lacks ``config.json`` or ``model.safetensors``, or has fewer layers.
    """
    from safetensors.torch import load_file

    folder = Path(source)
    if not folder.is_dir():
        from huggingface_hub import snapshot_download

        folder = Path(snapshot_download(source, allow_patterns=["config.json", "model.safetensors"]))
    if not (folder / "config.json").exists() or not (folder / "model.safetensors").exists():
        raise ModelError(f"{folder} lacks config.json or model.safetensors: give a Whisper folder or hub id.")
    config = json.loads((folder / "config.json").read_text())
    if layers > config["encoder_layers"]:
        raise ModelError(f"{folder} has only {config['encoder_layers']} encoder layers, not {layers}.")
    encoder = WhisperEncoder(
        config["d_model"], config["encoder_attention_heads"], config["encoder_ffn_dim"], layers,
        config["num_mel_bins"], config["max_source_positions"],
    )  # fmt: skip
    encoder.load_state_dict(_rename(load_file(folder / "model.safetensors"), layers))
    return encoder


def _rename(weights: dict[str, Tensor], layers: int) -> dict[str, Tensor]:
    """``transformers`` names -> names of :class:`WhisperEncoder`; other layers are dropped."""
    renamed = {}
    for name, value in weights.items():
        name = name.removeprefix("model.").removeprefix("encoder.")
        if name.startswith("layers."):
            _, number, rest = name.split(".", 2)
            part, _, kind = rest.rpartition(".")
            if int(number) < layers:
                renamed[f"blocks.{number}.{_NAMES[part]}.{kind}"] = value.float()
        elif name.startswith(("conv1.", "conv2.")):
            renamed[f"stem{name[4:]}"] = value.float()
        elif name == "embed_positions.weight":
            renamed["positions"] = value.float()
    return renamed
