"""Training the phonetic encoder on frame targets and ratings, and using it on stored hidden frames."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from elocute.acoustics.posteriors import Posteriors
from elocute.training.batches import Batch, BatchOptions, Sample, batches, crops
from elocute.training.encoder import PhoneticEncoder
from elocute.training.hidden import HiddenStore
from elocute.training.targets import FRAME_SHIFT


@dataclass(frozen=True)
class AcousticOptions:
    """``rating_weight``: weight of the acceptance loss beside the frame loss; ``block_rate`` and
    ``head_rate``: learning rates of the fine-tuned blocks and of the new head; ``smoothing``: of labels."""

    epochs: int = 2
    rating_weight: float = 3.0
    block_rate: float = 2e-4
    head_rate: float = 1e-3
    weight_decay: float = 0.01
    smoothing: float = 0.05
    batch: BatchOptions = field(default_factory=BatchOptions)


def frame_loss(logits: Tensor, batch: Batch, smoothing: float) -> Tensor:
    """Cross entropy of the frames, weighted by how far their targets can be trusted."""
    weights = batch.weights.flatten()
    trusted = weights > 0
    losses = F.cross_entropy(
        logits.flatten(0, 1)[trusted],
        batch.classes.flatten()[trusted],
        reduction="none",
        label_smoothing=smoothing,
    )
    return (losses * weights[trusted]).sum() / weights.sum().clamp(min=1.0)


def segment_acceptance(acceptance: Tensor, segments: Tensor) -> Tensor:
    """Mean log-odds of each segment's own phone.

    Args:
        acceptance: (batch, frames, 39).
        segments: (n, 3) first and one-past-last frame of the flattened batch, phone id.

    Returns:
        (n,)
    """
    lengths = segments[:, 1] - segments[:, 0]
    owner = torch.repeat_interleave(torch.arange(len(segments)), lengths)
    within = torch.arange(len(owner)) - torch.repeat_interleave(lengths.cumsum(0) - lengths, lengths)
    values = acceptance.flatten(0, 1)[segments[owner, 0] + within, segments[owner, 2]]
    return torch.zeros(len(segments)).index_add(0, owner, values) / lengths


def rating_loss(acceptance: Tensor, batch: Batch) -> Tensor:
    """Mean squared error between the raters' score (0-2) and twice the probability of acceptance."""
    if not len(batch.segments):
        return torch.zeros(())
    return ((2.0 * torch.sigmoid(segment_acceptance(acceptance, batch.segments)) - batch.ratings) ** 2).mean()


def train_encoder(
    network: PhoneticEncoder,
    store: HiddenStore,
    samples: Sequence[Sample],
    options: AcousticOptions,
    seed: int,
) -> PhoneticEncoder:
    """AdamW, one-cycle learning rates, bfloat16 arithmetic; changes and returns ``network``."""
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network.train()
    rates = [options.block_rate, options.head_rate]
    groups = [{"params": part.parameters()} for part in (network.blocks, network.head)]
    optimizer = torch.optim.AdamW(groups, weight_decay=options.weight_decay)
    # Crops are drawn anew each epoch, so the number of steps is known only nearly.
    steps = int(len(crops(samples, options.batch, random)) * 1.02 + 2) * options.epochs
    steps = max(steps, 11)  # OneCycleLR divides by zero where the warm-up is a single step
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=0.1)
    for epoch in range(options.epochs):
        begin, losses = time.monotonic(), []
        for batch in batches(store, samples, options.batch, random):
            with torch.autocast("cpu", torch.bfloat16):
                logits, acceptance = network(batch.hidden, batch.mask)
            frame = frame_loss(logits.float(), batch, options.smoothing)
            rating = rating_loss(acceptance.float(), batch)
            optimizer.zero_grad()
            (frame + options.rating_weight * rating).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            if schedule.last_epoch < steps - 1:
                schedule.step()
            losses.append((float(frame.detach()), float(rating.detach())))
        means = np.mean(losses, axis=0)
        seconds = time.monotonic() - begin
        print(
            f"epoch {epoch + 1} of {options.epochs}: frame loss {means[0]:.3f}, rating loss {means[1]:.4f}, "
            f"{seconds:.0f} s",
            file=sys.stderr, flush=True,
        )  # fmt: skip
    return network


def stored_posteriors(network: PhoneticEncoder, store: HiddenStore, key: str, duration: float) -> Posteriors:
    """What the network says about a recording of the store, as the exported model would."""
    network.eval()
    hidden = store.read(key)[None].float()
    with torch.inference_mode():
        logits, acceptance = network(hidden, None)
    frames = int(duration / FRAME_SHIFT + 1e-6)
    log_probs = logits.log_softmax(-1)[0, :frames].numpy()
    return Posteriors(log_probs, acceptance[0, :frames].numpy(), FRAME_SHIFT, duration)
