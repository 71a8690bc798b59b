"""The training loop of a stack of networks: batches, optimiser, averages of weights, checkpoints.

All randomness of an epoch follows from the members' seeds and the epoch's number, so a training that was
interrupted and goes on from its checkpoint ends with the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from elocute.training.layers import redraw_dropout

Log = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Optimisation:
    """AdamW with linear warm-up over the share ``warmup`` of the steps, then cosine decay.

    ``ema``: decay of the exponential moving average of the weights, 0 for none; ``swa``: plain average over
    the last share of the epochs instead, 0 for none.
    """

    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    warmup: float = 0.2
    ema: float = 0.0
    swa: float = 0.0


@dataclass(frozen=True)
class Plan:
    """What the members train on: ``lengths`` (rows,) in phones of all utterances, the ``rows`` and the
    ``seed`` of each member."""

    lengths: NDArray[np.int64]
    rows: Sequence[NDArray[np.int64]]
    seeds: Sequence[int]

    def steps(self, batch: int) -> int:
        return -(-max(len(rows) for rows in self.rows) // batch)

    def epoch(self, number: int, batch: int) -> Tensor:
        """(steps, members, batch) rows of one epoch, -1 where a member has none left.

        Batches hold utterances of similar length, and the members' batches of one step too: there is little
        padding.
        """
        steps = self.steps(batch)
        found = np.full((steps, len(self.rows), batch), -1)
        order = np.random.default_rng(number).permutation(steps)
        for member, (rows, seed) in enumerate(zip(self.rows, self.seeds, strict=True)):
            random = np.random.default_rng((seed, number))
            lengths = self.lengths[rows] * random.uniform(0.85, 1.15, len(rows))
            parts = np.array_split(rows[np.argsort(lengths, kind="stable")], steps)
            for step, part in zip(order, parts, strict=True):
                found[step, member, : len(part)] = part
        return torch.from_numpy(found)


def learning_rate(options: Optimisation, step: int, steps: int) -> float:
    warm = max(int(options.warmup * steps), 1)
    if step < warm:
        return options.learning_rate * (step + 1) / warm
    return options.learning_rate * 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(steps - warm, 1)))


def clip_members(gradients: Sequence[Tensor], most: float) -> None:
    """Scale each member's gradient to a norm of at most ``most``."""
    members = gradients[0].shape[0]
    squares = torch.stack([gradient.reshape(members, -1).square().sum(1) for gradient in gradients]).sum(0)
    scale = (most / (squares.sqrt() + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))


class Training:
    """A network in training, with everything that a checkpoint must hold."""

    def __init__(self, network: nn.Module, options: Optimisation, steps_per_epoch: int) -> None:
        self.network, self.options = network, options
        self.parameters: list[Tensor] = [p for p in network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.parameters, options.learning_rate, weight_decay=options.weight_decay, fused=True
        )
        self.average = [p.detach().clone() for p in self.parameters]
        self.averaged = 0
        self.done = 0
        self.steps_per_epoch = steps_per_epoch

    def step(self, loss: Tensor, number: int) -> None:
        """One update by the sum of the members' losses; step ``number`` of the whole training."""
        self.optimizer.zero_grad()
        loss.sum().backward()
        clip_members([p.grad for p in self.parameters if p.grad is not None], 1.0)
        steps = self.steps_per_epoch * self.options.epochs
        self.optimizer.param_groups[0]["lr"] = learning_rate(self.options, number, steps)
        self.optimizer.step()
        if self.options.ema:
            self._approach(1.0 - min(self.options.ema, (1.0 + number) / (10.0 + number)))
        elif self.options.swa and number >= (1.0 - self.options.swa) * steps:
            self.averaged += 1
            self._approach(1.0 / self.averaged)

    def _approach(self, share: float) -> None:
        with torch.no_grad():
            torch._foreach_lerp_(self.average, self.parameters, share)

    def finish(self) -> None:
        """Give the network its averaged weights, if weights were averaged."""
        if self.options.ema or self.averaged:
            with torch.no_grad():
                torch._foreach_copy_(self.parameters, self.average)

    def save(self, path: Path) -> None:
        """Everything in one safetensors file, whole or not at all."""
        from safetensors.torch import save_file

        tensors = {f"network/{name}": value for name, value in self.network.state_dict().items()}
        tensors["counts"] = torch.tensor([self.done, self.averaged])
        for number, (parameter, average) in enumerate(zip(self.parameters, self.average, strict=True)):
            tensors[f"average/{number}"] = average
            for name, value in self.optimizer.state[parameter].items():
                tensors[f"optimizer/{number}/{name}"] = torch.as_tensor(value)
        partial = path.with_suffix(".partial")
        save_file({name: value.detach().clone().contiguous() for name, value in tensors.items()}, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        from safetensors.torch import load_file

        tensors = load_file(path)
        own = {name[8:]: value for name, value in tensors.items() if name.startswith("network/")}
        self.network.load_state_dict(own)
        self.done, self.averaged = tensors["counts"].tolist()
        for number, parameter in enumerate(self.parameters):
            self.average[number].copy_(tensors[f"average/{number}"])
            prefix = f"optimizer/{number}/"
            state = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
            self.optimizer.state[parameter] = state


StepLoss = Callable[[Tensor, int], Tensor]
"""Rows (members, batch) and epoch -> loss of each member."""


def run_training(
    network: nn.Module,
    plan: Plan,
    options: Optimisation,
    loss: StepLoss,
    log: Log,
    checkpoint: Path | None = None,
    end_epoch: Callable[[int], dict[str, Any]] | None = None,
    every: int = 4,
) -> None:
    """Train, from the checkpoint if there is one; it is written every few epochs and removed at the end."""
    training = Training(network, options, plan.steps(options.batch))
    if checkpoint is not None and checkpoint.exists():
        training.load(checkpoint)
    for epoch in range(training.done, options.epochs):
        torch.manual_seed(hash((*plan.seeds, epoch)) % (1 << 62))
        redraw_dropout()
        network.train()
        losses = torch.zeros(len(plan.rows))
        for step, rows in enumerate(plan.epoch(epoch, options.batch)):
            found = loss(rows, epoch)
            training.step(found, epoch * training.steps_per_epoch + step)
            losses += found.detach() / training.steps_per_epoch
        more = end_epoch(epoch) if end_epoch else {}
        log({"epoch": epoch + 1, "loss": [round(x, 5) for x in losses.tolist()], **more})
        training.done = epoch + 1
        if checkpoint is not None and training.done % every == 0 and training.done < options.epochs:
            training.save(checkpoint)
    training.finish()
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
