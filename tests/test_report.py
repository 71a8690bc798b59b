"""Prediction rows, their CSV and the evaluation report."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elocute.corpora.types import Utterance, UtteranceLabels, WordLabels
from elocute.predictions import Prediction, prediction_rows, read_predictions, write_predictions
from elocute.report import build_report
from elocute.result import Assessment, ModelInfo, PhoneResult, UtteranceScores, WordResult
from elocute.text.script import Pronunciation, Script, ScriptWord

WORDS = (("go", ("G", "OW0")), ("i", ("AY0",)))
SCRIPT = Script(
    "go i", tuple(ScriptWord(word, word, (Pronunciation(phones, "corpus"),)) for word, phones in WORDS)
)
LABELS = UtteranceLabels(
    8, 10, 7, 6, 7.5, (WordLabels("go", 9, 10, 8, (2.0, 1.2)), WordLabels("i", 4, 5, 3, (0.4,)))
)
UTTERANCE = Utterance("u1", "s1", "go i", Path("u1.wav"), SCRIPT, 9, LABELS)


def assessed(score: float | None) -> Assessment:
    words = tuple(
        WordResult(
            word, 0.5 * n, 0.5 * n + 0.5, score, score, score, "ok", "corpus",
            tuple(PhoneResult(phone, "x", 0.5 * n, 0.5 * n + 0.25, score, ()) for phone in phones),
        )
        for n, (word, phones) in enumerate(WORDS)
    )  # fmt: skip
    scores = UtteranceScores(score, score, score, 33.0, score)
    return Assessment("ok", (), "go i", 1.5, scores, words, (), {}, ModelInfo("m", "1", "0"))


def test_rows_are_on_the_native_scales() -> None:
    rows = prediction_rows(UTTERANCE, assessed(75.0))
    assert [(row.level, row.index, row.aspect) for row in rows] == [
        *(("phone", index, "accuracy") for index in range(3)),
        *(("word", index, aspect) for index in range(2) for aspect in ("accuracy", "stress", "total")),
        *(("utterance", 0, name) for name in ("accuracy", "completeness", "fluency", "prosodic", "total")),
    ]
    assert [row.prediction for row in rows] == [1.5] * 3 + [7.5] * 6 + [7.5, 7.5, 7.5, 3.3, 7.5]
    assert [row.reference for row in rows] == [2.0, 1.2, 0.4, 9, 10, 8, 4, 5, 3, 8, 10, 7, 6, 7.5]
    assert [(row.start, row.end) for row in rows[2:4]] == [(0.5, 0.75), (0.0, 0.5)]
    assert (rows[-1].start, rows[-1].end) == (0.0, 1.5)


def test_a_failed_utterance_keeps_all_its_rows() -> None:
    rows = prediction_rows(UTTERANCE, None)
    expected = prediction_rows(UTTERANCE, assessed(75.0))
    assert [replace(row, start=None, end=None, prediction=None) for row in expected] == list(rows)
    assert {row.counted for row in rows if row.aspect != "stress"} == {0.0}
    assert {row.counted for row in rows if row.aspect == "stress"} == {10.0}  # as experts rate unspoken words


def test_rows_without_labels() -> None:
    rows = prediction_rows(replace(UTTERANCE, labels=None), assessed(50.0))
    assert len(rows) == 14
    assert {row.reference for row in rows} == {None}


def test_another_script_is_refused() -> None:
    assessment = assessed(50.0)
    with pytest.raises(ValueError, match=r"u1: phones per word assessed: \[2\], in the script: \[2, 1\]"):
        prediction_rows(UTTERANCE, replace(assessment, words=assessment.words[:1]))
    with pytest.raises(ValueError, match="labelled"):
        prediction_rows(replace(UTTERANCE, labels=replace(LABELS, words=LABELS.words[:1])), assessment)


def test_csv_returns_what_was_counted(tmp_path: Path) -> None:
    rows = [
        *prediction_rows(UTTERANCE, assessed(12.3456)),
        *prediction_rows(replace(UTTERANCE, id="u2"), None),
    ]
    path = tmp_path / "predictions.csv"
    write_predictions(rows, path)
    lines = path.read_text().splitlines()
    assert lines[0] == "utterance,level,index,start,end,aspect,prediction,reference"
    assert lines[1] == "u1,phone,0,0.0,0.25,accuracy,0.246912,2.0"
    assert lines[15] == "u2,phone,0,,,accuracy,0.0,2.0"
    back = read_predictions(path, {"u1": "s1", "u2": "s1"})
    assert back == tuple(replace(row, prediction=row.counted) for row in rows)
    with pytest.raises(ValueError, match="no speaker is known for utterance u2"):
        read_predictions(path, {"u1": "s1"})
    path.write_text("utterance,level\n")
    with pytest.raises(ValueError, match="expected the columns"):
        read_predictions(path, {})


def corpus_rows(seed: int = 0) -> list[Prediction]:
    """Twelve speakers, s0 to s3 children, three utterances each, constant completeness."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(36):
        for row in prediction_rows(
            replace(UTTERANCE, id=f"u{number}", speaker=f"s{number % 12}"), assessed(50)
        ):
            top = 2 if row.level == "phone" else 10
            reference = 10.0 if row.aspect == "completeness" else float(rng.uniform(0, top))
            guess = float(np.clip(reference + rng.normal(0, top / 10), 0, top))
            rows.append(replace(row, reference=reference, prediction=guess))
    return rows


