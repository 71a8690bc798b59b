"""Real recordings changed in one way: what was changed moves, and the rest stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from elocute import Assessment, Assessor
from elocute.audio import load_audio
from elocute.features.handcrafted import REGISTRY
from manipulate import RATE, Samples, psola, with_pause

PAUSE = 0.8
SLOWER = 1.35
EVERY = 7


@pytest.fixture(scope="module")
def assessor() -> Assessor:
    return Assessor()


@pytest.fixture(scope="module")
def recordings(shared_data: Path) -> list[tuple[Samples, str]]:
    folder = shared_data / "speechocean762"
    texts = json.loads((folder / "scores.json").read_text())
    paths = sorted((folder / "samples").glob("*.flac"))[::EVERY]
    return [(load_audio(path).samples, texts[path.stem]["text"]) for path in paths]


@pytest.fixture(scope="module")
def plain(assessor: Assessor, recordings: list[tuple[Samples, str]]) -> list[Assessment]:
    return [assessor.assess(samples, text, rate=RATE) for samples, text in recordings]


Change = Callable[[Callable[[Samples, Assessment], Samples]], list[Assessment]]


@pytest.fixture
def changed(assessor: Assessor, recordings: list[tuple[Samples, str]], plain: list[Assessment]) -> Change:
    def apply(change: Callable[[Samples, Assessment], Samples]) -> list[Assessment]:
        return [
            assessor.assess(change(samples, found), text, rate=RATE)
            for (samples, text), found in zip(recordings, plain, strict=True)
        ]

    return apply


def feature(found: list[Assessment], name: str) -> np.ndarray:
    values = [one.features[name].value for one in found]
    return np.array([np.nan if value is None else value for value in values])


def shift(before: list[Assessment], after: list[Assessment], name: str) -> float:
    """Median absolute change, in standard deviations of the feature over the recordings."""
    one, other = feature(before, name), feature(after, name)
    if np.isnan(one).all() or np.isnan(other - one).all():
        return 0.0
    return float(np.nanmedian(np.abs(other - one)) / max(np.nanstd(one), 1e-6))


def score(found: list[Assessment], name: str) -> np.ndarray:
    return np.array([getattr(one.scores, name) for one in found], float)


def test_a_pause_put_in(plain: list[Assessment], changed: Change) -> None:
    paused = changed(lambda x, found: with_pause(x, found.words[len(found.words) // 2].start, PAUSE))
    added = feature(paused, "all_pause_duration") - feature(plain, "all_pause_duration")
    assert np.median(added) == pytest.approx(PAUSE, abs=0.1)
    assert (feature(paused, "long_pause_count") > feature(plain, "long_pause_count")).mean() >= 0.8
    assert (feature(paused, "speech_rate") < feature(plain, "speech_rate")).all()
    assert np.median(score(paused, "fluency") - score(plain, "fluency")) < -2.0
    lost = {name: np.median(score(plain, name) - score(paused, name)) for name in ("fluency", "accuracy")}
    assert lost["fluency"] > lost["accuracy"]
    timing = ("silence", "runs", "rate")
    others = [shift(plain, paused, name) for name, f in REGISTRY.items() if f.family not in timing]
    moved = [shift(plain, paused, name) for name in ("longest_pause", "long_pause_duration", "silence_share")]
    assert np.percentile(others, 50) < 0.1
    assert np.percentile(others, 90) < 0.5
    assert min(moved) > 1.0


def test_slower_speech(plain: list[Assessment], changed: Change) -> None:
    slow = changed(lambda x, found: psola(x, SLOWER))
    for name in ("speech_rate", "articulation_rate", "phone_rate", "word_rate"):
        assert np.median(feature(slow, name) / feature(plain, name)) == pytest.approx(1 / SLOWER, rel=0.06), (
            name
        )
    assert np.median(feature(slow, "relative_duration_mean") - feature(plain, "relative_duration_mean")) > 0.2
    assert np.median(np.abs(feature(slow, "f0_median") - feature(plain, "f0_median"))) < 0.5
    assert score(slow, "fluency").mean() < score(plain, "fluency").mean() - 2.0


def test_a_flat_voice(plain: list[Assessment], changed: Change) -> None:
    flat = changed(lambda x, f: psola(x, pitch=100 * 2 ** ((f.features["f0_median"].value or 12.0) / 12)))
    for name in ("f0_sd", "f0_range", "accent_excursion_mean", "word_f0_range_mean", "accent_peak_max"):
        assert np.median(feature(flat, name) / feature(plain, name)) < 0.35, name
    for name in ("speech_rate", "all_pause_duration", "phone_acceptance_mean", "vowel_share"):
        assert shift(plain, flat, name) < 0.5, name
    # In dB: these few native readings differ too little in it to measure by their spread.
    assert np.median(np.abs(feature(flat, "energy_sd") - feature(plain, "energy_sd"))) < 0.5
    lost = score(plain, "prosody") - score(flat, "prosody")
    assert np.median(lost) > 1.0
    assert lost.mean() > (score(plain, "fluency") - score(flat, "fluency")).mean()


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_gain_moves_no_score(plain: list[Assessment], changed: Change, gain: float) -> None:
    other = changed(lambda x, found: x * np.float32(gain))
    for name in ("accuracy", "fluency", "prosody", "total"):
        np.testing.assert_allclose(score(other, name), score(plain, name), atol=1.0)
