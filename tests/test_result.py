"""The result tree: to_dict and from_dict."""

from __future__ import annotations

import json
from dataclasses import MISSING, FrozenInstanceError, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elocute.result import (
    SCHEMA,
    Assessment,
    FeatureValue,
    HeardPhone,
    Insertion,
    ModelInfo,
    Notice,
    Pause,
    PhoneEdit,
    PhoneResult,
    Pitch,
    Suggestion,
    UtteranceScores,
    WordResult,
)

text = st.text(max_size=8)
number = st.floats(0, 100)
score = st.none() | number


def tuples(items: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(items, max_size=3).map(tuple)


heard = st.builds(HeardPhone, text, number)
phone = st.builds(
    PhoneResult,
    text,
    text,
    number,
    number,
    score,
    tuples(heard),
    score,
    st.sampled_from(["ok", "mispronounced"]),
)
edit = st.builds(
    PhoneEdit, st.sampled_from(["substitution", "deletion", "insertion"]), st.integers(0, 5),
    st.none() | text, st.none() | text, number,
)  # fmt: skip
word = st.builds(
    WordResult, text, number, number, score, score, score,
    st.sampled_from(["ok", "mispronounced", "omitted"]), text, tuples(phone), score,
    tuples(edit),
)  # fmt: skip
assessments = st.builds(
    Assessment,
    status=st.sampled_from(["ok", "no_speech", "off_script", "incomplete"]),
    warnings=tuples(st.builds(Notice, text, text)),
    text=text,
    duration=number,
    scores=st.builds(UtteranceScores, score, score, score, score, score),
    words=tuples(word),
    pauses=tuples(st.builds(Pause, number, number, st.integers(-1, 5))),
    features=st.dictionaries(text, st.builds(FeatureValue, score, text, score, score), max_size=3),
    model=st.builds(ModelInfo, text, text, text),
    insertions=tuples(
        st.builds(
            Insertion, number, number, st.integers(-1, 5), st.sampled_from(["filler", "repetition"]), text
        )
    ),
    suggestions=tuples(st.builds(Suggestion, text, text, text, st.none() | st.integers(0, 5))),
    pitch=st.none() | st.builds(Pitch, number, tuples(score)),
)


@settings(max_examples=60)
@given(assessments)
def test_round_trip_through_json(assessment: Assessment) -> None:
    data = assessment.to_dict()
    back = Assessment.from_dict(json.loads(json.dumps(data)))
    assert back == assessment
    assert json.dumps(back.to_dict()) == json.dumps(data)


@given(assessments)
def test_json_form_is_the_contract(assessment: Assessment) -> None:
    data = assessment.to_dict()
    assert list(data) == [
        "schema", "status", "warnings", "text", "duration", "scores", "words", "pauses", "features", "model",
        "insertions", "suggestions", "pitch", "reference_total",
    ]  # fmt: skip
    assert data["schema"] == SCHEMA
    assert list(data["scores"]) == ["accuracy", "completeness", "fluency", "prosody", "total"]
    for item in data["words"]:
        assert list(item) == [
            "text", "start", "end", "accuracy", "stress", "total", "verdict", "pronunciation_source",
            "phones", "confidence", "edits",
        ]  # fmt: skip
        for sound in item["phones"]:
            assert list(sound) == ["phone", "ipa", "start", "end", "accuracy", "heard", "error", "verdict"]


EMPTY = Assessment(
    "ok", (), "", 1.0, UtteranceScores(None, None, None, None, None), (), (), {}, ModelInfo("m", "1", "0")
)


@pytest.mark.parametrize("schema", ["elocute/2", None, 1])
def test_other_schemas_are_refused(schema: object) -> None:
    with pytest.raises(ValueError, match="expected schema 'elocute/1'"):
        Assessment.from_dict({**EMPTY.to_dict(), "schema": schema})


@pytest.mark.parametrize("field", [field.name for field in fields(Assessment) if field.default is MISSING])
def test_missing_fields_are_named(field: str) -> None:
    data = EMPTY.to_dict()
    del data[field]
    with pytest.raises(ValueError, match=f"Assessment lacks {field}"):
        Assessment.from_dict(data)


@given(assessments)
def test_results_of_before_heard_phones_are_read(assessment: Assessment) -> None:
    data = assessment.to_dict()
    del data["insertions"], data["suggestions"], data["pitch"], data["reference_total"]
    for item in data["words"]:
        del item["confidence"], item["edits"]
        for sound in item["phones"]:
            del sound["error"], sound["verdict"]
    back = Assessment.from_dict(data)
    assert (back.insertions, back.suggestions, back.pitch) == ((), (), None)
    assert all(w.confidence is None and w.edits == () for w in back.words)
    assert all(p.error is None and p.verdict == "ok" for w in back.words for p in w.phones)
    assert back.scores == assessment.scores


def test_missing_nested_fields_are_named() -> None:
    data = EMPTY.to_dict()
    del data["scores"]["prosody"]
    with pytest.raises(ValueError, match="UtteranceScores lacks prosody"):
        Assessment.from_dict(data)


def test_results_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        EMPTY.duration = 2.0  # type: ignore[misc]
