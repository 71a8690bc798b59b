"""Handcrafted features of phones and words by hand."""

from __future__ import annotations

import numpy as np
import pytest

from elocute.acoustics.gop import goodness
from elocute.features.handcrafted import Evidence
from elocute.features.handcrafted.english import SECONDS
from elocute.features.local import LOCAL, local_features
from readings import flat_prosody, random_posteriors, reading


def test_local_features_by_hand() -> None:
    alignment = reading("_:5 | AH0:6 G:8 EH1:16 N:8 | _:20 | T:8 UW1:8 | AA1:9 | _:5")
    goods = goodness(random_posteriors(alignment), alignment)
    found = local_features(Evidence(alignment, goods, flat_prosody(alignment)))
    assert found.shape == (7, len(LOCAL))
    assert np.isfinite(found).all()
    column = {name: found[:, n] for n, name in enumerate(LOCAL)}
    own = np.log([p.duration / SECONDS[p.phone.rstrip("012")] for p in alignment.phones])
    word = own[:4]
    np.testing.assert_allclose(column["z_duration_in_word"][:4], (word - word.mean()) / word.std(), rtol=1e-4)
    assert column["word_stretch"][0] == pytest.approx(word.mean(), rel=1e-4)
    assert column["neighbour_stretch"][4] == pytest.approx((word.mean() + own[6]) / 2, rel=1e-4)
    assert column["stress_duration_contrast"][0] == pytest.approx(own[2] - own[0], rel=1e-4)
    assert column["stress_energy_contrast"][0] == pytest.approx(0.0, abs=1e-5)
    assert column["stress_duration_contrast"][4] == 0.0  # one vowel has nothing to contrast with
    np.testing.assert_array_equal(column["pause_before_word"], [0, 0, 0, 0, 1, 1, 0])
    assert column["z_duration_in_word"][6] == 0.0
