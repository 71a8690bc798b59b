"""The training code on made-up data small enough to know the answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from numpy.typing import NDArray

from elocute.corpora.types import UtteranceLabels, WordLabels
from elocute.features.phone import STRESS_UNMARKED, PhoneFeatures
from elocute.phones import MANNER_OF, MANNERS, PHONE_ID, PHONES, VOWELS

torch = pytest.importorskip("torch")

from elocute.training.examples import (  # noqa: E402
    Batch,
    Example,
    load_examples,
    make_batch,
    make_example,
    make_inputs,
    save_examples,
    unlabelled_example,
)
from elocute.training.hierarchy import Hierarchy, HierarchyOptions, Sizes, stack  # noqa: E402
from elocute.training.scorer import (  # noqa: E402
    Predictions,
    ScorerOptions,
    batch_loss,
    held_out,
    new_network,
    new_stack,
    predict,
    train_scorer,
)
from elocute.training.table import Member, make_table  # noqa: E402

torch.set_num_threads(1)  # networks this small only wait for more

VALUES, UTTERANCE = 6, 3
SMALL = HierarchyOptions(width=16, heads=2, depths=(2, 1, 1))
COLUMNS = ("lpp_canonical", "acceptance_mean", "duration", "energy_mean", "f0_mean", "word_stretch")
SIZES = Sizes(COLUMNS, UTTERANCE)
FLAT = torch.ones(1, 11)


def labels(phones: NDArray[np.float32], word: NDArray[np.int64]) -> UtteranceLabels:
    """Words score the mean of their phones, the utterance the mean of all, on scales of 10."""
    words = []
    for number in range(int(word[-1]) + 1):
        own = phones[word == number]
        mean = float(own.mean()) * 5
        words.append(WordLabels(f"w{number}", mean, 10.0, mean, tuple(map(float, own))))
    mean = float(phones.mean()) * 5
    return UtteranceLabels(mean, 10.0, mean, mean, mean, tuple(words))


def example(seed: int) -> Example:
    """Three to fifteen phones whose score is told by the first value, the others are noise."""
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 5, random.integers(2, 5))
    word = np.repeat(np.arange(len(sizes)), sizes)
    names = random.choice(PHONES, len(word))
    values = random.normal(size=(len(word), VALUES)).astype(np.float32)
    values[:, 0] += random.normal()
    place = np.concatenate([[0] if size == 1 else [1, *[2] * (size - 2), 3] for size in sizes])
    features = PhoneFeatures(
        np.array([PHONE_ID[n] for n in names]),
        np.array([int(random.integers(3)) if n in VOWELS else STRESS_UNMARKED for n in names]),
        np.array([MANNERS.index(MANNER_OF[n]) for n in names]),
        word, place, values, COLUMNS,
    )  # fmt: skip
    utterance = random.normal(size=UTTERANCE).astype(np.float32)
    utterance[0] = np.nan if seed % 3 == 0 else utterance[0]
    scores = np.clip(1.2 + 0.5 * values[:, 0], 0.0, 2.0).astype(np.float32)
    return make_example(f"u{seed}", f"s{seed % 4}", features, utterance, labels(scores, word))


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return [example(seed) for seed in range(12)]


def network(examples: list[Example], options: HierarchyOptions = SMALL) -> Hierarchy:
    """As if trained: fresh biases are zero and would hide what leaks from padding."""
    found = new_network(examples, SIZES, options, seed=1).eval()
    with torch.no_grad():
        for parameter in found.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return found


def losses(net: Hierarchy, batch: Batch, options: ScorerOptions) -> torch.Tensor:
    """Of one member, which sees the whole batch."""
    labels = {name: getattr(batch, name)[None] for name in ("phones", "words", "scores", "first")}
    own = replace(batch, inputs=batch.inputs.with_members(), **labels)
    return batch_loss(net(own.inputs), own, options, FLAT).sum()


def test_make_example_puts_labels_on_one_scale(examples: list[Example]) -> None:
    for e in examples:
        np.testing.assert_allclose(e.scores[0], e.phones.mean(), rtol=1e-5)
        for number in range(int(e.features.word[-1]) + 1):
            own = e.features.word == number
            np.testing.assert_allclose(e.words[own, 0], e.phones[own].mean(), rtol=1e-5)
            np.testing.assert_allclose(e.words[own, 1], 2.0)


@pytest.mark.parametrize(
    "options",
    [
        SMALL,
        *(replace(SMALL, block=kind) for kind in ("transformer", "branchformer", "e-branchformer")),
        replace(SMALL, bins=4, gate=False, kernel=5),
        replace(SMALL, fusion=("phone", "word", "utterance")),
    ],
    ids=lambda o: f"{o.block}-{o.bins}-{len(o.fusion)}",
)
def test_padding_changes_nothing(examples: list[Example], options: HierarchyOptions) -> None:
    net = network(examples, options)
    with torch.inference_mode():
        together = net(make_batch(examples).inputs)
        for row, e in enumerate(examples):
            phones, words, scores, _ = net(make_inputs([e.features], [e.utterance]))
            count = len(e.phones)
            torch.testing.assert_close(together.phones[:, row, :count], phones[:, 0], atol=1e-5, rtol=0)
            torch.testing.assert_close(together.words[:, row, :count], words[:, 0], atol=1e-5, rtol=0)
            torch.testing.assert_close(together.scores[:, row], scores[:, 0], atol=1e-5, rtol=0)


def test_output_shapes(examples: list[Example]) -> None:
    found = network(examples)(make_batch(examples).inputs)
    most = max(len(e.phones) for e in examples)
    assert found.phones.shape == (1, 12, most)
    assert found.words.shape == (1, 12, most, 3)
    assert found.scores.shape == (1, 12, 4)
    assert found.states.shape == (1, 12, most, SMALL.width)


def test_rows_of_a_word_are_equal(examples: list[Example]) -> None:
    net = network(examples)
    for e, found in zip(examples, predict(net, examples), strict=True):
        for number in range(int(e.features.word[-1]) + 1):
            rows = found.words[e.features.word == number]
            np.testing.assert_allclose(rows, np.broadcast_to(rows[0], rows.shape), atol=1e-5)
        different = np.diff(found.words[:, 0])[np.diff(e.features.word) > 0]
        assert (np.abs(different) > 1e-6).all()


def test_a_missing_utterance_feature_counts_as_average(examples: list[Example]) -> None:
    net = network(examples)
    missing = np.array([np.nan, 0.3, -0.2], np.float32)
    average = missing.copy()
    average[0] = net.utterance_center[0, 0, 0].item()
    a, b = (net(make_inputs([examples[0].features], [values])).scores for values in (missing, average))
    torch.testing.assert_close(a, b)
    assert torch.isfinite(a).all()


@pytest.mark.parametrize(
    "fusion", [(), ("phone",), ("word",), ("utterance",), ("phone", "word", "utterance")]
)
def test_utterance_features_reach_the_heads_they_are_fused_with(
    examples: list[Example], fusion: tuple[str, ...]
) -> None:
    net = network(examples, replace(SMALL, fusion=fusion))
    batch = make_batch(examples).inputs
    with torch.inference_mode():
        before, after = net(batch), net(replace(batch, utterance=batch.utterance + 1.0))
    for level, output in (("phone", "phones"), ("word", "words"), ("utterance", "scores")):
        moved = (getattr(after, output) - getattr(before, output)).abs().max()
        assert (moved > 1e-4) == (level in fusion), level


def test_fusion_with_an_unknown_level() -> None:
    with pytest.raises(ValueError, match="phone, word, utterance"):
        HierarchyOptions(fusion=("sentence",))


@pytest.mark.parametrize("view", ["ids", "gop", "duration", "energy", "f0"])
def test_a_view_that_is_left_out_is_not_seen(examples: list[Example], view: str) -> None:
    from elocute.training.inputs import VIEWS, view_columns

    options = replace(SMALL, views=tuple(v for v in VIEWS if v != view))
    blind, seeing = network(examples, options), network(examples)
    batch = make_batch(examples)
    inputs = batch.inputs
    if view == "ids":
        changed = replace(inputs, phone=(inputs.phone + 1) % 39, stress=3 - inputs.stress)
    else:
        own = torch.tensor(view_columns(COLUMNS)) == VIEWS.index(view)
        changed = replace(inputs, values=torch.where(own, inputs.values + 1.0, inputs.values))
    with torch.inference_mode():
        torch.testing.assert_close(blind(changed).phones, blind(inputs).phones)
        assert (seeing(changed).phones - seeing(inputs).phones).abs().max() > 1e-3


def test_gradients_reach_every_weight(examples: list[Example]) -> None:
    still = replace(SMALL, dropout=0.0, input_dropout=0.0)
    for kind in ("parallel", "transformer", "branchformer", "e-branchformer"):
        net = new_network(examples, SIZES, replace(still, block=kind, bins=3), seed=0).train()
        losses(net, make_batch(examples), ScorerOptions(ccc=1.0, pcc=0.5, contrast=1.0)).backward()
        for name, parameter in net.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            # Biases before a softmax cancel out, so their gradient is zero by design.
            assert name.endswith("bias") or parameter.grad.abs().max() > 0, name


def test_loss_ignores_padding(examples: list[Example]) -> None:
    net = network(examples)
    batch = make_batch(examples)
    spoiled = replace(
        batch,
        phones=torch.where(batch.inputs.mask, batch.phones, 1e6),
        words=torch.where(batch.inputs.mask[..., None], batch.words, 1e6),
    )
    options = ScorerOptions(ccc=1.0)
    torch.testing.assert_close(losses(net, spoiled, options), losses(net, batch, options))


def test_unknown_labels_do_not_count(examples: list[Example]) -> None:
    """NaN labels: no loss, no gradient, and the known labels beside them count as before."""
    net, options = network(examples), ScorerOptions(weights=(1.0, 0.0, 1.0), ccc=0.5)
    batch = make_batch(examples)
    half = batch.phones.clone()
    half[:, ::2] = torch.nan
    loss = losses(net, replace(batch, phones=half, scores=torch.full_like(batch.scores, torch.nan)), options)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in net.parameters())
    known = batch.inputs.mask & ~half.isnan()
    with torch.no_grad():
        error = (net(batch.inputs).phones[0][known] - batch.phones[known]) ** 2
        plain = losses(net, replace(batch, phones=half), replace(options, weights=(1.0, 0.0, 0.0), ccc=0.0))
    assert plain.item() == pytest.approx(error.mean().item(), rel=1e-5)


def test_words_count_once(examples: list[Example]) -> None:
    first = make_batch(examples).first
    assert first.sum().item() == sum(int(e.features.word[-1]) + 1 for e in examples)
    assert first[:, 0].all()


@pytest.mark.parametrize("name", ["examples.npz", "examples", "fold.1"])
def test_examples_on_disk(examples: list[Example], tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    save_examples(examples, path)
    assert list(tmp_path.iterdir()) == [path]
    found = load_examples(path)
    assert [(e.id, e.speaker) for e in found] == [(e.id, e.speaker) for e in examples]
    for a, b in zip(found, examples, strict=True):
        assert a.features.names == b.features.names
        for name in ("phone", "stress", "manner", "word", "place", "values"):
            np.testing.assert_array_equal(getattr(a.features, name), getattr(b.features, name))
        for name in ("utterance", "phones", "words", "scores"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_interrupted_save_leaves_the_old_examples(
    examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "examples.npz"
    save_examples(examples[:3], path)

    def full(file: IO[bytes], **arrays: NDArray[np.generic]) -> None:
        file.write(b"half of it")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        save_examples(examples, path)
    assert len(load_examples(path)) == 3


def agreement(examples: list[Example], found: list[Predictions]) -> dict[str, float]:
    """Correlation of each level's first aspect, and the phones' mean squared error."""
    pairs = {
        "phone": tuple(np.concatenate([x.phones for x in rows]) for rows in (examples, found)),
        "word": tuple(np.concatenate([x.words[:, 0] for x in rows]) for rows in (examples, found)),
        "total": tuple(np.array([x.scores[-1] for x in rows]) for rows in (examples, found)),
    }
    mse = float(np.mean((pairs["phone"][0] - pairs["phone"][1]) ** 2))
    return {name: float(np.corrcoef(*pair)[0, 1]) for name, pair in pairs.items()} | {"phone_mse": mse}


def test_training_finds_what_the_scores_depend_on() -> None:
    """Two networks side by side; the better their data, the better they get."""
    known, unknown = ([example(seed) for seed in seeds] for seeds in (range(120), range(1000, 1060)))
    options = ScorerOptions(epochs=8, batch=10, learning_rate=2e-2, ema=0.8)
    sizes = HierarchyOptions(width=8, heads=1, depths=(1, 1, 1), dropout=0.0, input_dropout=0.0)
    table = make_table(known, {f"s{n}": n for n in range(4)})
    members = [Member(5, 3), Member(5, 4)]
    net = new_stack(table, members, sizes)
    before = agreement(unknown, predict(net, unknown))
    rows: list[dict[str, object]] = []
    train_scorer(net, table, members, options, rows.append)
    found = agreement(unknown, predict(net, unknown))
    assert before["phone"] < 0.5
    assert found["phone"] > 0.85
    assert found["word"] > 0.85
    assert found["total"] > 0.85
    assert found["phone_mse"] < before["phone_mse"] / 4
    assert [row["epoch"] for row in rows] == list(range(1, 9))


def test_predictions_do_not_depend_on_the_batch(examples: list[Example]) -> None:
    net = network(examples)
    for a, b in zip(predict(net, examples, batch=1), predict(net, examples, batch=64), strict=True):
        np.testing.assert_allclose(a.phones, b.phones, atol=1e-5)
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-5)


def test_members_are_networks_of_their_own(examples: list[Example]) -> None:
    nets = [new_network(examples, SIZES, SMALL, seed).eval() for seed in (1, 2)]
    both = Hierarchy(SIZES, SMALL, members=2)
    stack(nets, both)
    one, two, mean = (predict(net, examples)[0].phones for net in (*nets, both.eval()))
    np.testing.assert_allclose(mean, (one + two) / 2, atol=1e-6)
    assert np.abs(one - two).max() > 1e-3


def test_a_member_learns_from_what_it_may_see_only(examples: list[Example]) -> None:
    """Poisoned labels and features of a speaker do not reach the member that leaves the speaker out."""
    folds = {f"s{n}": n for n in range(4)}
    poisoned = [
        replace(e, phones=e.phones + 100, features=replace(e.features, values=e.features.values * 50))
        if e.speaker == "s0" else e
        for e in examples
    ]  # fmt: skip
    found = []
    for own in (examples, poisoned):
        table, members = make_table(own, folds), [Member(0, 7), Member(1, 7)]
        net = new_stack(table, members, SMALL)
        train_scorer(net, table, members, ScorerOptions(epochs=2, batch=4), lambda row: None)
        with torch.inference_mode():
            found.append(net(make_batch(examples[1:2]).inputs).phones)
    torch.testing.assert_close(found[0][0], found[1][0])
    assert (found[0][1] - found[1][1]).abs().max() > 1e-2


def test_held_out_predictions_come_from_the_member_of_the_fold(examples: list[Example]) -> None:
    folds = {f"s{n}": n for n in range(4)}
    members = [Member(fold, seed) for fold in range(4) for seed in (1, 2)]
    table = make_table(
        examples, folds, [unlabelled_example("n", "x", examples[0].features, examples[0].utterance)]
    )
    net = new_stack(table, members, SMALL).eval()
    found = held_out(net, table, members, np.arange(len(examples)), batch=2)
    with torch.inference_mode():
        every = net(make_batch(examples).inputs)
    for row, e in enumerate(examples):
        for number, member in enumerate(members):
            if folds[e.speaker] == member.fold:
                own = found[member.seed].phones[row, : len(e.phones)]
                np.testing.assert_allclose(own, every.phones[number, row, : len(e.phones)], atol=1e-5)
                np.testing.assert_allclose(
                    found[member.seed].scores[row], every.scores[number, row], atol=1e-5
                )
