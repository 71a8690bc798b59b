"""Azure's dialect, whole: a golden file that changes only when clients are meant to notice."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from elocute.export import WRITERS
from elocute.result import Insertion
from elocute.serve.dialect import PATH
from elocute.serve.settings import digest
from servers import problem, recording, running
from test_export import ASSESSMENT

GOLDEN = Path(__file__).parent / "data" / "azure.json"
EVERYTHING = replace(
    ASSESSMENT,
    insertions=(
        Insertion(0.0, 0.2, -1, "filler", ""),
        Insertion(0.9, 1.0, 0, "repetition", "thin"),
        Insertion(1.5, 1.9, 1, "speech", ""),
    ),
)


def test_the_golden_file() -> None:
    """GOLDEN=write in the environment writes it anew: look at the difference."""
    written = WRITERS["azure"](EVERYTHING)
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(written, encoding="utf-8")
    assert written == GOLDEN.read_text(encoding="utf-8")


def words() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(WRITERS["azure"](EVERYTHING))["NBest"][0]["Words"]
    return found


def test_what_was_added_stands_where_it_was_said() -> None:
    assert [(word["Word"], word["ErrorType"]) for word in words()] == [
        ("", "Insertion"),
        ("thin", "Mispronunciation"),
        ("thin", "Insertion"),
        ("ice", "Omission"),
        ("", "Insertion"),
    ]


def test_a_break_has_a_length_and_no_verdict() -> None:
    found = {word["Word"]: word.get("Feedback") for word in words()}
    assert found["ice"] == {"Prosody": {"Break": {"BreakLength": 5_000_000}}}
    assert found[""] is None


def test_syllables_cover_the_word() -> None:
    thin = words()[1]
    (syllable,) = thin["Syllables"]
    assert syllable["Syllable"] == "".join(phone["Phoneme"] for phone in thin["Phonemes"])
    assert (syllable["Offset"], syllable["Duration"]) == (thin["Offset"], thin["Duration"])
    scores = [phone["AccuracyScore"] for phone in thin["Phonemes"]]
    assert syllable["AccuracyScore"] == round(sum(scores) / len(scores), 4)


# --- requests in the same dialect ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with running(key_digests=(digest("key"),)) as client:
        yield client


def ask(
    client: httpx.Client, given: object, language: str = "en-US", audio: bytes | None = None
) -> httpx.Response:
    header = base64.b64encode(json.dumps(given).encode()).decode()
    headers = {
        "Ocp-Apim-Subscription-Key": "key",
        "Content-Type": "audio/wav; codecs=audio/pcm; samplerate=16000",
        "Pronunciation-Assessment": header,
    }
    content = recording() if audio is None else audio
    return client.post(f"{PATH}?language={language}&format=detailed", headers=headers, content=content)


def test_a_request_as_azure_takes_it(client: httpx.Client) -> None:
    given = {
        "ReferenceText": "The hat.", "GradingSystem": "HundredMark", "Granularity": "Phoneme",
        "Dimension": "Comprehensive", "EnableMiscue": "True", "NBestPhonemeCount": 5,
    }  # fmt: skip
    answer = ask(client, given)
    assert answer.status_code == 200
    assert answer.json()["RecognitionStatus"] == "Success"
    best = answer.json()["NBest"][0]
    assert best["PronScore"] > 0
    the, hat = best["Words"]
    assert [phone["Phoneme"] for phone in the["Phonemes"]] == ["dh", "ax"]
    assert hat["Phonemes"][0]["Phoneme"] == "h"
    assert hat["Syllables"][0]["Syllable"] == "h ae t"
    assert len(hat["Phonemes"][0]["NBestPhonemes"]) == 5
    in_ipa = ask(client, {**given, "PhonemeAlphabet": "IPA"}).json()["NBest"][0]["Words"]
    assert in_ipa[1]["Syllables"][0]["Syllable"] == "hæt"


def test_less_detail(client: httpx.Client) -> None:
    best = ask(client, {"ReferenceText": "Hello.", "Granularity": "Word"}).json()["NBest"][0]
    assert [sorted(word) for word in best["Words"]] == [
        ["AccuracyScore", "Duration", "ErrorType", "Offset", "Word"]
    ]
    best = ask(client, {"ReferenceText": "Hello.", "Granularity": "FullText"}).json()["NBest"][0]
    assert "Words" not in best
    assert "AccuracyScore" in best


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "422 missing_field"),
        ([], "422 bad_field"),
        ({"ReferenceText": "Hello.", "GradingSystem": "FivePoint"}, "422 bad_field"),
        ({"ReferenceText": "Hello.", "Granularity": "Letter"}, "422 bad_field"),
        ({"ReferenceText": "Hello.", "PhonemeAlphabet": []}, "422 bad_field"),
        ({"ReferenceText": "Hello.", "NBestPhonemeCount": 0}, "422 bad_field"),
        ({"ReferenceText": ""}, "422 empty_text"),
    ],
)
def test_requests_that_cannot_be_met(client: httpx.Client, given: object, code: str) -> None:
    assert problem(ask(client, given)) == code


def test_other_bad_requests(client: httpx.Client) -> None:
    given = {"ReferenceText": "Hello."}
    assert problem(ask(client, given, language="de-DE")) == "422 bad_field"
    assert problem(ask(client, given, audio=b"")) == "415 not_audio"
    assert problem(client.post(PATH, content=b"")) == "401 unauthorized"
    key = {"X-Api-Key": "key"}
    assert problem(client.post(PATH, headers=key)) == "422 missing_field"
    bad = {**key, "Pronunciation-Assessment": "{}"}
    assert problem(client.post(PATH, headers=bad)) == "422 bad_field"
