"""One table row for the utterance, for each of its words and for each of its phones."""

from __future__ import annotations

import csv
import io
from typing import Any

from elocute.result import Assessment, PhoneResult, WordResult

COLUMNS = (
    "level", "word", "phone", "text", "start", "end", "accuracy", "completeness", "fluency", "prosody",
    "stress", "total", "verdict", "heard", "heard_probability",
)  # fmt: skip


def write(assessment: Assessment) -> str:
    """The table with a header; what does not apply or is unknown stays empty.

    ``word`` and ``phone`` are indices from 0, ``phone`` within its word. The verdict of the utterance is its
    status; ``heard`` is the most probable phone. Scores run from 0 to 100, times are seconds.
    """
    file = io.StringIO()
    table = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
    table.writeheader()
    table.writerow(_utterance(assessment))
    for number, word in enumerate(assessment.words):
        table.writerow(_word(number, word))
        table.writerows(_phone(number, index, phone) for index, phone in enumerate(word.phones))
    return file.getvalue()


def _utterance(assessment: Assessment) -> dict[str, Any]:
    scores = assessment.scores
    return {
        "level": "utterance",
        "text": assessment.text,
        "start": 0,
        "end": assessment.duration,
        "accuracy": scores.accuracy,
        "completeness": scores.completeness,
        "fluency": scores.fluency,
        "prosody": scores.prosody,
        "total": scores.total,
        "verdict": assessment.status,
    }


def _word(number: int, word: WordResult) -> dict[str, Any]:
    return {
        "level": "word",
        "word": number,
        "text": word.text,
        "start": word.start,
        "end": word.end,
        "accuracy": word.accuracy,
        "stress": word.stress,
        "total": word.total,
        "verdict": word.verdict,
    }


def _phone(number: int, index: int, phone: PhoneResult) -> dict[str, Any]:
    best = phone.heard[0] if phone.heard else None
    return {
        "level": "phone",
        "word": number,
        "phone": index,
        "text": phone.phone,
        "start": phone.start,
        "end": phone.end,
        "accuracy": phone.accuracy,
        "heard": best.phone if best else None,
        "heard_probability": best.probability if best else None,
    }
