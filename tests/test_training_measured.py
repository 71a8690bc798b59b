"""Examples of words nobody said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elocute.acoustics.align import AlignOptions
from elocute.acoustics.posteriors import Posteriors
from elocute.acoustics.prosody import Prosody
from elocute.corpora.types import Utterance
from readings import random_posteriors, reading

pytest.importorskip("torch")

from elocute.text import read_script
from elocute.training.measured import stranger_examples


def speakers(count: int) -> list[Utterance]:
    texts = ("see the ship", "go again", "march")
    return [
        Utterance(f"u{n}", f"s{n}", texts[n % 3], Path(), read_script(texts[n % 3]), None, None)
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def heard() -> Posteriors:
    return random_posteriors(reading("_:10 | S:40 IY:40 | M:40 AA:40 R:40 CH:40 | _:10"))


def test_only_the_stranger_is_labelled(heard: Posteriors) -> None:
    utterances = speakers(12)
    frames = len(heard.log_probs)
    tune = Prosody(np.full(frames, np.nan, np.float32), np.full(frames, 0.1, np.float32))
    posteriors, tunes = ({u.id: thing for u in utterances} for thing in (heard, tune))
    found = stranger_examples(utterances, posteriors, tunes, AlignOptions(), every=2)
    assert [example.id for example in found] == [u.id for u in utterances[::2]]
    for example in found:
        unsaid = example.phones == 0
        assert unsaid.any()
        assert len(np.unique(example.features.word[unsaid])) == 1
        assert np.isnan(example.phones[~unsaid]).all()
        np.testing.assert_array_equal(example.words[:, [0, 2]], example.phones[:, None].repeat(2, axis=1))
        assert np.isnan(example.words[:, 1]).all()
        assert np.isnan(example.scores).all()


def test_none_for_zero(heard: Posteriors) -> None:
    assert stranger_examples(speakers(3), {}, {}, AlignOptions(), every=0) == []
