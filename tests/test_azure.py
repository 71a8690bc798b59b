"""Azure's dialect, whole: a golden file that changes only when clients are meant to notice."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from elocute.export import WRITERS
from elocute.result import Insertion
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
