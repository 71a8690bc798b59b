"""Words that were read against words that were not: made-up examples, the fitted model, its decisions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elocute.acoustics.align import AlignOptions, align
from elocute.acoustics.alignment import InsertedSegment, SilenceSegment
from elocute.acoustics.gop import SUMMARIES, goodness
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID, Posteriors
from elocute.corpora.types import Utterance, UtteranceLabels, WordLabels
from elocute.phones import PHONE_ID
from elocute.scoring.presence import (
    MEANS,
    MEASURES,
    PRIOR_WORDS,
    Presence,
    PresenceModel,
    completeness,
    judge_presence,
    speech_seconds,
    speech_within,
    spoken_evidence,
    word_measures,
)
from elocute.scoring.scores import Scores, WordScores
from elocute.text.script import Pronunciation, Script, ScriptWord
from readings import SHIFT, frames_of, random_posteriors, reading

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from elocute.training.presence import READ_TOTAL, WordSample, corrupt, fit_presence, word_sample

WORDS = {"go": "G OW", "see": "S IY", "again": "AH G EH N", "ship": "SH IH P", "march": "M AA R CH"}


def word(text: str) -> ScriptWord:
    return ScriptWord(text, text, (Pronunciation(tuple(WORDS[text].split()), "corpus"),))


def script(*texts: str) -> Script:
    return Script(" ".join(texts), tuple(map(word, texts)))


def clear(alignment_text: str) -> Posteriors:
    """Posteriors of a reading in which every frame is surely what it should be."""
    alignment = reading(alignment_text)
    log_probs = np.full((frames_of(alignment), len(CLASSES)), np.log(0.1 / SILENCE_ID), np.float32)
    columns = [SILENCE_ID] * len(log_probs)
    for phone in alignment.phones:
        for frame in range(round(phone.start / SHIFT + 0.5), round(phone.end / SHIFT + 0.5)):
            if frame < len(columns):
                columns[frame] = PHONE_ID[phone.phone]
    log_probs[np.arange(len(columns)), columns] = np.log(0.9)
    return Posteriors(
        log_probs, np.zeros((len(log_probs), SILENCE_ID), np.float32), SHIFT, alignment.duration
    )


# --- corrupt ---------------------------------------------------------------------------------------------

texts = st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=6)


@given(texts, texts, st.integers(0, 2**32 - 1))
def test_one_stranger_and_everything_else_in_order(own: list[str], others: list[str], seed: int) -> None:
    original = script(*own)
    found, origin = corrupt(original, [word(text) for text in others], np.random.default_rng(seed))
    assert len(found.words) == len(origin)
    assert origin.count(None) == 1
    assert found.words[origin.index(None)].text in others
    kept = [number for number in origin if number is not None]
    assert kept == sorted(set(kept))
    for new, number in zip(found.words, origin, strict=True):
        if number is not None:
            assert new is original.words[number]
    assert len(kept) in (len(own) - 1, len(own))
    if len(kept) < len(own):
        at = origin.index(None)
        assert found.words[at].text != own[at]
        assert at not in kept
    assert original == script(*own)


def test_words_are_replaced_and_inserted() -> None:
    original, random = script("go", "again"), np.random.default_rng(0)
    sizes = [len(corrupt(original, [word("ship")], random)[0].words) for _ in range(200)]
    assert set(sizes) == {2, 3}
    assert 60 < sizes.count(2) < 140


# --- word_sample -----------------------------------------------------------------------------------------


def utterance(key: str, speaker: str, own: Script, totals: list[float] | None) -> Utterance:
    labels = None
    if totals is not None:
        words = (WordLabels(w.text, t, 10.0, t, (2.0,)) for w, t in zip(own.words, totals, strict=True))
        labels = UtteranceLabels(10, 10, 10, 10, 10, tuple(words))
    return Utterance(key, speaker, own.text, Path(), own, None, labels)


HEARD = clear("_:10 | S:10 IY:12 | G:8 OW:14 | SH:12 IH:8 P:9 | M:8 AA:12 R:8 CH:10 | _:10")


def test_words_of_clear_speech_are_told_from_strangers() -> None:
    own = script("see", "go", "ship", "march")
    utterances = [utterance(str(n), f"s{n % 3}", own, [10.0] * 4) for n in range(30)]
    found = word_sample(utterances, lambda u: HEARD, AlignOptions(), seed=1)
    assert found.measures.shape == (len(found.read), len(MEASURES))
    assert (~found.read).sum() == 30
    assert set(found.speakers) == {"s0", "s1", "s2"}
    strangers, own_words = found.measures[~found.read], found.measures[found.read]
    lpp = MEASURES.index("lpp")
    assert np.median(own_words[:, lpp]) > np.median(strangers[:, lpp]) + 1.0
    again = word_sample(utterances, lambda u: HEARD, AlignOptions(), seed=1)
    np.testing.assert_array_equal(again.measures, found.measures)


def test_words_that_may_have_been_left_out_are_no_examples() -> None:
    own = script("see", "go", "ship", "march")
    totals = [READ_TOTAL, READ_TOTAL - 1, 10.0, 0.0]
    rated = word_sample([utterance("u", "s", own, totals)] * 20, lambda u: HEARD, AlignOptions())
    unrated = word_sample([utterance("u", "s", own, None)] * 20, lambda u: HEARD, AlignOptions())
    assert rated.read.sum() == 40
    assert unrated.read.sum() == 80
    assert (~rated.read).sum() == (~unrated.read).sum() == 20


def test_words_read_are_measured_beside_their_true_neighbours() -> None:
    own = script("see", "go", "ship", "march")
    found = word_sample([utterance("u", "s", own, None)] * 5, lambda u: HEARD, AlignOptions())
    alignment = align(HEARD, own, AlignOptions())
    expected = word_measures(alignment, goodness(HEARD, alignment))
    np.testing.assert_allclose(found.measures[found.read], np.tile(expected, (5, 1)))


def test_scripts_too_long_for_their_recording_are_left_out() -> None:
    short = clear("G:1 OW:1")
    utterances = [utterance(text, "s", script(text), None) for text in ("go", "see") * 20]
    found = word_sample(utterances, lambda u: short, AlignOptions())
    assert found.read.sum() == 40
    assert 0 < (~found.read).sum() < 30  # with a word more there are too few frames; replacements are left


# --- fit_presence ----------------------------------------------------------------------------------------


def made_up(count: int, seed: int, distance: float = 4.0) -> WordSample:
    random = np.random.default_rng(seed)
    read = random.random(count) < 0.8
    measures = random.normal(size=(count, len(MEASURES))) * 3.0 + 7.0
    measures[:, 0] += distance * 3.0 * read
    numbers = np.arange(count)
    return WordSample(measures, read, (numbers % 5).astype(str), (numbers // 10).astype(str))


def test_the_fitted_model_separates() -> None:
    model = fit_presence(made_up(2000, 0), 0.01, 0.01, 0.4)
    assert model.on_script == 0.4
    assert model.weights[0] > 0.5
    assert max(map(abs, model.weights[1:])) < 0.2
    unseen = made_up(2000, 1)
    spoken = spoken_evidence(unseen.measures, model) >= model.threshold
    assert 0.97 < spoken[unseen.read].mean() < 0.999
    assert (~spoken[~unseen.read]).mean() > 0.9


@settings(max_examples=25, deadline=None)
@given(st.integers(10, 400), st.floats(0.0, 0.2), st.integers(0, 1000))
def test_no_more_words_are_called_omitted_than_allowed(count: int, allowed: float, seed: int) -> None:
    sample = made_up(count, seed, distance=1.0)
    if sample.read.all() or not sample.read.any():
        return
    model = fit_presence(sample, allowed, allowed, 0.5)
    probability = spoken_evidence(sample.measures, model)[sample.read]
    # 1e-9: the weights are folded into the units of the measures, which rounds.
    assert (probability < model.threshold - 1e-9).mean() <= allowed


def test_a_stricter_rate_lowers_the_threshold() -> None:
    sample = made_up(500, 2, distance=1.0)
    thresholds = [fit_presence(sample, rate, 0.01, 0.5).threshold for rate in (0.0, 0.01, 0.1, 0.5)]
    assert thresholds == sorted(thresholds)
    assert len(set(thresholds)) == 4


def test_a_constant_measure_does_no_harm() -> None:
    sample = made_up(300, 3)
    sample.measures[:, 3] = 5.0
    model = fit_presence(sample, 0.01, 0.01, 0.5)
    assert np.isfinite([*model.weights, model.bias, model.threshold]).all()


# --- what is decided -------------------------------------------------------------------------------------


def test_spoken_evidence() -> None:
    model = PresenceModel((2.0, -1.0), 0.5, threshold=0.0, least_evidence=0.0, on_script=0.5)
    found = spoken_evidence(np.array([[0.0, 0.5], [1.0, 0.0], [0.0, 3.0]]), model)
    np.testing.assert_allclose(found, [0.0, 2.5, -2.5])


def test_word_measures() -> None:
    alignment = reading("_:5 | K:6 AE:8 T:5 | _:9 | AA:9 | _:3")
    goods = goodness(random_posteriors(alignment), alignment)
    found = word_measures(alignment, goods)
    assert found.shape == (2, len(MEASURES))
    mean, rival = (SUMMARIES.index(name) for name in ("log_mean_posterior", "lpr_rival"))
    column = dict(zip(MEASURES, found[0], strict=True))
    assert column["lpp"] == pytest.approx(goods.summaries[:3, mean].mean())
    assert column["rival"] == pytest.approx(goods.summaries[:3, rival].mean())
    assert column["matched"] == pytest.approx((goods.summaries[:3, rival] <= 0).mean())
    assert column["silence"] == pytest.approx(goods.lpp[:3, SILENCE_ID].mean())
    assert column["duration"] == pytest.approx(np.log([0.061, 0.081, 0.051]).mean(), abs=0.01)
    assert column["phones"] == pytest.approx(np.log(3))
    for name in MEANS:
        assert column[f"{name}_sum"] == pytest.approx(3 * column[name])
    assert found[1, MEASURES.index("phones")] == 0.0


LPP = PresenceModel(
    (1.0, *[0.0] * (len(MEASURES) - 1)), bias=1.5, threshold=0.0, least_evidence=-1e9, on_script=0.5
)
"""A word was spoken if its mean log posterior is at least -1.5."""


def rated(*accuracy: float) -> Scores:
    """Scores of words as a scorer gives them before anyone asks whether they were spoken."""
    words = tuple(WordScores(value, 10.0, value) for value in accuracy)
    return Scores(np.zeros(1, np.float32), words, 0.0, 0.0, 0.0, 0.0)


POOR = rated(*[LPP.doubtful] * 3)

ALIGNED = reading("_:10 | S:10 IY:10 | G:10 OW:10 | M:10 AA:10 R:10 CH:10 | _:10")


@pytest.mark.parametrize(
    ("said", "spoken", "status"),
    [
        ("_:10 | S:10 IY:10 | G:10 OW:10 | M:10 AA:10 R:10 CH:10 | _:10", (True, True, True), "ok"),
        ("_:10 | S:10 IY:10 | _:20 | M:10 AA:10 R:10 CH:10 | _:10", (True, False, True), "incomplete"),
        ("_:30 | _:20 | M:10 AA:10 R:10 CH:10 | _:10", (False, False, True), "incomplete"),
        ("_:10 | S:10 IY:10 | _:60 | _:10", (True, False, False), "off_script"),
        ("_:10 | T:80 | _:10", (False, False, False), "off_script"),
        ("_:45 | T:11 | _:44", (False, False, False), "no_speech"),
        ("_:44 | T:12 | _:44", (False, False, False), "off_script"),
    ],
)
def test_judge_presence(said: str, spoken: tuple[bool, ...], status: str) -> None:
    """Half of the script's phones, not of its words, must have been spoken."""
    posteriors = clear(said)
    found = judge_presence(ALIGNED, goodness(posteriors, ALIGNED), posteriors, LPP, POOR)
    assert found.spoken == spoken
    assert found.status == status
    assert all(type(value) is bool for value in found.spoken)


