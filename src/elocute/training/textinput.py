"""What the script says, as input of the assessment network: nothing, learned word ids, or a text model.

The text model is any of the ``transformers`` library, by folder or hub id (ModernBERT in arXiv 2509.16876).
Its tokens are mapped to the script's words by a diff of characters, because tokenisers split, merge and
rewrite words. The model stays frozen, so every script is encoded once.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from elocute.training.examples import Example, TextInput
from elocute.training.myers import matches

PACKAGE = "package:"
"""Prefix of a text model that comes in an installed package: ``package:NAME`` or ``package:NAME/FOLDER``."""


def words_of_tokens(tokens: Sequence[str], words: Sequence[str]) -> list[int]:
    """The word that each token belongs to, by most of its characters; -1 if none of them is in the script."""
    letters = [(letter, owner) for owner, word in enumerate(words) for letter in _plain(word)]
    pieces = [(letter, owner) for owner, token in enumerate(tokens) for letter in _plain(token)]
    votes: list[list[int]] = [[] for _ in tokens]
    for piece, letter in matches([p for p, _ in pieces], [letter for letter, _ in letters]):
        votes[pieces[piece][1]].append(letters[letter][1])
    return [max(sorted(set(own)), key=own.count) if own else -1 for own in votes]


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


class TextModel:
    """A frozen text model with its tokeniser."""

    def __init__(self, name: str) -> None:
        from transformers import AutoModel, AutoTokenizer

        source = model_folder(name)
        self.tokeniser: Any = AutoTokenizer.from_pretrained(source)
        self.model: Any = AutoModel.from_pretrained(source, dtype=torch.float32).eval()

    def encode(self, words: Sequence[str]) -> TextInput:
        """(tokens, size) last hidden states, and the word of each token; special tokens are left out."""
        found = self.tokeniser(" ".join(words), return_tensors="pt", truncation=True)
        ids = found["input_ids"][0].tolist()
        with torch.inference_mode():
            states = self.model(**found).last_hidden_state[0].float().numpy()
        texts = [self.tokeniser.decode([i]) for i in ids]
        special = set(self.tokeniser.all_special_ids)
        own = words_of_tokens(["" if i in special else t for i, t in zip(ids, texts, strict=True)], words)
        kept = np.array(own) >= 0
        if not kept.any():
            return np.zeros((1, states.shape[1]), np.float32), np.zeros(1, np.int64)
        return np.ascontiguousarray(states[kept]), np.array(own, np.int64)[kept]


def model_folder(name: str) -> str:
    """A folder or hub id as it is; ``package:NAME`` is the folder in that package with ``config.json``."""
    if not name.startswith(PACKAGE):
        return name
    package, _, inner = name[len(PACKAGE) :].partition("/")
    root = Path(str(importlib.resources.files(package))) / inner
    configs = (path.parent for path in root.rglob("config.json"))
    found = sorted(folder for folder in configs if (folder / "tokenizer.json").exists())
    if not found:
        raise FileNotFoundError(f"{root} holds no text model")
    return str(found[0])


def encode_scripts(model: str, examples: Sequence[Example]) -> tuple[list[TextInput], int]:
    """Token embeddings of all examples' scripts, and their size; equal scripts are encoded once."""
    encoder = TextModel(model)
    known: dict[tuple[str, ...], TextInput] = {}
    for example in examples:
        if example.script not in known:
            known[example.script] = encoder.encode(example.script)
    return [known[e.script] for e in examples], int(next(iter(known.values()))[0].shape[1])


def word_ids(examples: Sequence[Example]) -> tuple[list[TextInput], int]:
    """Ids of the script's words, from 1 in order of first appearance, and their number + 1 (0: unknown)."""
    table: dict[str, int] = {}
    found: list[TextInput] = []
    for example in examples:
        ids = [table.setdefault(word.lower(), len(table) + 1) for word in example.script]
        found.append((np.array(ids, np.int64), np.arange(len(ids))))
    return found, len(table) + 1


def text_inputs(kind: str, model: str, examples: Sequence[Example]) -> tuple[list[TextInput] | None, int]:
    """The text input of all examples for ``HierarchyOptions.text`` = ``kind``, and its size."""
    if kind == "none":
        return None, 0
    return word_ids(examples) if kind == "words" else encode_scripts(model, examples)
