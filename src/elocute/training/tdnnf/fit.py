"""Training the TDNN-F on frame targets, ratings and its teacher's posteriors, and using it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from elocute.acoustics.filterbank import normalise
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID, Posteriors
from elocute.training.acoustic import segment_acceptance
from elocute.training.targets import FRAME_SHIFT
from elocute.training.tdnnf.data import Batch, BatchOptions, Sample, batches
from elocute.training.tdnnf.network import Tdnnf, constrain, pad
from elocute.training.tdnnf.store import FrameStore

CONSTRAIN_EVERY = 4
"""Steps between two moves towards semi-orthogonal factors, as in Kaldi."""


@dataclass(frozen=True)
class FitOptions:
    """``distillation``: share of the frame loss that follows the teacher's posteriors instead of the aligned
    phones; ``rating_weight``: of the raters' scores; ``acceptance_weight``: of the teacher's acceptance of
    the aligned phones; ``smoothing``: of the aligned phones."""

    epochs: int = 8
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    distillation: float = 0.7
    rating_weight: float = 3.0
    acceptance_weight: float = 0.5
    smoothing: float = 0.05
    batch: BatchOptions = field(default_factory=BatchOptions)


def frame_loss(logits: Tensor, batch: Batch, options: FitOptions) -> Tensor:
    """Cross entropy with the aligned phones, as far as raters accepted them, and with the teacher."""
    flat = logits.flatten(0, 1)
    weights, taught = batch.weights.flatten(), batch.taught.flatten()
    share = options.distillation * taught.float()
    sure = weights > 0
    hard = F.cross_entropy(
        flat[sure], batch.classes.flatten()[sure], reduction="none", label_smoothing=options.smoothing
    )
    total = (hard * weights[sure] * (1.0 - share[sure])).sum()
    count = (weights * (1.0 - share)).sum() + share.sum()
    if taught.any() and options.distillation:
        target = batch.teacher[..., : len(CLASSES)].flatten(0, 1)[taught].softmax(-1)
        soft = -(target * flat[taught].log_softmax(-1)).sum(-1)
        total = total + options.distillation * soft.sum()
    return total / count.clamp(min=1.0)


def rating_loss(acceptance: Tensor, batch: Batch) -> Tensor:
    """Mean squared error between the raters' score (0-2) and twice the probability of acceptance."""
    if not len(batch.segments):
        return torch.zeros(())
    estimate = 2.0 * torch.sigmoid(segment_acceptance(acceptance, batch.segments))
    return ((estimate - batch.ratings) ** 2).mean()


def acceptance_loss(acceptance: Tensor, batch: Batch) -> Tensor:
    """Cross entropy with the teacher's probability that raters accept each frame as its aligned phone."""
    spoken = batch.taught & (batch.classes != SILENCE_ID)
    if not spoken.any():
        return torch.zeros(())
    phone = batch.classes[spoken][:, None]
    own = acceptance[spoken].gather(1, phone)[:, 0]
    said = batch.teacher[..., len(CLASSES) :][spoken].gather(1, phone)[:, 0]
    return F.binary_cross_entropy_with_logits(own, torch.sigmoid(said))


def train_tdnnf(
    network: Tdnnf,
    store: FrameStore,
    samples: Sequence[Sample],
    teacher: FrameStore | None,
    options: FitOptions,
    seed: int,
) -> Tdnnf:
    """AdamW, one-cycle learning rate, bfloat16 arithmetic, the constraint on every fourth step; changes and
    returns ``network``."""
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    frames = sum(len(sample.targets.classes) for sample in samples)
    # Speed, padding and pieces make the number of steps known only nearly.
    steps = max(int(frames / options.batch.frames * 1.08 + 2) * options.epochs, 11)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, total_steps=steps, pct_start=0.1
    )
    done = 0
    for epoch in range(options.epochs):
        network.train()
        begin, losses = time.monotonic(), []
        for batch in batches(store, samples, teacher, network.options, options.batch, random):
            losses.append(_step(network, batch, options, optimizer))
            if schedule.last_epoch < steps - 1:
                schedule.step()
            done += 1
            if done % CONSTRAIN_EVERY == 0:
                constrain(network)
        means = " / ".join(f"{value:.3f}" for value in np.mean(losses, axis=0))
        print(
            f"epoch {epoch + 1} of {options.epochs}: frame / rating / acceptance loss {means}, "
            f"{len(losses)} steps, {time.monotonic() - begin:.0f} s",
            file=sys.stderr, flush=True,
        )  # fmt: skip
    constrain(network)
    return network.eval()


def _step(
    network: Tdnnf, batch: Batch, options: FitOptions, optimizer: torch.optim.Optimizer
) -> tuple[float, float, float]:
    with torch.autocast("cpu", torch.bfloat16):
        logits, acceptance = network(batch.bank)
    logits, acceptance = logits.float(), acceptance.float()
    frame, rating = frame_loss(logits, batch, options), rating_loss(acceptance, batch)
    followed = acceptance_loss(acceptance, batch)
    loss = frame + options.rating_weight * rating + options.acceptance_weight * followed
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
    optimizer.step()
    return float(frame.detach()), float(rating.detach()), float(followed.detach())


def bank_posteriors(network: Tdnnf, bank: NDArray[np.float32], duration: float) -> Posteriors:
    """What the network says about a recording's energies (frames, 80), as the exported model would."""
    padded = pad(normalise(bank), network.options)
    with torch.inference_mode():
        logits, acceptance = network.eval()(torch.from_numpy(padded)[None])
    frames = len(bank)
    log_probs = logits[0, :frames].log_softmax(-1).numpy()
    return Posteriors(log_probs, acceptance[0, :frames].numpy(), FRAME_SHIFT, duration)