def report_of(rows: list[Prediction], **more: Any) -> dict[str, Any]:
    children = {f"s{number}" for number in range(4)}
    return build_report(rows, children=children, audio_seconds=12.5, wall_seconds=3.0, **more)


def test_report_agrees_with_numpy() -> None:
    rows = corpus_rows()
    report = report_of(rows, failed=["u7"])
    assert list(report) == [
        "n", "phone", "word", "utterance", "labelled", "ci95", "groups", "audio_seconds", "wall_seconds",
        "failed",
    ]  # fmt: skip
    assert (report["n"], report["labelled"], report["failed"]) == (36, 36, ["u7"])
    assert (report["phone"]["n"], report["word"]["n"], report["utterance"]["n"]) == (108, 72, 36)
    chosen = [row for row in rows if row.level == "word" and row.aspect == "stress"]
    expected = np.corrcoef([row.prediction for row in chosen], [row.reference for row in chosen])[0, 1]  # type: ignore[arg-type]
    assert report["word"]["stress"] == pytest.approx(expected)
    phones = [row for row in rows if row.level == "phone"]
    assert report["phone"]["mse"] == pytest.approx(
        np.mean([(r.counted - (r.reference or 0)) ** 2 for r in phones])
    )
    for level, keys in report["ci95"].items():
        for key, interval in keys.items():
            if interval is not None:
                assert interval[0] <= report[level][key] <= interval[1]
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_groups_split_the_speakers() -> None:
    rows = corpus_rows()
    report = report_of(rows)
    assert report["groups"]["children"]["n"] == 12
    assert report["groups"]["others"]["n"] == 24
    young = [row for row in rows if int(row.speaker[1:]) < 4]
    assert report["groups"]["children"]["utterance"] == report_of(young)["utterance"]


def test_constant_completeness_is_null() -> None:
    report = report_of(corpus_rows())
    assert report["utterance"]["completeness"] is None
    assert report["ci95"]["utterance"]["completeness"] is None
    assert report["utterance"]["total"] > 0.9


def test_without_references_everything_is_null_but_counted() -> None:
    report = report_of([replace(row, reference=None) for row in corpus_rows()])
    assert (report["n"], report["labelled"], report["phone"]["n"]) == (36, 0, 108)
    numbers = [
        value
        for level in ("phone", "word", "utterance")
        for key, value in report[level].items()
        if key != "n"
    ]
    assert len(numbers) == 10
    assert set(numbers) == {None}
    assert {value for keys in report["ci95"].values() for value in keys.values()} == {None}


def test_no_rows_at_all() -> None:
    report = report_of([])
    assert report["n"] == report["groups"]["children"]["word"]["n"] == 0
    assert report["phone"] == {"n": 0, "mse": None, "pcc": None}


def test_a_failure_costs_what_a_zero_costs() -> None:
    rows = corpus_rows()
    lost = [replace(row, prediction=None) if row.utterance == "u3" else row for row in rows]
    zero = [
        replace(row, prediction=10.0 if row.aspect == "stress" else 0.0) if row.utterance == "u3" else row
        for row in rows
    ]
    assert report_of(lost) == report_of(zero)
    assert report_of(lost)["phone"]["mse"] > report_of(rows)["phone"]["mse"]
    assert not math.isnan(report_of(lost)["phone"]["pcc"])
