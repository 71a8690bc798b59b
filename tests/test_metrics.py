"""Metrics against numpy and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from elocute import metrics
from elocute.metrics import Statistic, bootstrap_by_speaker, mse, pcc, to_json

values = st.floats(-10, 10, allow_subnormal=False).map(lambda value: round(value, 3))
pairs = st.integers(3, 40).flatmap(lambda n: arrays(float, (2, n), elements=values))


@given(pairs, st.floats(-1000, 1000))
def test_pcc_is_numpys(pair: np.ndarray, shift: float) -> None:
    assume(all(np.ptp(side) > 0.1 for side in pair))
    x, y = pair
    assert pcc(x + shift, y) == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-6)


@given(pairs)
def test_mse_is_the_mean_of_squares(pair: np.ndarray) -> None:
    assert mse(*pair) == pytest.approx(np.mean((pair[0] - pair[1]) ** 2))


@given(pairs, st.data())
def test_items_without_reference_do_not_count(pair: np.ndarray, data: st.DataObject) -> None:
    x, y = pair
    keep = data.draw(arrays(bool, x.shape))
    holed = np.where(keep, y, np.nan)
    np.testing.assert_allclose(pcc(x, holed), pcc(x[keep], y[keep]), atol=1e-9)
    np.testing.assert_allclose(mse(x, holed), mse(x[keep], y[keep]), atol=1e-9)


@pytest.mark.parametrize("constant", [0.0, 10.0, 0.1, 1e-9])
@pytest.mark.parametrize("n", [2, 7, 1000])
def test_constant_sides_have_no_correlation(constant: float, n: int) -> None:
    varied = np.random.default_rng(0).normal(size=n)
    assert math.isnan(pcc(varied, np.full(n, constant)))
    assert math.isnan(pcc(np.full(n, constant), varied))


def test_too_few_items() -> None:
    assert math.isnan(pcc([], []))
    assert math.isnan(pcc([1.0], [2.0]))
    assert math.isnan(mse([], []))
    assert math.isnan(mse([1.0], [math.nan]))
    assert mse([1.0], [3.0]) == 4.0


def test_a_missing_prediction_is_loud() -> None:
    assert math.isnan(pcc([1, math.nan, 3], [1, 2, 3]))
    assert math.isnan(mse([1, math.nan, 3], [1, 2, 3]))


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="equal length"):
        pcc([1, 2], [1, 2, 3])


def brute(
    x: np.ndarray, y: np.ndarray, speaker: list[str], statistic: Statistic, draws: np.ndarray
) -> list[float]:
    names = sorted(set(speaker))
    results = []
    for counts in draws:
        chosen = [name for name, count in zip(names, counts, strict=True) for _ in range(int(count))]
        items = [i for name in chosen for i, owner in enumerate(speaker) if owner == name]
        results.append((pcc if statistic == "pcc" else mse)(x[items], y[items]))
    return results


@pytest.mark.parametrize("statistic", ["pcc", "mse"])
def test_bootstrap_is_brute_force_over_speakers(statistic: Statistic) -> None:
    rng = np.random.default_rng(3)
    speaker = [f"s{i}" for i in rng.integers(0, 9, size=80)]
    y = rng.normal(5, 2, size=80)
    x = y + rng.normal(size=80)
    draws = metrics._draw(len(set(speaker)), 50, seed=7)
    assert (draws.sum(axis=1) == len(set(speaker))).all()
    expected = np.percentile(brute(x, y, speaker, statistic, draws), [2.5, 97.5])
    found = bootstrap_by_speaker(x, y, speaker, statistic, samples=50, seed=7)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_bootstrap_repeats_itself_and_ignores_the_order() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 60))
    speaker = [f"s{i % 6}" for i in range(60)]
    once = bootstrap_by_speaker(x, y, speaker, "pcc")
    assert once == bootstrap_by_speaker(x, y, speaker, "pcc")
    assert once != bootstrap_by_speaker(x, y, speaker, "pcc", seed=1)
    order = rng.permutation(60)
    shuffled = bootstrap_by_speaker(x[order], y[order], [speaker[i] for i in order], "pcc")
    np.testing.assert_allclose(shuffled, once, rtol=1e-9)
    assert once[0] < pcc(x, y) < once[1]


def test_bootstrap_is_wider_than_its_items_suggest() -> None:
    """Ten copies of every item by the same speaker bring no new information."""
    rng = np.random.default_rng(5)
    y = rng.normal(size=30)
    x = y + rng.normal(size=30)
    speaker = [f"s{i:02}" for i in range(30)]
    copied = bootstrap_by_speaker(np.repeat(x, 10), np.repeat(y, 10), list(np.repeat(speaker, 10)), "pcc")
    np.testing.assert_allclose(copied, bootstrap_by_speaker(x, y, speaker, "pcc"), rtol=1e-9)


def test_bootstrap_without_a_statistic() -> None:
    assert all(map(math.isnan, bootstrap_by_speaker([], [], [], "mse")))
    assert all(map(math.isnan, bootstrap_by_speaker([1, 2, 3], [10, 10, 10], ["a", "b", "c"], "pcc")))
    assert all(map(math.isnan, bootstrap_by_speaker([1, 2], [math.nan, math.nan], ["a", "b"], "mse")))


@pytest.mark.parametrize("swap", [False, True])
def test_bootstrap_knows_constant_draws(swap: bool) -> None:
    """One side varies within one speaker only, so draws without that speaker have no correlation."""
    rng = np.random.default_rng(2)
    speaker = [f"s{i % 4}" for i in range(40)]
    x = np.array([rng.normal() if name == "s0" else 0.1 for name in speaker])
    sides = (rng.normal(size=40), x) if swap else (x, rng.normal(size=40))
    values = brute(*sides, speaker, "pcc", metrics._draw(4, 60, seed=0))
    assert any(map(math.isnan, values))
    found = bootstrap_by_speaker(*sides, speaker, "pcc", samples=60)
    np.testing.assert_allclose(found, np.nanpercentile(values, [2.5, 97.5]), rtol=1e-9)


def test_draws_without_a_statistic_are_left_out() -> None:
    """Only speaker b varies: draws without b have no correlation, the others have 1."""
    low, high = bootstrap_by_speaker([5, 5, 1, 2], [5, 5, 1, 2], ["a", "a", "b", "b"], "pcc")
    assert (low, high) == (pytest.approx(1.0), pytest.approx(1.0))


def test_nan_becomes_null() -> None:
    assert to_json(math.nan) is None
    assert to_json(np.float64(0.5)) == 0.5