def test_the_threshold_itself_counts_as_spoken() -> None:
    posteriors = random_posteriors(ALIGNED)
    goods = goodness(posteriors, ALIGNED)
    probabilities = spoken_evidence(word_measures(ALIGNED, goods), LPP)
    middle = float(np.median(probabilities))
    assert probabilities.min() < middle < probabilities.max()
    for threshold, count in ((middle, 2), (np.nextafter(middle, np.inf), 1), (-1e9, 3), (1e9, 0)):
        found = judge_presence(ALIGNED, goods, posteriors, replace(LPP, threshold=float(threshold)), POOR)
        assert sum(found.spoken) == count


def test_speech_seconds() -> None:
    assert speech_seconds(clear("_:10 | S:10 IY:13 | _:5 | G:2")) == pytest.approx(0.25)
    assert speech_seconds(clear("_:10")) == 0.0


@given(st.lists(st.booleans(), min_size=1, max_size=50))
def test_completeness_is_the_share_of_words(spoken: list[bool]) -> None:
    assert completeness(spoken) == pytest.approx(10.0 * spoken.count(True) / len(spoken))
    assert 0.0 <= completeness(spoken) <= 10.0


def test_speech_within_the_words() -> None:
    """Ten of forty frames of speech lie where the alignment has silence."""
    alignment = reading("_:10 | S:10 IY:10 | _:20 | G:10 OW:10 | _:10")
    assert speech_within(alignment, clear("_:10 | S:10 IY:10 | _:20 | G:10 OW:10 | _:10")) == 1.0
    posteriors = clear("_:10 | S:10 IY:10 | _:5 | T:10 | _:5 | G:10 OW:10 | _:10")
    assert speech_within(alignment, posteriors) == pytest.approx(40 / 50, abs=0.03)
    assert speech_within(alignment, clear("_:80")) == 1.0


