"""What a frozen phone encoder holds: linear probes of its states, with and without pretraining.

A probe reads the state of a phone and tells the phone, its manner, its duration or its mean F0. It is fitted
on the speakers that a network may see and tried on those it has not seen. At hidden positions (all views of
the phone hidden, 15 % of the positions) only the context can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elocute.phones import MANNERS, PHONES
from elocute.training.hierarchy import Hierarchy
from elocute.training.pretrain import MtpOptions, draw_masking
from elocute.training.table import Member, Table

Floats = NDArray[np.float64]
TARGETS = ("phone", "manner", "duration", "f0")
RIDGE = 1.0


def probe(network: Hierarchy, table: Table, members: Sequence[Member], hidden: bool) -> dict[str, float]:
    """Accuracy for phone and manner, R squared for log duration and F0; mean of the members."""
    states, picked = _states(network, table, hidden)
    columns = table.sizes.columns
    values = table.batch.inputs.values
    found: dict[str, list[float]] = {name: [] for name in TARGETS}
    for number, member in enumerate(members):
        seen = torch.zeros(len(table.examples), dtype=torch.bool)
        seen[torch.from_numpy(table.seen(member.fold))] = True
        held = torch.from_numpy(table.folds == member.fold)
        parts = [picked & rows[:, None] for rows in (seen, held)]
        x = [states[number][part].double().numpy() for part in parts]
        inputs = table.batch.inputs
        for name, ids, count in (
            ("phone", inputs.phone, len(PHONES)),
            ("manner", inputs.manner, len(MANNERS)),
        ):
            known, wanted = (ids[part].numpy() for part in parts)
            said = _linear(x[0], np.eye(count)[known], x[1]).argmax(1)
            found[name].append(float((said == wanted).mean()))
        for name, column in (("duration", "duration"), ("f0", "f0_mean")):
            numbers = values[..., columns.index(column)].double()
            numbers = numbers.clamp(min=0.01).log() if name == "duration" else numbers
            known_value, wanted_value = (numbers[part].numpy() for part in parts)
            said = _linear(x[0], known_value[:, None], x[1])[:, 0]
            error = ((said - wanted_value) ** 2).mean() / wanted_value.var()
            found[name].append(1.0 - float(error))
    return {name: round(float(np.mean(each)), 4) for name, each in found.items()}


def _linear(x: Floats, y: Floats, new: Floats) -> Floats:
    """Ridge regression on standardised states, applied to ``new``."""
    center, scale = x.mean(0), x.std(0) + 1e-6
    own = np.column_stack([(x - center) / scale, np.ones(len(x))])
    weights = np.linalg.solve(own.T @ own + RIDGE * np.eye(own.shape[1]), own.T @ y)
    return np.asarray(np.column_stack([(new - center) / scale, np.ones(len(new))]) @ weights)


def _states(network: Hierarchy, table: Table, hidden: bool, batch: int = 100) -> tuple[Tensor, Tensor]:
    """(members, rows, phones, width) states of scored rows, and (rows, phones) which of them are probed."""
    torch.manual_seed(0)
    network.eval()
    inputs = table.batch.inputs
    scored = torch.from_numpy(table.folds >= 0)
    picked = inputs.mask & scored[:, None]
    options = replace(MtpOptions(), hidden=1.0)
    states = torch.zeros(network.members, *inputs.mask.shape, network.options.width)
    chosen = torch.zeros_like(picked)
    for at in range(0, len(table.examples), batch):
        rows = torch.arange(at, min(at + batch, len(table.examples)))
        part = table.batch.take(rows[None]).inputs
        masking = draw_masking(part.mask, options, plain=not hidden)
        length = part.mask.shape[2]
        with torch.inference_mode():
            states[:, rows, :length] = network.encoder(part, masking.visible if hidden else None)
        chosen[rows, :length] = masking.selected[0, ..., 0]
    return states, picked & chosen
