"""The assessment network: phone -> word -> utterance, a few encoder blocks each; a stack of members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elocute.features.context import scalars
from elocute.features.phone import STRESS_UNMARKED
from elocute.phones import MANNERS, PHONES
from elocute.training.blocks import BlockOptions, new_blocks
from elocute.training.inputs import VIEWS, Inputs, view_columns
from elocute.training.layers import Dropout, Embedding, Heads, Linear, Pool

WORD_ASPECTS = ("accuracy", "stress", "total")
UTTERANCE_ASPECTS = ("accuracy", "fluency", "prosodic", "total")
"""Completeness is a rule, not a network output: nearly all of its training labels are 10."""

MASKED_PHONE, MASKED_STRESS, MASKED_MANNER = len(PHONES), STRESS_UNMARKED + 1, len(MANNERS)
"""Ids that stand for a hidden phone in pretraining."""

PLACES = 4
WORDS = 20
"""Positions of words that are told apart; later words share the last one."""

CLIP = (-0.1, 1.1)

LEVELS = ("phone", "word", "utterance")
"""Levels whose heads can see the handcrafted features of the utterance."""


@dataclass(frozen=True)
class HierarchyOptions:
    """Sizes of the network; ``depths`` are the blocks at phone, word and utterance level.

    ``block``: kind of block; ``views``: what the network is shown; ``gate``: a gain per phone on the
    measurements; ``bins``: piecewise-linear encoding of every measurement that is not a vector over phones,
    with so many quantile bins (0: the plain number); ``text``: ``none``, ``words`` (learned ids) or
    ``tokens`` (embeddings of a text model); ``fusion``: the levels (``phone``, ``word``, ``utterance``) whose
    heads see the handcrafted features of the utterance through a projection; ``select``: which of these
    features, ``all``, the ``union`` of what the Lasso of any aspect keeps, or a number: the most weighed.
    """

    width: int = 48
    heads: int = 2
    depths: tuple[int, int, int] = (3, 1, 1)
    dropout: float = 0.15
    input_dropout: float = 0.1
    block: str = "parallel"
    expansion: int = 2
    kernel: int = 3
    views: tuple[str, ...] = VIEWS
    gate: bool = True
    bins: int = 0
    text: str = "none"
    fusion: tuple[str, ...] = ("utterance",)
    select: str = "all"

    def __post_init__(self) -> None:
        if self.select not in ("all", "union") and not self.select.isdecimal():
            raise ValueError(f"select must be all, union or a number, not {self.select}")
        if unknown := sorted(set(self.fusion) - set(LEVELS)):
            raise ValueError(f"fusion must be some of {', '.join(LEVELS)}, not {', '.join(unknown)}")


@dataclass(frozen=True)
class Sizes:
    """What the data decides: names of the phone measurements, the number of utterance features, and of the
    text input (words known, or numbers per token)."""

    columns: tuple[str, ...]
    utterance: int
    text: int = 0

    @property
    def scalars(self) -> list[int]:
        """Columns that are not one of a vector over phones."""
        return scalars(self.columns)


class Outputs(NamedTuple):
    """Scores on a common 0-2 scale: ``phones`` (members, batch, phones), ``words`` (members, batch, phones,
    3) at each phone, ``scores`` (members, batch, 4); ``states`` (members, batch, phones, width) are the phone
    level's."""

    phones: Tensor
    words: Tensor
    scores: Tensor
    states: Tensor


