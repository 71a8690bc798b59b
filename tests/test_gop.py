"""Goodness of pronunciation against hand-computed values."""

from __future__ import annotations

import numpy as np
import pytest

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.gop import ACCEPTANCE, SUMMARIES, Goodness, frame_spans, goodness, heard
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID, Posteriors
from elocute.phones import PHONE_ID
from readings import SHIFT, frames_of, random_posteriors, reading

B, P, S = (PHONE_ID[phone] for phone in "BPS")


def posteriors(rows: list[dict[str, float]], acceptance: np.ndarray | None = None) -> Posteriors:
    """Frames with the given probabilities; the other classes share the rest."""
    probs = np.zeros((len(rows), len(CLASSES)))
    for frame, row in zip(probs, rows, strict=True):
        frame[:] = (1.0 - sum(row.values())) / (len(CLASSES) - len(row))
        for name, probability in row.items():
            frame[CLASSES.index(name)] = probability
    accepted = np.zeros((len(rows), SILENCE_ID)) if acceptance is None else acceptance
    return Posteriors(np.log(probs).astype(np.float32), accepted.astype(np.float32), SHIFT, len(rows) * SHIFT)


def summary(goods: Goodness, row: int, name: str) -> float:
    return float(goods.summaries[row, SUMMARIES.index(name)])


def test_spans_are_the_frames_centred_in_each_phone() -> None:
    alignment = reading("_:3 | B:4 AA1:5 | _:2 | S:6")
    np.testing.assert_array_equal(frame_spans(alignment, SHIFT, 20), [[3, 7], [7, 12], [14, 20]])


def test_spans_of_another_frame_rate_do_not_overlap() -> None:
    """Boundaries of a 20 ms model fall exactly on 10 ms frames; each frame still belongs to one phone."""
    alignment = Alignment(reading("B:4 AA1:5 S:6").words, (), 0.15)
    spans = frame_spans(alignment, 0.005, 30)
    assert spans[0, 0] == 0
    assert spans[-1, 1] == 30
    np.testing.assert_array_equal(spans[1:, 0], spans[:-1, 1])


def test_every_phone_has_a_frame_inside_the_recording() -> None:
    alignment = reading("B:1 AA1:1 S:1 T:1 IY1:1")
    spans = frame_spans(alignment, 0.05, 1)
    assert (spans[:, 1] > spans[:, 0]).all()
    assert spans.min() == 0
    assert spans.max() == 1


def test_lpp_is_the_mean_log_posterior_of_the_segment() -> None:
    goods = goodness(posteriors([{"B": 0.5}, {"B": 0.125}, {"S": 0.9}, {"S": 0.9}]), reading("B:2 S:2"))
    assert goods.lpp[0, B] == pytest.approx((np.log(0.5) + np.log(0.125)) / 2)
    assert goods.lpp[1, S] == pytest.approx(np.log(0.9))
    assert summary(goods, 0, "lpp_canonical") == pytest.approx(np.log(0.25))
    assert summary(goods, 0, "log_mean_posterior") == pytest.approx(np.log(0.3125), abs=1e-6)
    assert summary(goods, 0, "best_log_posterior") == pytest.approx(np.log(0.5))
    assert summary(goods, 0, "worst_log_posterior") == pytest.approx(np.log(0.125))


def test_positive_ratio_means_that_the_rival_fits_better() -> None:
    worse = goodness(posteriors([{"B": 0.2, "P": 0.6}] * 4), reading("B:4"))
    assert worse.lpr[0, P] == pytest.approx(np.log(0.6) - np.log(0.2))
    assert summary(worse, 0, "lpr_rival") == pytest.approx(np.log(3.0))
    better = goodness(posteriors([{"B": 0.6, "P": 0.2}] * 4), reading("B:4"))
    assert better.lpr[0, P] == pytest.approx(-np.log(3.0))
    assert summary(better, 0, "lpr_rival") == pytest.approx(-np.log(3.0))


def test_ratio_to_itself_is_zero_and_stress_does_not_matter() -> None:
    alignment = reading("B:3 AA1:4 | S:2 IY0:5")
    goods = goodness(random_posteriors(alignment), alignment)
    own = [PHONE_ID[p] for p in ("B", "AA", "S", "IY")]
    np.testing.assert_array_equal(goods.lpr[np.arange(4), own], 0.0)
    np.testing.assert_allclose(goods.lpr, goods.lpp - goods.lpp[np.arange(4), own][:, None], atol=1e-6)