def test_the_scripts_words_said_again_are_within_them() -> None:
    alignment, posteriors = (
        reading("_:10 | S:10 IY:10 | _:40"),
        clear("_:10 | S:10 IY:10 | S:10 IY:10 | _:20"),
    )
    for kind, share in (("repetition", 1.0), ("fragment", 1.0), ("filler", 1.0), ("speech", 0.5)):
        again = InsertedSegment(0.3, 0.5, 0, kind, "")
        silences = (SilenceSegment(0.0, 0.1, -1), SilenceSegment(0.5, 0.7, 0))
        found = replace(alignment, inserted=(again,), silences=silences)
        assert speech_within(found, posteriors) == pytest.approx(share, abs=0.06), kind


def test_a_recording_that_says_much_else_is_off_script() -> None:
    alignment = reading("_:10 | S:10 IY:10 | _:60")
    posteriors = clear("_:10 | S:10 IY:10 | _:5 | G:15 OW:20 | _:20")
    found = judge_presence(alignment, goodness(posteriors, alignment), posteriors, LPP, rated(LPP.doubtful))
    assert found == Presence((True,), "off_script")


def test_many_doubtful_words_are_off_script() -> None:
    """Each word alone may pass, all of them together do not."""
    posteriors = clear("_:10 | S:10 IY:10 | G:10 OW:10 | M:10 AA:10 R:10 CH:10 | _:10")
    goods = goodness(posteriors, ALIGNED)
    evidence = spoken_evidence(word_measures(ALIGNED, goods), LPP)
    mean = float(evidence.sum() / (len(evidence) + PRIOR_WORDS))
    lenient = replace(LPP, threshold=-1e9)
    for least, status in ((mean - 0.01, "ok"), (mean + 0.01, "off_script")):
        found = judge_presence(ALIGNED, goods, posteriors, replace(lenient, least_evidence=least), POOR)
        assert found == Presence((True, True, True), status)


