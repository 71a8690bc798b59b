"""What was heard instead of the script: evidence, probabilities, and how they reach the result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elocute.acoustics.align import AlignOptions, align
from elocute.acoustics.alignment import Alignment
from elocute.acoustics.edits import LEAST, edit_evidence
from elocute.acoustics.gop import frame_spans, goodness
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID, Posteriors
from elocute.phones import PHONE_ID, base
from elocute.scoring.hearing import (
    DELETION,
    ERROR_MEASURES,
    INSERTION,
    OUTCOMES,
    HearingModel,
    error_measures,
    hear,
    insertion_measures,
    outcome_probabilities,
    with_confidence,
)
from elocute.scoring.presence import MEASURES
from elocute.scoring.scores import Scores, WordScores
from test_align import heard, script

OPTIONS = AlignOptions(4, 4, 2.0)
TEXT = script("K AE1 T", "S IH1 T")
MODEL = HearingModel(
    error=(-4.0, *(0.0,) * (len(ERROR_MEASURES) - 1)),
    error_bias=2.0,
    verdict=0.5,
    outcome=(0.5, 0.5, 1.5, -1.0),
    deletion=(-2.0, 0.1, 0.0, 0.0),
    insertion=(-6.0, 0.3, 0.0),
    confidence=(1.0, *(0.0,) * (len(MEASURES) - 1)),
    confidence_bias=3.0,
)


def listen(*classes: tuple[str, int], like: str = "") -> tuple[Posteriors, Alignment]:
    """Classes of the frames; with "SH S" those of SH sound a little like S, so that S is found there."""
    found = heard(*classes)
    if like:
        said, script_phone = (CLASSES.index(name) for name in like.split())
        frames = found.log_probs.argmax(axis=1) == said
        found.log_probs[frames, script_phone] = np.log(0.05)
    found = replace(found, acceptance=np.zeros((len(found.log_probs), SILENCE_ID), np.float32))
    return found, align(found, TEXT, OPTIONS)


def scores(*phones: float) -> Scores:
    word = WordScores(8.0, 10.0, 7.0)
    return Scores(np.array(phones, np.float32), (word, word), 6.0, 7.0, 8.0, 7.0)


CLEAN = (("SIL", 9), ("K", 8), ("AE", 9), ("T", 8), ("S", 8), ("IH", 9), ("T", 8), ("SIL", 9))


def test_a_faultless_reading_has_no_edit() -> None:
    found, alignment = listen(*CLEAN)
    hearing = hear(found, alignment, goodness(found, alignment), scores(*[2.0] * 6), MODEL)
    assert hearing.edits == ()
    assert not hearing.wrong.any()
    assert [hearing.heard(row)[0][0] for row in range(6)] == ["K", "AE", "T", "S", "IH", "T"]
    assert len(hearing.heard(0, 5, 0.0)) == 5


def test_a_substitution() -> None:
    found, alignment = listen(*CLEAN[:4], ("SH", 8), *CLEAN[5:], like="SH S")
    hearing = hear(found, alignment, goodness(found, alignment), scores(2, 2, 2, 0.1, 2, 2), MODEL)
    (edit,) = hearing.edits
    where = (edit.kind, edit.word, edit.position)
    assert (where, edit.expected, edit.heard) == (("substitution", 1, 0), "S", "SH")
    assert hearing.wrong.tolist() == [False, False, False, True, False, False]


def test_a_deletion() -> None:
    found, alignment = listen(*CLEAN[:5], ("IH", 17), ("SIL", 9))
    hearing = hear(found, alignment, goodness(found, alignment), scores(*[2.0] * 6), MODEL)
    (edit,) = hearing.edits
    assert (edit.kind, edit.word, edit.position, edit.expected, edit.heard) == ("deletion", 1, 2, "T", None)


def test_an_insertion() -> None:
    found, alignment = listen(*CLEAN[:7], ("AH", 6), ("SIL", 9))
    gains = edit_evidence(found, alignment).insertion
    assert np.unravel_index(gains.argmax(), gains.shape) == (7, PHONE_ID["AH"])  # after the last phone
    hearing = hear(found, alignment, goodness(found, alignment), scores(*[2.0] * 6), MODEL)
    assert [(e.kind, e.word, e.position, e.expected, e.heard) for e in hearing.edits] == [
        ("insertion", 1, 3, None, "AH")
    ]


def test_a_substitution_is_no_insertion() -> None:
    found, alignment = listen(*CLEAN[:5], ("EH", 9), *CLEAN[6:], like="EH IH")
    assert edit_evidence(found, alignment).insertion.max() < 5.0


@given(st.integers(40, 70), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_deletion_is_the_best_share_between_the_neighbours(frames: int, seed: int) -> None:
    scores_ = np.log(np.random.default_rng(seed).dirichlet(np.ones(len(CLASSES)), frames)).astype(np.float32)
    found = Posteriors(scores_, scores_[:, :SILENCE_ID], 0.01, frames * 0.01)
    alignment = align(found, TEXT, OPTIONS)
    evidence = edit_evidence(found, alignment)
    clipped = np.maximum(scores_, LEAST)
    for row, (start, end) in enumerate(frame_spans(alignment, 0.01, frames)):
        own = PHONE_ID[base(alignment.phones[row].phone)]
        left, right = evidence.neighbours[row]
        best = max(
            clipped[start:cut, left].sum() + clipped[cut:end, right].sum() for cut in range(start, end + 1)
        )
        assert evidence.deletion[row] == pytest.approx(best - clipped[start:end, own].sum(), abs=1e-3)
    assert (evidence.insertion >= 0.0).all()
    assert evidence.insertion.shape == (sum(len(w.phones) + 1 for w in alignment.words), SILENCE_ID)
    outcomes = outcome_probabilities(alignment, goodness(found, alignment), evidence, MODEL)
    np.testing.assert_allclose(outcomes.sum(axis=1), 1.0)
    assert insertion_measures(evidence).shape[1] == len(INSERTION)


def test_measures_have_their_names() -> None:
    found, alignment = listen(*CLEAN)
    given_scores = scores(2.0, 0.4, 1.0, 2.0, 1.5, 2.0)
    measures = error_measures(alignment, goodness(found, alignment), given_scores)
    assert measures.shape == (6, len(ERROR_MEASURES))
    column = {name: measures[:, number] for number, name in enumerate(ERROR_MEASURES)}
    assert column["score"] == pytest.approx([2.0, 0.4, 1.0, 2.0, 1.5, 2.0])
    assert column["score_below_half"] == pytest.approx([0.0, 0.1, 0.0, 0.0, 0.0, 0.0])
    assert column["score_before"] == pytest.approx([2.0, 2.0, 0.4, 1.0, 2.0, 1.5])
    assert column["word_worst"] == pytest.approx([0.4] * 3 + [1.5] * 3)
    assert column["word_accuracy"] == pytest.approx([1.6] * 6)
    assert column["vowel"].tolist() == [0, 1, 0, 0, 1, 0]


def test_confidence_reaches_the_alignment() -> None:
    """The model here trusts how well the phones fit: the word that was something else gets less."""
    found, alignment = listen(*CLEAN[:4], ("UW", 25), ("SIL", 9))
    words = with_confidence(alignment, goodness(found, alignment), MODEL).words
    assert 0.0 < words[1].confidence < words[0].confidence < 1.0


def test_a_model_of_other_measures_does_not_fit() -> None:
    assert MODEL.fits()
    assert (len(MODEL.outcome), len(MODEL.deletion)) == (len(OUTCOMES), len(DELETION))
    assert not replace(MODEL, error=MODEL.error[:-1]).fits()
    assert not replace(MODEL, insertion=(0.0,)).fits()
