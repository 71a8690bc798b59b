"""Reliability diagrams of the probabilities in the result, from the scorer's cross-validation.

    python benchmarks/reliability.py [--report FILE] [--out docs/reliability.svg]

The report is what ``elocute train score`` wrote (shipped: assets/scorer/cross-validation.json). Each point is
a tenth of the range of a probability: predicted on average, against the share that was true, on speakers that
neither the acoustic model, the scorer nor the calibration knew; its area grows with the number of cases.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from elocute.card import ASSETS

TITLES = {
    "error": "experts call the phone wrong",
    "heard": "this phone was said here",
    "insertion": "this phone was put in",
    "confidence": "both edges within 50 ms",
}
SIZE, PAD = 180, 34


def diagram(title: str, bins: Sequence[Sequence[float]], left: int) -> str:
    """One panel of the figure, its plot beginning at ``left``."""
    top = PAD
    total = sum(weight for _, _, weight in bins) or 1.0
    parts = [
        f'<rect x="{left}" y="{top}" width="{SIZE}" height="{SIZE}" fill="none" stroke="#999"/>',
        f'<path d="M{left} {top + SIZE}L{left + SIZE} {top}" stroke="#bbb" stroke-dasharray="4 4"/>',
        f'<text x="{left}" y="{top - 10}">{title}</text>',
    ]
    places = [(left + SIZE * mean, top + SIZE * (1.0 - share)) for mean, share, _ in bins]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts.append(f'<polyline points="{path}" fill="none" stroke="#1f5fa8" stroke-width="1.5"/>')
    for (x, y), (_, _, weight) in zip(places, bins, strict=True):
        radius = 2.0 + 8.0 * (weight / total) ** 0.5
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="#1f5fa8" fill-opacity="0.5"/>'
        )
    for share in (0.0, 0.5, 1.0):
        parts.append(f'<text x="{left + SIZE * share - 4:.0f}" y="{top + SIZE + 16}">{share:g}</text>')
        parts.append(f'<text x="{left - 20}" y="{top + SIZE * (1 - share) + 4:.0f}">{share:g}</text>')
    return "\n".join(parts)


def figure(reliability: dict[str, list[list[float]]]) -> str:
    """SVG with a panel per probability: predicted to the right, true upwards."""
    names = [name for name in TITLES if name in reliability]
    width, height = len(names) * (SIZE + 2 * PAD), SIZE + 2 * PAD
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
    panels = [
        diagram(TITLES[name], reliability[name], PAD + number * (SIZE + 2 * PAD))
        for number, name in enumerate(names)
    ]
    background = f'<rect width="{width}" height="{height}" fill="white"/>'
    return "\n".join([head + 'font-size="11">', background, *panels, "</svg>"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", type=Path, default=ASSETS / "scorer" / "cross-validation.json")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "reliability.svg")
    arguments = parser.parse_args()
    report = json.loads(arguments.report.read_text(encoding="utf-8"))
    arguments.out.write_text(figure(report["hearing"]["reliability"]), encoding="utf-8")
    print(json.dumps(report["hearing"]["mispronunciation"], indent=1))


if __name__ == "__main__":
    main()
