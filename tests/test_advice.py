"""Suggestions follow from the numbers, cite them, and point at the place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elocute.advice import MOST, phrase_ends, suggest
from elocute.articulation import CONTRASTS, SOUNDS, how_to
from elocute.phones import PHONES, ipa
from elocute.result import (
    Assessment,
    FeatureValue,
    HeardPhone,
    Insertion,
    ModelInfo,
    Pause,
    PhoneEdit,
    PhoneResult,
    Suggestion,
    UtteranceScores,
    WordResult,
)
from fakes import RATE, fake_assessor, speech


def phone(
    name: str, accuracy: float | None = 100.0, heard: str = "", probability: float = 0.8, length: float = 0.1
) -> PhoneResult:
    found = (HeardPhone(heard, probability),) if heard else ()
    return PhoneResult(name, ipa(name), 0.0, length, accuracy, found)


def word(text: str, *phones: PhoneResult, **fields: Any) -> WordResult:
    whole = WordResult(text, 0.0, 0.3, 90.0, 100.0, 90.0, "ok", "lexicon", phones)
    return replace(whole, **fields)


def read(*words: WordResult, text: str = "", score: float = 95.0, **fields: Any) -> Assessment:
    scores = UtteranceScores(score, 100.0, score, score, score)
    text = text or " ".join(w.text for w in words)
    whole = Assessment("ok", (), text, 3.0, scores, words, (), {}, ModelInfo("m", "1", "0"))
    return replace(whole, **fields)


THIN = word("thin", phone("TH", 30.0, "S", 0.82), phone("IH1"), phone("N"))
ICE = word("ice", phone("AY1"), phone("S"))


def only(assessment: Assessment) -> Suggestion:
    (suggestion,) = suggest(assessment)
    return suggestion


def test_a_wrong_sound_says_what_was_heard_and_how_to_make_it() -> None:
    said = only(read(THIN, ICE))
    assert (said.code, said.word, said.phone) == ("sound", 0, 0)
    assert said.title == "θ in “thin” sounds like s"
    for part in ("probability 82%", "30 of 100", "between the teeth", "for s it stays behind"):
        assert part in said.message


def test_a_vowel_heard_for_a_consonant_is_no_exchange() -> None:
    said = only(read(word("thin", phone("TH", 30.0, "IY", 0.82), phone("N")), ICE))
    assert said.title == "Work on θ in “thin”"
    assert "heard" not in said.message


def test_edits_come_before_the_best_phone() -> None:
    lost = replace(THIN, edits=(PhoneEdit("deletion", 0, "TH", None, 0.7),))
    assert only(read(lost, ICE)).title == "Say the θ in “thin”"
    assert "probability 70%" in only(read(lost, ICE)).message
    other = replace(THIN, edits=(PhoneEdit("substitution", 0, "TH", "F", 0.6),))
    assert only(read(other, ICE)).title == "θ in “thin” sounds like f"


def test_added_sounds_are_named() -> None:
    edit = PhoneEdit("insertion", 2, None, "AH", 0.9)
    said = only(read(replace(ICE, edits=(edit,))))
    assert (said.code, said.title, said.word) == ("added", "No ʌ in “ice”", 0)
    assert "after its s" in said.message
    assert "90%" in said.message
    before = replace(ICE, edits=(replace(edit, position=0),))
    assert "before its aɪ" in only(read(before)).message
    assert only(read(replace(ICE, edits=(replace(edit, probability=0.3),)))).code == "well_read"


def test_a_sound_that_fails_often_outweighs_a_worse_slip() -> None:
    see = [word(text, phone("S", 50.0), phone("IY1")) for text in ("see", "sea", "sip")]
    said = suggest(read(word("me", phone("M", 45.0)), *see))
    assert [(s.word, s.phone) for s in said] == [(1, 0), (0, 0)]
    assert "“sea” and “sip”" in said[0].message


def test_omitted_words_come_first() -> None:
    gone = word("ice", phone("AY1", 0.0), accuracy=0.0, stress=None, total=0.0, verdict="omitted")
    said = suggest(read(THIN, gone, status="incomplete"))
    assert [s.code for s in said] == ["omitted", "sound"]
    assert "1 of 2 words" in said[0].message
    assert said[0].word == 1


@pytest.mark.parametrize(
    ("text", "code"), [("thin ice", "pause"), ("Thin, ice", "sound"), ("Thin — ice", "sound")]
)
def test_only_pauses_without_punctuation_are_unexpected(text: str, code: str) -> None:
    good = word("thin", phone("TH", 90.0), phone("IH1"))
    said = suggest(read(good, ICE, text=text, pauses=(Pause(0.5, 1.12, 0),)))
    assert said[0].code == code
    if code == "pause":
        assert "0.62 s between “thin” and “ice”" in said[0].message


def test_phrase_ends() -> None:
    words = [word(text) for text in ("well", "it's", "five", "dollars", "a", "day")]
    assert phrase_ends(read(*words, text="Well, it’s $5 a day.")) == {-1, 0, 1, 2, 3, 5}
    assert phrase_ends(read(*words[4:], text='"A" day?')) == {-1, 1}


def test_stress_names_the_syllable_and_the_lengths() -> None:
    about = word("about", phone("AH0", length=0.18), phone("B"), phone("AW1"), phone("T"), stress=40.0)
    said = only(read(about))
    assert (said.code, said.title) == ("stress", "Stress “about” on its second syllable")
    assert "aʊ lasts 100 ms, the unstressed ə 180 ms" in said.message
    assert "40 of 100" in said.message


def test_speech_outside_the_text() -> None:
    said = only(read(ICE, insertions=(Insertion(0.1, 0.6, -1, "filler", ""),)))
    assert (said.code, said.word) == ("inserted", 0)
    assert "1 filled pause (um, uh), 0.50 s" in said.message


def test_rates_are_compared_with_fluent_readers() -> None:
    slow = {"speech_rate": FeatureValue(2.3, "syllables/s", percentile=4.0)}
    said = only(read(ICE, features=slow))
    assert (said.code, said.feature) == ("speech_rate", "speech_rate")
    assert "2.3 syllables per second, slower than 96 % of fluent readers" in said.message
    usual = {"speech_rate": FeatureValue(4.3, "syllables/s", percentile=40.0)}
    assert only(read(ICE, features=usual)).code == "well_read"


def test_low_aspects_cite_their_measurements() -> None:
    features = {
        "speech_rate": FeatureValue(2.31, "syllables/s"),
        "all_pause_duration": FeatureValue(0.0, "s"),
        "f0_range": FeatureValue(None, "semitones"),
    }
    said = only(read(ICE, features=features, score=70.0))
    assert said.code == "fluency"
    assert "70 of 100. You read 2.3 syllables per second. Join" in said.message


def test_of_good_sounds_only_the_weakest_is_named() -> None:
    said = suggest(read(word("ice", phone("AY1", 91.0), phone("S", 90.0))))
    assert [(s.title, s.phone) for s in said] == [("Polish the s in “ice”", 1)]


def test_a_good_reading_gets_no_invented_fault() -> None:
    said = only(read(word("ice", phone("AY1", 99.0), phone("S", 98.0))))
    assert (said.code, said.word, said.phone) == ("well_read", 0, 1)
    assert "98" in said.message


@pytest.mark.parametrize("status", ["no_speech", "off_script"])
def test_no_advice_without_scores(status: Any) -> None:
    unknown = UtteranceScores(None, None, None, None, None)
    assert suggest(read(THIN, status=status, scores=unknown)) == ()


score = st.none() | st.floats(0, 100)
phones = st.builds(
    lambda name, accuracy, other, p: phone(name, accuracy, other, p),
    st.sampled_from(PHONES), score, st.sampled_from(PHONES), st.floats(0, 1),
)  # fmt: skip
words = st.builds(
    lambda found, stress: word("word", *found, stress=stress), st.lists(phones, min_size=1, max_size=4), score
)


@settings(max_examples=80)
@given(st.lists(words, min_size=1, max_size=5), st.floats(0, 100))
def test_any_reading_gets_up_to_three_valid_suggestions(said: list[WordResult], total: float) -> None:
    assessment = read(*said, score=total, pauses=tuple(Pause(1.0, 1.5, i) for i in range(len(said) - 1)))
    found = suggest(assessment)
    known = any(p.accuracy is not None for w in said for p in w.phones)
    assert known <= len(found) <= MOST
    assert len({(s.code, s.word, s.phone) for s in found}) == len(found)
    for suggestion in found:
        assert suggestion.message.rstrip().endswith(".")
        if suggestion.phone is not None:
            assert suggestion.word is not None
            assert 0 <= suggestion.phone < len(said[suggestion.word].phones)


def test_every_phone_can_be_explained() -> None:
    assert set(SOUNDS) == set(PHONES)
    assert all(wanted in SOUNDS and heard in SOUNDS for wanted, heard in CONTRASTS)
    assert how_to("AE1") == SOUNDS["AE"][1]
    assert how_to("TH", "S").endswith("behind them.")


def test_a_result_carries_its_advice_and_its_pitch() -> None:
    result = fake_assessor().assess(speech(1.5, 0.3), "Hello world.", rate=RATE)
    assert result.suggestions == suggest(result)
    assert result.suggestions
    assert result.pitch is not None
    assert result.pitch.frame_shift == 0.02
    assert len(result.pitch.f0) == round(result.duration / 0.02)
    voiced = [hertz for hertz in result.pitch.f0 if hertz is not None]
    assert 115 < min(voiced) <= max(voiced) < 125  # the fake speech hums at 120 Hz
    assert result.pitch.f0[0] is None
