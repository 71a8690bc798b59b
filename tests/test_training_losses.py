"""The regularisers of the scorer: correlation losses, weights of labels, the ordinal contrast."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from elocute.training.losses import concordance, correlation, label_weights, ordinal_contrast  # noqa: E402

torch.set_num_threads(1)  # networks this small only wait for more


def test_concordance_and_correlation() -> None:
    random = np.random.default_rng(0)
    x = random.normal(1.0, 0.5, 200)
    y = 0.7 * x + random.normal(0.3, 0.3, 200)
    covariance = np.mean((x - x.mean()) * (y - y.mean()))
    expected = 2 * covariance / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    rows = torch.tensor(np.stack([x, x, x, x])), torch.tensor(np.stack([y, x, -x, x + 1]))
    spoiled = [torch.cat([side, torch.full((4, 3), 1e3)], dim=1) for side in rows]
    known = torch.cat([torch.ones(4, 200), torch.zeros(4, 3)], dim=1)
    found = concordance(*spoiled, known)
    assert found[0].item() == pytest.approx(expected, abs=1e-5)
    assert found[1].item() == pytest.approx(1.0, abs=1e-5)
    assert found[2] < 0
    assert found[3] < 0.5
    by_shift = correlation(*spoiled, known)
    assert by_shift[0].item() == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-5)
    np.testing.assert_allclose(by_shift[1:], [1.0, -1.0, 1.0], atol=1e-4)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_rare_labels_count_more(power: float) -> None:
    labels = torch.cat([torch.full((900,), 2.0), torch.full((100,), 0.4), torch.tensor([torch.nan])])
    weights = label_weights(labels, power)
    assert weights[[10, 2]] @ torch.tensor([0.9, 0.1]) == pytest.approx(1.0, abs=1e-5)
    assert (weights[2] / weights[10]).item() == pytest.approx(9.0**power, rel=0.7 if power else 1e-5)


def test_ordinal_contrast() -> None:
    """Equal centres cost the squared margin, distant ones nothing; a good phone off its centre costs more
    than a bad one."""
    near, far = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]]), torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]])
    phone, known = torch.tensor([[0, 1]]), torch.ones(1, 2)
    for states, expected in ((near, 1.0), (far, 0.0)):
        spread, tightness = ordinal_contrast(states, phone, torch.full((1, 2), 2.0), known, 1.0, 3)
        assert spread.item() == pytest.approx(expected, abs=1e-3)
        assert tightness.item() == pytest.approx(0.0, abs=1e-6)
    same = torch.zeros(1, 2, dtype=torch.long)
    good, bad = (
        ordinal_contrast(far, same, torch.full((1, 2), label), known, 1.0, 3)[1] for label in (2.0, 0.4)
    )
    assert good > 4.9 * bad > 0
