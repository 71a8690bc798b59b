"""Scorer training examples: features of an utterance with its labels, and padded batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elocute.corpora.types import UtteranceLabels
from elocute.features.phone import PhoneFeatures
from elocute.training.hierarchy import UTTERANCE_ASPECTS, WORD_ASPECTS
from elocute.training.inputs import Inputs

IDS = ("phone", "stress", "manner", "word", "place")


@dataclass(frozen=True)
class Example:
    """One utterance; labels on a common 0-2 scale: ``phones`` (p,), ``words`` (p, 3) repeated at each phone
    of the word, ``scores`` (4,); ``script`` are the words as written."""

    id: str
    speaker: str
    features: PhoneFeatures
    utterance: NDArray[np.float32]
    phones: NDArray[np.float32]
    words: NDArray[np.float32]
    scores: NDArray[np.float32]
    script: tuple[str, ...] = ()


TextInput = tuple[NDArray[np.generic], NDArray[np.int64]]
"""Of one utterance: token embeddings (tokens, size) or word ids (words,), and the word of each."""


def make_example(
    key: str, speaker: str, features: PhoneFeatures, utterance: NDArray[np.float32], labels: UtteranceLabels
) -> Example:
    phones = np.array([s for word in labels.words for s in word.phones], np.float32)
    words = np.array(
        [[getattr(word, aspect) / 5.0 for aspect in WORD_ASPECTS] for word in labels.words], np.float32
    )
    scores = np.array([getattr(labels, aspect) / 5.0 for aspect in UTTERANCE_ASPECTS], np.float32)
    script = tuple(word.text for word in labels.words)
    return Example(key, speaker, features, utterance, phones, words[features.word], scores, script)


def unlabelled_example(
    key: str,
    speaker: str,
    features: PhoneFeatures,
    utterance: NDArray[np.float32],
    script: tuple[str, ...] = (),
) -> Example:
    """Speech without scores, which pretraining can use: every label is unknown (NaN)."""
    phones = np.full(len(features.phone), np.nan, np.float32)
    words = np.full((len(phones), len(WORD_ASPECTS)), np.nan, np.float32)
    scores = np.full(len(UTTERANCE_ASPECTS), np.nan, np.float32)
    return Example(key, speaker, features, utterance, phones, words, scores, script)


def pick(examples: Sequence[Example], known: Sequence[str], names: Sequence[str]) -> list[Example]:
    """The same examples with only the utterance features ``names``, in this order, of those ``known``."""
    columns = [known.index(name) for name in names]
    return [replace(e, utterance=e.utterance[columns]) for e in examples]


@dataclass(frozen=True)
class Batch:
    """Padded inputs and labels; ``first`` (batch, phones) is True at the first phone of each word. Unknown
    labels are NaN."""

    inputs: Inputs
    phones: Tensor
    words: Tensor
    scores: Tensor
    first: Tensor

    def take(self, rows: Tensor) -> Batch:
        """The utterances ``rows`` (members, batch), as long as the longest of them; -1 is an empty one."""
        empty = (rows < 0)[..., None]
        mask = self.inputs.mask[rows] & ~empty
        length = int(mask.sum(-1).max())
        ids = {name: getattr(self.inputs, name)[rows, :length] for name in (*IDS, "values")}
        inputs = replace(self.inputs, **ids, utterance=self.inputs.utterance[rows], mask=mask[..., :length])
        if self.inputs.text is not None and self.inputs.text_word is not None:
            word = self.inputs.text_word[rows]
            tokens = int((word >= 0).sum(-1).max())
            inputs = replace(inputs, text=self.inputs.text[rows][:, :, :tokens], text_word=word[..., :tokens])
        return Batch(
            inputs,
            self.phones[rows, :length],
            self.words[rows, :length],
            self.scores[rows].masked_fill(empty, torch.nan),
            self.first[rows, :length] & ~empty,
        )


def _pad(arrays: Sequence[NDArray[np.generic]], fill: float = 0) -> Tensor:
    return torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays],
        batch_first=True,
        padding_value=fill,
    )


def make_inputs(
    features: Sequence[PhoneFeatures],
    utterance: Sequence[NDArray[np.float32]],
    text: Sequence[TextInput] | None = None,
) -> Inputs:
    ids = {name: _pad([getattr(f, name) for f in features]) for name in IDS}
    mask = _pad([np.ones(len(f.phone), bool) for f in features])
    values = _pad([f.values for f in features])
    inputs = Inputs(**ids, values=values, utterance=_pad(utterance), mask=mask)
    if text is None:
        return inputs
    return replace(inputs, text=_pad([t for t, _ in text]), text_word=_pad([w for _, w in text], -1))


def make_batch(examples: Sequence[Example], text: Sequence[TextInput] | None = None) -> Batch:
    inputs = make_inputs([e.features for e in examples], [e.utterance for e in examples], text)
    first = _pad([np.diff(e.features.word, prepend=-1) > 0 for e in examples])
    phones, words = (_pad([getattr(e, name) for e in examples], np.nan) for name in ("phones", "words"))
    scores = torch.from_numpy(np.stack([e.scores for e in examples]))
    return Batch(inputs, phones, words, scores, first)


def save_examples(examples: Sequence[Example], path: Path) -> None:
    """One npz without pickles: arrays of all utterances one after another, and where each ends.

    Written whole or not at all, at ``path`` whatever its suffix.
    """
    arrays: dict[str, NDArray[Any]] = {
        name: np.concatenate([getattr(e.features, name) for e in examples]) for name in (*IDS, "values")
    }
    arrays |= {name: np.concatenate([getattr(e, name) for e in examples]) for name in ("phones", "words")}
    arrays |= {name: np.stack([getattr(e, name) for e in examples]) for name in ("utterance", "scores")}
    arrays |= {
        "ends": np.cumsum([len(e.phones) for e in examples]),
        "ids": np.array([e.id for e in examples]),
        "speakers": np.array([e.speaker for e in examples]),
        "names": np.array(examples[0].features.names),
        "scripts": np.array(["\n".join(e.script) for e in examples]),
    }
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:  # given a path, NumPy would add a suffix
        np.savez(file, **arrays)  # type: ignore[arg-type,unused-ignore]
    partial.replace(path)


def load_examples(path: Path) -> list[Example]:
    with np.load(path, allow_pickle=False) as stored:
        data = {name: stored[name] for name in stored.files}
    names = tuple(str(name) for name in data["names"])
    found = []
    for number, (start, end) in enumerate(zip([0, *data["ends"][:-1]], data["ends"], strict=True)):
        features = PhoneFeatures(**{name: data[name][start:end] for name in (*IDS, "values")}, names=names)
        found.append(
            Example(
                str(data["ids"][number]),
                str(data["speakers"][number]),
                features,
                data["utterance"][number],
                data["phones"][start:end],
                data["words"][start:end],
                data["scores"][number],
                tuple(str(data["scripts"][number]).split("\n")) if data["scripts"][number] else (),
            )
        )
    return found