def test_silence_is_no_rival_but_has_a_ratio_of_its_own() -> None:
    goods = goodness(posteriors([{"B": 0.1, "SIL": 0.8, "P": 0.05}] * 3), reading("B:3"))
    assert summary(goods, 0, "lpr_silence") == pytest.approx(np.log(8.0))
    assert summary(goods, 0, "lpr_rival") == pytest.approx(np.log(0.5))


def test_middle_leaves_out_the_outer_quarters() -> None:
    inner = {"B": 0.8}
    goods = goodness(posteriors([{"B": 0.1}, inner, inner, {"B": 0.2}]), reading("B:4"))
    assert summary(goods, 0, "middle_log_posterior") == pytest.approx(np.log(0.8))
    single = goodness(posteriors([{"B": 0.1}]), reading("B:1"))
    assert summary(single, 0, "middle_log_posterior") == pytest.approx(np.log(0.1))


def test_rank_counts_what_is_more_probable() -> None:
    goods = goodness(
        posteriors([{"B": 0.2, "P": 0.3, "SIL": 0.4}] * 2 + [{"B": 0.9}] * 2), reading("B:2 | B:2")
    )
    assert summary(goods, 0, "rank") == pytest.approx(np.log(3.0))
    assert summary(goods, 1, "rank") == 0.0


def test_entropy() -> None:
    uniform = goodness(posteriors([{}] * 3), reading("B:3"))
    certain = goodness(posteriors([{"B": 1 - 1e-9}] * 3), reading("B:3"))
    assert summary(uniform, 0, "entropy") == pytest.approx(np.log(40), abs=1e-4)
    assert summary(certain, 0, "entropy") == pytest.approx(0.0, abs=1e-5)


def test_acceptance_summarises_the_column_of_the_canonical_phone() -> None:
    log_odds = np.full((5, SILENCE_ID), 99.0)
    log_odds[:3, B] = [1.0, -3.0, 5.0]
    log_odds[3:, S] = [-2.0, -1.0]
    goods = goodness(posteriors([{}] * 5, log_odds), reading("B:3 S:2"))
    assert ACCEPTANCE == ("acceptance_mean", "acceptance_min", "acceptance_max", "acceptance_probability")
    expected = [[1.0, -3.0, 5.0, 1 / (1 + np.exp(-1.0))], [-1.5, -2.0, -1.0, 1 / (1 + np.exp(1.5))]]
    np.testing.assert_allclose(goods.acceptance, expected, rtol=1e-6)


@pytest.mark.parametrize(("log_odds", "probability"), [(-1000.0, 0.0), (0.0, 0.5), (1000.0, 1.0)])
def test_extreme_acceptance_is_a_probability(log_odds: float, probability: float) -> None:
    with np.errstate(over="raise"):
        goods = goodness(posteriors([{}] * 2, np.full((2, SILENCE_ID), log_odds)), reading("B:2"))
    assert goods.acceptance[0, 3] == probability


def test_shapes_and_finite() -> None:
    alignment = reading("_:5 | B:3 AA1:4 | _:6 | S:2 IY0:5")
    goods = goodness(random_posteriors(alignment), alignment)
    assert goods.lpp.shape == goods.lpr.shape == goods.mean_posteriors.shape == (4, len(CLASSES))
    assert goods.summaries.shape == (4, len(SUMMARIES))
    assert goods.acceptance.shape == (4, len(ACCEPTANCE))
    assert all(np.isfinite(a).all() for a in (goods.lpp, goods.lpr, goods.summaries, goods.acceptance))


def test_means_of_a_long_recording_are_exact() -> None:
    alignment = reading("B:6000 AA1:3 S:5997")
    given = random_posteriors(alignment)
    goods = goodness(given, alignment)
    np.testing.assert_allclose(goods.lpp[1], given.log_probs[6000:6003].mean(0), rtol=1e-5)
    assert frames_of(alignment) == 12_000


def test_heard_lists_the_likeliest_phones() -> None:
    goods = goodness(posteriors([{"B": 0.2, "P": 0.5, "SIL": 0.2, "S": 0.06}] * 3), reading("B:3"))
    found = heard(goods, 0)
    assert [name for name, _ in found] == ["P", "B", "S"]
    assert [p for _, p in found] == pytest.approx([0.5, 0.2, 0.06], abs=1e-6)
    assert heard(goods, 0, most=1) == found[:1]
    assert heard(goods, 0, least=0.1) == found[:2]


def test_heard_is_empty_where_only_silence_is() -> None:
    goods = goodness(posteriors([{"SIL": 0.99}] * 3), reading("B:3"))
    assert heard(goods, 0) == []
    assert goods.mean_posteriors[0, SILENCE_ID] == pytest.approx(0.99)