class PhoneEncoder(nn.Module):
    """Phone features to a state per phone: the part that multi-task pretraining trains.

    ``center`` and ``scale`` (members, 1, 1, columns) normalise the measurements.
    """

    center: Tensor
    scale: Tensor
    shown: Tensor
    view: Tensor
    scalars: Tensor
    edges: Tensor

    def __init__(self, members: int, sizes: Sizes, options: HierarchyOptions) -> None:
        super().__init__()
        width, count = options.width, len(sizes.columns)
        self.members, self.bins = members, options.bins
        views = view_columns(sizes.columns)
        self.register_buffer("center", torch.zeros(members, 1, 1, count))
        self.register_buffer("scale", torch.ones(members, 1, 1, count))
        shown = torch.tensor([float(VIEWS[view] in options.views) for view in views])
        self.register_buffer("shown", shown, persistent=False)
        self.register_buffer("view", torch.tensor(views), persistent=False)
        single = torch.tensor(sizes.scalars if options.bins else [], dtype=torch.long)
        self.register_buffer("scalars", single, persistent=False)
        if options.bins:
            ramp = torch.linspace(-2.0, 2.0, options.bins + 1)
            self.register_buffer("edges", ramp.repeat(members, 1, 1, len(single), 1))
        self.project = Linear(members, count + options.bins * len(single), width)
        self.gate = Embedding(members, len(PHONES) + 1, width, 0.0) if options.gate else None
        self.refine = Linear(members, width, width)
        self.phone = Embedding(members, len(PHONES) + 1, width)
        self.stress = Embedding(members, STRESS_UNMARKED + 2, width)
        self.manner = Embedding(members, len(MANNERS) + 1, width)
        self.place = Embedding(members, PLACES, width)
        self.input_dropout = Dropout(options.input_dropout)
        self.use_ids = "ids" in options.views
        kind = BlockOptions(
            options.block, width, options.heads, options.dropout, options.expansion, options.kernel
        )
        self.blocks = new_blocks(members, kind, options.depths[0])

    def forward(self, inputs: Inputs, visible: Tensor | None = None) -> Tensor:
        """-> (members, batch, phones, width).

        Args:
            inputs: with a leading dimension for members, which may be 1.
            visible: (members, batch, phones, views) False where a view of a phone is hidden.
        """
        phone, stress, manner = inputs.phone, inputs.stress, inputs.manner
        values = self._measured(inputs.values.expand(self.members, -1, -1, -1), visible)
        if visible is not None:
            ids = visible[..., VIEWS.index("ids")]
            phone = phone.where(ids, torch.tensor(MASKED_PHONE))
            stress = stress.where(ids, torch.tensor(MASKED_STRESS))
            manner = manner.where(ids, torch.tensor(MASKED_MANNER))
        x = self.project(self.input_dropout(values))
        if self.use_ids:
            # What a measurement means depends on the phone, hence the gain per phone.
            x = x if self.gate is None else x * (1.0 + self.gate(phone))
            x = x + self.phone(phone) + self.stress(stress) + self.manner(manner)
        x = x + self.place(inputs.place)
        x = (x + self.refine(F.gelu(x))) * inputs.mask[..., None]
        for block in self.blocks:
            x = block(x, inputs.mask)
        return x

    def _measured(self, values: Tensor, visible: Tensor | None) -> Tensor:
        """Normalised measurements, those hidden or not shown 0."""
        normal = ((values - self.center) / self.scale).clamp(-6.0, 6.0) * self.shown
        shown = None if visible is None else visible[..., self.view].to(normal.dtype)
        normal = normal if shown is None else normal * shown
        if not self.bins:
            return normal
        chosen = values[..., self.scalars, None]
        low, high = self.edges[..., :-1], self.edges[..., 1:]
        steps = ((chosen - low) / (high - low)).clamp(0.0, 1.0) * self.shown[self.scalars, None]
        if shown is not None:
            steps = steps * shown[..., self.scalars, None]
        return torch.cat([normal, steps.flatten(-2)], dim=-1)


