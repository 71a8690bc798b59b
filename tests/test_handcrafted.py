"""Handcrafted features against hand-computed values, and defined for every utterance."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.gop import SUMMARIES, goodness
from elocute.acoustics.prosody import Prosody
from elocute.features.handcrafted import REGISTRY, Evidence, handcrafted
from elocute.features.measurements import measure
from readings import flat_prosody, frames_of, random_posteriors, reading

# Four words with gaps of 0.2, 0.1 and 0.6 s: 1.5 s from the first to the last.
SENTENCE = "_:30 | B:5 AA1:10 | _:20 | S:10 IY1:5 T:10 | _:10 | AA1:10 | _:60 | K:10 | _:40"


def evidence(alignment: Alignment, prosody: Prosody | None = None) -> Evidence:
    goods = goodness(random_posteriors(alignment), alignment)
    return Evidence(alignment, goods, prosody or flat_prosody(alignment))


def value(name: str, alignment: Alignment | str, prosody: Prosody | None = None) -> float | None:
    alignment = reading(alignment) if isinstance(alignment, str) else alignment
    return handcrafted(evidence(alignment, prosody))[name]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("speech_rate", 3 / 1.5),
        ("articulation_rate", 3 / (1.5 - 0.8)),
        ("phonation_ratio", 1 - 0.8 / 1.5),
        ("all_pause_count", 2.0),  # the gap of 0.1 s is none
        ("all_pause_duration", 0.8),
        ("long_pause_count", 1.0),
        ("longest_pause", 0.6),
        ("mean_length_run", 4 / 3),
        ("phone_duration_mean", 0.6 / 7),
        ("phone_duration_sd", np.std([0.05, 0.1, 0.1, 0.05, 0.1, 0.1, 0.1])),
        ("vowel_share", 0.25 / 0.6),
        ("phone_count", 7.0),
    ],
)
def test_timing_by_hand(name: str, expected: float) -> None:
    assert value(name, SENTENCE) == pytest.approx(expected)


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


def test_npvi_by_hand() -> None:
    # Vowels of 100, 50 and 100 ms: each pair differs by 50 ms around a mean of 75 ms.
    assert value("vowel_npvi", SENTENCE) == pytest.approx(100 * (50 / 75))
    assert value("vowel_npvi", "_:1 | AA1:10 B:3 | IY1:10 S:7 AA1:10 | _:1") == pytest.approx(0.0)


def test_npvi_needs_two_vowels() -> None:
    assert value("vowel_npvi", "_:1 | B:5 AA1:10") is None


def test_f0_in_semitones() -> None:
    alignment = reading("_:10 | AA1:10 B:10 | _:10")
    f0 = np.full(40, np.nan, np.float32)
    f0[:10] = 999.0  # voiced noise outside the reading does not count
    f0[10:20], f0[20:30] = 100.0, 200.0
    prosody = Prosody(f0, np.full(40, 0.1, np.float32))
    assert value("f0_sd", alignment, prosody) == pytest.approx(6.0, abs=1e-4)
    assert value("f0_range", alignment, prosody) == pytest.approx(12.0, abs=1e-4)


def test_unvoiced_has_no_f0() -> None:
    alignment = reading("S:10 | T:10")
    prosody = flat_prosody(alignment, f0=np.nan)
    assert value("f0_sd", alignment, prosody) is None
    assert value("f0_range", alignment, prosody) is None


def test_energy_in_decibels_does_not_depend_on_gain() -> None:
    alignment = reading("B:10 AA1:10")
    energy = np.repeat(np.array([0.01, 0.1], np.float32), 10)
    for gain in (0.5, 1.0, 2.0):
        prosody = Prosody(np.full(20, np.nan, np.float32), energy * np.float32(gain))
        assert value("energy_sd", alignment, prosody) == pytest.approx(10.0, abs=1e-4)


def test_goodness_features() -> None:
    given = evidence(reading(SENTENCE))
    lpp, rival = np.zeros(7, np.float32), np.zeros(7, np.float32)
    lpp[:] = [-1, -2, -3, -1, -2, -3, -2]
    rival[:] = [-0.5, 0.5, -0.1, 0.0, 2.0, 0.1, -3.0]  # a rival that fits no better (<= 0) is a match
    summaries = given.goodness.summaries.copy()
    summaries[:, SUMMARIES.index("lpp_canonical")] = lpp
    summaries[:, SUMMARIES.index("lpr_rival")] = rival
    found = handcrafted(
        dataclasses.replace(given, goodness=dataclasses.replace(given.goodness, summaries=summaries))
    )
    assert found["gop_mean"] == pytest.approx(-2.0)
    assert found["gop_sd"] == pytest.approx(np.std(lpp))
    assert found["phone_match_rate"] == pytest.approx(4 / 7)


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


def test_the_registry_says_what_its_features_are() -> None:
    for name, feature in REGISTRY.items():
        assert feature.name == name
        assert feature.unit
        assert feature.formula


def test_measure_agrees_with_its_parts() -> None:
    alignment = reading(SENTENCE)
    posteriors, prosody = random_posteriors(alignment), flat_prosody(alignment)
    found = measure(posteriors, alignment, prosody)
    assert found.utterance == handcrafted(Evidence(alignment, goodness(posteriors, alignment), prosody))
    assert len(found.phones.values) == 7
    assert frames_of(alignment) == len(prosody.f0)
