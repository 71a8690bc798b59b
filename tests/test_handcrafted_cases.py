"""Every feature of the registry against a case computed by hand (``hand_*.py``)."""

from __future__ import annotations

from itertools import chain

import pytest

import hand_sounds
import hand_timing
import hand_voice
from elocute.features.handcrafted import REGISTRY, handcrafted
from hand_readings import evidence

CASES = [
    (reading, name, value)
    for reading, values in chain.from_iterable(
        m.CASES.items() for m in (hand_timing, hand_voice, hand_sounds)
    )
    for name, value in values.items()
]


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, float | None]]:
    return {
        name: handcrafted(evidence(name)) for name in ("plain", "tune", "glide", "errors", "idea", "pauses")
    }


def close(value: float | None) -> object:
    """Times and counts are exact to a float, what comes from F0 and energy to a float32 in a logarithm."""
    return None if value is None else pytest.approx(value, rel=1e-5, abs=2e-5)


@pytest.mark.parametrize(("reading", "name", "value"), CASES)
def test_by_hand(
    found: dict[str, dict[str, float | None]], reading: str, name: str, value: float | None
) -> None:
    assert found[reading][name] == close(value)


def test_every_feature_has_a_case() -> None:
    """One whose value is neither missing nor 0, which many a mistake would give, too."""
    telling = {name for _, name, value in CASES if value}
    assert set(REGISTRY) - telling == set()
    assert telling - set(REGISTRY) == set()


def test_no_feature_fits_the_cases_of_a_sister(found: dict[str, dict[str, float | None]]) -> None:
    """The cases tell the features of a family apart: exchanged or copied definitions do not pass."""
    for name, feature in REGISTRY.items():
        own = [(reading, value) for reading, case, value in CASES if case == name]
        sisters = [other for other, sister in REGISTRY.items() if sister.family == feature.family]
        fitting = [s for s in sisters if all(found[reading][s] == close(value) for reading, value in own)]
        assert fitting == [name]
