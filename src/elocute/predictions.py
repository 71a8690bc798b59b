"""Predictions beside references: the rows an evaluation is made of, and their CSV.

Both are on the native scales of the corpus: phones 0-2, words and utterances 0-10.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from elocute.corpora.types import Utterance
    from elocute.result import Assessment, PhoneResult, WordResult

Level = Literal["phone", "word", "utterance"]

ASPECTS: dict[Level, tuple[str, ...]] = {
    "phone": ("accuracy",),
    "word": ("accuracy", "stress", "total"),
    "utterance": ("accuracy", "completeness", "fluency", "prosodic", "total"),
}
COLUMNS = ("utterance", "level", "index", "start", "end", "aspect", "prediction", "reference")
"""Of the CSV, in order."""

_TOP = {"phone": 2, "word": 10, "utterance": 10}


@dataclass(frozen=True)
class Prediction:
    """One aspect of one phone, word or utterance.

    ``index`` counts from 0 within the utterance; ``start`` and ``end`` are seconds, ``None`` if unknown;
    ``prediction`` is ``None`` where no score could be given, ``reference`` where no expert gave one.
    """

    utterance: str
    speaker: str
    level: Level
    index: int
    start: float | None
    end: float | None
    aspect: str
    prediction: float | None
    reference: float | None

    @property
    def counted(self) -> float:
        """The prediction as an evaluation counts it where none could be given: the score experts give then.

        A failed recording or an unspoken word must not improve the average by disappearing. The experts gave
        0 to what was not said, but 10 to the stress of a word in which no stress could be wrong.
        """
        if self.prediction is not None:
            return self.prediction
        return 10.0 if (self.level, self.aspect) == ("word", "stress") else 0.0


def prediction_rows(utterance: Utterance, assessment: Assessment | None) -> tuple[Prediction, ...]:
    """The rows of an utterance: its phones, its words, itself; ``assessment`` is ``None`` if it failed.

    Raises:
        ValueError: the assessment or the labels do not have the words and phones of the script.
    """
    rows = (*_phone_rows(utterance, assessment), *_word_rows(utterance, assessment))
    return rows + tuple(_utterance_rows(utterance, assessment))


def write_predictions(rows: Iterable[Prediction], path: str | Path) -> None:
    """Write the CSV: predictions as counted, unknown references and times empty."""
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for row in rows:
            counted = replace(row, prediction=row.counted)
            table.writerow([getattr(counted, column) for column in COLUMNS])


def read_predictions(path: str | Path, speakers: Mapping[str, str]) -> tuple[Prediction, ...]:
    """Read the CSV back; ``speakers`` maps utterances to speakers, whom the CSV does not name.

    Raises:
        ValueError: other columns, a value that is not a number, or an utterance without a speaker.
    """
    with Path(path).open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file)
        if tuple(table.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{path}: expected the columns {','.join(COLUMNS)}")
        return tuple(_parse(row, speakers) for row in table)


def _parse(row: dict[str, str], speakers: Mapping[str, str]) -> Prediction:
    if row["utterance"] not in speakers:
        raise ValueError(f"no speaker is known for utterance {row['utterance']}")
    return Prediction(
        utterance=row["utterance"],
        speaker=speakers[row["utterance"]],
        level=cast(Level, row["level"]),
        index=int(row["index"]),
        start=_number(row["start"]),
        end=_number(row["end"]),
        aspect=row["aspect"],
        prediction=_number(row["prediction"]),
        reference=_number(row["reference"]),
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


def _phone_rows(utterance: Utterance, assessment: Assessment | None) -> Iterator[Prediction]:
    script, labels = utterance.script, utterance.labels
    expected = [len(word.pronunciations[0].phones) for word in script.words]
    phones: Sequence[PhoneResult | None] = [None] * sum(expected)
    if assessment is not None:
        _check(utterance, "assessed", [len(word.phones) for word in assessment.words], expected)
        phones = [phone for word in assessment.words for phone in word.phones]
    references: Sequence[float | None] = [None] * len(phones)
    if labels is not None:
        _check(utterance, "labelled", [len(word.phones) for word in labels.words], expected)
        references = [score for word in labels.words for score in word.phones]
    for index, (phone, reference) in enumerate(zip(phones, references, strict=True)):
        score = None if phone is None else phone.accuracy
        yield _row(utterance, "phone", index, _span(phone), "accuracy", score, reference)


def _check(utterance: Utterance, what: str, phones: list[int], expected: list[int]) -> None:
    if phones != expected:
        raise ValueError(f"{utterance.id}: phones per word {what}: {phones}, in the script: {expected}")


def _word_rows(utterance: Utterance, assessment: Assessment | None) -> Iterator[Prediction]:
    for index in range(len(utterance.script.words)):
        word = None if assessment is None else assessment.words[index]
        label = None if utterance.labels is None else utterance.labels.words[index]
        for aspect in ASPECTS["word"]:
            score, reference = getattr(word, aspect, None), getattr(label, aspect, None)
            yield _row(utterance, "word", index, _span(word), aspect, score, reference)


def _utterance_rows(utterance: Utterance, assessment: Assessment | None) -> Iterator[Prediction]:
    span = (None, None) if assessment is None else (0.0, assessment.duration)
    for aspect in ASPECTS["utterance"]:
        # The corpus says prosodic where the result says prosody.
        name = "prosody" if aspect == "prosodic" else aspect
        score = None if assessment is None else getattr(assessment.scores, name)
        yield _row(utterance, "utterance", 0, span, aspect, score, getattr(utterance.labels, aspect, None))


def _span(unit: PhoneResult | WordResult | None) -> tuple[float | None, float | None]:
    return (None, None) if unit is None else (unit.start, unit.end)


def _row(
    utterance: Utterance,
    level: Level,
    index: int,
    span: tuple[float | None, float | None],
    aspect: str,
    score: float | None,
    reference: float | None,
) -> Prediction:
    # A score of at most four decimals has at most six on the native scale.
    native = None if score is None else round(score * _TOP[level] / 100, 6)
    return Prediction(utterance.id, utterance.speaker, level, index, *span, aspect, native, reference)
