"""Training the assessment network and predicting with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from elocute.training.examples import Batch, Example, make_batch
from elocute.training.hierarchy import Hierarchy, HierarchyOptions


@dataclass(frozen=True)
class ScorerOptions:
    """``weights``: of the phone, word and utterance losses; ``ccc``: of the correlation loss (1 - CCC)."""

    epochs: int = 20
    batch: int = 25
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ccc: float = 0.0
    ema: float = 0.99


@dataclass(frozen=True)
class Predictions:
    """Scores of one utterance on the common 0-2 scale: (phones,), (phones, 3) and (4,)."""

    phones: NDArray[np.float32]
    words: NDArray[np.float32]
    scores: NDArray[np.float32]


def new_network(examples: Sequence[Example], options: HierarchyOptions, seed: int) -> Hierarchy:
    """A network whose input normalisation is fitted to ``examples``."""
    torch.manual_seed(seed)
    values = np.concatenate([e.features.values for e in examples])
    utterance = np.stack([e.utterance for e in examples])
    network = Hierarchy(values.shape[1], utterance.shape[1], options)
    network.center.copy_(torch.from_numpy(values.mean(0)))
    network.scale.copy_(torch.from_numpy(values.std(0) + 1e-4))
    network.utterance_center.copy_(torch.from_numpy(np.nanmean(utterance, 0)))
    network.utterance_scale.copy_(torch.from_numpy(np.nanstd(utterance, 0) + 1e-4))
    return network


def concordance(prediction: Tensor, reference: Tensor) -> Tensor:
    """Lin's concordance correlation coefficient (1989) of two vectors."""
    mean_p, mean_r = prediction.mean(), reference.mean()
    covariance = ((prediction - mean_p) * (reference - mean_r)).mean()
    spread = prediction.var(unbiased=False) + reference.var(unbiased=False) + (mean_p - mean_r) ** 2
    return 2.0 * covariance / (spread + 1e-6)


def batch_loss(network: torch.nn.Module, batch: Batch, options: ScorerOptions) -> Tensor:
    """Mean squared error per level (plus 1 - CCC per aspect), summed with the levels' weights.

    Unknown labels (NaN) do not count.
    """
    phones, words, scores = network(batch.inputs)
    mask, first = batch.inputs.mask, batch.first
    levels = (
        (phones[mask][:, None], batch.phones[mask][:, None]),
        (words[first], batch.words[first]),
        (scores, batch.scores),
    )
    total = torch.zeros(())
    for weight, (prediction, reference) in zip(options.weights, levels, strict=True):
        known = ~reference.isnan()
        loss = ((prediction[known] - reference[known]) ** 2).sum() / known.sum().clamp(min=1)
        if options.ccc:
            columns = zip(prediction.T, reference.T, known.T, strict=True)
            parts = [1.0 - concordance(p[k], r[k]) for p, r, k in columns if k.sum() > 1]
            loss = loss + options.ccc * torch.stack(parts).mean() if parts else loss
        total = total + weight * loss
    return total


def train_scorer(
    network: Hierarchy, examples: Sequence[Example], options: ScorerOptions, seed: int
) -> Hierarchy:
    """AdamW, one cycle, exponential moving average of the weights; returns the averaged network."""
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    steps = -(-len(examples) // options.batch) * options.epochs
    steps = max(steps, 6)  # OneCycleLR divides by zero where the warm-up is a single step
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, total_steps=steps, pct_start=0.2
    )
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(options.ema), use_buffers=True)
    for _ in range(options.epochs):
        network.train()
        order = random.permutation(len(examples))
        for at in range(0, len(order), options.batch):
            batch = make_batch([examples[i] for i in order[at : at + options.batch]])
            loss = batch_loss(network, batch, options)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(network)
    averaged: Hierarchy = average.module  # type: ignore[assignment]
    return averaged.eval()


def predict(networks: Sequence[Hierarchy], examples: Sequence[Example], batch: int = 64) -> list[Predictions]:
    """Mean prediction of the networks, in the order of ``examples``."""
    found = []
    for at in range(0, len(examples), batch):
        part = make_batch(examples[at : at + batch])
        with torch.inference_mode():
            outputs = [network.eval()(part.inputs) for network in networks]
        phones, words, scores = (torch.stack(level).mean(0).numpy() for level in zip(*outputs, strict=True))
        for row, example in enumerate(examples[at : at + batch]):
            count = len(example.phones)
            found.append(Predictions(phones[row, :count], words[row, :count], scores[row]))
    return found