class Hierarchy(nn.Module):
    """Scores from phone features; ``members`` networks side by side.

    A missing utterance feature (NaN) counts as average.
    """

    utterance_center: Tensor
    utterance_scale: Tensor

    def __init__(self, sizes: Sizes, options: HierarchyOptions, members: int = 1) -> None:
        super().__init__()
        width, aspects = options.width, len(UTTERANCE_ASPECTS)
        self.members, self.options, self.sizes = members, options, sizes
        self.register_buffer("utterance_center", torch.zeros(members, 1, sizes.utterance))
        self.register_buffer("utterance_scale", torch.ones(members, 1, sizes.utterance))
        self.encoder = PhoneEncoder(members, sizes, options)
        self.phone_heads = Heads(members, width, width, 1)
        self.word_pool = Pool(members, width)
        self.word_position = Embedding(members, WORDS, width, 0.02)
        self.text: nn.Module | None = None
        if options.text == "words":
            self.text = Embedding(members, sizes.text, width, 0.02)
        elif options.text == "tokens":
            self.text = Linear(members, sizes.text, width)
        self.text_pool = Pool(members, width, CLIP) if options.text == "tokens" else None
        kind = BlockOptions(
            options.block, width, options.heads, options.dropout, options.expansion, options.kernel
        )
        self.word_blocks = new_blocks(members, kind, options.depths[1])
        self.word_heads = Heads(members, width, width, len(WORD_ASPECTS))
        self.utterance_blocks = new_blocks(members, kind, options.depths[2])
        self.utterance_pool = Linear(members, width, aspects)
        self.utterance_project = Linear(members, sizes.utterance, width)
        self.fused = nn.ModuleDict(
            {
                name: Linear(members, sizes.utterance, width)
                for name in ("phone", "word")
                if name in options.fusion
            }
        )
        self.utterance_heads = Heads(members, 2 * width, width, aspects)
        self.input_dropout = Dropout(options.input_dropout)

    def forward(self, inputs: Inputs) -> Outputs:
        inputs = inputs.with_members()
        states = self.encoder(inputs)
        measured = self._measured(inputs)
        seen = self._fuse("phone", states, measured)
        phones = self.phone_heads(seen.flatten(1, 2)[:, None])[:, 0].reshape(states.shape[:-1])
        numbers = torch.arange(inputs.word.max() + 1)  # type: ignore[call-overload]
        members = (inputs.word[..., None, :] == numbers[:, None]) & inputs.mask[..., None, :]
        real = members.any(-1)
        words = self.word_pool(states, members) + self.word_position(
            numbers.clamp(max=WORDS - 1).expand(real.shape)
        )
        if self.text is not None:
            words = words + self._text(inputs, numbers)
        words = words * real[..., None]
        for block in self.word_blocks:
            words = block(words, real)
        # Back to the phones: each has its word's state, so nothing else is padded.
        spread = members.transpose(-1, -2).to(words.dtype).expand(self.members, -1, -1, -1)
        seen = self._fuse("word", words, measured)
        found = self.word_heads(seen.flatten(1, 2)[:, None]).transpose(1, 2)
        word_scores = spread @ found.reshape(*words.shape[:-1], len(WORD_ASPECTS))
        return Outputs(phones, word_scores, self._scores(inputs, states + spread @ words, measured), states)

    def _measured(self, inputs: Inputs) -> Tensor:
        """(members, batch, features) the utterance features in standard deviations, missing ones 0."""
        known = torch.nan_to_num((inputs.utterance - self.utterance_center) / self.utterance_scale, nan=0.0)
        return self.input_dropout(known.clamp(-4.0, 4.0))

    def _fuse(self, level: str, states: Tensor, measured: Tensor) -> Tensor:
        """States of a level with what its head is to see of the utterance features."""
        if level not in self.fused:
            return states
        return states + self.fused[level](measured)[..., None, :]

    def _scores(self, inputs: Inputs, x: Tensor, measured: Tensor) -> Tensor:
        """(members, batch, 4) from phone states that know their words."""
        for block in self.utterance_blocks:
            x = block(x, inputs.mask)
        logits = self.utterance_pool(x).transpose(-1, -2).masked_fill(~inputs.mask[..., None, :], -1e4)
        pooled = logits.softmax(-1) @ x
        context = self.utterance_project(measured) * float("utterance" in self.options.fusion)
        both = torch.cat([pooled, context[..., None, :].expand(pooled.shape)], dim=-1)
        return self.utterance_heads(both.transpose(1, 2)).transpose(1, 2)

    def _text(self, inputs: Inputs, numbers: Tensor) -> Tensor:
        """(members, batch, words, width) what the script says at each word."""
        assert self.text is not None
        assert inputs.text is not None
        assert inputs.text_word is not None
        groups = inputs.text_word[..., None, :] == numbers[:, None]
        if self.text_pool is None:
            return groups.to(self.utterance_center.dtype) @ self.text(inputs.text)
        tokens = self.text(inputs.text.expand(self.members, -1, -1, -1))
        return self.text_pool(tokens, groups)


def stack(networks: Sequence[nn.Module], whole: nn.Module) -> None:
    """Put the weights of networks of one member each into ``whole``, in order."""
    states = [network.state_dict() for network in networks]
    whole.load_state_dict({name: torch.cat([state[name] for state in states]) for name in states[0]})


def member_state(whole: nn.Module, number: int) -> dict[str, Tensor]:
    """The weights of one member of a stack, as of a network of one member."""
    return {name: value[number : number + 1].contiguous() for name, value in whole.state_dict().items()}
