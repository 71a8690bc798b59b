"""Do acoustic models hear recordings faster in batches than one by one, on one core?

    python benchmarks/batching.py [--repeats N]

Networks of the shipped sizes with random weights, as their time does not depend on them, exported with a free
batch axis and with the shipped kind of arithmetic; recordings of a batch are equally long, so nothing is lost
to padding. Printed: milliseconds per recording, and their ratio to those of a batch of one.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from speed import median_seconds
from torch import nn

from elocute.training.config import TdnnfConfig, read_config
from elocute.training.encoder import PhoneticEncoder
from elocute.training.export import OPSET, WholeEncoder, halve, quantize
from elocute.training.tdnnf.export import Folded
from elocute.training.tdnnf.network import Tdnnf
from elocute.training.whisper import Block, WhisperEncoder

WIDTH, HEADS, INNER = 512, 8, 2048
"""Of Whisper base."""

FROZEN, TUNED = 3, 2
SIZES = (1, 2, 4, 8, 16)
SECONDS = (2, 4, 8)
CONFIG = Path(__file__).parents[1] / "configs" / "tdnnf.toml"


def encoder() -> nn.Module:
    blocks = [Block(WIDTH, HEADS, INNER) for _ in range(TUNED)]
    lower = WhisperEncoder(WIDTH, HEADS, INNER, FROZEN, mels=80, positions=1500)
    return WholeEncoder(lower, PhoneticEncoder(blocks, WIDTH, ctc=True)).eval()


def session(
    network: nn.Module, example: torch.Tensor, axis: int, integers: bool
) -> onnxruntime.InferenceSession:
    """One thread; the batch and ``axis`` of the only input, ``x``, are free."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            network, (example,), str(path), input_names=["x"],
            dynamic_axes={"x": {0: "batch", axis: "frames"}}, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
        if integers:
            quantize(path)
        halve(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


def per_recording(model: onnxruntime.InferenceSession, shape: tuple[int, ...], repeats: int) -> list[float]:
    """Seconds per recording in batches of :data:`SIZES` recordings of the given shape."""
    batch = np.random.default_rng(0).standard_normal((max(SIZES), *shape)).astype(np.float32)
    return [median_seconds(lambda n=n: model.run(None, {"x": batch[:n]}), repeats) / n for n in SIZES]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    small = Folded(Tdnnf(read_config(TdnnfConfig, CONFIG, "acoustic").network).eval())
    models = {
        "encoder": (session(encoder(), torch.zeros(2, 80, 200), 2, integers=True), lambda n: (80, n)),
        "tdnnf": (session(small, torch.zeros(2, 300, 80), 1, integers=False), lambda n: (n, 80)),
    }
    print(f"{'':18}" + "".join(f"{f'batch {size}':>16}" for size in SIZES))
    for name, (model, shape) in models.items():
        for seconds in SECONDS:
            times = per_recording(model, shape(100 * seconds), repeats)
            cells = "".join(f"{1000 * t:8.1f} ms {t / times[0]:4.2f}" for t in times)
            print(f"{name:10} {seconds:3} s   {cells}")


if __name__ == "__main__":
    main()
