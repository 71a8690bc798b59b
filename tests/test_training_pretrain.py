"""Multi-task pretraining: what is hidden stays hidden, the subtasks are learned, and it can be stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from elocute.training.hierarchy import Hierarchy, HierarchyOptions  # noqa: E402
from elocute.training.inputs import VIEWS, view_columns  # noqa: E402
from elocute.training.loop import Optimisation, Plan, clip_members, learning_rate  # noqa: E402
from elocute.training.pretrain import MtpOptions, Pretraining, draw_masking, duration_class  # noqa: E402
from elocute.training.scorer import new_stack, pretrain  # noqa: E402
from elocute.training.table import Member, Table, make_table  # noqa: E402
from tables import COLUMNS, FOLDS, made_up  # noqa: E402

torch.set_num_threads(1)

SMALL = HierarchyOptions(width=16, heads=2, depths=(1, 1, 1), dropout=0.0, input_dropout=0.0, bins=2)
MEMBERS = [Member(0, 1), Member(1, 2)]


@pytest.fixture(scope="module")
def table() -> Table:
    return make_table([made_up(n) for n in range(60)], FOLDS, [made_up(n, False) for n in range(100, 130)])


def task(table: Table, options: MtpOptions) -> tuple[Hierarchy, Pretraining]:
    network = new_stack(table, MEMBERS, SMALL)
    return network, Pretraining(network.encoder, table.sizes, SMALL, options)


@pytest.mark.parametrize("masking", ["joint", "views"])
@pytest.mark.parametrize("gop", ["visible", "masked"])
def test_masking_statistics(masking: str, gop: str) -> None:
    """15 % selected, 90 % of these hidden; joint: all views together; padding is never selected."""
    torch.manual_seed(0)
    mask = torch.ones(2, 400, 60, dtype=torch.bool)
    mask[:, :, 50:] = False
    found = draw_masking(mask, MtpOptions(masking=masking, gop=gop), plain=False)
    # What is made from other columns stays hidden throughout.
    assert VIEWS[-1] == "local"
    assert not found.visible[..., -1].any()
    assert not found.selected[:, :, 50:].any()
    assert found.visible[:, :, 50:, :-1].all()
    hidden = ~found.visible
    assert (hidden & ~found.selected)[..., :-1].sum() == 0
    for number, view in enumerate(VIEWS[:-1]):
        share = found.selected[:, :, :50, number].float().mean().item()
        assert share == pytest.approx(0.15, abs=0.01)
        of_these = (hidden[..., number].sum() / found.selected[..., number].sum()).item()
        expected = 0.0 if view == "gop" and gop == "visible" else 0.9
        assert of_these == pytest.approx(expected, abs=0.015)
    pairs = (found.selected[..., 0] & found.selected[..., 2]).float().sum() / found.selected[..., 0].sum()
    assert pairs.item() == pytest.approx(1.0 if masking == "joint" else 0.15, abs=0.02)
    # Members draw for themselves.
    assert (found.selected[0] != found.selected[1]).any()


def test_the_plain_phase_hides_nothing_and_counts_everything() -> None:
    mask = torch.tensor([[[True, True, False]]])
    found = draw_masking(mask, MtpOptions(), plain=True)
    assert found.visible.all()
    assert (found.selected == mask[..., None]).all()


@pytest.mark.parametrize("view", VIEWS)
def test_a_hidden_view_does_not_leak(table: Table, view: str) -> None:
    """Change everything a view shows at hidden positions: no output changes. Shown, it does."""
    network, _ = task(table, MtpOptions())
    network.eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    inputs = table.batch.take(torch.tensor([[0, 1, 2], [0, 1, 2]])).inputs
    number = VIEWS.index(view)
    visible = torch.ones(*inputs.mask.shape, len(VIEWS), dtype=torch.bool)
    visible[:, :, ::2, number] = False
    at = ~visible[..., number]
    if view == "ids":
        changed = replace(
            inputs,
            phone=torch.where(at, (inputs.phone + 7) % 39, inputs.phone),
            stress=torch.where(at, 3 - inputs.stress, inputs.stress),
            manner=torch.where(at, 7 - inputs.manner, inputs.manner),
        )
    else:
        own = torch.tensor(view_columns(COLUMNS)) == number
        changed = replace(inputs, values=torch.where(at[..., None] & own, inputs.values + 1.5, inputs.values))
    with torch.inference_mode():
        torch.testing.assert_close(network.encoder(changed, visible), network.encoder(inputs, visible))
        shown = network.encoder(changed) - network.encoder(inputs)
    assert shown.abs().max() > 1e-3


def test_only_selected_positions_count(table: Table) -> None:
    _, pretraining = task(table, MtpOptions())
    inputs = table.batch.take(torch.tensor([[3, 4], [3, 4]])).inputs
    masking = draw_masking(inputs.mask, MtpOptions(), plain=False)
    none = replace(masking, selected=torch.zeros_like(masking.selected))
    assert (pretraining(inputs, none) == 0).all()
    one = none.selected.clone()
    one[:, 0, 0] = True
    losses = pretraining(inputs, replace(none, selected=one))
    spoiled = replace(inputs, values=inputs.values + (torch.arange(inputs.mask.shape[2]) > 0)[:, None] * 0.0)
    torch.testing.assert_close(losses, pretraining(spoiled, replace(none, selected=one)))
    assert (losses > 0).all()


def test_duration_class() -> None:
    seconds = torch.tensor([0.001, 0.01, 0.014, 0.06, 1.0, 3.0])
    assert duration_class(seconds).tolist() == [0, 0, 0, 5, 99, 99]


def run(
    table: Table, options: MtpOptions, checkpoint: Path | None = None
) -> tuple[Pretraining, list[dict[str, Any]]]:
    network = new_stack(table, MEMBERS, SMALL)
    rows: list[dict[str, Any]] = []
    return pretrain(network, table, MEMBERS, options, rows.append, checkpoint), rows


@pytest.mark.parametrize("weighting", ["static", "uncertainty", "dwa"])
def test_the_subtasks_are_learned(table: Table, weighting: str) -> None:
    """Energy follows from duration in this data, manner and vowel from the phone, all of it visible in the
    plain phase."""
    options = MtpOptions(epochs=12, plain_epochs=12, batch=10, learning_rate=1e-2, weighting=weighting)
    pretraining, rows = run(table, options)
    for name in ("phone", "vowel", "manner", "duration", "f0", "energy"):
        assert rows[-1][f"loss_{name}"] < 0.75 * rows[0][f"loss_{name}"], name
    weights = pretraining.task_weights()
    if weighting == "static":
        assert (weights == 1).all()
    else:
        assert (weights > 0).all()
        assert weights.std(dim=1).min() > 1e-3
    if weighting == "dwa":
        torch.testing.assert_close(weights.sum(1), torch.full((2,), 6.0))


def test_uncertainty_weights_approach_the_inverse_loss(table: Table) -> None:
    """At the optimum of exp(-s) L + s / 2 the weight exp(-s) is 1 / (2 L)."""
    _, pretraining = task(table, MtpOptions(weighting="uncertainty", tasks=("phone", "f0")))
    losses = torch.tensor([[2.0, 0.25], [1.0, 4.0]])
    optimizer = torch.optim.Adam([pretraining.log_variance], 0.05)
    for _ in range(400):
        optimizer.zero_grad()
        pretraining.weighted(losses).sum().backward()
        optimizer.step()
    torch.testing.assert_close(pretraining.task_weights(), 1 / (2 * losses), rtol=0.02, atol=0)


def test_native_speech_joins_only_if_asked(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[int] = set()
    take = type(table.batch).take

    def watched(self: Any, rows: torch.Tensor) -> Any:
        seen.update(rows.flatten().tolist())
        return take(self, rows)

    monkeypatch.setattr(type(table.batch), "take", watched)
    run(table, MtpOptions(epochs=1, batch=10))
    assert not seen & set(range(60, 90))
    run(table, MtpOptions(epochs=1, batch=10, native=True))
    assert set(range(60, 90)) <= seen


def test_word_blocks_can_start_from_the_last_phone_block(table: Table) -> None:
    network = new_stack(table, MEMBERS, SMALL)
    pretrain(network, table, MEMBERS, MtpOptions(epochs=1, batch=30, spread=True), lambda row: None)
    for (name, a), b in zip(
        network.encoder.blocks[-1].state_dict().items(),
        network.word_blocks[0].state_dict().values(),
        strict=True,
    ):
        assert torch.equal(a, b), name


def test_an_interrupted_pretraining_ends_with_the_same_weights(table: Table, tmp_path: Path) -> None:
    options = MtpOptions(epochs=6, plain_epochs=1, batch=10, weighting="dwa")
    whole, _ = run(table, options)
    checkpoint = tmp_path / "pretraining.safetensors"
    network = new_stack(table, MEMBERS, SMALL)

    def stop(row: dict[str, Any]) -> None:
        if row["epoch"] == 5:  # one epoch after the checkpoint
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(network, table, MEMBERS, options, stop, checkpoint)
    assert checkpoint.exists()
    resumed, rows = run(table, options, checkpoint)
    assert [row["epoch"] for row in rows] == [5, 6]
    for (name, a), b in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, msg=name, equal_nan=True)
    assert not checkpoint.exists()


def test_options_that_make_no_sense() -> None:
    for wrong in ({"tasks": ("rhythm",)}, {"masking": "some"}, {"weights": (1.0,)}, {"weighting": "luck"}):
        with pytest.raises(ValueError, match=r"rhythm|masking|1 weights|weighting"):
            MtpOptions(**wrong)  # type: ignore[arg-type]


def test_every_utterance_once_an_epoch() -> None:
    lengths = np.arange(1, 24)
    plan = Plan(lengths, [np.arange(23), np.arange(0, 23, 2)], [1, 2])
    for epoch in range(2):
        rows = plan.epoch(epoch, 5)
        assert rows.shape == (5, 2, 5)
        assert sorted(rows[:, 0].flatten().tolist()) == [-1, -1, *range(23)]
        assert sorted(r for r in rows[:, 1].flatten().tolist() if r >= 0) == list(range(0, 23, 2))
    assert (plan.epoch(0, 5) != plan.epoch(1, 5)).any()
    # A member's batches do not depend on who else is in the stack, but for their order.
    alone = Plan(lengths, [np.arange(23)], [1]).epoch(0, 5)
    assert {tuple(b.tolist()) for b in alone[:, 0]} == {tuple(b.tolist()) for b in plan.epoch(0, 5)[:, 0]}


def test_members_are_clipped_by_themselves() -> None:
    gradients = [torch.tensor([[3.0, 4.0], [0.03, 0.04]]), torch.zeros(2, 1)]
    clip_members(gradients, 1.0)
    torch.testing.assert_close(gradients[0], torch.tensor([[0.6, 0.8], [0.03, 0.04]]))


def test_the_learning_rate_rises_and_falls() -> None:
    options = Optimisation(epochs=1, batch=1, learning_rate=1.0, weight_decay=0.0, warmup=0.2)
    rates = [learning_rate(options, step, 50) for step in range(50)]
    assert rates[9] == pytest.approx(1.0)
    assert np.all(np.diff(rates[:10]) > 0)
    assert np.all(np.diff(rates[10:]) < 0)
    assert 0 <= rates[-1] < 0.01
