"""Figures of the experiments: what is drawn is where it belongs."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

pytest.importorskip("torch")
from elocute.training.curves import bar_chart, draw, line_chart, losses

SVG = "{http://www.w3.org/2000/svg}"


def test_a_line_runs_from_its_first_to_its_last_value() -> None:
    root = ET.fromstring(line_chart("a < b", {"falls": [3.0, 2.0, 1.0], "flat": [2.0, 2.0]}, "epoch"))
    falls, flat = ([*map(float, p.replace(",", " ").split())] for p in
                   (line.attrib["points"] for line in root.iter(f"{SVG}polyline")))  # fmt: skip
    assert falls[0::2] == sorted(falls[0::2])
    assert falls[1::2] == sorted(falls[1::2])  # down the page
    assert flat[1] == flat[3] == falls[3]
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert {"a < b", "epoch", "falls", "flat", "1", "2", "3"} <= set(texts)


def test_bars_are_as_long_as_their_values() -> None:
    root = ET.fromstring(
        bar_chart("probes", {"phone": {"fresh": 0.25, "pretrained": 0.5}, "f0": {"fresh": -1.0}})
    )
    quarter, half, none = (float(r.attrib["width"]) for r in list(root.iter(f"{SVG}rect"))[1:])
    assert half == pytest.approx(2 * quarter)
    assert none == 0.0


def metrics(folder: Path, probes: bool) -> Path:
    folder.mkdir()
    rows = [{"phase": "scores", "epoch": n, "loss": [1.0 / n, 3.0 / n]} for n in (1, 2, 2, 3)]
    found = {}
    if probes:
        tasks = ("phone", "vowel", "manner", "duration", "f0", "energy")
        rows += [
            {"phase": "pretraining", "epoch": n, "loss": [1.0], **{f"loss_{t}": 2.0 / n for t in tasks}}
            for n in (1, 2)
        ]
        found = {k: {p: {"phone": 0.5} for p in ("shown", "hidden")} for k in ("fresh", "pretrained")}
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "summary.json").write_text(json.dumps({"probes": found}))
    return folder


def test_losses_are_means_of_the_members(tmp_path: Path) -> None:
    assert losses(metrics(tmp_path / "a", False), "scores") == pytest.approx([2.0, 1.0, 2 / 3])


def test_draw(tmp_path: Path) -> None:
    plain, taught = metrics(tmp_path / "plain", False), metrics(tmp_path / "taught", True)
    found = draw({"plain": plain, "pretrained": taught}, taught, tmp_path / "out")
    assert [name for _, name in found] == ["training.svg", "pretraining.svg", "probes.svg"]
    for _, name in found:
        ET.parse(tmp_path / "out" / name)
    assert draw({"plain": plain}, None, tmp_path / "one") == [found[0]]
