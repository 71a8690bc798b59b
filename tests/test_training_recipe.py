"""The whole recipe, ``elocute train acoustic``, ``score`` and ``export``, on a corpus of ten hums.

The models learn nothing here; what counts is that every step finds what the last one left, that nothing is
done twice, and that what comes out works in an assessor.
"""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from elocute.acoustics.align import align
from elocute.acoustics.model import OnnxAcousticModel
from elocute.acoustics.posteriors import CLASSES
from elocute.acoustics.prosody import prosody
from elocute.assessor import Assessor
from elocute.audio import load_audio
from elocute.corpora import speechocean762
from elocute.corpora.folds import speaker_folds
from elocute.features.measurements import measure, utterance_vector
from elocute.features.phone import ALIGNMENT_FREE, VALUES
from elocute.scoring.forest import Forest, blend
from elocute.scoring.linear import read_linear
from elocute.scoring.presence import PresenceModel
from elocute.scoring.scorer import OnnxScorer
from elocute.scoring.scores import native_scores
from recipes import ENCODER, FLITE, SCORER, Place, duration, even_alignment, write_natives
from tiny_whisper import write_whisper

torch = pytest.importorskip("torch")
for needed in ("onnx", "safetensors", "sklearn"):
    pytest.importorskip(needed)

from elocute.training import commands, crossfit, crossvalidate, front  # noqa: E402
from elocute.training.acoustic import stored_posteriors  # noqa: E402
from elocute.training.batches import Sample  # noqa: E402
from elocute.training.config import ConfigError, ScorerConfig, read_config  # noqa: E402
from elocute.training.examples import Example, load_examples, make_example  # noqa: E402
from elocute.training.hierarchy import Hierarchy  # noqa: E402
from elocute.training.measured import load_prosody, measure_all  # noqa: E402
from elocute.training.presence import WordSample, word_sample  # noqa: E402
from elocute.training.scorer import Predictions, Recipe, new_stack, predict  # noqa: E402
from elocute.training.table import Member, Table  # noqa: E402
from elocute.training.targets import load_alignments, save_alignments  # noqa: E402
from elocute.training.workshop import Workshop, load_network, load_posteriors  # noqa: E402


def shop_of(place: Place) -> Workshop:
    found = front.open_shop(place.configs / "acoustic.toml", place.corpus, place.work)
    assert isinstance(found, Workshop)
    return found


