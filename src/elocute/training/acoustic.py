"""Training the phone head on frame targets, and using it on stored hidden frames."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from elocute.training.head import SUBFRAMES, PhoneHead
from elocute.training.hidden import HiddenStore
from elocute.training.targets import FrameTargets


@dataclass(frozen=True)
class HeadOptions:
    """``window``: encoder frames of a training window; ``smoothing``: label smoothing; ``band``: share of windows
    taken from the band-limited copy of a recording where the store has one."""

    epochs: int = 3
    batch: int = 48
    window: int = 128
    learning_rate: float = 1e-3
    smoothing: float = 0.05
    band: float = 0.25
    seed: int = 0


def _windows(
    store: HiddenStore, keys: Sequence[str], window: int, band: float, random: np.random.Generator
) -> list[tuple[str, str, int]]:
    """(key in the store, key of the targets, first frame) of every window, shuffled; windows start anywhere."""
    found = []
    for key in keys:
        start, end = store.offsets[key]
        stored = f"{key}#band" if random.random() < band and f"{key}#band" in store else key
        first = -int(random.integers(0, window)) if end - start > window else 0
        found += [(stored, key, max(at, 0)) for at in range(first, end - start, window)]
    random.shuffle(found)
    return found


def _batch(
    store: HiddenStore, targets: Mapping[str, FrameTargets], windows: Sequence[tuple[str, str, int]], size: int
) -> tuple[Tensor, Tensor, Tensor]:
    hidden = torch.zeros(len(windows), size, store.frames.shape[1], dtype=torch.bfloat16)
    classes = torch.zeros(len(windows), size * SUBFRAMES, dtype=torch.long)
    weights = torch.zeros(len(windows), size * SUBFRAMES)
    for row, (stored, key, first) in enumerate(windows):
        start, end = store.offsets[stored]
        stop = min(start + first + size, end)
        bits = np.array(store.frames[start + first : stop]).view(np.int16)
        hidden[row, : len(bits)] = torch.from_numpy(bits).view(torch.bfloat16)
        inside = slice(first * SUBFRAMES, (first + len(bits)) * SUBFRAMES)
        target = targets[key].classes[inside]
        classes[row, : len(target)] = torch.from_numpy(target)
        weights[row, : len(target)] = torch.from_numpy(targets[key].weights[inside])
    return hidden, classes, weights


def _batches(
    store: HiddenStore, targets: Mapping[str, FrameTargets], options: HeadOptions, random: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    windows = _windows(store, list(targets), options.window, options.band, random)
    for at in range(0, len(windows), options.batch):
        yield _batch(store, targets, windows[at : at + options.batch], options.window)


def train_head(
    head: PhoneHead, store: HiddenStore, targets: Mapping[str, FrameTargets], options: HeadOptions
) -> PhoneHead:
    """Weighted cross entropy, AdamW, one-cycle learning rate, bfloat16 arithmetic; changes and returns ``head``."""
    random = np.random.default_rng(options.seed)
    torch.manual_seed(options.seed)
    head.train()
    per_epoch = sum(1 for _ in range(0, len(_windows(store, list(targets), options.window, 0.0, random)), options.batch))
    optimizer = torch.optim.AdamW(head.parameters(), lr=options.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, total_steps=(per_epoch + 60) * options.epochs, pct_start=0.15
    )
    for epoch in range(options.epochs):
        begin, total, count, right = time.monotonic(), 0.0, 0.0, 0.0
        for hidden, classes, weights in _batches(store, targets, options, random):
            with torch.autocast("cpu", torch.bfloat16):
                logits = head(hidden)
            logits = logits.float().flatten(0, 1)
            losses = F.cross_entropy(
                logits, classes.flatten(), reduction="none", label_smoothing=options.smoothing
            )
            flat = weights.flatten()
            loss = (losses * flat).sum() / flat.sum().clamp(min=1.0)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            total += float((losses * flat).sum().detach())
            count += float(flat.sum())
            right += float(((logits.detach().argmax(-1) == classes.flatten()) * flat).sum())
        seconds = time.monotonic() - begin
        print(
            f"epoch {epoch + 1}: loss {total / count:.3f}, frame accuracy {right / count:.3f}, {seconds:.0f} s",
            file=sys.stderr,
            flush=True,
        )
    return head


def head_posteriors(head: PhoneHead, hidden: Tensor) -> NDArray[np.float32]:
    """Log posteriors (2 * frames, 40) from the hidden frames (frames, width) of one recording."""
    head.eval()
    with torch.inference_mode():
        found: NDArray[np.float32] = head(hidden[None].float()).log_softmax(-1)[0].numpy()
    return found
