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
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from elocute.acoustics.posteriors import SILENCE_ID, Posteriors
from elocute.training.batches import Batch, BatchOptions, Sample, batches, crops
from elocute.training.encoder import SUBFRAMES, PhoneticEncoder
from elocute.training.hidden import HiddenStore
from elocute.training.targets import FRAME_SHIFT


@dataclass(frozen=True)
class AcousticOptions:
    """``rating_weight``, ``ctc_weight``: weights of the acceptance and CTC losses beside the frame loss;
    ``heard_weight``: trust in what an earlier model heard where raters heard an error; ``block_rate`` and
    ``head_rate``: learning rates of the fine-tuned blocks and of the new head; ``smoothing``: of labels;
    ``ema``: decay of the moving average of the weights that is kept, 0 for none."""

    epochs: int = 2
    rating_weight: float = 3.0
    ctc_weight: float = 0.0
    heard_weight: float = 0.0
    block_rate: float = 2e-4
    head_rate: float = 1e-3
    weight_decay: float = 0.01
    smoothing: float = 0.05
    ema: float = 0.0
    batch: BatchOptions = field(default_factory=BatchOptions)


def frame_loss(logits: Tensor, batch: Batch, smoothing: float, heard_weight: float = 0.0) -> Tensor:
    """Cross entropy of the frames, weighted by how far their targets can be trusted.

    With ``heard_weight`` the rest of the trust goes, so weighted, to what an earlier model heard.
    """
    weights = batch.weights.flatten()
    trusted = weights > 0
    losses = F.cross_entropy(
        logits.flatten(0, 1)[trusted],
        batch.classes.flatten()[trusted],
        reduction="none",
        label_smoothing=smoothing,
    )
    total, count = (losses * weights[trusted]).sum(), weights.sum()
    if heard_weight and batch.heard is not None:
        heard = batch.heard.flatten(0, 1)
        rest = heard_weight * (1.0 - weights) * heard.sum(-1)  # zero where nothing is known of the frame
        some = rest > 0
        soft = -(heard[some] * logits.flatten(0, 1)[some].log_softmax(-1)).sum(-1)
        total, count = total + (soft * rest[some]).sum(), count + rest.sum()
    return total / count.clamp(min=1.0)


def ctc_loss(logits: Tensor, batch: Batch) -> Tensor:
    """CTC loss per phone of the recordings' phones, those raters accepted most counting most.

    Args:
        logits: (batch, frames, 40), silence being the blank.
    """
    frames = batch.mask.sum(1)
    rows = batch.segments[:, 0] // (SUBFRAMES * batch.mask.shape[1])
    counts = torch.bincount(rows, minlength=len(frames))
    usable = (counts > 0) & (counts * 2 <= frames)
    if not usable.any():
        return torch.zeros(())
    phones = batch.segments[:, 2].contiguous()  # of a strided view torch 2.13 reads the wrong targets
    losses = F.ctc_loss(
        logits.log_softmax(-1).transpose(0, 1), phones, frames, counts, blank=SILENCE_ID,
        reduction="none", zero_infinity=True,
    )  # fmt: skip
    trust = (torch.nan_to_num(batch.ratings, nan=2.0) - 1.0).clamp(0.0, 1.0)
    trust = torch.zeros(len(frames)).index_add(0, rows, trust) / counts.clamp(min=1)
    return (losses * trust)[usable].sum() / counts[usable].sum()


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
    known = ~batch.ratings.isnan()
    if not known.any():
        return torch.zeros(())
    estimate = 2.0 * torch.sigmoid(segment_acceptance(acceptance, batch.segments[known]))
    return ((estimate - batch.ratings[known]) ** 2).mean()


def train_encoder(
    network: PhoneticEncoder,
    store: HiddenStore,
    samples: Sequence[Sample],
    options: AcousticOptions,
    seed: int,
) -> PhoneticEncoder:
    """AdamW, one-cycle learning rates, bfloat16 arithmetic; returns ``network``, changed, or its average."""
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
    average = None
    if options.ema:
        average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(options.ema))
    for epoch in range(options.epochs):
        begin, losses = time.monotonic(), []
        for batch in batches(store, samples, options.batch, random):
            with torch.autocast("cpu", torch.bfloat16):
                outputs = network(batch.hidden, batch.mask)
            frame = frame_loss(outputs.phones.float(), batch, options.smoothing, options.heard_weight)
            rating = rating_loss(outputs.acceptance.float(), batch)
            loss = frame + options.rating_weight * rating
            if options.ctc_weight:
                loss = loss + options.ctc_weight * ctc_loss(outputs.ctc.float(), batch)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            if schedule.last_epoch < steps - 1:
                schedule.step()
            if average is not None:
                average.update_parameters(network)
            losses.append((float(frame.detach()), float(rating.detach())))
        means = np.mean(losses, axis=0)
        seconds = time.monotonic() - begin
        print(
            f"epoch {epoch + 1} of {options.epochs}: frame loss {means[0]:.3f}, rating loss {means[1]:.4f}, "
            f"{seconds:.0f} s",
            file=sys.stderr, flush=True,
        )  # fmt: skip
    return network if average is None else average.module  # type: ignore[return-value]


def stored_posteriors(network: PhoneticEncoder, store: HiddenStore, key: str, duration: float) -> Posteriors:
    """What the network says about a recording of the store, as the exported model would."""
    network.eval()
    hidden = store.read(key)[None].float()
    with torch.inference_mode():
        logits, acceptance, ctc = network(hidden, None)
    frames = int(duration / FRAME_SHIFT + 1e-6)
    log_probs = logits.float().log_softmax(-1)[0, :frames].numpy()
    free = None if ctc is None else ctc[0].float().log_softmax(-1).numpy()
    return Posteriors(log_probs, acceptance[0, :frames].float().numpy(), FRAME_SHIFT, duration, free)
