"""The training code on made-up data small enough to know the answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from numpy.typing import NDArray

from elocute.acoustics.posteriors import CLASSES, SILENCE_ID
from elocute.corpora.types import UtteranceLabels, WordLabels
from elocute.features.phone import STRESS_UNMARKED, PhoneFeatures
from elocute.phones import MANNER_OF, MANNERS, PHONE_ID, PHONES, VOWELS
from readings import reading

torch = pytest.importorskip("torch")

from elocute.training.examples import (  # noqa: E402
    Example,
    load_examples,
    make_batch,
    make_example,
    make_inputs,
    save_examples,
)
from elocute.training.hierarchy import Hierarchy, HierarchyOptions  # noqa: E402
from elocute.training.scorer import (  # noqa: E402
    Predictions,
    ScorerOptions,
    batch_loss,
    concordance,
    new_network,
    predict,
    train_scorer,
)
from elocute.training.targets import frame_targets, load_alignments, save_alignments, trust  # noqa: E402

torch.set_num_threads(1)  # networks this small only wait for more

VALUES, UTTERANCE = 5, 3
SMALL = HierarchyOptions(width=16, heads=2, depths=(2, 1, 1))


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
        word, place, values, tuple(f"v{i}" for i in range(VALUES)),
    )  # fmt: skip
    utterance = random.normal(size=UTTERANCE).astype(np.float32)
    utterance[0] = np.nan if seed % 3 == 0 else utterance[0]
    scores = np.clip(1.2 + 0.5 * values[:, 0], 0.0, 2.0).astype(np.float32)
    return make_example(f"u{seed}", f"s{seed % 4}", features, utterance, labels(scores, word))


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return [example(seed) for seed in range(12)]


def network(examples: list[Example]) -> Hierarchy:
    """As if trained: fresh biases are zero and would hide what leaks from padding."""
    found = new_network(examples, SMALL, seed=1).eval()
    with torch.no_grad():
        for parameter in found.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return found


def test_make_example_puts_labels_on_one_scale(examples: list[Example]) -> None:
    for e in examples:
        np.testing.assert_allclose(e.scores[0], e.phones.mean(), rtol=1e-5)
        for number in range(int(e.features.word[-1]) + 1):
            own = e.features.word == number
            np.testing.assert_allclose(e.words[own, 0], e.phones[own].mean(), rtol=1e-5)
            np.testing.assert_allclose(e.words[own, 1], 2.0)


def test_padding_changes_nothing(examples: list[Example]) -> None:
    net = network(examples)
    with torch.inference_mode():
        together = net(make_batch(examples).inputs)
        for row, e in enumerate(examples):
            phones, words, scores = net(make_inputs([e.features], [e.utterance]))
            count = len(e.phones)
            torch.testing.assert_close(together[0][row, :count], phones[0], atol=1e-5, rtol=0)
            torch.testing.assert_close(together[1][row, :count], words[0], atol=1e-5, rtol=0)
            torch.testing.assert_close(together[2][row], scores[0], atol=1e-5, rtol=0)


def test_output_shapes(examples: list[Example]) -> None:
    phones, words, scores = network(examples)(make_batch(examples).inputs)
    most = max(len(e.phones) for e in examples)
    assert phones.shape == (12, most)
    assert words.shape == (12, most, 3)
    assert scores.shape == (12, 4)


def test_rows_of_a_word_are_equal(examples: list[Example]) -> None:
    net = network(examples)
    for e, found in zip(examples, predict([net], examples), strict=True):
        for number in range(int(e.features.word[-1]) + 1):
            rows = found.words[e.features.word == number]
            np.testing.assert_allclose(rows, np.broadcast_to(rows[0], rows.shape), atol=1e-5)
        different = np.diff(found.words[:, 0])[np.diff(e.features.word) > 0]
        assert (np.abs(different) > 1e-6).all()


def test_a_missing_utterance_feature_counts_as_average(examples: list[Example]) -> None:
    net = network(examples)
    missing = np.array([np.nan, 0.3, -0.2], np.float32)
    average = missing.copy()
    average[0] = net.utterance_center[0].item()
    a, b = (net(make_inputs([examples[0].features], [values]))[2] for values in (missing, average))
    torch.testing.assert_close(a, b)
    assert torch.isfinite(a).all()


def test_gradients_reach_every_weight(examples: list[Example]) -> None:
    net = new_network(examples, replace(SMALL, dropout=0.0, input_dropout=0.0), seed=0).train()
    batch_loss(net, make_batch(examples), ScorerOptions(ccc=1.0)).backward()
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
    torch.testing.assert_close(batch_loss(net, spoiled, options), batch_loss(net, batch, options))


def test_unknown_labels_do_not_count(examples: list[Example]) -> None:
    """NaN labels: no loss, no gradient, and the known labels beside them count as before."""
    net, options = network(examples), ScorerOptions(weights=(1.0, 0.0, 1.0), ccc=0.5)
    batch = make_batch(examples)
    half = batch.phones.clone()
    half[:, ::2] = torch.nan
    loss = batch_loss(
        net, replace(batch, phones=half, scores=torch.full_like(batch.scores, torch.nan)), options
    )
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in net.parameters())
    known = batch.inputs.mask & ~half.isnan()
    with torch.no_grad():
        error = (net(batch.inputs)[0][known] - batch.phones[known]) ** 2
        plain = batch_loss(
            net, replace(batch, phones=half), replace(options, weights=(1.0, 0.0, 0.0), ccc=0.0)
        )
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


def test_concordance() -> None:
    random = np.random.default_rng(0)
    x = random.normal(1.0, 0.5, 200)
    y = 0.7 * x + random.normal(0.3, 0.3, 200)
    covariance = np.mean((x - x.mean()) * (y - y.mean()))
    expected = 2 * covariance / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    assert concordance(torch.tensor(x), torch.tensor(y)).item() == pytest.approx(expected, abs=1e-5)
    assert concordance(torch.tensor(x), torch.tensor(x)).item() == pytest.approx(1.0, abs=1e-5)
    assert concordance(torch.tensor(x), torch.tensor(-x)).item() < 0
    assert concordance(torch.tensor(x), torch.tensor(x + 1)).item() < 0.5


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
    known, unknown = ([example(seed) for seed in seeds] for seeds in (range(120), range(1000, 1060)))
    options = ScorerOptions(epochs=8, batch=10, learning_rate=2e-2, ema=0.8)
    sizes = HierarchyOptions(width=8, heads=1, depths=(1, 1, 1), dropout=0.0, input_dropout=0.0)
    start = new_network(known, sizes, seed=3)
    before = agreement(unknown, predict([start], unknown))
    found = agreement(unknown, predict([train_scorer(start, known, options, seed=3)], unknown))
    assert before["phone"] < 0.5
    assert found["phone"] > 0.85
    assert found["word"] > 0.85
    assert found["total"] > 0.85
    assert found["phone_mse"] < before["phone_mse"] / 4


def test_predictions_do_not_depend_on_the_batch(examples: list[Example]) -> None:
    net = network(examples)
    for a, b in zip(predict([net], examples, batch=1), predict([net], examples, batch=64), strict=True):
        np.testing.assert_allclose(a.phones, b.phones, atol=1e-5)
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-5)


def test_several_networks_are_averaged(examples: list[Example]) -> None:
    nets = [new_network(examples, SMALL, seed) for seed in (1, 2)]
    one, two, both = (predict(n, examples)[0].phones for n in (nets[:1], nets[1:], nets))
    np.testing.assert_allclose(both, (one + two) / 2, atol=1e-6)
    assert np.abs(one - two).max() > 1e-3


@pytest.mark.parametrize(("score", "expected"), [(0.0, 0.0), (1.0, 0.0), (1.5, 0.5), (2.0, 1.0)])
def test_trust(score: float, expected: float) -> None:
    assert trust(score) == expected


def test_frame_targets() -> None:
    alignment = reading("_:3 | B:4 AA1:2 | _:1 | S:5 | _:2")
    scores = (WordLabels("a", 10, 10, 10, (2.0, 1.5)), WordLabels("b", 10, 10, 10, (0.0,)))
    expected = (
        [SILENCE_ID] * 3 + [PHONE_ID["B"]] * 4 + [PHONE_ID["AA"]] * 2 + [SILENCE_ID] + [PHONE_ID["S"]] * 5
    )
    found = frame_targets(alignment, UtteranceLabels(10, 10, 10, 10, 10, scores), 17)
    assert found.classes.tolist() == [*expected, SILENCE_ID, SILENCE_ID]
    np.testing.assert_allclose(found.weights, [1, 1, 1, 1, 1, 1, 1, 0.5, 0.5, 1, 0, 0, 0, 0, 0, 1, 1])
    unlabelled = frame_targets(alignment, None, 17)
    assert unlabelled.classes.tolist() == found.classes.tolist()
    assert (unlabelled.weights == 1).all()


def test_alignments_on_disk(tmp_path: Path) -> None:
    alignments = {
        "a": reading("_:3 | B:4 AA1:2 | _:1 | S:5 | _:2"),
        "ü": reading("S:5"),
    }
    save_alignments(alignments, tmp_path / "alignments.jsonl")
    assert load_alignments(tmp_path / "alignments.jsonl") == alignments
    assert [p.name for p in tmp_path.iterdir()] == ["alignments.jsonl"]


def test_the_encoder_answers_every_ten_milliseconds_whatever_the_padding() -> None:
    from elocute.training.encoder import PhoneticEncoder
    from elocute.training.whisper import Block

    torch.manual_seed(0)
    encoder = PhoneticEncoder([Block(8, 2, 16), Block(8, 2, 16)], width=8, inner=12).eval()
    hidden = torch.randn(2, 9, 8)
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[1, 6:] = False
    with torch.inference_mode():
        phones, acceptance = encoder(hidden, mask)
        alone = encoder(hidden[1:, :6], mask[1:, :6])
    assert phones.shape == (2, 18, len(CLASSES))
    assert acceptance.shape == (2, 18, len(PHONES))
    torch.testing.assert_close(phones[1, :12], alone[0][0], atol=1e-5, rtol=0)
    torch.testing.assert_close(acceptance[1, :12], alone[1][0], atol=1e-5, rtol=0)
