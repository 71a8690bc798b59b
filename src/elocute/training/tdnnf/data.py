"""Batches for the TDNN-F: pieces of augmented recordings with targets, ratings and the teacher's view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.gop import frame_spans
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID
from elocute.corpora.types import UtteranceLabels
from elocute.phones import PHONE_ID, PHONES, base
from elocute.training.targets import FRAME_SHIFT, FrameTargets, frame_targets
from elocute.training.tdnnf.augment import AugmentOptions, augment
from elocute.training.tdnnf.network import TdnnfOptions
from elocute.training.tdnnf.store import SPEEDS, FrameStore, speed_key

POOL = 16
"""Batches' worth of pieces among which pieces of similar length are batched."""


@dataclass(frozen=True)
class Sample:
    """A recording with its targets at its own speed; ``segments`` (phones, 3) first frame, one-past-last
    frame and phone id, ``ratings`` (phones,) 0-2; both empty for unrated speech."""

    key: str
    targets: FrameTargets
    segments: NDArray[np.int64]
    ratings: NDArray[np.float32]


def make_sample(key: str, frames: int, alignment: Alignment, labels: UtteranceLabels | None) -> Sample:
    targets = frame_targets(alignment, labels, frames)
    if labels is None:
        return Sample(key, targets, np.zeros((0, 3), np.int64), np.zeros(0, np.float32))
    ids = np.array([PHONE_ID[base(phone.phone)] for phone in alignment.phones])
    spans = frame_spans(alignment, FRAME_SHIFT, frames)
    ratings = np.array([score for word in labels.words for score in word.phones], np.float32)
    return Sample(key, targets, np.column_stack([spans, ids]), ratings)


@dataclass(frozen=True)
class BatchOptions:
    """``frames``: 10 ms frames of a batch, padding included; ``piece``: longest stretch trained on."""

    frames: int = 6000
    piece: int = 400
    augment: AugmentOptions = field(default_factory=AugmentOptions)


@dataclass(frozen=True)
class Batch:
    """Rows of ``frames`` frames, a multiple of the subsampling.

    ``bank`` (rows, before + frames + after, 80); ``classes`` and ``weights`` (rows, frames), weight 0 beyond
    the piece; ``teacher`` (rows, frames, 79) the teacher's log posteriors and acceptance; ``taught`` (rows,
    frames) True where it has spoken; ``segments`` (n, 3) index frames of the flattened batch.
    """

    bank: Tensor
    classes: Tensor
    weights: Tensor
    teacher: Tensor
    taught: Tensor
    segments: Tensor
    ratings: Tensor


@dataclass(frozen=True)
class Piece:
    """Frames ``start`` to ``end`` of an augmented recording, with targets of the whole recording."""

    bank: NDArray[np.float32]
    sample: Sample
    teacher: NDArray[np.float32] | None
    start: int
    end: int


def at_speed(sample: Sample, speed: float, frames: int) -> Sample:
    """The targets of the recording played ``speed`` times as fast, ``frames`` frames long."""
    source = original_frames(len(sample.targets.classes), speed, frames)
    targets = FrameTargets(sample.targets.classes[source], sample.targets.weights[source])
    segments = sample.segments.copy()
    segments[:, :2] = np.round(segments[:, :2] / speed)
    segments[:, 0] = np.minimum(segments[:, 0], frames - 1)
    segments[:, 1] = np.clip(segments[:, 1], segments[:, 0] + 1, frames)
    return Sample(sample.key, targets, segments, sample.ratings)


def original_frames(count: int, speed: float, frames: int) -> NDArray[np.int64]:
    """(frames,) which of the ``count`` frames of the original each frame was before the change of speed."""
    return np.minimum(np.round(np.arange(frames) * speed).astype(np.int64), count - 1)


