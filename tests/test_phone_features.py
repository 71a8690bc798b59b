"""Phone features: every column where its name says, and nothing that depends on gain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.ctc import alignment_free_goodness
from elocute.acoustics.gop import goodness
from elocute.acoustics.posteriors import CLASSES
from elocute.acoustics.prosody import Prosody, prosody
from elocute.features.handcrafted import Evidence
from elocute.features.measurements import measure
from elocute.features.phone import (
    ALIGNMENT_FREE,
    STATISTICS,
    STRESS_UNMARKED,
    VALUES,
    PhoneFeatures,
    phone_features,
    statistics,
)
from elocute.phones import MANNERS, PHONE_ID
from readings import SHIFT, flat_prosody, frames_of, random_posteriors, reading


def features(alignment: Alignment, sound: Prosody | None = None) -> PhoneFeatures:
    goods = goodness(random_posteriors(alignment), alignment)
    return phone_features(Evidence(alignment, goods, sound or flat_prosody(alignment)))


def column(found: PhoneFeatures, name: str) -> NDArray[np.float32]:
    return found.values[:, found.names.index(name)]


def of(values: list[float]) -> list[float]:
    """The statistics of one row."""
    return [float(value) for value in statistics(np.array([values], np.float32))[0]]


def test_statistics_by_hand() -> None:
    found = dict(zip(STATISTICS, of([1.0, 2.0, 4.0, 9.0]), strict=True))
    assert found == pytest.approx(
        {"mean": 4.0, "std": np.sqrt(9.5), "median": 3.0, "mad": 1.5, "sum": 16.0, "min": 1.0, "max": 9.0}
    )


def test_statistics_of_nothing_are_zero() -> None:
    assert of([np.nan, np.nan]) == [0.0] * len(STATISTICS)


@given(st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=20))
def test_statistics_are_ordered(values: list[float]) -> None:
    found = dict(zip(STATISTICS, of(values), strict=True))
    assert found["min"] <= found["median"] <= found["max"]
    assert found["min"] - 1e-3 <= found["mean"] <= found["max"] + 1e-3
    assert 0 <= found["mad"] <= found["max"] - found["min"]
    assert found["median"] == float(np.median(np.array(values, np.float32)))


@given(st.lists(st.lists(st.floats(-50, 50, width=32), max_size=12), min_size=1, max_size=5))
def test_statistics_of_many_are_those_of_each(rows: list[list[float]]) -> None:
    longest = max(1, *map(len, rows))
    padded = np.array([[*row, *[np.nan] * (longest - len(row))] for row in rows], np.float32)
    for row, found in zip(rows, statistics(padded), strict=True):
        assert found == pytest.approx(of(row or [np.nan]), rel=1e-5, abs=1e-4)


def test_ids() -> None:
    found = features(reading("HH:5 AH0:5 L:5 OW1:5 | AY1:9 | DH:5 AE2:5"))
    assert found.phone.tolist() == [PHONE_ID[p] for p in ("HH", "AH", "L", "OW", "AY", "DH", "AE")]
    assert found.word.tolist() == [0, 0, 0, 0, 1, 2, 2]
    assert found.place.tolist() == [1, 2, 2, 3, 0, 1, 3]
    assert [MANNERS[i] for i in found.manner] == [
        "aspirate", "vowel", "liquid", "vowel", "vowel", "fricative", "vowel",
    ]  # fmt: skip
    # Monosyllables carry no mark, consonants have an id of their own.
    assert found.stress.tolist() == [STRESS_UNMARKED, 0, STRESS_UNMARKED, 1, 0, STRESS_UNMARKED, 0]


def test_vowels_without_a_digit_are_unstressed() -> None:
    assert features(reading("AH:5 L:5 OW:5")).stress.tolist() == [0, STRESS_UNMARKED, 0]


def test_alignment_free_goodness_is_one_more_column_where_the_model_has_ctc() -> None:
    alignment = reading("_:4 | B:6 AA1:8 | _:20 | S:10")
    tune = flat_prosody(alignment)
    without = measure(random_posteriors(alignment), alignment, tune).phones
    ctc = np.log(np.random.default_rng(0).dirichlet(np.ones(len(CLASSES)), 24)).astype(np.float32)
    found = measure(replace(random_posteriors(alignment), ctc=ctc), alignment, tune).phones
    assert found.names == (*without.names, ALIGNMENT_FREE)
    np.testing.assert_array_equal(found.values[:, :-1], without.values)
    np.testing.assert_array_equal(found.values[:, -1], alignment_free_goodness(ctc, alignment))
    assert len(set(found.values[:, -1])) == 3


def test_columns_are_where_their_names_say() -> None:
    alignment = reading("_:4 | B:6 AA1:8 | _:20 | S:10")
    goods = goodness(random_posteriors(alignment), alignment)
    found = features(alignment)
    assert found.names == VALUES
    assert found.values.shape == (3, len(found.names))
    assert len(set(found.names)) == len(found.names)
    np.testing.assert_array_equal(column(found, "lpp_B"), goods.lpp[:, PHONE_ID["B"]])
    np.testing.assert_array_equal(column(found, "lpr_SIL"), goods.lpr[:, -1])
    np.testing.assert_array_equal(column(found, "rank"), goods.summaries[:, 7])
    np.testing.assert_array_equal(column(found, "acceptance_min"), goods.acceptance[:, 1])


def test_timing() -> None:
    found = features(reading("_:5 | B:6 AA1:8 | _:20 | S:10 | T:4 | _:300"))
    np.testing.assert_allclose(column(found, "duration"), [0.06, 0.08, 0.10, 0.04], atol=1e-6)
    np.testing.assert_allclose(column(found, "log_duration"), np.log([0.061, 0.081, 0.101, 0.041]), atol=1e-5)
    np.testing.assert_allclose(column(found, "relative_duration"), np.array([6, 8, 10, 4]) / 7.0, atol=1e-5)


def test_pauses_touch_only_the_phones_beside_them() -> None:
    found = features(reading("_:50 | B:6 AA1:8 | _:20 | S:10 | T:4 IY0:5 | _:300 | T:9 | _:50"))
    np.testing.assert_allclose(column(found, "pause_before"), [0, 0, 0.2, 0, 0, 2.0], atol=1e-6)
    np.testing.assert_allclose(column(found, "pause_after"), [0, 0.2, 0, 0, 2.0, 0], atol=1e-6)


def test_energy_is_relative_to_the_speech() -> None:
    alignment = reading("_:10 | B:10 AA1:10 | _:10")
    energy = np.repeat(np.array([9.0, 0.03, 0.04, 9.0], np.float32), 10)
    found = features(alignment, Prosody(np.full(40, np.nan, np.float32), energy))
    level = np.sqrt((0.03**2 + 0.04**2) / 2)
    np.testing.assert_allclose(column(found, "energy_mean"), np.array([0.03, 0.04]) / level, rtol=1e-5)
    np.testing.assert_allclose(column(found, "energy_sum"), np.array([0.3, 0.4]) / level, rtol=1e-5)
    np.testing.assert_allclose(column(found, "energy_std"), 0.0, atol=1e-6)


def test_f0_is_in_semitones_from_the_median() -> None:
    alignment = reading("B:10 AA1:10 S:10")
    f0 = np.repeat(np.array([100.0, 200.0, np.nan], np.float32), 10)
    f0[10:15] = 400.0
    f0[0:5] = np.nan
    found = features(alignment, Prosody(f0, np.full(30, 0.1, np.float32)))
    np.testing.assert_allclose(column(found, "f0_mean"), [-12.0, 6.0, 0.0], atol=1e-4)
    np.testing.assert_allclose(column(found, "f0_max"), [-12.0, 12.0, 0.0], atol=1e-4)
    np.testing.assert_allclose(column(found, "voiced_share"), [0.5, 1.0, 0.0])


def test_without_any_voice_f0_is_zero() -> None:
    alignment = reading("S:10 | T:10")
    found = features(alignment, flat_prosody(alignment, f0=np.nan))
    assert all(not column(found, f"f0_{name}").any() for name in STATISTICS)
    assert not column(found, "voiced_share").any()
    assert np.isfinite(found.values).all()


def test_digital_silence_gives_finite_numbers() -> None:
    alignment = reading("S:10 AA1:7 | T:10")
    found = features(alignment, flat_prosody(alignment, f0=np.nan, energy=0.0))
    assert np.isfinite(found.values).all()


@pytest.mark.parametrize("decibels", [-6.0, 6.0])
def test_gain_changes_nothing_but_what_the_model_hears(decibels: float) -> None:
    """F0 and relative energy of the same recording 6 dB softer or louder."""
    alignment = reading("_:20 | B:20 AA1:50 S:30 | _:20 | IY1:50 | _:10")
    random = np.random.default_rng(0)
    time = np.arange(frames_of(alignment) * 160) / 16_000
    pitch = 2 * np.pi * np.cumsum(130 + 30 * np.sin(3 * time)) / 16_000
    voice = sum(np.sin(k * pitch) / k for k in range(1, 8)) * (0.05 + 0.04 * np.sin(5 * time))
    samples = (voice + random.normal(0, 0.01, len(time))).astype(np.float32)
    plain = features(alignment, prosody(samples))
    moved = features(alignment, prosody((samples * 10 ** (decibels / 20)).astype(np.float32)))
    assert column(plain, "voiced_share").any()
    for name in (n for n in plain.names if n.startswith(("f0_", "energy_", "voiced"))):
        np.testing.assert_allclose(
            column(moved, name), column(plain, name), rtol=1e-3, atol=1e-3, err_msg=name
        )


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.booleans())
def test_always_finite(frames: list[int], voiced: bool) -> None:
    names = ["B", "AA1", "_", "S", "IY0", "_", "T", "M"][: len(frames)]
    text = " | ".join(f"{name}:{count}" for name, count in zip(names, frames, strict=True))
    alignment = reading(text)
    found = features(alignment, flat_prosody(alignment, f0=110.0 if voiced else np.nan))
    assert np.isfinite(found.values).all()
    assert len(found.values) == len(alignment.phones) == len(found.word)
    assert found.values.dtype == np.float32
    assert alignment.duration == pytest.approx(sum(frames) * SHIFT)
