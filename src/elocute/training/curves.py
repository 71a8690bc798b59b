"""Drawn results of a grid: curves of the losses, and what linear probes read from the phone encoder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from elocute.training.pretrain import TASKS

Curves = Mapping[str, Sequence[float]]

COLOURS = ("#1f5fa8", "#c0561b", "#2f7d32", "#7b3fa0", "#8a6d00", "#00757d", "#a81f4c", "#555555")
DASHES = ("", "6 3", "2 2")
"""Lines differ in colour and, from the ninth on, in their dashes."""

WIDTH, HEIGHT, PAD, LINE = 420, 240, 44, 15


def line_chart(title: str, curves: Curves, steps: str) -> str:
    """A chart as SVG: values upwards, ``steps`` (what the points are) to the right, named below."""
    known = {name: list(values) for name, values in curves.items() if len(values)}
    low, high = (f(v for values in known.values() for v in values) for f in (min, max))
    span, longest = (high - low) or 1.0, max(len(values) for values in known.values())
    foot = HEIGHT + PAD + 24
    body = [
        f'<text x="{PAD}" y="20" font-weight="bold">{escape(title)}</text>',
        f'<rect x="{PAD}" y="{PAD}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>',
        f'<text x="{PAD + WIDTH / 2}" y="{foot - 6}">{escape(steps)}</text>',
    ]
    for share in (0.0, 0.5, 1.0):
        y = PAD + HEIGHT * (1.0 - share)
        body.append(f'<text x="4" y="{y + 4:.0f}">{low + span * share:.3g}</text>')
    for step in sorted({1, (longest + 1) // 2, longest}):
        body.append(f'<text x="{_across(step, longest) - 3:.0f}" y="{foot - 8}">{step}</text>')
    for number, (name, values) in enumerate(known.items()):
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number // len(COLOURS) % len(DASHES)]
        path = " ".join(
            f"{_across(step, longest):.1f},{PAD + HEIGHT * (high - value) / span:.1f}"
            for step, value in enumerate(values, start=1)
        )
        style = f'stroke="{colour}" stroke-dasharray="{dash}" stroke-width="1.8"'
        y = foot + 10 + LINE * number
        body.append(f'<polyline points="{path}" fill="none" {style}/>')
        body.append(f'<path d="M{PAD} {y - 4}h28" {style}/>')
        body.append(f'<text x="{PAD + 36}" y="{y}">{escape(name)}</text>')
    return _page(WIDTH + 2 * PAD, foot + 10 + LINE * len(known), body)


def _across(step: int, longest: int) -> float:
    return PAD + WIDTH * (step - 1) / max(longest - 1, 1)


def bar_chart(title: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """Bars from 0 to 1, grouped: group -> name of the bar -> value; as SVG."""
    wide, y = 300, 40
    left = 190
    body = [f'<text x="10" y="20" font-weight="bold">{escape(title)}</text>']
    for group, bars in groups.items():
        body.append(f'<text x="10" y="{y + 11}" font-weight="bold">{escape(group)}</text>')
        for number, (name, value) in enumerate(bars.items()):
            length = wide * min(max(value, 0.0), 1.0)
            y += LINE
            colour = COLOURS[number % len(COLOURS)]
            body.append(f'<text x="24" y="{y + 11}">{escape(name)}</text>')
            body.append(f'<rect x="{left}" y="{y + 2}" width="{length:.1f}" height="11" fill="{colour}"/>')
            body.append(f'<text x="{left + length + 5:.0f}" y="{y + 11}">{value:.3f}</text>')
        y += LINE + 8
    return _page(left + wide + 60, y, body)


def _page(width: int, height: int, body: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
    background = f'<rect width="{width}" height="{height}" fill="white"/>'
    return "\n".join([head + 'font-size="11">', background, *body, "</svg>"]) + "\n"


def losses(folder: Path, phase: str, key: str = "loss") -> list[float]:
    """The mean loss of the members in every epoch of a ``phase`` (pretraining, scores) of an experiment."""
    found: dict[int, float] = {}
    for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["phase"] == phase and key in row:  # an epoch comes twice after a stop
            found[row["epoch"]] = float(np.mean(row[key]))
    return [found[epoch] for epoch in sorted(found)]


def draw(folders: Mapping[str, Path], pretrained: Path | None, out: Path) -> list[tuple[str, str]]:
    """Draw into the folder ``out``; experiments by title, and the one whose pretraining is looked into.

    Returns:
        caption and file name of every figure.
    """
    title = "Loss of the scores on training speakers, by epoch"
    curves = {name: losses(folder, "scores") for name, folder in folders.items()}
    figures = [(title, "training.svg", line_chart(title, curves, "epoch"))]
    if pretrained is not None:
        title = "Losses of the subtasks in pretraining: from the third epoch on, positions are hidden"
        curves = {task: losses(pretrained, "pretraining", f"loss_{task}") for task in TASKS}
        figures.append((title, "pretraining.svg", line_chart(title, curves, "epoch")))
        title = "What linear probes read from the frozen phone encoder, before and after pretraining"
        figures.append((title, "probes.svg", bar_chart(title, _probes(pretrained))))
    out.mkdir(parents=True, exist_ok=True)
    for _, name, drawn in figures:
        (out / name).write_text(drawn, encoding="utf-8")
    return [(title, name) for title, name, _ in figures]


def _probes(folder: Path) -> dict[str, dict[str, float]]:
    """Target and position -> encoder -> what the probe reads."""
    found = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["probes"]
    fresh, pretrained = found["fresh"], found["pretrained"]
    return {
        f"{target}, {position}": {"fresh": value, "pretrained": pretrained[position][target]}
        for position, values in fresh.items()
        for target, value in values.items()
    }
