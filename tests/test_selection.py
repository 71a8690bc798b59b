"""Acoustic models are chosen by name, and each brings its own scorer."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import soundfile

from elocute import Assessor, cli
from elocute.card import Card
from elocute.errors import ModelError, UnknownModel
from elocute.shipped import DEFAULT, acoustic_model, scorer_for, shipped_models
from fakes import fake_assessor, speech, write_wav


def put(assets: Path, folder: str, **card: object) -> None:
    """A model folder whose weights are its name."""
    (assets / folder).mkdir(parents=True)
    (assets / folder / "model.onnx").write_text(folder)
    card["sha256"] = hashlib.sha256(folder.encode()).hexdigest()
    (assets / folder / "card.json").write_text(json.dumps(card))


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    put(tmp_path, "aa-small", name="aa-small", version="2", kind="acoustic")
    put(
        tmp_path,
        DEFAULT,
        name=DEFAULT,
        version="1",
        kind="acoustic",
        cross_validation={"frame_accuracy": 0.8},
    )
    put(tmp_path, "scorer", name="scorer", version="1", kind="scorer", acoustic=f"{DEFAULT} 1")
    put(tmp_path, "scorer/forest")
    put(tmp_path, "scorer-aa", name="scorer-aa", version="1", kind="scorer", acoustic="aa-small 1")
    (tmp_path / "lexicon").mkdir()
    return tmp_path


def test_models_are_found_by_their_cards(assets: Path) -> None:
    found = shipped_models(assets)
    assert [model.name for model in found] == [DEFAULT, "aa-small"]
    assert found[0].scorer == assets / "scorer"
    assert found[1].scorer is None  # its scorer is of another version
    assert found[0].megabytes == pytest.approx(len(DEFAULT + "scorer" + "scorer/forest") / 1e6)


def test_unknown_name(assets: Path) -> None:
    with pytest.raises(UnknownModel, match=rf"'kaldi'.*{DEFAULT}, aa-small") as caught:
        acoustic_model("kaldi", assets)
    assert caught.value.code == "unknown_model"
    with pytest.raises(UnknownModel, match="kaldi"):
        Assessor("kaldi")


def test_model_without_scorer(assets: Path) -> None:
    card = Card(assets / "aa-small", "aa-small", "2", "", {})
    with pytest.raises(ModelError, match="No scorer for the acoustic model aa-small 2"):
        scorer_for(card, assets)


def test_damaged_card(assets: Path) -> None:
    (assets / "scorer" / "card.json").write_text("{")
    with pytest.raises(ModelError, match=r"card\.json cannot be read"):
        shipped_models(assets)


def test_the_default_and_its_scorer() -> None:
    assessor = Assessor()
    assert assessor.acoustic.card.name == DEFAULT
    assert assessor.scorer.card["acoustic"].startswith(f"{DEFAULT} ")


@pytest.mark.parametrize("command", ["assess", "align", "features"])
def test_command_line_refuses_unknown_names(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = write_wav(tmp_path / "a.wav", speech())
    with pytest.raises(SystemExit) as caught:
        cli.main([command, str(sound), "--text", "go", "--acoustic", "kaldi"])
    assert caught.value.code == 2
    assert "There is no acoustic model 'kaldi'; use one of phonetic-encoder" in capsys.readouterr().err


def test_command_line_passes_the_name_on(
    tmp_path: Path, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def chosen(acoustic: str | None = None) -> Assessor:
        asked.append(acoustic)
        return fake_assessor()

    monkeypatch.setattr(cli, "new_assessor", chosen)
    sound = str(write_wav(tmp_path / "a.wav", speech()))
    plain = ["assess", sound, "--text", "go"]
    evaluate = ["evaluate", "--corpus", str(tiny_corpus), "--split", "test", "--workers", "1"]
    for command in ([*plain, "--acoustic", "tiny"], plain, [*evaluate, "--acoustic", "tiny"]):
        with pytest.raises(SystemExit):
            cli.main(command)
    assert asked == ["tiny", None, "tiny"]  # one assessor for both recordings of the split


def test_a_choice_is_the_same_in_another_process() -> None:
    factory = cli._factory("tiny")
    copied = pickle.loads(pickle.dumps(factory))
    assert (copied, hash(copied)) == (factory, hash(factory))  # else each recording would load the models


def test_agreement_of_a_model_with_itself(
    tmp_path: Path, load_benchmark: Callable[[str], ModuleType]
) -> None:
    (tmp_path / "index.tsv").write_text("id\ttext\na\tgo again\nb\tgo\n")
    for name, seconds in (("a", 1.0), ("b", 0.7)):
        soundfile.write(tmp_path / f"{name}.flac", speech(seconds), 16_000)
    found = load_benchmark("agreement").measure(fake_assessor(), fake_assessor(), tmp_path)
    assert found["phone durations, PCC"] == pytest.approx(1.0)
    assert found["word boundaries, 95 % within ms"] == 0.0
    assert found["utterance totals, PCC"] == pytest.approx(1.0)
    assert found["same pronunciations, share"] == 1.0


def test_listing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["models"])
    assert caught.value.code == 0
    header, first, *_ = capsys.readouterr().out.splitlines()
    assert header.split()[0] == "name"
    assert first.startswith(f"{DEFAULT} *")
    assert first.split()[-1] == "scorer"
