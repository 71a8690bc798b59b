"""The recipe of the TDNN-F on a corpus of ten hums: cross-fitted, resumable, and its product works.

Its teacher, the phonetic encoder, is not trained here: models with random weights stand where its recipe
leaves them.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elocute import Assessor
from elocute.acoustics.tdnnf import OnnxTdnnf
from elocute.audio import Audio, load_audio
from elocute.scoring.scorer import OnnxScorer
from elocute.shipped import acoustic_model, scorer_for, shipped_models
from recipes import FLITE, SCORER, Place, duration, even_alignment, write_natives
from tiny_whisper import write_whisper

torch = pytest.importorskip("torch")
for needed in ("onnx", "safetensors", "sklearn"):
    pytest.importorskip(needed)

from elocute.training import commands, front  # noqa: E402
from elocute.training.config import ConfigError  # noqa: E402
from elocute.training.crossfit import EVERYBODY, alignments_path, model_path  # noqa: E402
from elocute.training.targets import load_alignments, save_alignments  # noqa: E402
from elocute.training.tdnnf import crossfit  # noqa: E402
from elocute.training.tdnnf.data import Sample  # noqa: E402
from elocute.training.tdnnf.fit import bank_posteriors  # noqa: E402
from elocute.training.tdnnf.store import FrameStore, speed_key  # noqa: E402
from elocute.training.workshop import Workshop, load_network, load_posteriors, save_network  # noqa: E402

TEACHER = """
[acoustic]
name = "phonetic-encoder"
version = "t1"
encoder = "whisper"
native = "native"
frozen = 1
tuned = 1
rounds = 1
"""

ACOUSTIC = """
[acoustic]
kind = "tdnnf"
name = "tdnnf"
version = "t3"
teacher = "teacher.toml"
native_share = 0.5
align = { floor = 3 }
network = { width = 24, bottleneck = 8, layers = 2, stem = 16, inner = 16 }
native_options = { epochs = 1, batch = { frames = 600 } }
options = { epochs = 1, batch = { frames = 600 } }
"""


def shop_of(place: Place) -> crossfit.TdnnfShop:
    found = front.open_shop(place.configs / "tdnnf.toml", place.corpus, place.work)
    assert isinstance(found, crossfit.TdnnfShop)
    return found


@pytest.fixture(scope="module")
def place(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("tdnnf")
    configs = root / "configs"
    write_whisper(configs / "whisper")
    for name, text in (
        ("teacher.toml", TEACHER),
        ("tdnnf.toml", ACOUSTIC),
        ("scorer.toml", SCORER.replace("acoustic.toml", "tdnnf.toml").replace('"scorer"', '"scorer-tdnnf"')),
    ):
        (configs / name).write_text(text)
    write_natives(configs / "native")
    place = Place(tiny_corpus, configs, root / "work", root / "assets", "tdnnf.toml")
    _leave_a_teacher(shop_of(place).teacher)
    return place


def _leave_a_teacher(shop: Workshop) -> None:
    save_alignments(load_alignments(FLITE / "alignments.jsonl"), alignments_path(shop, 1, "natives"))
    learners = {u.id: even_alignment(duration(u.audio)) for u in shop.learners}
    save_alignments(learners, alignments_path(shop, 1, "learners"))
    save_network(shop.new_network(99), shop.path("models", "native.safetensors"))
    for fold in (*range(5), EVERYBODY):
        save_network(shop.new_network(fold), model_path(shop, 1, fold))


@pytest.fixture(scope="module")
def trained(place: Place) -> Place:
    for step in ("acoustic", "score", "export"):
        place.train(step)
    return place


@pytest.fixture
def copy(trained: Place, tmp_path: Path) -> Place:
    shutil.copytree(trained.work, tmp_path / "work")
    return dataclasses.replace(trained, work=tmp_path / "work")


def test_every_learner_is_heard_by_the_model_that_left_it_out(trained: Place) -> None:
    shop = shop_of(trained)
    for fold in range(5):
        network = shop.new_network(0)
        load_network(network, shop.model(f"fold{fold}"))
        heard = load_posteriors(crossfit.posteriors_path(shop, fold))
        assert set(heard) == {u.id for u in shop.learners if shop.folds[u.speaker] == fold}
        for key, found in heard.items():
            expected = bank_posteriors(network, shop.store.read(speed_key(key, 1.0)), found.duration)
            np.testing.assert_allclose(found.log_probs, expected.log_probs, atol=0.01)
    assert not list((trained.work / "tdnnf" / "teacher").iterdir())  # what teachers said is not kept


def test_neither_a_model_nor_its_teacher_has_heard_the_fold(
    copy: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    lessons: list[tuple[set[str], FrameStore | None]] = []
    teachers: list[str] = []

    def fake_train(
        network: object, store: object, samples: list[Sample], teacher: FrameStore | None, *rest: object
    ) -> object:
        lessons.append(({sample.key for sample in samples}, teacher))
        return network

    def watched_load(network: torch.nn.Module, path: Path) -> None:
        if path.parent == copy.work / "models":
            teachers.append(path.stem)
        load_network(network, path)

    monkeypatch.setattr(crossfit, "train_tdnnf", fake_train)
    monkeypatch.setattr(crossfit, "load_network", watched_load)
    shutil.rmtree(copy.work / "tdnnf" / "models")
    shop = shop_of(copy)
    for number in (crossfit.NATIVE, *range(5), EVERYBODY):
        crossfit.fit_fold(shop, number)
    assert teachers == [*(f"1-fold{fold}" for fold in range(5)), "1-all"]
    natives = {u.id for u in shop.natives}
    assert lessons[0] == (natives, None)
    for fold, (keys, teacher) in enumerate(lessons[1:]):
        assert keys - natives == {u.id for u in shop.learners if shop.folds[u.speaker] != fold}
        assert teacher is not None
        assert set(teacher.offsets) == keys - natives
    assert any(keys & natives for keys, _ in lessons[1:])


def test_an_interrupted_training_goes_on(copy: Place, capfd: pytest.CaptureFixture[str]) -> None:
    models = copy.work / "tdnnf" / "models"
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in models.iterdir()}
    (models / "fold2.safetensors").unlink()
    (models / "fold2.partial").write_bytes(b"half a model")
    copy.train("acoustic")
    assert capfd.readouterr().err.count("epoch 1 of 1") == 1
    after = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in models.iterdir()}
    assert {name for name in before if before[name][0] != after[name][0]} == {"fold2.safetensors"}
    # One thread and the same seed: the same model again.
    assert after["fold2.safetensors"][1] == before["fold2.safetensors"][1]


@pytest.mark.parametrize("missing", ["models/1-fold3.safetensors", "alignments/1-learners.jsonl"])
def test_it_needs_its_teacher(copy: Place, missing: str) -> None:
    (copy.work / missing).unlink()
    with pytest.raises(ConfigError, match=r"run the step 'acoustic of teacher\.toml'"):
        commands.train_acoustic(copy.configs / "tdnnf.toml", copy.corpus, copy.work)


def test_scoring_needs_its_posteriors(copy: Place) -> None:
    (copy.work / "tdnnf" / "posteriors" / "fold4.npz").unlink()
    with pytest.raises(ConfigError, match="run the step 'acoustic'"):
        commands.train_score(copy.configs / "scorer.toml", copy.corpus, copy.work)


def test_the_shipped_model_brings_its_scorer(trained: Place) -> None:
    (found,) = shipped_models(trained.assets)
    assert (found.name, found.version) == ("tdnnf", "t3")
    assert found.scorer == trained.assets / "scorer-tdnnf"
    acoustic = acoustic_model("tdnnf", trained.assets)
    assert isinstance(acoustic, OnnxTdnnf)
    scorer = scorer_for(acoustic.card, trained.assets)
    assert isinstance(scorer, OnnxScorer)
    assert acoustic.align_options.floor == 3
    assert acoustic.card["teacher"] == "phonetic-encoder t1"
    assert set(acoustic.card["cross_validation"]) == {
        "frame_accuracy", "acceptance_pcc", "teacher_frame_accuracy",
    }  # fmt: skip
    assessor = Assessor(acoustic, scorer)
    assessed = assessor.assess(FLITE / "slt-00.flac", "Please call Stella.")
    assert [word.text for word in assessed.words] == ["please", "call", "stella"]
    assert assessed.model.name == "tdnnf+scorer-tdnnf"


def test_the_exported_model_is_the_trained_one(trained: Place) -> None:
    shop = shop_of(trained)
    network = shop.new_network(0)
    load_network(network, shop.model("all"))
    first = shop.learners[3]
    sound = load_audio(first.audio)
    found = acoustic_model("tdnnf", trained.assets).posteriors(sound)
    expected = bank_posteriors(network, shop.store.read(speed_key(first.id, 1.0)), sound.duration)
    np.testing.assert_allclose(found.log_probs, expected.log_probs, atol=0.05)
    assert np.corrcoef(found.log_probs.ravel(), expected.log_probs.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("kind", ["teacher", "tdnnf"])
def test_scales_of_integers_are_measured_on_other_speakers(
    trained: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    small = shop_of(trained)
    shop: Any = small if kind == "tdnnf" else small.teacher
    shop = dataclasses.replace(shop, config=dataclasses.replace(shop.config, integers=True))
    heard: list[Path] = []

    def watched(path: Path) -> Audio:
        heard.append(path)
        return load_audio(path)

    monkeypatch.setattr(front, "load_audio", watched)
    card = front.export_network(shop, 2, tmp_path / "model.onnx")
    assert "8-bit integers" in card["architecture"]
    fold_of = {utterance.audio: shop.folds[utterance.speaker] for utterance in shop.learners}
    assert {fold_of[path] for path in heard if path in fold_of} == {0, 1, 3, 4}
    assert any(path not in fold_of for path in heard)  # native speech
    nodes = pytest.importorskip("onnx").load(str(tmp_path / "model.onnx")).graph.node
    assert {"QuantizeLinear", "DequantizeLinear"} <= {node.op_type for node in nodes}
