"""Made-up hidden frames of the phonetic encoder that tell where they come from."""

from __future__ import annotations

import numpy as np
import torch

from elocute.training.batches import BatchOptions, Sample
from elocute.training.hidden import HiddenStore
from elocute.training.targets import FrameTargets
from tiny_whisper import WIDTH

PLAIN = BatchOptions(frames=600, copied=0.0, masked=0.0)


def made_up(lengths: list[int], band: bool = False) -> tuple[HiddenStore, list[Sample]]:
    """A store whose frames tell their recording, their place in it and, last, whether it is a band copy, and
    samples of it whose classes count the 10 ms frames."""
    frames, offsets, samples, written = [], {}, [], 0
    for number, length in enumerate(lengths):
        for copy in range(1 + band):
            own = torch.zeros(length, WIDTH)
            own[:, 0], own[:, 1], own[:, 2] = (
                number + 1,
                torch.arange(length) // 128,
                torch.arange(length) % 128,
            )
            own[:, -1] = copy
            frames.append(own)
            offsets[f"r{number}" + "#band" * copy] = (written, written + length)
            written += length
        targets = FrameTargets(np.arange(2 * length) % 40, np.ones(2 * length, np.float32))
        starts = np.arange(0, 2 * length - 5, 5)
        segments = np.column_stack([starts, starts + 5, starts % 39])
        ratings = (starts % 3).astype(np.float32)
        samples.append(Sample(f"r{number}", length, targets, segments, ratings))
    bits = torch.cat(frames).to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)
    return HiddenStore(bits, offsets), samples