def batches(
    store: FrameStore,
    samples: Sequence[Sample],
    teacher: FrameStore | None,
    network: TdnnfOptions,
    options: BatchOptions,
    random: np.random.Generator,
) -> Iterator[Batch]:
    """One epoch: every recording once, at a random speed, augmented anew and cut into pieces."""
    pool: list[Piece] = []
    size = 0
    for number in random.permutation(len(samples)):
        pieces = _pieces(store, samples[number], teacher, samples, options, random)
        pool += pieces
        size += sum(piece.end - piece.start for piece in pieces)
        if size >= POOL * options.frames:
            yield from _drain(pool, network, options, random)
            pool, size = [], 0
    yield from _drain(pool, network, options, random)


def _pieces(
    store: FrameStore,
    sample: Sample,
    teacher: FrameStore | None,
    samples: Sequence[Sample],
    options: BatchOptions,
    random: np.random.Generator,
) -> list[Piece]:
    speed = SPEEDS[int(random.integers(len(SPEEDS)))]

    def other() -> NDArray[np.float32]:
        return store.read(speed_key(samples[int(random.integers(len(samples)))].key, 1.0))

    bank = augment(store.read(speed_key(sample.key, speed)), options.augment, random, other)
    frames = len(bank)
    said = None
    if teacher is not None and sample.key in teacher:
        rows = teacher.read(sample.key)
        said = rows[original_frames(len(rows), speed, frames)]
    changed = at_speed(sample, speed, frames)
    count = -(-frames // options.piece)
    edges = np.linspace(0, frames, count + 1).astype(int)
    return [Piece(bank, changed, said, int(a), int(b)) for a, b in pairwise(edges)]


def _drain(
    pool: list[Piece], network: TdnnfOptions, options: BatchOptions, random: np.random.Generator
) -> Iterator[Batch]:
    pool = sorted(pool, key=lambda piece: (piece.end - piece.start) * (1.0 + 0.1 * random.random()))
    groups: list[list[Piece]] = [[]]
    for piece in pool:
        longest = max(other.end - other.start for other in [piece, *groups[-1]])
        if groups[-1] and (len(groups[-1]) + 1) * longest > options.frames:
            groups.append([])
        groups[-1].append(piece)
    random.shuffle(groups)
    yield from (collate(group, network) for group in groups if group)


def collate(pieces: Sequence[Piece], network: TdnnfOptions) -> Batch:
    """Pieces side by side; around each lies what lies around it in its recording."""
    step, context = network.subsampling, network.context
    longest = max(piece.end - piece.start for piece in pieces)
    length = -(-longest // step) * step
    classes = np.full((len(pieces), length), SILENCE_ID, np.int64)
    weights = np.zeros((len(pieces), length), np.float32)
    teacher = np.zeros((len(pieces), length, len(CLASSES) + len(PHONES)), np.float32)
    taught = np.zeros((len(pieces), length), bool)
    banks, segments, ratings = [], [], []
    for row, piece in enumerate(pieces):
        around = np.arange(piece.start - context.before, piece.start + length + context.after)
        banks.append(piece.bank[np.clip(around, 0, len(piece.bank) - 1)])
        inside, own = slice(piece.start, piece.end), slice(0, piece.end - piece.start)
        classes[row, own] = piece.sample.targets.classes[inside]
        weights[row, own] = piece.sample.targets.weights[inside]
        if piece.teacher is not None:
            teacher[row, own], taught[row, own] = piece.teacher[inside], True
        whole = (piece.sample.segments[:, 0] >= piece.start) & (piece.sample.segments[:, 1] <= piece.end)
        shift = row * length - piece.start
        segments.append(piece.sample.segments[whole] + np.array([shift, shift, 0]))
        ratings.append(piece.sample.ratings[whole])
    arrays = (
        np.stack(banks), classes, weights, teacher, taught, np.concatenate(segments), np.concatenate(ratings)
    )  # fmt: skip
    return Batch(*map(torch.from_numpy, arrays))
