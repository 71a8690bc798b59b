"""Alignment of synthetic speech whose true boundaries are known; see data/flite/NOTICE.txt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from elocute.acoustics.align import align
from elocute.acoustics.alignment import Alignment, PhoneSegment, WordSegment
from elocute.acoustics.model import OnnxAcousticModel
from elocute.acoustics.prosody import rms_energy
from elocute.audio import Audio, load_audio
from elocute.card import ASSETS
from elocute.text import read_script
from elocute.text.script import Script
from elocute.training.targets import load_alignments

DATA = Path(__file__).parent / "data" / "flite"
MODEL = ASSETS / "phonetic-encoder"


@pytest.fixture(scope="module")
def benchmark(load_benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return load_benchmark("alignment")


@pytest.fixture(scope="module")
def utterances(benchmark: ModuleType) -> list:
    return [
        benchmark.Utterance(key, load_audio(DATA / f"{key}.flac"), benchmark.script_of(truth), truth)
        for key, truth in load_alignments(DATA / "alignments.jsonl").items()
    ]


def shifted(truth: Alignment, seconds: float) -> Alignment:
    words = tuple(
        WordSegment(
            w.text,
            w.source,
            tuple(PhoneSegment(p.phone, p.start + seconds, p.end + seconds) for p in w.phones),
        )
        for w in truth.words
    )
    return replace(truth, words=words)


def test_fixture(utterances: list) -> None:
    assert [u.id for u in utterances] == ["slt-00", "rms-01", "awb-02"]
    for u in utterances:
        assert u.truth.duration == pytest.approx(u.audio.duration)
        assert len(u.truth.phones) > 20
        assert [w.text for w in u.script.words] == [w.text for w in u.truth.words]
    assert [s.after_word for s in utterances[0].truth.silences] == [-1, 2, 9]  # a pause at the comma


def test_the_demo_is_the_first_recording() -> None:
    """NOTICE says where it comes from."""
    assert (ASSETS / "demo" / "demo.flac").read_bytes() == (DATA / "slt-00.flac").read_bytes()
    text = (ASSETS / "demo" / "demo.txt").read_text()
    spoken = load_alignments(DATA / "alignments.jsonl")["slt-00"]
    assert [word.text for word in read_script(text).words] == [word.text for word in spoken.words]


def test_errors_of_known_alignments(benchmark: ModuleType, utterances: list) -> None:
    truths = {id(u.audio): u.truth for u in utterances}

    def late(audio: Audio, script: Script) -> Alignment:
        return shifted(truths[id(audio)], 0.02)

    # Every phone's start, the end of each reading, and the end before the comma.
    expected = sum(len(u.truth.phones) + 1 for u in utterances) + 1
    errors = benchmark.boundary_errors(late, utterances)
    assert len(errors) == expected
    np.testing.assert_allclose(errors, 0.02, atol=1e-9)
    assert "median 20.0 ms" in benchmark.report(errors)


def test_segments_become_words(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "phone_count", {"It's": 3, "a": 1}.__getitem__)
    segments = [("pau", 0.2), ("ih", 0.3), ("t", 0.35), ("s", 0.45), ("ax", 0.5), ("pau", 0.7)]
    found = benchmark.true_alignment("It's a.", segments, 0.695)
    assert [(w.text, [p.phone for p in w.phones]) for w in found.words] == [
        ("it's", ["IH", "T", "S"]),
        ("a", ["AH0"]),
    ]
    assert [(s.start, s.end, s.after_word) for s in found.silences] == [(0.0, 0.2, -1), (0.5, 0.695, 1)]
    with pytest.raises(ValueError, match="cut into words"):
        benchmark.true_alignment("It's a.", segments[:-2], 0.7)


def test_the_shipped_model_finds_the_boundaries(benchmark: ModuleType, utterances: list) -> None:
    model = OnnxAcousticModel(MODEL)

    def align_fn(audio: Audio, script: Script) -> Alignment:
        return align(model.posteriors(audio), script, model.align_options, rms_energy(audio.samples))

    errors = np.abs(benchmark.boundary_errors(align_fn, utterances))
    assert np.median(errors) <= 0.015
    assert np.mean(errors <= 0.05) >= 0.94