def test_accuracy_counts_beside_the_evidence() -> None:
    """A point of accuracy weighs as much as three of log-odds; the threshold is for an accuracy of 1.5."""
    posteriors = random_posteriors(ALIGNED)
    goods = goodness(posteriors, ALIGNED)
    evidence = spoken_evidence(word_measures(ALIGNED, goods), LPP)
    for accuracy in (0.0, 1.5, 4.0, 9.0):
        least = float(evidence[1]) + 3.0 * (accuracy - 1.5)
        for nudge, spoken in ((-1e-6, True), (1e-6, False)):
            model = replace(LPP, threshold=least + nudge)
            found = judge_presence(ALIGNED, goods, posteriors, model, rated(10.0, accuracy, 10.0))
            assert found.spoken[1] == spoken


def test_a_reading_whose_words_score_well_is_of_this_script() -> None:
    posteriors = clear("_:10 | S:10 IY:10 | G:10 OW:10 | M:10 AA:10 R:10 CH:10 | _:10")
    goods = goodness(posteriors, ALIGNED)
    strict = replace(LPP, threshold=-1e9, least_evidence=1e9)
    for accuracy, status in ((5.4, "off_script"), (5.6, "ok")):
        assert judge_presence(ALIGNED, goods, posteriors, strict, rated(*[accuracy] * 3)).status == status


def test_no_more_utterances_are_rejected_than_allowed() -> None:
    sample = made_up(1000, 4, distance=1.0)
    model = fit_presence(sample, 0.01, 0.05, 0.5)
    evidence = spoken_evidence(sample.measures, model)
    means = [
        evidence[sample.read & (sample.utterances == key)].mean()
        for key in np.unique(sample.utterances[sample.read])
    ]
    assert np.mean(np.array(means) < model.least_evidence - 1e-9) <= 0.05
    assert model.least_evidence > fit_presence(sample, 0.01, 0.0, 0.5).least_evidence
