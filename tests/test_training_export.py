"""What is exported says what the networks said, and is accepted by the code that uses it."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from elocute.acoustics.align import AlignOptions
from elocute.acoustics.mel import log_mel
from elocute.acoustics.model import WINDOW, OnnxAcousticModel
from elocute.acoustics.posteriors import CLASSES
from elocute.acoustics.prosody import levelled
from elocute.audio import Audio
from elocute.card import open_session, read_card
from elocute.errors import ModelError
from elocute.features.phone import STRESS_UNMARKED, PhoneFeatures
from elocute.phones import MANNER_OF, MANNERS, PHONE_ID, PHONES, VOWELS
from elocute.scoring.presence import MEASURES, PresenceModel
from elocute.scoring.scorer import OnnxScorer
from fakes import RATE, speech

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from elocute.training.encoder import PhoneticEncoder  # noqa: E402
from elocute.training.examples import make_inputs  # noqa: E402
from elocute.training.export import (  # noqa: E402
    Ensemble,
    WholeEncoder,
    export_encoder,
    export_scorer,
    halve,
    write_card,
)
from elocute.training.hierarchy import Hierarchy, HierarchyOptions, Sizes  # noqa: E402
from elocute.training.whisper import Block, WhisperEncoder  # noqa: E402

torch.set_num_threads(1)  # networks this small only wait for more

WIDTH, VALUES, UTTERANCE = 32, 6, 3
NAMES = tuple(f"v{number}" for number in range(VALUES))
UTTERANCE_NAMES = ("rate", "pause", "pitch")
PRESENCE = PresenceModel((0.1,) * len(MEASURES), 0.2, 0.3, -0.5, 0.4)


def representable(module: torch.nn.Module) -> None:
    """Give all weights values that half precision holds exactly."""
    with torch.no_grad():
        for value in [*module.parameters(), *module.buffers()]:
            if value.is_floating_point():
                value.copy_((torch.randn_like(value) * 0.2).half())


@dataclasses.dataclass(frozen=True)
class Model:
    """A model folder and the torch module it was exported from."""

    folder: Path
    module: Any

    def session(self) -> Any:
        return open_session(read_card(self.folder))


ACOUSTIC_CARD = {
    "name": "tiny-encoder",
    "version": "7",
    "classes": CLASSES,
    "frame_shift": 0.01,
    "align": dataclasses.asdict(AlignOptions(floor=3, silence_penalty=1.0)),
}


def acoustic_model(folder: Path, exact: bool, integers: bool = False, ctc: bool = True) -> Model:
    folder.mkdir(exist_ok=True)
    torch.manual_seed(0)
    lower = WhisperEncoder(WIDTH, 2, 64, layers=1, mels=80, positions=1500)
    upper = PhoneticEncoder([Block(WIDTH, 2, 64), Block(WIDTH, 2, 64)], WIDTH, inner=48, ctc=ctc)
    with torch.no_grad():
        lower.positions.normal_(0.0, 0.3)
    if exact:
        representable(lower)
        representable(upper)
    module = copy.deepcopy(WholeEncoder(lower, upper)).eval()
    export_encoder(lower, upper, folder / "model.onnx", spectrograms() if integers else ())
    write_card(folder, ACOUSTIC_CARD)
    return Model(folder, module)


def spectrograms() -> list[NDArray[np.float32]]:
    """What the scales of integers are measured on."""
    random = np.random.default_rng(0)
    return [random.normal(size=(80, frames)).astype(np.float32) for frames in (200, 120, 90)]


@pytest.fixture(scope="module")
def exact_encoder(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return acoustic_model(tmp_path_factory.mktemp("exact"), exact=True)


@pytest.fixture(scope="module")
def rounded_encoder(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return acoustic_model(tmp_path_factory.mktemp("rounded"), exact=False)


def difference(model: Model, mel: torch.Tensor) -> float:
    with torch.inference_mode():
        expected = [output.numpy() for output in model.module(mel)]
    found = model.session().run(["logits", "acceptance", "ctc"], {"mel": mel.numpy()})
    assert [f.shape for f in found] == [e.shape for e in expected]
    fine = 2 * -(-mel.shape[2] // 2)
    assert found[0].shape == (1, fine, len(CLASSES))
    assert found[1].shape == (1, fine, len(PHONES))
    assert found[2].shape == (1, fine // 2, len(CLASSES))
    assert all(f.dtype == np.float32 for f in found)
    assert expected[0].std() > 0.05
    return max(float(np.abs(f - e).max()) for f, e in zip(found, expected, strict=True))


LENGTHS = [3, 40, 199, 200, 201, 777, WINDOW, 3000]


@pytest.mark.parametrize("frames", LENGTHS)
def test_the_exported_encoder_equals_torch(exact_encoder: Model, frames: int) -> None:
    mel = torch.randn(1, 80, frames, generator=torch.Generator().manual_seed(frames))
    assert difference(exact_encoder, mel) < 1e-4


@pytest.mark.parametrize("frames", LENGTHS)
def test_half_precision_costs_little(rounded_encoder: Model, frames: int) -> None:
    mel = torch.randn(1, 80, frames, generator=torch.Generator().manual_seed(frames))
    assert 0 < difference(rounded_encoder, mel) < 5e-3


def test_the_encoder_model_in_use(exact_encoder: Model) -> None:
    model = OnnxAcousticModel(exact_encoder.folder)
    assert (model.card.name, model.card.version) == ("tiny-encoder", "7")
    assert model.align_options == AlignOptions(floor=3, silence_penalty=1.0)
    samples = speech(1.235)
    found = model.posteriors(Audio(samples, len(samples) / RATE, RATE))
    frames = len(samples) // 160
    assert frames % 2 == 1
    assert found.log_probs.shape == (frames, len(CLASSES))
    assert found.acceptance.shape == (frames, len(PHONES))
    with torch.inference_mode():
        logits, acceptance, ctc = exact_encoder.module(torch.from_numpy(log_mel(levelled(samples)))[None])
    expected = logits.log_softmax(-1)[0, :frames].numpy()
    np.testing.assert_allclose(found.log_probs, expected, atol=1e-4)
    np.testing.assert_allclose(found.acceptance, acceptance[0, :frames].numpy(), atol=1e-4)
    assert found.ctc is not None
    np.testing.assert_allclose(found.ctc, ctc.log_softmax(-1)[0].numpy(), atol=1e-4)


def test_an_encoder_without_ctc(tmp_path: Path) -> None:
    found = OnnxAcousticModel(acoustic_model(tmp_path, exact=True, ctc=False).folder).posteriors(
        Audio(speech(1.0), 1.0, RATE)
    )
    assert found.ctc is None


@pytest.mark.parametrize("classes", [CLASSES[::-1], CLASSES[:-1], (*CLASSES, "X")])
def test_an_encoder_of_another_phone_set(
    exact_encoder: Model, tmp_path: Path, classes: tuple[str, ...]
) -> None:
    (tmp_path / "model.onnx").write_bytes((exact_encoder.folder / "model.onnx").read_bytes())
    write_card(tmp_path, {**ACOUSTIC_CARD, "classes": classes})
    with pytest.raises(ModelError, match="phone set"):
        OnnxAcousticModel(tmp_path)


# --- scorer ----------------------------------------------------------------------------------------------


def features(sizes: list[int], seed: int) -> PhoneFeatures:
    """Random phones in words of the given numbers of phones."""
    random = np.random.default_rng(seed)
    word = np.repeat(np.arange(len(sizes)), sizes)
    names = random.choice(PHONES, len(word))
    place = np.concatenate([[0] if size == 1 else [1, *[2] * (size - 2), 3] for size in sizes])
    return PhoneFeatures(
        np.array([PHONE_ID[n] for n in names]),
        np.array([int(random.integers(3)) if n in VOWELS else STRESS_UNMARKED for n in names]),
        np.array([MANNERS.index(MANNER_OF[n]) for n in names]),
        word, place, random.normal(size=(len(word), VALUES)).astype(np.float32), NAMES,
    )  # fmt: skip


SCORER_CARD = {
    "name": "tiny-scorer",
    "version": "2",
    "features": NAMES,
    "utterance_features": UTTERANCE_NAMES,
    "presence": dataclasses.asdict(PRESENCE),
}


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return scorer_model(tmp_path_factory.mktemp("scorer"), "parallel")


def scorer_model(folder: Path, block: str, bins: int = 0) -> Model:
    """Three networks in one stack."""
    torch.manual_seed(0)
    options = HierarchyOptions(width=24, heads=2, depths=(2, 1, 1), block=block, bins=bins)
    network = Hierarchy(Sizes(NAMES, UTTERANCE), options, members=3).eval()
    representable(network)
    network.encoder.scale.fill_(0.75)
    network.utterance_scale.fill_(1.25)
    export_scorer(network, features([2, 3, 1], 0), np.zeros(UTTERANCE, np.float32), folder / "model.onnx")
    write_card(folder, SCORER_CARD)
    return Model(folder, network)


SIZES = [[1], [2], [1, 1], [2, 3, 1], [5, 1, 4, 2, 7], [3] * 60]


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: f"{sum(sizes)} phones")
@pytest.mark.parametrize("missing", [0, 1, UTTERANCE])
def test_the_exported_scorer_equals_the_mean_of_its_networks(
    scorer: Model, sizes: list[int], missing: int
) -> None:
    assert_same(scorer, sizes, missing)


@pytest.mark.parametrize(("block", "bins"), [("transformer", 0), ("branchformer", 3), ("e-branchformer", 0)])
def test_every_kind_of_block_is_exported(tmp_path: Path, block: str, bins: int) -> None:
    model = scorer_model(tmp_path, block, bins)
    for sizes in ([1], [2, 3, 1], [3] * 30):
        assert_same(model, sizes, 1)


def assert_same(model: Model, sizes: list[int], missing: int) -> None:
    own = features(sizes, len(sizes))
    utterance = np.array([0.5, -1.5, 0.25], np.float32)
    utterance[:missing] = np.nan
    inputs = make_inputs([own], [utterance])
    with torch.inference_mode():
        outputs = model.module(inputs)
    expected = [level.mean(0).numpy() for level in outputs[:3]]
    names = ("phone", "stress", "manner", "word", "place", "values", "utterance")
    feed = {name: getattr(inputs, name).numpy() for name in names}
    found = model.session().run(["phones", "words", "scores"], feed)
    count = sum(sizes)
    assert [f.shape for f in found] == [(1, count), (1, count, 3), (1, 4)]
    for f, e in zip(found, expected, strict=True):
        assert np.isfinite(f).all()
        np.testing.assert_allclose(f, e, atol=1e-4)
    # The members differ, so that the mean is not one of them.
    assert float((outputs.scores[0] - outputs.scores[1:]).abs().max()) > 1e-2


def test_the_ensemble_averages_members(scorer: Model) -> None:
    own = features([2, 1], 5)
    inputs = make_inputs([own], [np.zeros(UTTERANCE, np.float32)])
    names = ("phone", "stress", "manner", "word", "place", "values", "utterance")
    with torch.inference_mode():
        found = Ensemble(scorer.module).eval()(*(getattr(inputs, n) for n in names))
        for a, b in zip(found, scorer.module(inputs)[:3], strict=True):
            torch.testing.assert_close(a, b.mean(0))


def test_the_scorer_in_use(scorer: Model) -> None:
    model = OnnxScorer(scorer.folder)
    assert model.presence.threshold == PRESENCE.threshold
    assert tuple(model.presence.weights) == PRESENCE.weights
    own = features([2, 3, 1], 3)
    known: dict[str, float | None] = {"pitch": None, "pause": 0.5, "other": 9.0, "rate": 1.0}
    found = model.score(own, known)
    assert found.phones.shape == (6,)
    assert len(found.words) == 3
    inputs = make_inputs([own], [np.array([1.0, 0.5, np.nan], np.float32)])
    with torch.inference_mode():
        outputs = scorer.module(inputs)
    phones, words, scores = (level.mean(0)[0].numpy() for level in outputs[:3])
    np.testing.assert_allclose(found.phones, phones.clip(0, 2), atol=1e-4)
    for number, at in enumerate([0, 2, 5]):
        given = dataclasses.astuple(found.words[number])
        np.testing.assert_allclose(given, (words[at] * 5).clip(0, 10), atol=1e-3)
    given = (found.accuracy, found.fluency, found.prosodic, found.total)
    np.testing.assert_allclose(given, (scores * 5).clip(0, 10), atol=1e-3)


def test_a_scorer_refuses_other_features(scorer: Model) -> None:
    model, own = OnnxScorer(scorer.folder), features([2], 0)
    known = dict.fromkeys(UTTERANCE_NAMES, 0.0)
    with pytest.raises(ModelError, match="features"):
        model.score(dataclasses.replace(own, names=NAMES[::-1]), known)
    with pytest.raises(ModelError, match="features"):
        model.score(own, {"rate": 0.0})


# --- files -----------------------------------------------------------------------------------------------


def test_only_large_weights_are_halved(scorer: Model, exact_encoder: Model) -> None:
    for folder in (scorer.folder, exact_encoder.folder):
        model = onnx.load(str(folder / "model.onnx"))
        sizes: dict[int, list[int]] = {}
        for weight in model.graph.initializer:
            sizes.setdefault(weight.data_type, []).append(int(np.prod(list(weight.dims))))
        half, full = (sizes.get(kind, []) for kind in (onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT))
        assert half
        assert min(half) >= 1024 > max(full)
    parameters = sum(p.numel() for p in exact_encoder.module.parameters())
    assert (exact_encoder.folder / "model.onnx").stat().st_size < 2 * parameters + 62_000


def test_halve_by_hand(tmp_path: Path) -> None:
    """y = x A + b, with a large A, a small b and a large table of integers."""
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    large, small = random.normal(size=(32, 32)).astype(np.float32), random.normal(size=32).astype(np.float32)
    table = np.arange(2048)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "A"], ["xA"]),
            helper.make_node("Add", ["xA", "b"], ["y"]),
            helper.make_node("Identity", ["table"], ["numbers"]),
        ],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 32])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 32]),
            helper.make_tensor_value_info("numbers", TensorProto.INT64, [2048]),
        ],
        [
            numpy_helper.from_array(value, name)
            for name, value in (("A", large), ("b", small), ("table", table))
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(tmp_path / "model.onnx"))
    halve(tmp_path / "model.onnx")
    write_card(tmp_path, {"name": "n", "version": "1"})
    x = random.normal(size=(1, 32)).astype(np.float32)
    y, numbers = open_session(read_card(tmp_path)).run(["y", "numbers"], {"x": x})
    np.testing.assert_allclose(y, x @ large.astype(np.float16).astype(np.float32) + small, atol=1e-5)
    np.testing.assert_array_equal(numbers, table)
    stored = {w.name: w.data_type for w in onnx.load(str(tmp_path / "model.onnx")).graph.initializer}
    assert stored == {"A.half": TensorProto.FLOAT16, "b": TensorProto.FLOAT, "table": TensorProto.INT64}


def test_a_card_fits_its_weights_only(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"weights")
    write_card(tmp_path, {"name": "ä", "version": "1", "sha256": "replaced", "more": (1, 2)})
    card = read_card(tmp_path)
    assert card.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert (card.name, card["more"]) == ("ä", [1, 2])
    assert "ä" in (tmp_path / "card.json").read_text(encoding="utf-8")
    other = tmp_path / "other"
    other.mkdir()
    (other / "card.json").write_text(json.dumps(card.data))
    (other / "model.onnx").write_bytes(b"other weights")
    with pytest.raises(ModelError, match="not the file its card describes"):
        read_card(other)
