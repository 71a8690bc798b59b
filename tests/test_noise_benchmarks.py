"""Benchmarks of disfluent and noisy recordings: what they put in, and how they count."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from elocute.acoustics.alignment import Alignment, PhoneSegment, WordSegment
from elocute.corpora import speechocean762
from elocute.text import read_script
from fakes import RATE, fake_assessor, speech

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def siblings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Benchmarks import each other as scripts beside each other do."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield
    sys.modules.pop("noises", None)


def truth(*edges: tuple[float, float]) -> Alignment:
    words = tuple(WordSegment(f"w{n}", "user", (PhoneSegment("AA1", *edge),)) for n, edge in enumerate(edges))
    return Alignment(words, (), edges[-1][1] + 0.3)


@pytest.mark.parametrize("kind", ["repetition", "phrase", "fragment", "pause", "stranger"])
def test_a_splice_moves_what_comes_after_it(load_benchmark: Callable[[str], ModuleType], kind: str) -> None:
    benchmark = load_benchmark("disfluency")
    before = truth((0.3, 0.7), (0.7, 1.2), (1.3, 1.8))
    item = benchmark.Recording("r", speech(1.5), read_script("one two three"))
    for seed in range(5):
        change = benchmark.splice(kind, item, before, speech(0.2, 0.0), np.random.default_rng(seed))
        assert change.seconds == pytest.approx((len(change.samples) - len(item.samples)) / RATE)
        moved = [
            tuple(edge + change.seconds * (w.start >= change.at) for edge in (w.start, w.end))
            for w in before.words
        ]
        errors = benchmark.errors(before, truth(*moved), change)
        np.testing.assert_allclose(errors, 0.0, atol=1e-9)
        assert len(errors) == 2 * (3 - len(change.touched))
        unmoved = benchmark.errors(before, before, change)
        assert np.abs(unmoved).max(initial=0.0) in (0.0, pytest.approx(change.seconds))


@pytest.mark.parametrize("kind", ["hum", "music", "babble"])
def test_noise_has_its_level(load_benchmark: Callable[[str], ModuleType], kind: str) -> None:
    noises = load_benchmark("noises")
    dice = np.random.default_rng(0)
    made = noises.noise(kind, RATE, [speech(0.5), speech(0.4)], dice)
    assert np.sqrt(np.mean(np.square(made))) == pytest.approx(1.0, abs=1e-3)
    samples = speech(1.0)
    added = noises.add_noise(samples, noises.noise(kind, len(samples), [samples], dice), 10.0) - samples
    ratio = 20.0 * np.log10(noises.speech_level(samples) / np.sqrt(np.mean(np.square(added))))
    assert ratio == pytest.approx(10.0, abs=0.1)


def test_the_sweep_and_its_figure(
    load_benchmark: Callable[[str], ModuleType], tiny_corpus: Path, tmp_path: Path
) -> None:
    benchmark = load_benchmark("noise")
    utterances = speechocean762.load(tiny_corpus, "train")[:4]
    rows = benchmark.sweep(fake_assessor(), utterances)
    assert [(row.noise, row.snr) for row in rows] == list(benchmark.CONDITIONS)
    assert rows[0].warned == 0.0
    assert all(0.0 <= row.on_script <= 1.0 for row in rows)
    rows = [replace(row, pcc=0.5) for row in rows]
    for name in ("a", "b"):
        benchmark.write(name, rows, "four recordings", tmp_path)
    ElementTree.fromstring((tmp_path / "figure.svg").read_text())
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert len(lines) == 2 + len(rows)
    assert lines[0].count("total PCC") == 2
    assert json.loads((tmp_path / "a.json").read_text())["note"] == "four recordings"


def test_the_reliability_diagram(load_benchmark: Callable[[str], ModuleType]) -> None:
    bins = [[0.05, 0.04, 900.0], [0.95, 0.97, 100.0]]
    figure = load_benchmark("reliability").figure({"error": bins, "heard": bins})
    circles = ElementTree.fromstring(figure).findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 4
