"""Batches for the phonetic encoder: stored hidden frames with frame targets and rated phone segments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.gop import frame_spans
from elocute.acoustics.posteriors import CLASSES, Posteriors
from elocute.corpora.types import UtteranceLabels
from elocute.phones import PHONE_ID, base
from elocute.training.encoder import SUBFRAMES
from elocute.training.hidden import HiddenStore
from elocute.training.perturb import copy_key, speed_of
from elocute.training.targets import FRAME_SHIFT, FrameTargets, frame_targets

CROP = 400
"""Longest stretch of encoder frames (20 ms) trained on at once."""


@dataclass(frozen=True)
class Sample:
    """A recording of the store with its targets; ``segments`` (phones, 3) int64 first frame, one-past-last
    frame and phone id, ``ratings`` (phones,) 0-2, NaN for unrated speech."""

    key: str
    frames: int
    targets: FrameTargets
    segments: NDArray[np.int64]
    ratings: NDArray[np.float32]


def make_sample(
    key: str,
    store: HiddenStore,
    alignment: Alignment,
    labels: UtteranceLabels | None,
    earlier: Posteriors | None = None,
) -> Sample:
    """``earlier``: see :func:`elocute.training.targets.frame_targets`."""
    start, end = store.offsets[key]
    frames = end - start
    targets = frame_targets(alignment, labels, SUBFRAMES * frames, earlier)
    spans = frame_spans(alignment, FRAME_SHIFT, SUBFRAMES * frames)
    ids = np.array([PHONE_ID[base(phone.phone)] for phone in alignment.phones])
    ratings = np.full(len(ids), np.nan, np.float32)
    if labels is not None:
        ratings[:] = [score for word in labels.words for score in word.phones]
    return Sample(key, frames, targets, np.column_stack([spans, ids]), ratings)


def perturbed(sample: Sample, name: str, store: HiddenStore) -> Sample:
    """The perturbed copy of a recording, with its targets moved to the copy's tempo."""
    key = copy_key(sample.key, name)
    start, end = store.offsets[key]
    speed, fine = speed_of(key), SUBFRAMES * (end - start)
    source = np.minimum(np.round(np.arange(fine) * speed).astype(np.int64), SUBFRAMES * sample.frames - 1)
    segments = sample.segments.copy()
    segments[:, 0] = np.minimum(np.round(segments[:, 0] / speed), fine - 1)
    segments[:, 1] = np.clip(np.round(segments[:, 1] / speed), segments[:, 0] + 1, fine)
    return replace(sample, key=key, frames=end - start, targets=sample.targets.at(source), segments=segments)


@dataclass(frozen=True)
class Batch:
    """``hidden`` (batch, frames, width) bfloat16, ``mask`` (batch, frames), ``classes`` and ``weights``
    (batch, 2 * frames), ``heard`` (batch, 2 * frames, 40) or ``None``; ``segments`` (n, 3) index frames of
    the flattened batch."""

    hidden: Tensor
    mask: Tensor
    classes: Tensor
    weights: Tensor
    heard: Tensor | None
    segments: Tensor
    ratings: Tensor


@dataclass(frozen=True)
class BatchOptions:
    """``frames``: encoder frames of a batch, padding included; ``copies``: perturbations that replace a
    recording where the store has such a copy of it, ``copied``: in this share of the cases; ``masked``: share
    of recordings with two short stretches blanked (SpecAugment)."""

    frames: int = 6000
    copies: tuple[str, ...] = ("band",)
    copied: float = 0.2
    masked: float = 0.5


Crop = tuple[Sample, int, int]


def crops(samples: Sequence[Sample], options: BatchOptions, random: np.random.Generator) -> list[list[Crop]]:
    """Group recordings of similar length into batches, in random order; long ones are cut at random."""
    cut = []
    for sample in samples:
        length = min(sample.frames, CROP)
        start = int(random.integers(0, sample.frames - length + 1))
        cut.append((length * (1.0 + 0.1 * random.random()), (sample, start, length)))
    cut.sort(key=lambda entry: entry[0])
    groups: list[list[Crop]] = [[]]
    for _, crop in cut:
        longest = max([crop[2], *(length for _, _, length in groups[-1])])
        if groups[-1] and (len(groups[-1]) + 1) * longest > options.frames:
            groups.append([])
        groups[-1].append(crop)
    random.shuffle(groups)
    return groups


def draw(
    store: HiddenStore, samples: Sequence[Sample], options: BatchOptions, random: np.random.Generator
) -> list[Sample]:
    """Every recording once, as it is or as one of its perturbed copies."""
    drawn = []
    for sample in samples:
        if options.copies and random.random() < options.copied:
            name = options.copies[int(random.integers(len(options.copies)))]
            drawn.append(perturbed(sample, name, store) if copy_key(sample.key, name) in store else sample)
        else:
            drawn.append(sample)
    return drawn


def batches(
    store: HiddenStore, samples: Sequence[Sample], options: BatchOptions, random: np.random.Generator
) -> Iterator[Batch]:
    """One epoch."""
    for group in crops(draw(store, samples, options, random), options, random):
        yield _batch(store, group, options, random)


def _batch(
    store: HiddenStore, group: Sequence[Crop], options: BatchOptions, random: np.random.Generator
) -> Batch:
    longest = max(length for _, _, length in group)
    hidden = torch.zeros(len(group), longest, store.frames.shape[1], dtype=torch.bfloat16)
    mask = torch.zeros(len(group), longest, dtype=torch.bool)
    classes = torch.zeros(len(group), SUBFRAMES * longest, dtype=torch.long)
    weights = torch.zeros(len(group), SUBFRAMES * longest)
    heard = None
    if any(sample.targets.heard is not None for sample, _, _ in group):
        heard = torch.zeros(len(group), SUBFRAMES * longest, len(CLASSES))
    segments, ratings = [], []
    for row, (sample, start, length) in enumerate(group):
        hidden[row, :length] = store.read(sample.key, start, start + length)
        if random.random() < options.masked:
            for _ in range(2):
                blank = int(random.integers(0, length))
                hidden[row, blank : blank + int(random.integers(1, 6))] = 0.0
        mask[row, :length] = True
        fine = slice(SUBFRAMES * start, SUBFRAMES * (start + length))
        classes[row, : SUBFRAMES * length] = torch.from_numpy(sample.targets.classes[fine])
        weights[row, : SUBFRAMES * length] = torch.from_numpy(sample.targets.weights[fine])
        if heard is not None and sample.targets.heard is not None:
            heard[row, : SUBFRAMES * length] = torch.from_numpy(sample.targets.heard[fine])
        inside = (sample.segments[:, 0] >= fine.start) & (sample.segments[:, 1] <= fine.stop)
        shift = row * SUBFRAMES * longest - fine.start
        segments.append(sample.segments[inside] + np.array([shift, shift, 0]))
        ratings.append(sample.ratings[inside])
    return Batch(
        hidden, mask, classes, weights, heard,
        torch.from_numpy(np.concatenate(segments)), torch.from_numpy(np.concatenate(ratings)),
    )  # fmt: skip
