"""What the networks are given: a padded batch of phone features, and which columns belong to which view."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from elocute.features.local import LOCAL

VIEWS: tuple[str, ...] = ("ids", "gop", "duration", "energy", "f0", "local")
"""Kinds of input that can be left out or hidden: phone, stress and manner ids; goodness of pronunciation and
acceptance; timing and pauses; energy; pitch; what stands out in the word and the reading."""


@dataclass(frozen=True)
class Inputs:
    """A padded batch: ids (batch, phones) int64, ``values`` (batch, phones, features), ``utterance``
    (batch, n), ``mask`` (batch, phones) True at real phones; ``word`` is the word index of each phone.

    ``text``: embeddings of the script's tokens (batch, tokens, size), or ids of its words (batch, tokens)
    int64; ``text_word`` (batch, tokens): the word of each token, -1 for padding. Every tensor may have a
    leading dimension *members*.
    """

    phone: Tensor
    stress: Tensor
    manner: Tensor
    word: Tensor
    place: Tensor
    values: Tensor
    utterance: Tensor
    mask: Tensor
    text: Tensor | None = None
    text_word: Tensor | None = None

    def with_members(self) -> Inputs:
        """The same with a leading dimension of 1 if there is none for members."""
        if self.phone.dim() == 3:
            return self
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return dataclasses.replace(self, **{n: v[None] for n, v in given.items() if v is not None})


def view_of(column: str) -> str:
    """The view that a column of ``PhoneFeatures.values`` belongs to."""
    if column in LOCAL:
        return "local"
    if column.startswith("f0_") or column == "voiced_share":
        return "f0"
    if column.startswith("energy_"):
        return "energy"
    if "duration" in column or column.startswith("pause_"):
        return "duration"
    return "gop"


def view_columns(names: Sequence[str]) -> list[int]:
    """Index into :data:`VIEWS` for every column."""
    return [VIEWS.index(view_of(name)) for name in names]
