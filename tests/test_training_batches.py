"""Batches of hidden frames, and the losses of the phonetic encoder, on made-up data."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from elocute.acoustics.posteriors import CLASSES, SILENCE_ID
from elocute.corpora.types import UtteranceLabels, WordLabels
from elocute.phones import PHONE_ID, PHONES
from readings import reading
from tiny_whisper import WIDTH

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from elocute.training.acoustic import (  # noqa: E402
    frame_loss,
    rating_loss,
    segment_acceptance,
)
from elocute.training.batches import CROP, Batch, BatchOptions, batches, crops, make_sample  # noqa: E402
from elocute.training.hidden import HiddenStore  # noqa: E402
from hidden_frames import PLAIN, made_up  # noqa: E402

torch.set_num_threads(1)  # networks this small only wait for more


# --- batches ---------------------------------------------------------------------------------------------


LENGTHS = [1, 30, 55, 55, 120, CROP, CROP + 1, 900, 77]


def test_every_sample_comes_once_and_no_batch_is_too_large() -> None:
    _, samples = made_up(LENGTHS)
    random = np.random.default_rng(0)
    for _ in range(5):
        groups = crops(samples, PLAIN, random)
        assert Counter(s.key for group in groups for s, _, _ in group) == Counter(s.key for s in samples)
        for group in groups:
            longest = max(length for _, _, length in group)
            assert len(group) == 1 or len(group) * longest <= PLAIN.frames
            for sample, start, length in group:
                assert length == min(sample.frames, CROP)
                assert 0 <= start <= sample.frames - length


def test_long_recordings_are_cut_anywhere() -> None:
    _, samples = made_up([CROP + 1])
    random = np.random.default_rng(0)
    assert {crops(samples, PLAIN, random)[0][0][1] for _ in range(30)} == {0, 1}


def test_batches_line_up_frames_targets_and_segments() -> None:
    store, samples = made_up(LENGTHS)
    by_number = dict(enumerate(samples, start=1))
    seen: Counter[int] = Counter()
    for batch in batches(store, samples, PLAIN, np.random.default_rng(1)):
        n, longest = batch.mask.shape
        assert batch.classes.shape == batch.weights.shape == (n, 2 * longest)
        numbers = batch.hidden[:, 0, 0].long().tolist()
        seen.update(numbers)
        first = (batch.hidden[:, 0, 1] * 128 + batch.hidden[:, 0, 2]).long().tolist()
        expected_segments = []
        for row, (number, start) in enumerate(zip(numbers, first, strict=True)):
            sample = by_number[number]
            length = int(batch.mask[row].sum())
            assert batch.mask[row, :length].all()
            assert (batch.hidden[row, length:] == 0).all()
            torch.testing.assert_close(
                batch.hidden[row, :length].float(), store.read(sample.key, start, start + length).float()
            )
            counted = np.arange(2 * start, 2 * (start + length)) % 40
            np.testing.assert_array_equal(batch.classes[row, : 2 * length], counted)
            assert (batch.weights[row, : 2 * length] == 1).all()
            assert (batch.weights[row, 2 * length :] == 0).all()
            for a, b, phone in sample.segments:
                if a >= 2 * start and b <= 2 * (start + length):
                    offset = row * 2 * longest - 2 * start
                    expected_segments.append([a + offset, b + offset, phone])
        assert batch.segments.tolist() == expected_segments
        flat = batch.classes.flatten()
        starts = flat[batch.segments[:, 0]]
        np.testing.assert_array_equal(flat[batch.segments[:, 1] - 1], (starts + 4) % 40)
        assert len(batch.ratings) == len(batch.segments)
    assert seen == Counter(by_number.keys())


def test_ratings_stay_with_their_segments_when_cut() -> None:
    store, samples = made_up([900])
    sample = replace(samples[0], ratings=samples[0].segments[:, 0].astype(np.float32))
    batch = next(batches(store, [sample], PLAIN, np.random.default_rng(3)))
    start = int(batch.hidden[0, 0, 1] * 128 + batch.hidden[0, 0, 2])
    assert 0 < start < 500
    assert 0 < len(batch.ratings) < len(sample.ratings)
    np.testing.assert_array_equal(batch.ratings - 2 * start, batch.segments[:, 0])


def test_low_passed_copies_are_taken_where_there_are_any() -> None:
    store, samples = made_up([20] * 200, band=True)
    plain, _ = made_up([20] * 200)
    some, none, every = (BatchOptions(600, copied=band, masked=0.0) for band in (0.3, 0.0, 1.0))
    random = np.random.default_rng(0)

    def share(store: HiddenStore, options: BatchOptions) -> float:
        found = [b.hidden[:, :, -1].float().mean(1) for b in batches(store, samples, options, random)]
        copies = torch.cat(found)
        assert ((copies == 0) | (copies == 1)).all()
        return float(copies.mean())

    assert share(store, none) == 0.0
    assert share(store, every) == 1.0
    assert 0.15 < share(store, some) < 0.45
    assert share(plain, every) == 0.0


def test_short_stretches_are_blanked() -> None:
    store, samples = made_up([50] * 100)
    found = list(batches(store, samples, BatchOptions(600, copied=0.0, masked=0.5), np.random.default_rng(0)))
    blank = torch.cat([(b.hidden == 0).all(-1).sum(1) for b in found])
    assert blank.max() <= 10
    assert 30 <= (blank > 0).sum() <= 70
    assert all(b.mask.all() and (b.weights == 1).all() for b in found)


def test_make_sample() -> None:
    alignment = reading("_:3 | B:4 AA1:2 | _:1 | S:5 | _:2")
    store = HiddenStore(np.zeros((9, WIDTH), np.uint16), {"u": (0, 9)})
    words = (WordLabels("a", 10, 10, 10, (2.0, 1.5)), WordLabels("b", 10, 10, 10, (0.0,)))
    rated = make_sample("u", store, alignment, UtteranceLabels(10, 10, 10, 10, 10, words))
    assert rated.frames == 9
    assert rated.segments.tolist() == [
        [3, 7, PHONE_ID["B"]],
        [7, 9, PHONE_ID["AA"]],
        [10, 15, PHONE_ID["S"]],
    ]
    assert rated.ratings.tolist() == [2.0, 1.5, 0.0]
    assert len(rated.targets.classes) == 18
    for (a, b, phone), rating in zip(rated.segments, rated.ratings, strict=True):
        assert (rated.targets.classes[a:b] == phone).all()
        assert (rated.targets.weights[a:b] == max(rating - 1.0, 0.0)).all()
    unrated = make_sample("u", store, alignment, None)
    np.testing.assert_array_equal(unrated.segments, rated.segments)
    assert np.isnan(unrated.ratings).all()
    assert (unrated.targets.weights == 1).all()


# --- losses ----------------------------------------------------------------------------------------------


def random_batch(seed: int, rows: int = 3, frames: int = 12) -> tuple[torch.Tensor, torch.Tensor, Batch]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, 2 * frames, len(CLASSES), generator=generator)
    acceptance = torch.randn(rows, 2 * frames, len(PHONES), generator=generator)
    starts = torch.randint(0, rows * 2 * frames - 9, (20,), generator=generator)
    lengths = torch.randint(1, 9, (20,), generator=generator)
    phones = torch.randint(0, len(PHONES), (20,), generator=generator)
    batch = Batch(
        torch.zeros(rows, frames, WIDTH),
        torch.ones(rows, frames, dtype=torch.bool),
        torch.randint(0, SILENCE_ID + 1, (rows, 2 * frames), generator=generator),
        torch.randint(0, 3, (rows, 2 * frames), generator=generator) / 2,
        None,
        torch.stack([starts, starts + lengths, phones], 1),
        torch.rand(20, generator=generator) * 2,
    )
    return logits, acceptance, batch


@pytest.mark.parametrize("seed", range(3))
def test_segment_acceptance_is_the_mean_of_the_phones_column(seed: int) -> None:
    _, acceptance, batch = random_batch(seed)
    flat = acceptance.reshape(-1, len(PHONES))
    expected = [flat[a:b, phone].mean() for a, b, phone in batch.segments.tolist()]
    torch.testing.assert_close(segment_acceptance(acceptance, batch.segments), torch.stack(expected))


def test_rating_loss() -> None:
    _, acceptance, batch = random_batch(0)
    perfect = 2.0 * torch.sigmoid(segment_acceptance(acceptance, batch.segments))
    assert rating_loss(acceptance, replace(batch, ratings=perfect)) == 0
    assert rating_loss(acceptance, replace(batch, ratings=perfect + 0.5)).item() == pytest.approx(0.25)
    none = replace(batch, segments=batch.segments[:0], ratings=batch.ratings[:0])
    assert rating_loss(acceptance, none) == 0


def test_frame_loss_is_a_weighted_mean() -> None:
    logits, _, batch = random_batch(1)
    log_probs = logits.log_softmax(-1)
    total = norm = 0.0
    for row in range(batch.classes.shape[0]):
        for frame in range(batch.classes.shape[1]):
            weight = float(batch.weights[row, frame])
            own = -log_probs[row, frame, batch.classes[row, frame]]
            total += weight * float(0.9 * own - 0.1 * log_probs[row, frame].mean())
            norm += weight
    assert frame_loss(logits, batch, 0.1).item() == pytest.approx(total / norm, rel=1e-4)


def test_frame_loss_ignores_untrusted_frames() -> None:
    logits, _, batch = random_batch(2)
    untrusted = batch.weights == 0
    assert untrusted.any()
    spoiled = torch.where(untrusted[..., None], 1e4, logits)
    classes = torch.where(untrusted, 0, batch.classes)
    expected = frame_loss(logits, batch, 0.05)
    torch.testing.assert_close(frame_loss(spoiled, replace(batch, classes=classes), 0.05), expected)
    logits.requires_grad_(True)
    frame_loss(logits, batch, 0.05).backward()
    assert (logits.grad[untrusted] == 0).all()
    assert (logits.grad[~untrusted] != 0).any()


def test_a_batch_without_any_trusted_frame_costs_nothing() -> None:
    logits, _, batch = random_batch(3)
    assert frame_loss(logits, replace(batch, weights=torch.zeros_like(batch.weights)), 0.05) == 0
