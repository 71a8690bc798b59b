"""The public names: complete, documented, and loaded only when used."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import elocute
from fakes import fake_assessor, speech, write_wav

HEAVY = ("numpy", "onnxruntime", "soundfile", "soxr", "swift_f0", "num2words", "rich", "typer", "torch")


def loaded_after(code: str) -> set[str]:
    """The heavy modules a fresh interpreter has loaded after ``code``."""
    check = f"{code}\nimport sys; print('\\n', *(set(sys.modules) & set({HEAVY!r})))"
    run = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines()[-1].split())


def test_import_is_light() -> None:
    assert loaded_after("import elocute") == set()
    assert loaded_after("import elocute; elocute.ElocuteError; elocute.Assessment; elocute.WRITERS") == set()
    assert loaded_after("import elocute; elocute.load_audio") == {"numpy"}


def test_every_public_name_is_defined_where_it_says() -> None:
    for name, home in elocute._HOME.items():
        assert getattr(elocute, name) is getattr(import_module(home), name), name
        assert name in dir(elocute)


def test_type_checkers_see_the_names_that_run() -> None:
    tree = ast.parse(Path(elocute.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {**elocute._HOME, "errors": "elocute"}
    assert set(elocute.__all__) == {*seen, "__version__"}


def test_every_public_class_and_function_is_documented() -> None:
    for name in elocute._HOME:
        value = getattr(elocute, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), name


def test_names_survive_the_import_of_every_module() -> None:
    for path in Path(elocute.__file__).parent.glob("[a-z]*.py"):
        import_module(f"elocute.{path.stem}")
    assert callable(elocute.assess)
    assert elocute.errors.ElocuteError is elocute.ElocuteError


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'asses'"):
        elocute.asses  # noqa: B018


def test_assessor_takes_samples_bytes_and_scripts() -> None:
    assessor = fake_assessor()
    result = assessor.assess(speech(), "Hello world.", rate=16_000)
    again = assessor.assess(speech(), elocute.read_script("Hello world."), rate=16_000)
    assert result == again == elocute.Assessment.from_dict(result.to_dict())
    assert [word.text for word in result.words] == ["hello", "world"]
    assert result.status == "ok"
    assert assessor.align(speech(), "Hello world.", rate=16_000).words[1].end == result.words[1].end


def test_many_readings_are_assessed_as_one_by_one(tmp_path: Path) -> None:
    assessor = fake_assessor()
    recordings = [write_wav(tmp_path / f"{n}.wav", speech(1.0 + n % 2)) for n in range(4)]
    texts = ["Hello world.", "Hello.", "Go again.", "World."]
    found = assessor.assess_all(zip(recordings, texts, strict=True))
    expected = [assessor.assess(audio, text) for audio, text in zip(recordings, texts, strict=True)]
    assert found == expected
    assert assessor.assess_all([]) == []


def test_a_reading_that_cannot_be_used_takes_no_other_with_it(tmp_path: Path) -> None:
    good = write_wav(tmp_path / "good.wav", speech())
    (tmp_path / "bad.wav").write_text("no recording")
    long = " ".join(["internationalisation"] * 60)
    readings = [
        (good, "Hello."),
        (tmp_path / "bad.wav", "Hello."),
        (good, ""),
        (good, long),
        (good, "Hello."),
    ]
    found = fake_assessor().assess_all(readings)
    assert [type(outcome).__name__ for outcome in found] == [
        "Assessment", "NotAudio", "EmptyText", "TextAudioMismatch", "Assessment",
    ]  # fmt: skip
    assert found[0] == found[-1]


def test_user_pronunciations_are_used() -> None:
    said = {"hello": "HH AY1"}
    result = fake_assessor().assess(speech(), "Hello.", rate=16_000, pronunciations=said)
    assert [phone.phone for phone in result.words[0].phones] == ["HH", "AY1"]
    assert result.words[0].pronunciation_source == "user"


def test_one_call_assesses(shared_data: Path) -> None:
    result = elocute.assess(
        shared_data / "native-english" / "LJ001-0002.flac", "in being comparatively modern."
    )
    assert result.status == "ok"
    assert result.scores.total is not None
    assert result.scores.total > 60


def test_the_models_runtime_neither_reports_nor_leaves_traces(tmp_path: Path) -> None:
    homes = {name: str(tmp_path) for name in ("TMPDIR", "HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")}
    kept = ("ORT_DISABLE_TELEMETRY", "CI", "GITHUB_ACTIONS", "TF_BUILD")
    environment = {name: value for name, value in os.environ.items() if name not in kept}
    code = "import elocute.assessor as a; a.Assessor()"
    subprocess.run([sys.executable, "-c", code], env={**environment, **homes}, check=True)
    assert list(tmp_path.rglob("*")) == []
