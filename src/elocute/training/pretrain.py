"""Multi-task pretraining of the phone encoder (arXiv 2509.16876): rebuild hidden views of a phone.

15 % of the positions are selected; of these 90 % are hidden and 10 % left as they are. A hidden phone has the
id of a mask, a hidden measurement is 0, the mean. The first epochs hide nothing and rebuild every position.
Six subtasks: phone, vowel or consonant, manner of articulation, duration in frames of 10 ms (1 to 100), the
seven statistics of F0 and those of energy. It needs no scores, so any aligned speech can take part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elocute.features.phone import STATISTICS
from elocute.phones import MANNERS, PHONES, VOWELS
from elocute.training.hierarchy import HierarchyOptions, PhoneEncoder, Sizes
from elocute.training.inputs import VIEWS, Inputs
from elocute.training.layers import Linear, Norm

TASKS: dict[str, tuple[int, str]] = {
    "phone": (len(PHONES) + 3, "ids"),
    "vowel": (2 + 1, "ids"),
    "manner": (len(MANNERS) + 1, "ids"),
    "duration": (100, "duration"),
    "f0": (len(STATISTICS), "f0"),
    "energy": (len(STATISTICS), "energy"),
}
"""Outputs of each subtask and the view whose hidden positions it rebuilds. As in the paper, classes leave
room for padding, mask and unknown, which are never a target."""

WEIGHTINGS = ("static", "uncertainty", "dwa")
TEMPERATURE = 2.0


@dataclass(frozen=True)
class MtpOptions:
    """``plain_epochs``: how many of the ``epochs`` hide nothing; ``masking``: ``joint`` hides all views of a
    position together, ``views`` selects positions for each view by itself; ``gop``: whether goodness of
    pronunciation stays ``visible`` at hidden positions or is ``masked`` too; ``weighting`` of the subtasks:
    ``static`` by ``weights`` (1 each if empty), ``uncertainty`` (Kendall et al. 2018) or ``dwa`` (dynamic
    weight average, Liu et al. 2019); ``native``: whether native speech takes part; ``spread``: whether word
    and utterance blocks start from the last phone block; no epochs: no pretraining.
    """

    epochs: int = 0
    plain_epochs: int = 2
    tasks: tuple[str, ...] = tuple(TASKS)
    selected: float = 0.15
    hidden: float = 0.9
    masking: str = "joint"
    gop: str = "masked"
    weighting: str = "static"
    weights: tuple[float, ...] = ()
    native: bool = False
    spread: bool = False
    batch: int = 50
    learning_rate: float = 3e-3
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        unknown = sorted(set(self.tasks) - set(TASKS))
        if unknown or not self.tasks:
            raise ValueError(f"tasks must be some of {', '.join(TASKS)}, not {', '.join(unknown) or 'none'}")
        for name, known in (
            ("masking", ("joint", "views")),
            ("gop", ("visible", "masked")),
            ("weighting", WEIGHTINGS),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}")
        if self.weights and len(self.weights) != len(self.tasks):
            raise ValueError(f"{len(self.weights)} weights for {len(self.tasks)} tasks")


@dataclass(frozen=True)
class Masking:
    """``selected`` positions count in the loss, ``visible`` is False where a view is hidden; both (members,
    batch, phones, views)."""

    selected: Tensor
    visible: Tensor


def draw_masking(mask: Tensor, options: MtpOptions, plain: bool) -> Masking:
    """``mask`` (members, batch, phones) True at real phones; ``plain``: nothing is hidden, all selected."""
    shape = (*mask.shape, len(VIEWS))
    real = mask[..., None].expand(shape)
    if plain:
        return Masking(real, torch.ones(shape, dtype=torch.bool))
    joint = options.masking == "joint"
    draw = (*mask.shape, 1) if joint else shape
    selected = (torch.rand(draw) < options.selected).expand(shape) & real
    hidden = (torch.rand(draw) < options.hidden).expand(shape) & selected
    if options.gop == "visible":
        hidden = hidden & (torch.arange(len(VIEWS)) != VIEWS.index("gop"))
    # These columns are made from the others, and from those of neighbours: they would tell what is hidden.
    made = torch.arange(len(VIEWS)) == VIEWS.index("local")
    return Masking(selected, ~(hidden | made))


class Pretraining(nn.Module):
    """The phone encoder with a linear head for all subtasks, and the weights of the subtasks."""

    log_variance: Tensor
    history: Tensor
    is_vowel: Tensor

    def __init__(self, encoder: PhoneEncoder, sizes: Sizes, network: HierarchyOptions, options: MtpOptions):
        super().__init__()
        members = encoder.members
        self.encoder, self.options = encoder, options
        self.norm = Norm(network.width)
        self.outputs = [TASKS[task][0] for task in options.tasks]
        self.head = Linear(members, network.width, sum(self.outputs))
        self.log_variance = nn.Parameter(torch.zeros(members, len(options.tasks)))
        # Mean losses of the epoch before last, the last, and the current one, for the dynamic weights.
        self.register_buffer("history", torch.full((members, 3, len(options.tasks)), math.nan))
        vowels = torch.tensor([int(phone in VOWELS) for phone in PHONES])
        self.register_buffer("is_vowel", vowels, persistent=False)
        self.columns = {
            "duration": [sizes.columns.index("duration")],
            **{v: [sizes.columns.index(f"{v}_{name}") for name in STATISTICS] for v in ("f0", "energy")},
        }

    def forward(self, inputs: Inputs, masking: Masking) -> Tensor:
        """(members, tasks) mean loss of every subtask over its selected positions."""
        states = self.encoder(inputs, masking.visible)
        parts = self.head(self.norm(states)).split(self.outputs, dim=-1)
        losses = []
        for task, found in zip(self.options.tasks, parts, strict=True):
            counted = masking.selected[..., VIEWS.index(TASKS[task][1])].flatten(1).float()
            each = self._losses(task, found, inputs).flatten(1)
            losses.append((each * counted).sum(1) / counted.sum(1).clamp(min=1.0))
        return torch.stack(losses, dim=1)

    def _losses(self, task: str, found: Tensor, inputs: Inputs) -> Tensor:
        """(members, batch, phones) of one subtask; squared errors are of targets of unit variance."""
        if task in ("f0", "energy"):
            columns = self.columns[task]
            center, scale = (x[..., columns] for x in (self.encoder.center, self.encoder.scale))
            target = ((inputs.values[..., columns] - center) / scale).clamp(-6.0, 6.0)
            return (found - target).square().mean(-1)
        classes = {
            "phone": lambda: inputs.phone,
            "vowel": lambda: self.is_vowel[inputs.phone],
            "manner": lambda: inputs.manner,
            "duration": lambda: duration_class(inputs.values[..., self.columns["duration"][0]]),
        }[task]()
        flat = F.cross_entropy(found.flatten(0, 2), classes.flatten(), reduction="none")
        return flat.reshape(found.shape[:-1])

    def weighted(self, losses: Tensor) -> Tensor:
        """(members,) total loss; also keeps what the dynamic weights need."""
        with torch.no_grad():
            seen = losses.detach()
            current = self.history[:, 2]
            current.copy_(torch.where(current.isnan(), seen, 0.98 * current + 0.02 * seen))
        if self.options.weighting == "uncertainty":
            return (torch.exp(-self.log_variance) * losses + 0.5 * self.log_variance).sum(1)
        return (self.task_weights() * losses).sum(1)

    def task_weights(self) -> Tensor:
        """(members, tasks) as of now."""
        tasks = len(self.options.tasks)
        static = torch.tensor(self.options.weights or (1.0,) * tasks).expand(len(self.history), tasks)
        if self.options.weighting == "uncertainty":
            return torch.exp(-self.log_variance.detach())
        if self.options.weighting == "dwa" and not self.history[:, 0].isnan().any():
            rate = self.history[:, 1] / self.history[:, 0].clamp(min=1e-6)
            return static * tasks * (rate / TEMPERATURE).softmax(1)
        return static

    def end_epoch(self) -> dict[str, list[float]]:
        """Move the history on; the mean loss and weight of each subtask for the log."""
        found = {
            f"{kind}_{task}": round(float(value), 5)
            for kind, values in (("loss", self.history[:, 2]), ("weight", self.task_weights()))
            for task, value in zip(self.options.tasks, values.mean(0).tolist(), strict=True)
        }
        self.history.copy_(torch.roll(self.history, -1, dims=1))
        self.history[:, 2] = math.nan
        return found  # type: ignore[return-value]


def duration_class(seconds: Tensor) -> Tensor:
    """Frames of 10 ms, 1 to 100, as class 0 to 99."""
    return (seconds * 100.0).round().long().clamp(1, 100) - 1


def spread_blocks(blocks: nn.ModuleList, targets: Sequence[nn.ModuleList]) -> None:
    """Start other levels' blocks from the last block of the phone level."""
    for block in (block for level in targets for block in level):
        block.load_state_dict(blocks[-1].state_dict())