@pytest.fixture(scope="module")
def place(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Everything the recipe starts from; the first alignments are here, so that it needs no pocketsphinx."""
    root = tmp_path_factory.mktemp("recipe")
    configs, work = root / "configs", root / "work"
    alignments = work / "alignments"
    write_whisper(configs / "whisper")
    alignments.mkdir(parents=True)
    (configs / "acoustic.toml").write_text(ENCODER)
    (configs / "scorer.toml").write_text(SCORER)
    save_alignments(write_natives(configs / "native"), alignments / "0-natives.jsonl")
    waves = {f"a{n}": tiny_corpus / "WAVE" / f"a{n}.wav" for n in range(10)}
    learners = {key: even_alignment(duration(path)) for key, path in waves.items()}
    save_alignments(learners, alignments / "0-learners.jsonl")
    return Place(tiny_corpus, configs, work, root / "assets")


@pytest.fixture(scope="module")
def trained(place: Place) -> Place:
    for step in ("acoustic", "score", "export", "reference"):
        place.train(step)
    return place


@pytest.fixture
def copy(trained: Place, tmp_path: Path) -> Place:
    """A training of one's own to go on with; times of files are kept."""
    shutil.copytree(trained.work, tmp_path / "work")
    return Place(trained.corpus, trained.configs, tmp_path / "work", tmp_path / "assets")


def test_what_the_steps_leave(trained: Place) -> None:
    folds = range(5)
    expected = {
        "hidden/frames.bf16", "hidden/index.jsonl", "models/native.safetensors", "models/2-all.safetensors",
        "prosody.npz", "scorer/report.json", "scorer/predictions.csv", "scorer/presence.json",
        "scorer/hearing.json", "scorer/inputs.sha256", "scorer/example.npz", "scorer/linear.json",
        "scorer/features.npz", "scorer/handcrafted.json", "scorer/forests.sha256",
    }  # fmt: skip
    expected |= {f"models/{number}-fold{fold}.safetensors" for number in (1, 2) for fold in folds}
    expected |= {f"alignments/{number}-fold{fold}.jsonl" for number in (1, 2) for fold in folds}
    expected |= {f"alignments/{number}-learners.jsonl" for number in (0, 1, 2)}
    expected |= {f"alignments/{number}-natives.jsonl" for number in (0, 1)}
    expected |= {f"posteriors/{name}fold{fold}.npz" for name in ("", "1-") for fold in folds}
    expected |= {f"scorer/fold{fold}-seed{seed}.safetensors" for fold in range(6) for seed in (1, 2)}
    expected |= {f"scorer/forest{fold}/{name}" for fold in range(6) for name in ("model.onnx", "card.json")}
    assert set(trained.files()) == expected
    assets = [path.relative_to(trained.assets) for path in trained.assets.rglob("*.*")]
    assert {path.as_posix() for path in assets} == {
        "phonetic-encoder/model.onnx", "phonetic-encoder/card.json",
        "scorer/model.onnx", "scorer/card.json", "scorer/cross-validation.json", "scorer/linear.json",
        "scorer/reference.npz", "scorer/forest/model.onnx", "scorer/forest/card.json",
    }  # fmt: skip


def test_every_learner_is_heard_by_a_model_that_never_saw_it(trained: Place) -> None:
    learners = speechocean762.load(trained.corpus, "train")
    folds = speaker_folds(learners, 5)
    seen = []
    for fold in range(5):
        own = {u.id for u in learners if folds[u.speaker] == fold}
        posteriors = load_posteriors(trained.work / "posteriors" / f"fold{fold}.npz")
        assert set(posteriors) == own
        assert set(load_alignments(trained.work / "alignments" / f"2-fold{fold}.jsonl")) == own
        seen += own
    assert sorted(seen) == sorted(u.id for u in learners)
    merged = load_alignments(trained.work / "alignments" / "2-learners.jsonl")
    for utterance in learners:
        assert [w.text for w in merged[utterance.id].words] == ["go", "again"]
        assert merged[utterance.id].duration == pytest.approx(duration(utterance.audio))


def test_the_posteriors_are_those_of_the_folds_last_model(trained: Place) -> None:
    shop = shop_of(trained)
    network = shop.new_network(0)
    load_network(network, trained.work / "models" / "2-fold3.safetensors")
    for key, stored in load_posteriors(trained.work / "posteriors" / "fold3.npz").items():
        expected = stored_posteriors(network, shop.store, key, stored.duration)
        np.testing.assert_allclose(stored.log_probs, expected.log_probs, atol=0.01)
        np.testing.assert_allclose(stored.acceptance, expected.acceptance, atol=0.01)
        assert stored.ctc is not None
        assert expected.ctc is not None
        np.testing.assert_allclose(stored.ctc, expected.ctc, atol=0.02)


@pytest.mark.parametrize("number", [1, 2])
def test_no_encoder_is_trained_on_learners_it_aligns(
    copy: Place, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    trained_on: list[set[str]] = []

    def fake_train(network: object, store: object, samples: list[Sample], *rest: object) -> object:
        trained_on.append({sample.key for sample in samples})
        return network

    monkeypatch.setattr(crossfit, "train_encoder", fake_train)
    shop = shop_of(copy)
    for fold in range(6 if number == 2 else 5):
        crossfit.model_path(shop, number, fold).unlink()
        crossfit._fit_fold((shop.config, shop.config_path, shop.corpus, shop.work, number, fold))
    natives = {u.id for u in shop.natives}
    for fold, keys in enumerate(trained_on):
        assert keys - natives == {u.id for u in shop.learners if shop.folds[u.speaker] != fold}
    assert any(keys & natives for keys in trained_on)


def test_no_scorer_judges_learners_it_was_trained_on(trained: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = shop_of(trained)
    config = read_config(ScorerConfig, trained.configs / "scorer.toml", "score")
    posteriors = front.heard(shop)
    tunes = load_prosody(shop.learners, trained.work / "prosody.npz")
    measured = measure_all(shop.learners, posteriors, tunes, shop.config.align)
    words = word_sample(shop.learners, lambda u: posteriors[u.id], shop.config.align)
    judged: list[tuple[int, set[str]]] = []
    taught: list[set[str]] = []
    fit = crossvalidate.fit_presence

    def fake_predict(fold: int, examples: list[Example], text: object) -> list[Predictions]:
        judged.append((fold, {e.speaker for e in examples}))
        return [Predictions(e.phones, e.words, e.scores) for e in examples]

    def watched_fit(sample: WordSample, *rest: float) -> PresenceModel:
        taught.append(set(sample.speakers.tolist()))
        return fit(sample, *rest)

    monkeypatch.setattr(crossvalidate, "predict", fake_predict)
    monkeypatch.setattr(crossvalidate, "fit_presence", watched_fit)
    folds_as_networks = {fold: fold for fold in range(6)}
    rows, _ = crossvalidate.cross_validate(measured, folds_as_networks, words, shop.folds, config)
    assert [fold for fold, _ in judged] == list(range(5))
    for (fold, speakers), others in zip(judged, taught, strict=True):
        assert speakers == {speaker for speaker, own in shop.folds.items() if own == fold}
        assert others == set(shop.folds) - speakers
    # Perfect predictions come through unchanged, to the rounding of points.
    for row in rows:
        if row.level == "phone" and row.prediction:
            assert row.prediction == pytest.approx(row.reference, abs=0.02)


def test_the_networks_of_a_fold_never_see_its_speakers(
    trained: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = read_config(ScorerConfig, trained.configs / "scorer.toml", "score")
    example = load_examples(trained.work / "scorer" / "example.npz")[0]
    examples = [replace(example, speaker=f"s{number % 7}") for number in range(14)]
    folds = {f"s{number}": number % 5 for number in range(7)}
    seen: dict[tuple[int, int], set[str]] = {}

    def fake_fit(recipe: Recipe, table: Table, members: list[Member], work: Path, log: object) -> Hierarchy:
        work.mkdir()
        for m in members:
            seen[m.fold, m.seed] = {table.examples[n].speaker for n in table.seen(m.fold)}
        return new_stack(table, members, recipe.network)

    monkeypatch.setattr(crossvalidate, "fit_members", fake_fit)
    networks = crossvalidate.fit_networks(config, examples, folds, tmp_path, 1)
    assert {fold: found.members for fold, found in networks.items()} == dict.fromkeys(range(6), 2)
    for fold in range(6):
        for seed in config.seeds:
            expected = {speaker for speaker, own in folds.items() if own != fold}
            assert seen[fold, seed] == expected


def test_the_report_counts_everything(trained: Place) -> None:
    report = json.loads((trained.work / "scorer" / "report.json").read_text())
    assert json.loads((trained.assets / "scorer" / "cross-validation.json").read_text()) == report
    with (trained.work / "scorer" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    # per utterance 6 phones, 2 words of 3 aspects, 5 aspects of its own
    assert len(rows) == 10 * (6 + 2 * 3 + 5)
    assert list(dict.fromkeys(row["utterance"] for row in rows)) == [f"a{n}" for n in range(10)]


def test_the_second_run_trains_nothing(
    copy: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    before = copy.files()
    copy.train("acoustic")
    after = copy.files()
    assert {name: content for name, (_, content) in after.items()} == {
        name: content for name, (_, content) in before.items()
    }
    touched = {name for name in before if after[name][0] != before[name][0]}
    # The folds' alignments are merged anew, and the store is opened to be continued.
    assert touched <= {"alignments/1-learners.jsonl", "alignments/2-learners.jsonl", "hidden/frames.bf16"}
    assert "epoch" not in capfd.readouterr().err
    networks = {name for name in before if name.endswith(".safetensors")}
    monkeypatch.setattr("elocute.training.crossvalidate.fit_members", lambda *task: pytest.fail("trained"))
    copy.train("score")
    again = copy.files()
    assert {name: again[name] for name in networks} == {name: before[name] for name in networks}
    for name in ("report.json", "predictions.csv", "presence.json", "hearing.json"):
        assert again[f"scorer/{name}"][1] == before[f"scorer/{name}"][1]


def test_an_interrupted_training_goes_on_where_it_stopped(
    copy: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    """As if stopped while the second round's model of fold 2 was trained."""
    before = copy.files()
    missing = {"models/2-fold2.safetensors", "alignments/2-fold2.jsonl", "scorer/fold1-seed2.safetensors"}
    for name in missing:
        (copy.work / name).unlink()
    (copy.work / "models" / "2-fold2.partial").write_bytes(b"half a model")
    copy.train("acoustic")
    assert capfd.readouterr().err.count("epoch 1 of 1") == 1
    copy.train("score")
    assert "scorer networks of folds: 1 of 10" in capfd.readouterr().err
    after = copy.files()
    assert set(after) == set(before)
    models = {name for name in before if name.endswith(".safetensors")}
    changed = {name for name in models if after[name][0] != before[name][0]}
    assert changed == missing & models
    # One thread and the same seed: the same model again.
    assert after["models/2-fold2.safetensors"][1] == before["models/2-fold2.safetensors"][1]
    assert after["alignments/2-fold2.jsonl"][1] == before["alignments/2-fold2.jsonl"][1]


@pytest.mark.parametrize("missing", ["posteriors/fold4.npz", "alignments/2-learners.jsonl"])
def test_scoring_needs_the_posteriors_of_the_last_round(copy: Place, missing: str) -> None:
    (copy.work / missing).unlink()
    with pytest.raises(ConfigError, match="run the step 'acoustic'"):
        commands.train_score(copy.configs / "scorer.toml", copy.corpus, copy.work)


@pytest.mark.parametrize("missing", ["report.json", "fold5-seed1.safetensors"])
def test_exporting_needs_the_scorer(copy: Place, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """It must not train one: it knows a single example."""
    monkeypatch.setattr(commands, "ASSETS", copy.assets)
    monkeypatch.setattr(commands, "JOBS", 1)
    (copy.work / "scorer" / missing).unlink()
    with pytest.raises(ConfigError, match="run the step 'score'"):
        commands.train_export(copy.configs / "scorer.toml", copy.corpus, copy.work)


@pytest.fixture(scope="module")
def assessor(trained: Place) -> Assessor:
    return Assessor(
        OnnxAcousticModel(trained.assets / "phonetic-encoder"), OnnxScorer(trained.assets / "scorer")
    )


def test_the_exported_models_are_the_trained_ones(trained: Place, assessor: Assessor) -> None:
    shop = shop_of(trained)
    encoder = shop.new_network(0)
    load_network(encoder, trained.work / "models" / "2-all.safetensors")
    first = shop.learners[3]
    sound = load_audio(first.audio)
    found = assessor.acoustic.posteriors(sound)
    expected = stored_posteriors(encoder, shop.store, first.id, sound.duration)
    # The stored hidden frames were computed in bfloat16.
    np.testing.assert_allclose(found.log_probs, expected.log_probs, atol=0.15)
    assert np.corrcoef(found.log_probs.ravel(), expected.log_probs.ravel())[0, 1] > 0.99

    config = read_config(ScorerConfig, trained.configs / "scorer.toml", "score")
    measured = assessor.features(first.audio, first.script)
    utterance = utterance_vector(measured.utterance, assessor.scorer.card["utterance_features"])
    assert first.labels is not None
    example = make_example(first.id, first.speaker, measured.phones, utterance, first.labels)
    network = crossvalidate.load_networks(config, [example], crossvalidate.NOBODY, trained.work / "scorer")
    prediction = predict(network, [example])[0]
    scores = assessor.scorer.score(measured.phones, measured.utterance)
    forest = Forest(trained.work / "scorer" / f"forest{crossvalidate.NOBODY}")
    trees, _ = forest.score(measured.phones, measured.utterance)
    levels = prediction.phones, prediction.words, prediction.scores
    blended = blend(native_scores(*levels, measured.phones.word_starts), trees, forest.shares)
    np.testing.assert_allclose(scores.phones, blended.phones, atol=0.02)
    linear = read_linear(trained.assets / "scorer" / "linear.json")
    alone = blended.total
    share = linear.aspects["total"].share
    fused = (1 - share) * alone + share * linear.score("total", measured.utterance)
    assert scores.total == pytest.approx(np.clip(fused, 0, 10), abs=0.1)


def test_an_assessor_of_the_exported_models(trained: Place, assessor: Assessor) -> None:
    card = assessor.acoustic.card
    assert (card.name, card.version) == ("phonetic-encoder", "t1")
    assert tuple(card["classes"]) == CLASSES
    assert card["training_data"]["speechocean762 training half (CC BY 4.0)"] == {
        "recordings": 10,
        "speakers": 5,
    }
    assert assessor.acoustic.align_options.floor == 3
    assert assessor.scorer.card["acoustic"] == "phonetic-encoder t1"
    found = assessor.assess(FLITE / "slt-00.flac", "Please call Stella.")
    assert [word.text for word in found.words] == ["please", "call", "stella"]
    assert found.status in ("ok", "incomplete", "off_script", "no_speech")
    assert found.model.name == "phonetic-encoder+scorer"
    measured = assessor.features(FLITE / "slt-00.flac", "Please call Stella.")
    scores = assessor.scorer.score(measured.phones, measured.utterance)
    assert len(scores.phones) == len(measured.phones.phone)
    assert all(
        0.0 <= value <= 10.0 for value in (scores.accuracy, scores.fluency, scores.prosodic, scores.total)
    )


def test_training_and_use_measure_alike(trained: Place, assessor: Assessor) -> None:
    """The first training example can be made again from what the folds' models said."""
    example = load_examples(trained.work / "scorer" / "example.npz")[0]
    learner = next(u for u in speechocean762.load(trained.corpus, "train") if u.id == example.id)
    fold = speaker_folds(speechocean762.load(trained.corpus, "train"), 5)[learner.speaker]
    posteriors = load_posteriors(trained.work / "posteriors" / f"fold{fold}.npz")[learner.id]
    tune = prosody(load_audio(learner.audio).samples)
    alignment = align(posteriors, learner.script, assessor.acoustic.align_options, tune.energy)
    again = measure(posteriors, alignment, tune)
    assert again.phones.names == example.features.names == (*VALUES, ALIGNMENT_FREE)
    np.testing.assert_allclose(again.phones.values, example.features.values, rtol=1e-3, atol=1e-3)
    assert set(assessor.scorer.card["utterance_features"]) <= again.utterance.keys()


def test_a_round_may_continue_the_models_of_the_one_before(
    copy: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crossfit, "train_encoder", lambda network, *rest: network)
    for continued, start in ((True, "1-fold0"), (False, "native")):
        shop = shop_of(copy)
        shop = replace(shop, config=replace(shop.config, continued=continued))
        crossfit.model_path(shop, 2, 0).unlink()
        crossfit._fit_fold((shop.config, shop.config_path, shop.corpus, shop.work, 2, 0))
        expected = shop.work / "models" / f"{start}.safetensors"
        assert crossfit.model_path(shop, 2, 0).read_bytes() == expected.read_bytes()


def test_an_earlier_model_may_make_the_first_alignments(trained: Place, tmp_path: Path) -> None:
    """The exported encoder aligns the learners, and what it heard is kept as targets for errors."""
    place = Place(trained.corpus, trained.configs, tmp_path / "work", tmp_path / "assets")
    shop = shop_of(place)
    shop = replace(shop, config=replace(shop.config, aligner=str(trained.assets / "phonetic-encoder")))
    crossfit._bootstrap(shop, "learners", shop.learners, 1)
    found = load_alignments(crossfit.alignments_path(shop, 0, "learners"))
    heard = crossfit._heard_before(shop, 1)
    assert set(found) == set(heard) == {u.id for u in shop.learners}
    for utterance in shop.learners:
        assert [w.text for w in found[utterance.id].words] == [w.text for w in utterance.script.words]
        assert found[utterance.id].duration == pytest.approx(heard[utterance.id].duration)
