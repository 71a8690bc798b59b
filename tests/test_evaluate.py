"""Evaluation: order, determinism over processes, failures, splits without labels."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from elocute.assessor import Assessor
from elocute.corpora import speechocean762
from elocute.errors import CorpusError, ElocuteError, ModelError
from elocute.evaluate import _batches, evaluate, summary
from fakes import deaf_assessor, fake_assessor


def broken_assessor() -> Assessor:
    raise ModelError("no model")


def dying_assessor() -> Assessor:
    os._exit(9)


def timeless(report: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in report.items() if key != "wall_seconds"}


def test_rows_and_report(tiny_corpus: Path) -> None:
    rows, report = evaluate(tiny_corpus, "train", workers=1, factory=fake_assessor)
    assert [row.utterance for row in rows if row.level == "utterance" and row.aspect == "total"] == [
        f"a{number}" for number in range(10)
    ]
    assert (report["n"], report["phone"]["n"], report["word"]["n"], report["labelled"]) == (10, 60, 20, 10)
    # The tiny corpus's labels grow with the length of its recordings, and so do the fake scores.
    assert report["utterance"]["total"] > 0.9
    assert report["groups"]["children"]["n"] == 4
    assert report["audio_seconds"] == pytest.approx(sum(1.2 + 0.1 * number for number in range(10)))
    assert report["failed"] == []
    assert report["wall_seconds"] > 0


def test_processes_change_nothing(tiny_corpus: Path) -> None:
    alone = evaluate(tiny_corpus, "train", limit=5, workers=1, factory=fake_assessor)
    together = evaluate(tiny_corpus, "train", limit=5, workers=2, factory=fake_assessor)
    assert alone[0] == together[0]
    assert timeless(alone[1]) == timeless(together[1])
    assert multiprocessing.active_children() == []


def test_batches_hold_every_utterance_once_and_equal_lengths(tiny_corpus: Path, tmp_path: Path) -> None:
    corpus = shutil.copytree(tiny_corpus, tmp_path / "corpus")
    for number in (3, 7, 9):
        shutil.copyfile(corpus / "WAVE" / "a5.wav", corpus / "WAVE" / f"a{number}.wav")
    (corpus / "WAVE" / "a4.wav").write_text("not a recording")
    utterances = speechocean762.load(corpus, "train")
    assert _batches(utterances) == [[0], [1], [2], [3, 5, 7, 9], [4], [6], [8]]
    batches = _batches(utterances * 3)
    assert sorted(number for batch in batches for number in batch) == list(range(30))
    assert [3, 5, 7, 9, 13, 15, 17, 19] in batches
    rows, report = evaluate(corpus, "train", workers=1, factory=fake_assessor)
    assert list(dict.fromkeys(row.utterance for row in rows)) == [f"a{number}" for number in range(10)]
    assert report["failed"] == ["a4"]


def test_a_fold_holds_whole_speakers(tiny_corpus: Path) -> None:
    seen: list[str] = []
    for fold in range(5):
        rows, report = evaluate(tiny_corpus, f"fold:{fold}", workers=1, factory=fake_assessor)
        assert report["n"] == 2
        assert len({row.speaker for row in rows}) == 1
        seen += sorted({row.utterance for row in rows})
    assert sorted(seen) == [f"a{number}" for number in range(10)]


def test_without_labels_there_are_predictions_but_no_agreement(tiny_corpus: Path) -> None:
    rows, report = evaluate(tiny_corpus, "test", workers=1, factory=fake_assessor)
    assert {row.utterance for row in rows} == {"b0", "b1"}
    assert all(row.prediction is not None and row.reference is None for row in rows)
    assert (report["n"], report["labelled"], report["phone"]["pcc"], report["failed"]) == (2, 0, None, [])
    assert "0 labelled" in summary(report)


def test_a_failure_is_listed_and_scored_0(
    tiny_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = shutil.copytree(tiny_corpus, tmp_path / "corpus")
    (corpus / "WAVE" / "a3.wav").write_text("not a recording")
    rows, report = evaluate(corpus, "train", workers=1, factory=fake_assessor)
    assert report["failed"] == ["a3"]
    assert report["n"] == 10
    lost = [row for row in rows if row.utterance == "a3"]
    assert len(lost) == 6 + 2 * 3 + 5
    assert {row.counted for row in lost if row.aspect != "stress"} == {0.0}
    assert capsys.readouterr().err.startswith("a3: This is not a WAV")


def test_what_ends_an_evaluation(tiny_corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError):
        evaluate(tmp_path, "train", factory=fake_assessor)
    for workers in (1, 2):
        with pytest.raises(ModelError, match="no model"):
            evaluate(tiny_corpus, "train", workers=workers, factory=broken_assessor)
    with pytest.raises(ElocuteError, match="use fewer workers"):
        evaluate(tiny_corpus, "train", workers=2, factory=dying_assessor)


def test_off_script_recordings_count_as_0(tiny_corpus: Path) -> None:
    rows, report = evaluate(tiny_corpus, "train", limit=2, workers=1, factory=deaf_assessor)
    assert report["failed"] == []
    assert {row.prediction for row in rows if row.level != "utterance"} == {None}


def test_summary_shows_every_value(tiny_corpus: Path) -> None:
    _, report = evaluate(tiny_corpus, "train", workers=1, factory=fake_assessor)
    lines = summary(report).splitlines()
    assert len(lines) == 1 + 2 + 3 + 5 + 1
    total = next(line for line in lines if line.startswith("utterance total"))
    assert f"{report['utterance']['total']:.3f}" in total
    assert f"{report['ci95']['utterance']['total'][0]:.3f} to" in total
    assert "10 utterances, 10 labelled, 0 failed" in lines[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupt_ends_it_and_its_processes(tiny_corpus: Path) -> None:
    code = (
        "import fakes\nfrom elocute import evaluate\n"
        f"evaluate.evaluate({str(tiny_corpus)!r}, 'train', workers=2, factory=fakes.slow_assessor)"
    )
    paths = [str(Path(__file__).parent), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", code]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, env=environment, start_new_session=True, **pipes)
    workers: set[int] = set()
    while len(workers) < 2:
        workers.add(int(process.stdout.readline()))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes of the group
    _, err = process.communicate(timeout=20)  # waits for the workers, too: they hold the pipes
    assert process.returncode != 0
    assert err.count("Traceback") == 1
    assert err.rstrip().endswith("KeyboardInterrupt")


def test_the_shipped_models_order_a_few_speakers(shared_data: Path) -> None:
    """The whole pipeline on the sample recordings: better readers score higher."""
    import csv

    from elocute import Assessor
    from elocute.metrics import pcc

    folder = shared_data / "speechocean762" / "samples"
    with (folder / "index.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assessor = Assessor()
    totals = [assessor.assess(folder / f"{row['id']}.flac", row["text"]).scores.total or 0.0 for row in rows]
    assert pcc(totals, [float(row["total"]) for row in rows]) > 0.5
