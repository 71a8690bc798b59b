"""Handcrafted features: defined for every utterance, described, unmoved by what they do not measure."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.gop import goodness
from elocute.acoustics.prosody import Prosody
from elocute.features.handcrafted import FAMILIES, REGISTRY, Evidence, handcrafted
from elocute.features.handcrafted.english import SECONDS
from elocute.features.handcrafted.page import features_page
from elocute.features.measurements import measure
from elocute.phones import PHONES
from hand_readings import again, blank
from readings import flat_prosody, frames_of, random_posteriors, reading

# Four words with gaps of 0.2, 0.1 and 0.6 s: 1.5 s from the first to the last.
SENTENCE = "_:30 | B:5 AA1:10 | _:20 | S:10 IY1:5 T:10 | _:10 | AA1:10 | _:60 | K:10 | _:40"


def evidence(alignment: Alignment, prosody: Prosody | None = None) -> Evidence:
    goods = goodness(random_posteriors(alignment), alignment)
    return Evidence(alignment, goods, prosody or flat_prosody(alignment))


def value(name: str, alignment: Alignment | str, prosody: Prosody | None = None) -> float | None:
    alignment = reading(alignment) if isinstance(alignment, str) else alignment
    return handcrafted(evidence(alignment, prosody))[name]


def test_silence_around_the_reading_does_not_count() -> None:
    short, long = "_:1 | B:9 AA1:9 | _:20 | S:9 | _:1", "_:300 | B:9 AA1:9 | _:20 | S:9 | _:500"
    for name in (
        "speech_rate",
        "all_pause_count",
        "all_pause_duration",
        "phonation_ratio",
        "mean_length_run",
    ):
        assert value(name, short) == pytest.approx(value(name, long)), name


def test_a_silence_parts_an_interval() -> None:
    assert value("vocalic_interval_mean", "_:1 | AA1:10 | _:20 | IY1:20 | _:1") == pytest.approx(0.15)
    assert value("vocalic_interval_mean", "_:1 | AA1:10 | IY1:20 | _:1") == pytest.approx(0.30)


def test_equal_vowels_place_no_stress() -> None:
    """0.1 s and 0.1 s, which as differences of times are not quite the same."""
    for before in range(1, 60, 6):
        text = f"_:{before} | AH0:10 B:7 AA1:10 | _:1"
        assert value("stress_placed_by_duration", text) == 0.0
    assert value("stress_placed_by_duration", "_:9 | AH0:10 B:7 AA1:11 | _:1") == 1.0


def test_twice_the_usual_duration_is_not_more_than_twice() -> None:
    assert SECONDS["G"] == 0.08
    for before in range(1, 60, 6):
        assert value("stretched_share", f"_:{before} | G:16 | _:9") == 0.0
    assert value("stretched_share", "_:9 | G:17 | _:9") == 1.0


def test_f0_in_semitones() -> None:
    alignment = reading("_:10 | AA1:10 B:10 | _:10")
    f0 = np.full(40, np.nan, np.float32)
    f0[:10] = 999.0  # voiced noise outside the reading does not count
    f0[10:20], f0[20:30] = 100.0, 200.0
    prosody = Prosody(f0, np.full(40, 0.1, np.float32))
    assert value("f0_sd", alignment, prosody) == pytest.approx(6.0, abs=1e-4)
    assert value("f0_range", alignment, prosody) == pytest.approx(12.0, abs=1e-4)


def test_gain_changes_nothing() -> None:
    random = np.random.default_rng(1)
    goods = goodness(random_posteriors(again()), again())
    energy = random.random(frames_of(again())).astype(np.float32) * 0.1
    f0 = (100 + 50 * random.random(frames_of(again()))).astype(np.float32)
    soft, loud = (
        handcrafted(Evidence(again(), goods, Prosody(f0, energy * np.float32(gain)))) for gain in (0.5, 2.0)
    )
    for name, number in soft.items():
        assert loud[name] == (number if number is None else pytest.approx(number, rel=1e-4, abs=1e-6)), name


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE,
        "AA1:4",  # one word of one phone that fills the recording
        "S:1",  # one frame, no vowel
        "_:100 | S:4 | _:100",
        "B:4 AA1:5 T:6",
        "S:4 | T:4 | K:4 | _:90 | F:5",  # no vowel anywhere
        "AA1:1 | AA1:1",
    ],
)
@pytest.mark.parametrize("f0", [120.0, np.nan])
@pytest.mark.parametrize("energy", [0.1, 0.0])
def test_every_feature_is_a_number_or_none(text: str, f0: float, energy: float) -> None:
    alignment = reading(text)
    found = handcrafted(evidence(alignment, flat_prosody(alignment, f0, energy)))
    assert list(found) == list(REGISTRY)
    for name, number in found.items():
        assert number is None or (type(number) is float and math.isfinite(number)), (name, number)


def test_missing_is_none_not_zero() -> None:
    goods = blank(again())
    whisper = handcrafted(Evidence(again(), goods, flat_prosody(again(), f0=np.nan)))
    for name, feature in REGISTRY.items():
        if feature.family == "f0" and name != "voiced_share":
            assert whisper[name] is None, name
    silent = handcrafted(Evidence(again(), goods, flat_prosody(again(), energy=0.0)))
    assert all(silent[name] is None for name, f in REGISTRY.items() if f.family == "energy")
    word = reading("_:20 | AA1:20 | _:20")
    alone = handcrafted(Evidence(word, blank(word), flat_prosody(word)))
    for name in ("pause_share_of_places", "pause_duration_mean", "phone_duration_sd", "vowel_npvi",
                 "consonant_acceptance", "one_word_runs"):  # fmt: skip
        assert alone[name] is None, name
    assert alone["all_pause_count"] == 0.0  # counted: there is none


def test_measure_agrees_with_its_parts() -> None:
    alignment = reading(SENTENCE)
    posteriors, prosody = random_posteriors(alignment), flat_prosody(alignment)
    found = measure(posteriors, alignment, prosody)
    assert found.utterance == handcrafted(Evidence(alignment, goodness(posteriors, alignment), prosody))
    assert len(found.phones.values) == 7
    assert frames_of(alignment) == len(prosody.f0)


def test_every_phone_has_a_native_duration() -> None:
    assert tuple(SECONDS) == PHONES
    assert all(0.02 < seconds < 0.3 for seconds in SECONDS.values())


def test_the_page_is_not_stale() -> None:
    """Make it anew with: python -m elocute.features.handcrafted.page > docs/features.md"""
    page = Path(__file__).resolve().parents[1] / "docs" / "features.md"
    assert page.read_text(encoding="utf-8") == features_page()


def test_the_registry_is_described() -> None:
    assert len(REGISTRY) >= 130
    assert {feature.family for feature in REGISTRY.values()} == set(FAMILIES)
    for name, feature in REGISTRY.items():
        assert feature.name == name
        assert min(map(len, (feature.unit, feature.formula, feature.source, feature.advice))) > 0
        assert feature.advice.endswith((".", "?"))
        assert len(set(feature.words)) == 2
