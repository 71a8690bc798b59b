"""Training a stack of assessment networks and predicting with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elocute.phones import PHONES
from elocute.training.examples import Batch, Example, TextInput, make_batch
from elocute.training.hierarchy import Hierarchy, HierarchyOptions, Outputs, Sizes, stack
from elocute.training.loop import Log, Optimisation, Plan, run_training
from elocute.training.losses import (
    concordance,
    correlation,
    label_bins,
    label_weights,
    ordinal_contrast,
    squared_error,
)
from elocute.training.pretrain import MtpOptions, Pretraining, draw_masking, spread_blocks
from elocute.training.selection import feature_table, fit_lasso
from elocute.training.table import Member, Table

CONTRAST_SPREAD, CONTRAST_TIGHTNESS, CONTRAST_MARGIN = 0.5, 0.1, 1.0
"""Weights and margin of the ordinal contrast as published (Yan et al. 2025)."""


@dataclass(frozen=True)
class ScorerOptions:
    """``weights``: of the phone, word and utterance losses. Regularisers, 0 for none: ``ccc`` and ``pcc``
    weight the correlation losses 1 - CCC and 1 - PCC, ``contrast`` the ordinal contrast of the phones,
    ``balance`` is the power by which rare phone labels count more. ``ema`` and ``swa`` average weights.
    """

    epochs: int = 20
    batch: int = 25
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup: float = 0.2
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ccc: float = 0.0
    pcc: float = 0.0
    contrast: float = 0.0
    balance: float = 0.0
    ema: float = 0.99
    swa: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """All that decides how a scorer is trained on given examples. ``text_model``: where ``network.text`` is
    ``tokens``, a folder, a hub id or ``package:NAME``."""

    network: HierarchyOptions = field(default_factory=HierarchyOptions)
    pretraining: MtpOptions = field(default_factory=MtpOptions)
    options: ScorerOptions = field(default_factory=ScorerOptions)
    text_model: str = ""


@dataclass(frozen=True)
class Predictions:
    """Scores of one utterance on the common 0-2 scale: (phones,), (phones, 3) and (4,)."""

    phones: NDArray[np.float32]
    words: NDArray[np.float32]
    scores: NDArray[np.float32]


def new_network(
    examples: Sequence[Example], sizes: Sizes, options: HierarchyOptions, seed: int,
    chosen: NDArray[np.bool_] | None = None,
) -> Hierarchy:  # fmt: skip
    """A network of one member whose input normalisation is fitted to ``examples``.

    Args:
        chosen: (n,) which utterance features it sees; all if left out.
    """
    torch.manual_seed(seed)
    values = np.concatenate([e.features.values for e in examples])
    utterance = np.stack([e.utterance for e in examples])
    network = Hierarchy(sizes, options)
    encoder = network.encoder
    encoder.center.copy_(torch.from_numpy(values.mean(0)))
    encoder.scale.copy_(torch.from_numpy(values.std(0) + 1e-4))
    network.utterance_center.copy_(torch.from_numpy(np.nanmean(utterance, 0)))
    network.utterance_scale.copy_(torch.from_numpy(np.nanstd(utterance, 0) + 1e-4))
    if chosen is not None:
        network.utterance_scale[..., torch.from_numpy(~chosen)] = torch.inf  # whatever it is, it is average
    if options.bins:
        edges = np.quantile(values[:, sizes.scalars], np.linspace(0.0, 1.0, options.bins + 1), axis=0).T
        # Many values may be equal (no pause): every bin keeps some width.
        least = 1e-3 * (values[:, sizes.scalars].std(0) + 1e-3)
        steps = np.maximum(np.diff(edges, axis=1), least[:, None])
        edges[:, 1:] = edges[:, :1] + np.cumsum(steps, axis=1)
        encoder.edges.copy_(torch.from_numpy(edges.astype(np.float32)))
    return network


def chosen_features(examples: Sequence[Example], select: str) -> NDArray[np.bool_] | None:
    """Which utterance features the Lasso chooses (``HierarchyOptions.select``) from the scores of
    ``examples``; nothing for all of them."""
    if select == "all":
        return None
    names = [str(number) for number in range(len(examples[0].utterance))]
    fit = fit_lasso(feature_table(examples, names))
    kept = set(fit.union() if select == "union" else fit.top(int(select)))
    return np.array([name in kept for name in names])


def new_stack(table: Table, members: Sequence[Member], options: HierarchyOptions) -> Hierarchy:
    """Networks side by side, each as :func:`new_network` makes it from what it may see."""
    seen = {fold: [table.examples[n] for n in table.seen(fold)] for fold in {m.fold for m in members}}
    chosen = {fold: chosen_features(own, options.select) for fold, own in seen.items()}
    found = [new_network(seen[m.fold], table.sizes, options, m.seed, chosen[m.fold]) for m in members]
    whole = Hierarchy(table.sizes, options, len(members))
    stack(found, whole)
    return whole


def batch_loss(outputs: Outputs, batch: Batch, options: ScorerOptions, weights: Tensor) -> Tensor:
    """(members,) mean squared error per level plus the regularisers, summed with the levels' weights.

    Unknown labels (NaN) do not count. ``weights`` (members, 11) is how much each phone label counts.
    """
    mask, first = batch.inputs.mask, batch.first
    members = len(outputs.phones)
    levels = (
        (outputs.phones[..., None], batch.phones[..., None], mask[..., None]),
        (outputs.words, batch.words, first[..., None]),
        (outputs.scores, batch.scores, torch.ones((), dtype=torch.bool)),
    )
    total = torch.zeros(members)
    for number, (prediction, reference, counted) in enumerate(levels):
        known = (~reference.isnan() & counted).float()
        reference = torch.nan_to_num(reference)
        weight = known
        if number == 0 and options.balance:
            weight = known * weights.gather(1, label_bins(reference).flatten(1)).view(known.shape)
        loss = squared_error(prediction, reference, weight)
        for share, measure in ((options.ccc, concordance), (options.pcc, correlation)):
            if share:
                p, r, k = (x.movedim(-1, 1).flatten(2).flatten(0, 1) for x in (prediction, reference, known))
                loss = loss + share * (1.0 - measure(p, r, k)).view(members, -1).mean(1)
        total = total + options.weights[number] * loss
    if options.contrast:
        spread, tightness = ordinal_contrast(
            outputs.states.flatten(1, 2), batch.inputs.phone.flatten(1),
            torch.nan_to_num(batch.phones).flatten(1), (mask & ~batch.phones.isnan()).flatten(1).float(),
            CONTRAST_MARGIN, len(PHONES),
        )  # fmt: skip
        total = total + options.contrast * (CONTRAST_SPREAD * spread + CONTRAST_TIGHTNESS * tightness)
    return total


def pretrain(
    network: Hierarchy,
    table: Table,
    members: Sequence[Member],
    options: MtpOptions,
    log: Log,
    checkpoint: Path | None = None,
) -> Pretraining:
    """Multi-task pretraining of the network's phone encoder, on what each member may see and, if asked for,
    on speech without scores."""  # fmt: skip
    torch.manual_seed(members[0].seed)
    task = Pretraining(network.encoder, table.sizes, network.options, options)
    extra = table.unscored() if options.native else np.zeros(0, np.int64)
    rows = [np.concatenate([table.seen(m.fold), extra]) for m in members]
    plan = Plan(table.lengths, rows, [m.seed for m in members])

    def loss(rows: Tensor, epoch: int) -> Tensor:
        inputs = table.batch.take(rows).inputs
        masking = draw_masking(inputs.mask, options, epoch < options.plain_epochs)
        return task.weighted(task(inputs, masking))

    optimisation = Optimisation(
        options.epochs, options.batch, options.learning_rate, options.weight_decay, warmup=0.1
    )
    run_training(task, plan, optimisation, loss, log, checkpoint, lambda epoch: task.end_epoch())
    if options.spread:
        spread_blocks(network.encoder.blocks, (network.word_blocks, network.utterance_blocks))
    return task


def train_scorer(
    network: Hierarchy,
    table: Table,
    members: Sequence[Member],
    options: ScorerOptions,
    log: Log,
    checkpoint: Path | None = None,
) -> Hierarchy:
    """Fit the scores of what each member may see; changes and returns ``network``."""  # fmt: skip
    rows = [table.seen(m.fold) for m in members]
    plan = Plan(table.lengths, rows, [m.seed for m in members])
    labels = table.batch.phones
    weights = torch.stack([label_weights(labels[torch.from_numpy(own)], options.balance) for own in rows])

    def loss(rows: Tensor, epoch: int) -> Tensor:
        batch = table.batch.take(rows)
        return batch_loss(network(batch.inputs), batch, options, weights)

    optimisation = Optimisation(
        options.epochs, options.batch, options.learning_rate, options.weight_decay, options.warmup,
        options.ema, options.swa,
    )  # fmt: skip
    run_training(network, plan, optimisation, loss, log, checkpoint)
    return network.eval()


def predict(
    network: Hierarchy, examples: Sequence[Example], text: Sequence[TextInput] | None = None, batch: int = 64
) -> list[Predictions]:
    """Mean prediction of the members, in the order of ``examples``."""
    found = []
    network.eval()
    for at in range(0, len(examples), batch):
        part = make_batch(examples[at : at + batch], None if text is None else text[at : at + batch])
        with torch.inference_mode():
            outputs = network(part.inputs)
        phones, words, scores = (level.mean(0).numpy() for level in outputs[:3])
        for row, example in enumerate(examples[at : at + batch]):
            count = len(example.phones)
            found.append(Predictions(phones[row, :count], words[row, :count], scores[row]))
    return found


def held_out(
    network: Hierarchy, table: Table, members: Sequence[Member], scored: NDArray[np.int64], batch: int = 64
) -> dict[int, Predictions]:
    """For every seed, the predictions of all rows ``scored`` by the member that never saw their speakers.

    Returns:
        seed -> arrays over rows: (rows, phones), (rows, phones, 3) and (rows, 4), padded.
    """
    longest = int(table.lengths[scored].max())
    place = {int(row): n for n, row in enumerate(scored)}
    found = {
        seed: Predictions(
            np.zeros((len(scored), longest), np.float32), np.zeros((len(scored), longest, 3), np.float32),
            np.zeros((len(scored), 4), np.float32),
        )
        for seed in dict.fromkeys(m.seed for m in members)
    }  # fmt: skip
    rows = [scored[table.folds[scored] == m.fold] for m in members]
    most = max(len(r) for r in rows)
    grid = np.full((len(members), most), -1)
    for number, own in enumerate(rows):
        grid[number, : len(own)] = own[np.argsort(table.lengths[own], kind="stable")]
    network.eval()
    for at in range(0, most, batch):
        part = grid[:, at : at + batch]
        with torch.inference_mode():
            outputs = network(table.batch.take(torch.from_numpy(part)).inputs)
        length = outputs.phones.shape[2]
        for number, member in enumerate(members):
            at_rows = [place[int(row)] for row in part[number] if row >= 0]
            target, count = found[member.seed], len(at_rows)
            target.phones[at_rows, :length] = outputs.phones[number, :count].numpy()
            target.words[at_rows, :length] = outputs.words[number, :count].numpy()
            target.scores[at_rows] = outputs.scores[number, :count].numpy()
    return found
