"""Perturbed copies of recordings, and the targets and losses that go with the stronger training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from elocute.acoustics.mel import band_centres, log_mel
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID, Posteriors
from elocute.corpora.types import UtteranceLabels, WordLabels
from elocute.phones import PHONE_ID
from fakes import speech
from readings import reading

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from elocute.training.acoustic import ctc_loss, frame_loss  # noqa: E402
from elocute.training.batches import Batch, BatchOptions, Sample, draw, perturbed  # noqa: E402
from elocute.training.hidden import HiddenStore  # noqa: E402
from elocute.training.perturb import (  # noqa: E402
    PERTURBATIONS,
    copy_key,
    perturbed_mel,
    speed_of,
    warp_bands,
)
from elocute.training.targets import FrameTargets, frame_targets  # noqa: E402


def peak(mel: np.ndarray) -> float:
    """Frequency in Hz of the strongest band."""
    return float(band_centres()[mel.mean(axis=1).argmax()])


def tone(hz: float, seconds: float = 1.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * 16_000)) / 16_000)).astype(np.float32)


@pytest.mark.parametrize("name", ["fast", "slow"])
def test_speed_changes_length_and_pitch_alike(name: str) -> None:
    samples, key = tone(1500.0), copy_key("u", name)
    speed = PERTURBATIONS[name].speed
    assert speed_of(key) == speed
    assert speed_of("u") == 1.0
    mel = perturbed_mel(samples, key)
    assert mel.shape[1] == pytest.approx(100 / speed, abs=1)
    assert peak(mel) == pytest.approx(1500.0 * speed, rel=0.04)


def test_a_shorter_vocal_tract_raises_frequencies_and_keeps_the_tempo() -> None:
    samples = tone(1500.0)
    mel = perturbed_mel(samples, "u#child")
    assert mel.shape == log_mel(samples).shape
    assert peak(mel) == pytest.approx(1500.0 * PERTURBATIONS["child"].tract, rel=0.04)


def test_warping_by_one_changes_nothing() -> None:
    mel = np.random.default_rng(0).normal(size=(80, 7)).astype(np.float32)
    np.testing.assert_allclose(warp_bands(mel, 1.0), mel, atol=1e-5)


def test_an_unknown_perturbation_is_an_error() -> None:
    with pytest.raises(KeyError):
        perturbed_mel(speech(), "u#louder")


def sample(key: str, frames: int) -> Sample:
    classes = np.repeat(np.arange(2 * frames // 10), 10)
    spans = np.arange(0, 2 * frames, 10)
    segments = np.column_stack([spans, spans + 10, np.arange(len(spans))])
    targets = FrameTargets(classes, np.ones(len(classes), np.float32))
    return Sample(key, frames, targets, segments, np.full(len(spans), 2.0, np.float32))


@pytest.mark.parametrize(("name", "frames"), [("fast", 91), ("slow", 111), ("child", 100)])
def test_targets_follow_the_copy(name: str, frames: int) -> None:
    store = HiddenStore(np.zeros((500, 4), np.uint16), {"u": (0, 100), f"u#{name}": (100, 100 + frames)})
    copy = perturbed(sample("u", 100), name, store)
    assert copy.key == f"u#{name}"
    assert copy.frames == frames
    assert len(copy.targets.classes) == 2 * frames
    for start, end, phone in copy.segments:
        assert 0 <= start < end <= 2 * frames
        assert (copy.targets.classes[start + 1 : end - 1] == phone).all()


def test_only_copies_that_exist_are_drawn() -> None:
    store = HiddenStore(np.zeros((300, 4), np.uint16), {"a": (0, 100), "b": (100, 200), "b#fast": (200, 291)})
    options = BatchOptions(copies=("fast",), copied=1.0)
    found = draw(store, [sample("a", 100), sample("b", 100)], options, np.random.default_rng(0))
    assert [s.key for s in found] == ["a", "b#fast"]


def test_where_raters_heard_an_error_the_target_is_what_was_heard() -> None:
    alignment = reading("B:4 AA1:4 | S:5")
    words = (WordLabels("a", 10, 10, 10, (2.0, 0.4)), WordLabels("b", 10, 10, 10, (2.0,)))
    log_probs = np.log(np.full((13, len(CLASSES)), 0.1 / 39, np.float32))
    log_probs[:, PHONE_ID["EH"]] = np.log(0.9)
    earlier = Posteriors(log_probs, np.zeros((13, SILENCE_ID), np.float32), 0.01, 0.13)
    found = frame_targets(alignment, UtteranceLabels(10, 10, 10, 10, 10, words), 14, earlier)
    assert found.heard is not None
    assert found.heard.shape == (14, len(CLASSES))
    assert (found.heard.argmax(1) == PHONE_ID["EH"]).all()
    assert found.weights[4:8].tolist() == [0.0] * 4
    assert frame_targets(alignment, None, 13, earlier).heard is None


def batch(weights: torch.Tensor, heard: torch.Tensor | None) -> Batch:
    rows, fine = weights.shape
    segments = torch.tensor([[0, 4, 1], [4, 8, 2], [12, 16, 3]])
    return Batch(
        torch.zeros(rows, fine // 2, 4), torch.ones(rows, fine // 2, dtype=torch.bool),
        torch.zeros(rows, fine, dtype=torch.long), weights, heard, segments,
        torch.tensor([2.0, float("nan"), 2.0]),
    )  # fmt: skip


def test_the_frame_loss_mixes_script_and_what_was_heard() -> None:
    logits = torch.randn(2, 12, len(CLASSES), generator=torch.Generator().manual_seed(0))
    weights = torch.full((2, 12), 0.25)
    heard = torch.zeros(2, 12, len(CLASSES))
    heard[..., 5] = 1.0
    log_probs = logits.log_softmax(-1)
    expected = -(0.25 * log_probs[..., 0] + 0.75 * log_probs[..., 5]).mean()
    torch.testing.assert_close(frame_loss(logits, batch(weights, heard), 0.0, 1.0), expected)
    torch.testing.assert_close(
        frame_loss(logits, batch(weights, heard), 0.0), frame_loss(logits, batch(weights, None), 0.0, 1.0)
    )


def test_ctc_loss_is_the_sum_over_all_alignments() -> None:
    """Two rows of six frames: phones 1 2 and phone 3; every path is summed by hand."""
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 6, len(CLASSES), generator=generator)
    made = batch(torch.ones(2, 12), None)
    log_probs = logits.log_softmax(-1)

    def paths(target: list[int], row: int) -> torch.Tensor:
        symbols = [SILENCE_ID, *target]
        total = torch.tensor(0.0)
        for code in range(len(symbols) ** 6):
            path = [symbols[code // len(symbols) ** t % len(symbols)] for t in range(6)]
            merged = [p for t, p in enumerate(path) if t == 0 or path[t - 1] != p]
            if [p for p in merged if p != SILENCE_ID] == target:
                total = total + torch.exp(sum(log_probs[row, t, p] for t, p in enumerate(path)))
        return -torch.log(total)

    expected = (paths([1, 2], 0) + paths([3], 1)) / 3
    torch.testing.assert_close(ctc_loss(logits, made), expected, rtol=1e-4, atol=1e-4)
    worst = replace(made, ratings=torch.tensor([0.0, 0.0, 2.0]))
    torch.testing.assert_close(ctc_loss(logits, worst), paths([3], 1) / 3, rtol=1e-4, atol=1e-4)
