"""Statistics, rhythm measures and error rates of the features against others' software and numbers."""

from __future__ import annotations

from types import ModuleType

import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from elocute.features.handcrafted import Evidence, handcrafted
from elocute.features.handcrafted.statistics import npvi, slope, summarise, varco
from hand_readings import blank, evidence
from readings import flat_prosody, reading

VALUES = arrays(np.float64, st.integers(2, 30), elements=st.floats(-1e3, 1e3))
DURATIONS = arrays(np.float64, st.integers(2, 30), elements=st.floats(0.01, 2.0))


@given(VALUES)
def test_statistics_against_numpy(values: NDArray[np.float64]) -> None:
    found = summarise(np.insert(values, 1, np.nan))
    median = np.median(values)
    expected = (
        values.mean(), values.std(), median, np.median(np.abs(values - median)), values.sum(), values.min(),
        values.max(),
    )  # fmt: skip
    assert list(found.values()) == [pytest.approx(value, rel=1e-6, abs=1e-6) for value in expected]


def test_statistics_of_too_little() -> None:
    assert set(summarise(np.array([np.nan])).values()) == {None}
    assert summarise(np.array([2.0])) == {
        "mean": 2, "sd": None, "median": 2, "mad": None, "sum": 2, "min": 2, "max": 2,
    }  # fmt: skip


@pytest.fixture(scope="module")
def stats() -> ModuleType:
    return pytest.importorskip("scipy.stats")


@given(durations=DURATIONS)
def test_spread_and_slope_against_scipy(stats: ModuleType, durations: NDArray[np.float64]) -> None:
    assert summarise(durations)["mad"] == pytest.approx(stats.median_abs_deviation(durations), abs=1e-9)
    assert varco(durations) == pytest.approx(100 * stats.variation(durations), abs=1e-9)
    times = np.cumsum(durations)
    assert slope(times, durations) == pytest.approx(stats.linregress(times, durations).slope, abs=1e-6)


@pytest.mark.parametrize(
    ("durations", "expected", "places"),
    [
        # Toussaint (2012), The pairwise variability index as a tool in musical rhythm analysis, p. 1001.
        ([2, 5, 1, 3], 106.3, 0.05),
        ([1, 3, 6, 2, 5], 88.1, 0.05),
        # Livingstone (2011), Normalized pairwise variability index, the documentation of his MATLAB code.
        ([1, 2, 3], 53.3333, 5e-5),
        ([3, 3, 6], 33.3333, 5e-5),
        ([4, 6, 8], 34.2857, 5e-5),
        ([4, 7, 7], 27.2727, 5e-5),
    ],
)
def test_npvi_as_published(durations: list[float], expected: float, places: float) -> None:
    assert npvi(np.array(durations, np.float64)) == pytest.approx(expected, abs=places)


def test_rhythm_as_the_package_rhythm_metrics_has_it() -> None:
    """The durations of the guide to the R package rhythm.metrics (Zhang 2022), taken as one utterance of
    eight consonantal and eight vocalic intervals in turn, and what its version 1.1.0 answers for them.

    Its standard deviations are of the sample, the ones here of the population.
    """
    frames = (10, 80, 20, 50, 30, 30, 40, 70, 30, 88, 50, 90, 30, 57, 40, 97)
    alignment = reading(
        "_:5 | " + " ".join(f"{('S', 'AA1')[n % 2]}:{f}" for n, f in enumerate(frames)) + " | _:5"
    )
    found = handcrafted(Evidence(alignment, blank(alignment), flat_prosody(alignment)))
    sample = (8 / 7) ** 0.5
    assert found["consonantal_delta"] * sample == pytest.approx(0.1246423455)
    assert found["vocalic_delta"] * sample == pytest.approx(0.2305738184)
    assert found["consonantal_varco"] * sample == pytest.approx(39.88555055)
    assert found["vocalic_varco"] * sample == pytest.approx(32.82189585)
    assert found["vowel_share"] == pytest.approx(0.6921182266)
    assert found["consonantal_rpvi"] == pytest.approx(0.1285714286)
    assert found["vocalic_npvi"] == pytest.approx(42.57597977)


def test_word_errors_against_jiwer() -> None:
    """Each wrong word another word, each insertion one more: the rates of Morris et al. 2004 by jiwer."""
    for name in ("errors", "idea"):
        given = evidence(name)
        texts = [word.text for word in given.alignment.words]
        wrong = {"errors": {0, 3}, "idea": {1, 2}}[name]
        heard = [f"not-{text}" if place in wrong else text for place, text in enumerate(texts)]
        heard += [f"extra-{number}" for number in range(len(given.alignment.inserted))]
        expected = jiwer.process_words(" ".join(texts), " ".join(heard))
        found = handcrafted(given)
        assert found["match_error_rate"] == pytest.approx(expected.mer)
        assert found["inclusive_word_error_rate"] == pytest.approx(expected.wer)


def test_pitch_against_scipy(stats: ModuleType) -> None:
    tune = evidence("tune")
    found, hertz = handcrafted(tune), tune.prosody.f0[~np.isnan(tune.prosody.f0)].astype(np.float64)
    assert found["f0_variation"] == pytest.approx(stats.variation(hertz), abs=1e-6)
    assert found["f0_range"] == pytest.approx(
        12 * np.log2(stats.scoreatpercentile(hertz, 95) / stats.scoreatpercentile(hertz, 5)), abs=1e-4
    )
    voiced = np.flatnonzero(~np.isnan(tune.prosody.f0))
    line = stats.linregress(voiced / 100, 12 * np.log2(hertz / 100))
    assert found["f0_slope"] == pytest.approx(line.slope, abs=1e-4)
    assert found["accent_correlation"] == pytest.approx(
        stats.pearsonr([6, 1, 0, 5, 2], [6, -6, -9, 4, 0]).statistic, abs=1e-4
    )
