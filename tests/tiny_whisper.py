"""A Whisper folder of random weights, small enough for tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH, HEADS, INNER, LAYERS, MELS, POSITIONS = 16, 2, 32, 3, 80, 1500


def whisper_weights(seed: int = 0) -> dict[str, NDArray[np.float16]]:
    """Encoder and decoder weights under the names of ``transformers.WhisperModel``, half precision."""
    shapes: dict[str, tuple[int, ...]] = {
        "encoder.conv1.weight": (WIDTH, MELS, 3),
        "encoder.conv1.bias": (WIDTH,),
        "encoder.conv2.weight": (WIDTH, WIDTH, 3),
        "encoder.conv2.bias": (WIDTH,),
        "encoder.embed_positions.weight": (POSITIONS, WIDTH),
        "encoder.layer_norm.weight": (WIDTH,),
        "encoder.layer_norm.bias": (WIDTH,),
        "decoder.embed_tokens.weight": (7, WIDTH),
        "decoder.embed_positions.weight": (448, WIDTH),
    }
    for number in range(LAYERS):
        shapes |= {f"encoder.layers.{number}.{name}": shape for name, shape in _block().items()}
        shapes |= {f"decoder.layers.{number}.{name}": shape for name, shape in _block().items()}
    random = np.random.default_rng(seed)
    return {name: random.normal(0.0, 0.2, shape).astype(np.float16) for name, shape in shapes.items()}


def _block() -> dict[str, tuple[int, ...]]:
    square, line = (WIDTH, WIDTH), (WIDTH,)
    shapes = {f"self_attn.{part}_proj.weight": square for part in ("q", "k", "v", "out")}
    shapes |= {f"self_attn.{part}_proj.bias": line for part in ("q", "v", "out")}
    norms = ("self_attn_layer_norm", "final_layer_norm")
    shapes |= {f"{norm}.{kind}": line for norm in norms for kind in ("weight", "bias")}
    return shapes | {
        "fc1.weight": (INNER, WIDTH), "fc1.bias": (INNER,), "fc2.weight": (WIDTH, INNER), "fc2.bias": line,
    }  # fmt: skip


def write_whisper(folder: Path, prefix: str = "", seed: int = 0) -> Path:
    """``config.json`` and ``model.safetensors``; a model with a head on top has ``prefix`` ``"model."``."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "d_model": WIDTH,
        "encoder_attention_heads": HEADS,
        "encoder_ffn_dim": INNER,
        "encoder_layers": LAYERS,
        "num_mel_bins": MELS,
        "max_source_positions": POSITIONS,
    }
    (folder / "config.json").write_text(json.dumps(config))
    weights = {prefix + name: value for name, value in whisper_weights(seed).items()}
    save_file(weights, folder / "model.safetensors")
    return folder
