"""The command line: formats, where output goes, exit codes, and one line for every mistake."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import soundfile

from elocute import cli
from elocute._version import __version__
from elocute.errors import ModelError
from elocute.export import WRITERS
from elocute.result import Assessment
from fakes import deaf_assessor, fake_assessor, speech, write_wav

TEXT = "Hello world."


@pytest.fixture(autouse=True)
def _fake_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "new_assessor", fake_assessor)


@pytest.fixture
def recording(tmp_path: Path) -> str:
    return str(write_wav(tmp_path / "hello.wav", speech()))


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def output(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Standard output of a run that succeeds in silence otherwise."""
    assert run(*arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line of a run that fails."""
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("elocute: ")
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1
    return err


# --- assess ----------------------------------------------------------------------------------------------


def test_json_is_the_result_and_nothing_else(capsys: pytest.CaptureFixture[str], recording: str) -> None:
    out = output(capsys, "assess", recording, "--text", TEXT, "--format", "json")
    result = Assessment.from_dict(json.loads(out))
    assert result.text == TEXT
    assert result == fake_assessor().assess(recording, TEXT)


def test_the_formats_are_those_of_the_writers() -> None:
    hint = get_type_hints(cli.assess, include_extras=True)["format"]
    assert set(get_args(get_args(hint)[0])) == set(WRITERS)


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("table", "world"),
        ("json", '"schema": "elocute/1"'),
        ("azure", '"PronScore"'),
        ("csv", "level,word,phone"),
        ("textgrid", "ooTextFile"),
        ("html", "<!doctype html>"),
    ],
)
def test_every_format_to_the_terminal_and_to_a_file(
    capsys: pytest.CaptureFixture[str], recording: str, tmp_path: Path, name: str, sign: str
) -> None:
    out = output(capsys, "assess", recording, "--text", TEXT, "--format", name)
    assert sign.lower() in out.lower()
    assert "\x1b" not in out
    target = tmp_path / "result"
    assert output(capsys, "assess", recording, "--text", TEXT, "--format", name, "-o", target) == ""
    assert target.read_bytes().decode("utf-8") == out


def test_colour_only_on_a_terminal(
    capsys: pytest.CaptureFixture[str], recording: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[" in output(capsys, "assess", recording, "--text", TEXT)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in output(capsys, "assess", recording, "--text", TEXT)


def test_text_and_pronunciations_from_files(
    capsys: pytest.CaptureFixture[str], recording: str, tmp_path: Path
) -> None:
    text, said = tmp_path / "text.txt", tmp_path / "said.json"
    text.write_text(TEXT + "\n", encoding="utf-8")
    said.write_text('{"Hello": ["HH AY1", "HH EH1"]}')
    options = ("--text-file", text, "--pronunciations", said, "--format", "json")
    hello = json.loads(output(capsys, "assess", recording, *options))["words"][0]
    assert hello["pronunciation_source"] == "user"
    assert [phone["phone"] for phone in hello["phones"]] in (["HH", "AY1"], ["HH", "EH1"])


def test_a_recording_off_the_script_is_assessed_without_scores(
    capsys: pytest.CaptureFixture[str], recording: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "new_assessor", deaf_assessor)
    result = json.loads(output(capsys, "assess", recording, "--text", TEXT, "--format", "json"))
    assert result["status"] == "off_script"
    assert set(result["scores"].values()) == {None}


# --- align and features ----------------------------------------------------------------------------------


def test_align(capsys: pytest.CaptureFixture[str], recording: str) -> None:
    words = json.loads(output(capsys, "align", recording, "--text", TEXT))["words"]
    assert [word["text"] for word in words] == ["hello", "world"]
    assert 0.2 < words[0]["start"] < words[0]["end"] <= words[1]["start"]
    grid = output(capsys, "align", recording, "--text", TEXT, "--format", "textgrid")
    assert grid.startswith('File type = "ooTextFile"')


def test_features(capsys: pytest.CaptureFixture[str], recording: str) -> None:
    found = json.loads(output(capsys, "features", recording, "--text", TEXT))
    phones = found["phones"]
    assert [phone["word"] for phone in phones] == [0] * 4 + [1] * (len(phones) - 4)
    assert {len(phone["values"]) for phone in phones} == {len(found["columns"])}
    lasts = phones[0]["values"][found["columns"].index("duration")]
    assert lasts == pytest.approx(phones[0]["end"] - phones[0]["start"], abs=1e-5)
    assert found["utterance"]["phone_count"] == {"value": len(phones), "unit": "count"}


# --- mistakes --------------------------------------------------------------------------------------------


def test_text_must_be_given_once(capsys: pytest.CaptureFixture[str], recording: str, tmp_path: Path) -> None:
    assert "either --text or --text-file" in refusal(capsys, "assess", recording)
    both = ("--text", TEXT, "--text-file", tmp_path / "text.txt")
    assert "either --text or --text-file" in refusal(capsys, "align", recording, *both)


def test_files_that_cannot_be_used(
    capsys: pytest.CaptureFixture[str], recording: str, tmp_path: Path
) -> None:
    def refused(*options: object) -> str:
        return refusal(capsys, "assess", recording, *options)

    assert "No such file" in refused("--text-file", tmp_path / "none.txt")
    assert "check --text-file" in refused("--text-file", tmp_path)
    latin = tmp_path / "latin.txt"
    latin.write_bytes("café".encode("latin-1"))
    assert "utf-8" in refused("--text-file", latin)
    assert "check --output" in refused("--text", TEXT, "-o", tmp_path / "none" / "out.json")
    said = tmp_path / "said.json"
    for content, reason in (("{", "is not JSON"), ('["T"]', "not an object"), ('{"go": "XX"}', "ARPAbet")):
        said.write_text(content)
        assert reason in refused("--text", TEXT, "--pronunciations", said)
    assert "There is no file" in refusal(capsys, "features", tmp_path / "no\nfile.wav", "--text", TEXT)


def test_a_missing_model_is_one_line(
    capsys: pytest.CaptureFixture[str], recording: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ModelError("first line\nsecond \x1b[31mline")

    monkeypatch.setattr(cli, "new_assessor", broken)
    assert refusal(capsys, "assess", recording, "--text", TEXT) == "elocute: first line second ?[31mline\n"


def test_usage_errors_exit_with_2(capsys: pytest.CaptureFixture[str], recording: str) -> None:
    for arguments in (["assess"], ["assess", recording, "--format", "yaml"], ["asses"], ["evaluate"]):
        assert run(*arguments) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "Error: " in err


def test_the_decoder_is_silent_about_damaged_mp3(tmp_path: Path) -> None:
    stream = io.BytesIO()
    soundfile.write(stream, speech(3.0), 16_000, format="MP3")
    damaged = bytearray(stream.getvalue())
    middle = len(damaged) // 2
    damaged[middle : middle + 400] = b"\xff\xfb\xe0\x00" * 100
    path = tmp_path / "damaged.mp3"
    path.write_bytes(damaged)
    decode = f"from elocute.audio import load_audio\ntry: load_audio({str(path)!r})\nexcept ValueError: pass"
    noisy = subprocess.run([sys.executable, "-c", decode], capture_output=True, check=True)
    assert noisy.stderr, "the decoder no longer talks: the silencer can go"
    quiet = subprocess.run(
        [sys.executable, "-m", "elocute", "assess", str(path), "--text", "Hi."], capture_output=True
    )
    assert len(quiet.stderr.splitlines()) <= 1


# --- help, version, train --------------------------------------------------------------------------------


def test_help_and_version_load_nothing_heavy() -> None:
    for arguments in (["--help"], ["assess", "--help"], ["evaluate", "--help"], ["train", "--help"]):
        code = (
            "import sys\nfrom elocute.cli import main\n"
            f"try: main({arguments!r})\nexcept SystemExit as end: assert end.code == 0\n"
            "heavy = {'numpy', 'onnxruntime', 'soundfile', 'soxr', 'rich', 'torch'} & set(sys.modules)\n"
            "assert not heavy, heavy"
        )
        shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert shown.returncode == 0, shown.stderr
        assert "Usage:" in shown.stdout


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert output(capsys, "--version") == f"elocute {__version__}\n"


def test_output_is_utf8_in_any_locale(recording: str) -> None:
    code = (
        "import fakes\nfrom elocute import cli\ncli.new_assessor = fakes.fake_assessor\n"
        f"cli.main(['assess', {recording!r}, '--text', 'Hello.', '--format', 'json'])"
    )
    paths = [str(Path(__file__).parent), *sys.path]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONPATH": os.pathsep.join(paths)}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    assert "ʌ" in shown.stdout.decode("utf-8") or "ə" in shown.stdout.decode("utf-8")


def train(step: str, tmp_path: Path) -> tuple[object, ...]:
    config = tmp_path / "x.toml"
    config.touch()
    return ("train", step, "--config", config, "--corpus", tmp_path, "--work", tmp_path / "work")


def test_train_runs_the_step(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[Path, ...]] = []
    commands: Any = types.ModuleType("elocute.training.commands")
    commands.STEPS = {"score": lambda *paths: calls.append(paths)}
    monkeypatch.setitem(sys.modules, "elocute.training.commands", commands)
    output(capsys, *train("score", tmp_path))
    assert calls == [(tmp_path / "x.toml", tmp_path, tmp_path / "work")]
    assert "use one of score" in refusal(capsys, *train("scores", tmp_path))
    missing = ("train", "score", "--config", "none.toml", "--corpus", ".", "--work", ".")
    assert "There is no file at 'none.toml'" in refusal(capsys, *missing)


def test_train_says_what_to_install(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def score(*paths: Path) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    commands: Any = types.ModuleType("elocute.training.commands")
    commands.STEPS = {"score": score}
    monkeypatch.setitem(sys.modules, "elocute.training.commands", commands)
    message = refusal(capsys, *train("score", tmp_path))
    assert "needs torch" in message
    assert "pip install 'elocute[train]'" in message


# --- evaluate --------------------------------------------------------------------------------------------


def test_evaluate_writes_report_predictions_and_summary(
    capsys: pytest.CaptureFixture[str], tiny_corpus: Path, tmp_path: Path
) -> None:
    report, rows = tmp_path / "report.json", tmp_path / "rows.csv"
    options = ("--split", "train", "--json", report, "--predictions", rows, "--workers", "1")
    out = output(capsys, "evaluate", "--corpus", tiny_corpus, *options)
    assert "utterance total" in out
    assert json.loads(report.read_text())["n"] == 10
    with rows.open() as file:
        assert {row["utterance"] for row in csv.DictReader(file)} == {f"a{number}" for number in range(10)}


def test_evaluate_refuses_before_it_works(
    capsys: pytest.CaptureFixture[str], tiny_corpus: Path, tmp_path: Path
) -> None:
    def refused(*options: object) -> str:
        return refusal(capsys, "evaluate", *options)

    assert "is missing" in refused("--corpus", tmp_path / "none", "--split", "train")
    assert "no split 'fold:9'" in refused("--corpus", tiny_corpus, "--split", "fold:9")
    unwritable = ("--json", tmp_path / "none" / "report.json")
    assert "No such file" in refused("--corpus", tiny_corpus, "--split", "train", *unwritable)


def test_an_alignment_as_a_figure(capsys: pytest.CaptureFixture[str], recording: str) -> None:
    out = output(capsys, "align", recording, "--text", TEXT, "--format", "svg")
    assert out.startswith("<svg")
    assert out.count(">world</text>") == 1
