"""The TDNN-F: constraint, context, folding, and that it learns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.filterbank import BANDS, filterbank, normalise
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID
from elocute.acoustics.tdnnf import OnnxTdnnf
from elocute.audio import load_audio
from elocute.phones import PHONE_ID
from elocute.shipped import open_acoustic
from fakes import speech

torch = pytest.importorskip("torch")

from elocute.training.config import (  # noqa: E402
    AcousticConfig,
    ConfigError,
    TdnnfConfig,
    read_acoustic_config,
)
from elocute.training.tdnnf.data import (  # noqa: E402
    BatchOptions,
    Piece,
    Sample,
    batches,
    collate,
    make_sample,
)
from elocute.training.tdnnf.export import Folded, export_tdnnf, network_card  # noqa: E402
from elocute.training.tdnnf.fit import FitOptions, bank_posteriors, frame_loss, train_tdnnf  # noqa: E402
from elocute.training.tdnnf.network import (  # noqa: E402
    Tdnnf,
    TdnnfOptions,
    constrain,
    first_factors,
    off_orthogonal,
    pad,
)
from elocute.training.tdnnf.store import (  # noqa: E402
    SPEEDS,
    FrameStore,
    speed_key,
)
from toy_banks import QUIET, Bank, alignment_of, labels_of, random_bank  # noqa: E402

SMALL = TdnnfOptions(width=24, bottleneck=8, layers=2, stem=16, inner=16, dropout=0.1)


def lived_in(options: TdnnfOptions = SMALL, seed: int = 0) -> Tdnnf:
    """A network whose norms have seen something."""
    torch.manual_seed(seed)
    network = Tdnnf(options)
    with torch.no_grad():
        for _ in range(3):
            network(torch.from_numpy(pad(random_bank(200, seed), options))[None] + 0.5)
        for part in network.modules():
            if isinstance(part, torch.nn.BatchNorm1d):
                part.running_mean += 0.1 * torch.rand_like(part.running_mean)
    return network.eval()


# --- the constraint ---------------------------------------------------------------------------------------


@given(st.integers(0, 100), st.floats(0.01, 30.0))
@settings(max_examples=8, deadline=None)
def test_constraint_converges_at_any_scale(seed: int, scale: float) -> None:
    network = Tdnnf(SMALL)
    generator = torch.Generator().manual_seed(seed)
    for weight in first_factors(network):
        weight.data = scale * torch.randn(weight.shape, generator=generator)
    before = [float(weight.detach().norm()) for weight in first_factors(network)]
    constrain(network, steps=40)
    for weight, norm in zip(first_factors(network), before, strict=True):
        assert off_orthogonal(weight) < 1e-3
        assert float(weight.detach().norm()) == pytest.approx(
            norm, rel=0.3
        )  # the scale floats, it is not forced


def test_constraint_leaves_semi_orthogonal_factors_alone() -> None:
    network = Tdnnf(SMALL)
    weight = first_factors(network)[0]
    weight.data = 3.0 * torch.linalg.qr(torch.randn(weight.shape[1], weight.shape[0])).Q.T.contiguous()
    before = weight.clone()
    constrain(network)
    torch.testing.assert_close(weight, before, atol=1e-4, rtol=1e-4)


def test_constraint_is_off_by_half_elsewhere() -> None:
    assert off_orthogonal(torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])) > 0.5


# --- time -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subsampling", [1, 3])
@given(frames=st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_one_answer_per_frame(subsampling: int, frames: int) -> None:
    options = replace(SMALL, subsampling=subsampling)
    padded = pad(random_bank(frames), options)
    phones, judged = Tdnnf(options).eval()(torch.from_numpy(padded)[None])
    rounded = -(-frames // subsampling) * subsampling
    assert phones.shape == (1, rounded, len(CLASSES))
    assert judged.shape == (1, rounded, len(CLASSES) - 1)


@pytest.mark.parametrize("subsampling", [1, 3])
def test_answers_stand_where_the_sound_is(subsampling: int) -> None:
    """A change of one frame changes the answers around this frame, as far to the left as to the right."""
    network = lived_in(replace(SMALL, subsampling=subsampling))
    bank = random_bank(120)
    changed = bank.copy()
    changed[60] += 3.0
    before, after = (bank_of(network, b) for b in (bank, changed))
    moved = np.flatnonzero(np.abs(before - after).max(axis=1) > 1e-6)
    reach = 3 * (SMALL.layers + 1) + 3
    assert moved.min() >= 60 - reach - 1
    assert moved.max() <= 60 + reach + 1
    assert abs((moved.min() + moved.max()) / 2 - 60) <= 1.5


def bank_of(network: Tdnnf, bank: Bank) -> NDArray[np.float32]:
    with torch.inference_mode():
        phones, _ = network(torch.from_numpy(pad(bank, network.options))[None])
    return phones[0, : len(bank)].numpy()


def test_a_padded_batch_equals_single_recordings() -> None:
    network = lived_in()
    banks = [random_bank(frames, frames) for frames in (31, 60, 47)]
    nothing = Sample("", targets_of(60), np.zeros((0, 3), np.int64), np.zeros(0, np.float32))
    batch = collate([Piece(bank, nothing, None, 0, len(bank)) for bank in banks], SMALL)
    with torch.inference_mode():
        together, _ = network(batch.bank)
    for row, bank in zip(together.numpy(), banks, strict=True):
        np.testing.assert_allclose(row[: len(bank)], bank_of(network, bank), atol=1e-5)


def test_a_piece_hears_what_lies_around_it() -> None:
    network = lived_in()
    bank = random_bank(90)
    whole = bank_of(network, bank)
    sample = Sample("", targets_of(90), np.zeros((0, 3), np.int64), np.zeros(0, np.float32))
    batch = collate([Piece(bank, sample, None, 30, 60)], SMALL)
    with torch.inference_mode():
        part, _ = network(batch.bank)
    np.testing.assert_allclose(part[0, :30].numpy(), whole[30:60], atol=1e-5)
    assert batch.weights[0].tolist() == [1.0] * 30


def targets_of(frames: int):  # type: ignore[no-untyped-def]
    return make_sample("", frames, Alignment((), (), frames / 100), None).targets


# --- export -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subsampling", [1, 3])
def test_folding_changes_nothing(subsampling: int) -> None:
    network = lived_in(replace(SMALL, subsampling=subsampling))
    bank = torch.from_numpy(pad(random_bank(50), network.options))[None]
    with torch.inference_mode():
        for found, expected in zip(Folded(network)(bank), network(bank), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
            assert found.std() > 0.01
    assert not [part for part in Folded(network).modules() if isinstance(part, torch.nn.BatchNorm1d)]


def exported(network: Tdnnf, folder: Path, banks: Sequence[Bank] = ()) -> OnnxTdnnf:
    pytest.importorskip("onnx")
    export_tdnnf(network, folder / "model.onnx", banks)
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    align = {"floor": 3, "silence_floor": 4, "silence_penalty": 2.0, "floor_share": 0.6}
    card = {
        "name": "tdnnf",
        "version": "t",
        **network_card(network, "half-precision weights"),
        "align": align,
        "sha256": digest,
    }
    (folder / "card.json").write_text(json.dumps(card))
    model = open_acoustic(folder)
    assert isinstance(model, OnnxTdnnf)
    return model


@pytest.mark.parametrize("subsampling", [1, 3])
def test_the_exported_model_is_the_trained_one(tmp_path: Path, subsampling: int) -> None:
    network = lived_in(replace(SMALL, subsampling=subsampling))
    model = exported(network, tmp_path)
    for seconds in (0.4, 1.23):
        sound = load_audio(speech(seconds), 16_000)
        found = model.posteriors(sound)
        expected = bank_posteriors(network, filterbank(sound.samples), sound.duration)
        assert len(found.log_probs) == len(sound.samples) // 160
        np.testing.assert_allclose(found.log_probs, expected.log_probs, atol=0.02)  # half-precision weights
        np.testing.assert_allclose(found.acceptance, expected.acceptance, atol=0.02)
        np.testing.assert_allclose(np.exp(found.log_probs).sum(axis=1), 1.0, atol=1e-4)


def test_products_of_integers_cost_little_and_batches_nothing(tmp_path: Path) -> None:
    network = lived_in()
    banks = [pad(normalise(random_bank(200, seed)), SMALL) for seed in range(4)]
    model = exported(network, tmp_path, banks)
    recordings = [load_audio(speech(seconds), 16_000) for seconds in (1.0, 0.4, 1.0, 1.0)]
    for sound, found in zip(recordings, model.posteriors_of(recordings), strict=True):
        expected = bank_posteriors(network, filterbank(sound.samples), sound.duration)
        assert np.corrcoef(found.log_probs.ravel(), expected.log_probs.ravel())[0, 1] > 0.95
        alone = model.posteriors(sound)
        np.testing.assert_array_equal(found.log_probs, alone.log_probs)
        np.testing.assert_array_equal(found.acceptance, alone.acceptance)


def test_a_shipped_size_stays_below_six_megabytes(tmp_path: Path) -> None:
    exported(Tdnnf(TdnnfOptions()), tmp_path)
    assert (tmp_path / "model.onnx").stat().st_size < 6e6


# --- learning ---------------------------------------------------------------------------------------------

TONES = {"AA": 20, "IY": 45, "S": 70}
"""Phone -> the band its energy lies in."""


def toy_corpus(count: int, seed: int = 0) -> tuple[FrameStore, list[Sample]]:
    """Recordings of three "phones" in random order; in half of the phones the energy is weak, and raters
    reject those."""
    random = np.random.default_rng(seed)
    banks, offsets, samples, at = [], {}, [], 0
    for number in range(count):
        names = random.permutation(list(TONES))
        edges = (0.15 + np.cumsum([0.0, *random.uniform(0.1, 0.2, len(names))])).tolist()
        ratings = random.choice([0.0, 2.0], len(names)).tolist()
        frames = int(edges[-1] * 100) + 15
        bank = random.normal(0.0, 0.5, (frames, BANDS))
        for name, start, end, rating in zip(names, edges, edges[1:], ratings, strict=False):
            inside = slice(*np.ceil(np.array([start, end]) * 100).astype(int))
            bank[inside, TONES[name] - 5 : TONES[name] + 5] += 8.0 if rating else 4.0
        phones = [(str(n), a, b) for n, a, b in zip(names, edges, edges[1:], strict=False)]
        aligned = alignment_of(*phones, seconds=frames / 100)
        samples.append(make_sample(str(number), frames, aligned, labels_of(*ratings)))
        for speed in SPEEDS:
            length = int(frames / speed)
            source = np.minimum(np.round(np.arange(length) * speed).astype(int), frames - 1)
            banks.append(bank[source].astype(np.float16))
            offsets[speed_key(str(number), speed)] = (at, at + length)
            at += length
    return FrameStore(np.concatenate(banks), offsets), samples


@pytest.fixture(scope="module")
def learned() -> Tdnnf:
    store, samples = toy_corpus(40)
    options = FitOptions(
        epochs=14, learning_rate=1e-2, distillation=0.0,
        batch=BatchOptions(frames=600, piece=80, augment=replace(QUIET, volume=0.1)),
    )  # fmt: skip
    torch.manual_seed(0)
    return train_tdnnf(Tdnnf(SMALL), store, samples, None, options, 0)


def test_it_learns_phones_and_ratings(learned: Tdnnf) -> None:
    store, samples = toy_corpus(20, seed=1)
    right, frames, accepted, ratings = 0, 0, [], []
    for sample in samples:
        bank = store.read(speed_key(sample.key, 1.0))
        found = bank_posteriors(learned, bank, len(bank) / 100)
        sure = sample.targets.weights > 0
        right += int((found.log_probs.argmax(axis=1) == sample.targets.classes)[sure].sum())
        frames += int(sure.sum())
        for (start, end, phone), rating in zip(sample.segments, sample.ratings, strict=True):
            accepted.append(found.acceptance[start:end, phone].mean())
            ratings.append(rating)
    assert right / frames > 0.93
    assert np.corrcoef(accepted, ratings)[0, 1] > 0.8


def test_training_keeps_the_factors_semi_orthogonal(learned: Tdnnf, monkeypatch: pytest.MonkeyPatch) -> None:
    assert max(off_orthogonal(weight) for weight in first_factors(learned)) < 0.02
    monkeypatch.setattr("elocute.training.tdnnf.fit.constrain", lambda network: None)
    store, samples = toy_corpus(20)
    free = train_tdnnf(Tdnnf(SMALL), store, samples, None, FitOptions(epochs=3, learning_rate=1e-2), 0)
    assert max(off_orthogonal(weight) for weight in first_factors(free)) > 0.05


def test_a_teacher_overrules_what_raters_doubt() -> None:
    """Where the alignment is not to be trusted, only the teacher counts."""
    sample = make_sample("a", 30, alignment_of(("AA", 0.0, 0.3), seconds=0.3), labels_of(0.0))
    teacher = np.zeros((30, 2 * len(CLASSES) - 1), np.float32)
    teacher[:, PHONE_ID["IY"]] = 20.0
    batch = collate([Piece(random_bank(30), sample, teacher, 0, 30)], SMALL)
    logits = torch.zeros(1, 30, len(CLASSES))
    for phone, expected in (("IY", 0.0), ("AA", 20.0)):
        sure = logits.clone()
        sure[..., PHONE_ID[phone]] = 20.0
        loss = float(frame_loss(sure, batch, FitOptions()))
        assert loss == pytest.approx(expected, abs=0.01)


def test_every_recording_comes_once_an_epoch_in_whole() -> None:
    store, samples = toy_corpus(12)
    options = BatchOptions(frames=300, piece=30, augment=QUIET)
    found = list(batches(store, samples, None, SMALL, options, np.random.default_rng(0)))
    assert all(batch.classes.numel() <= 330 for batch in found)
    spoken = sum(int((batch.weights[batch.classes != SILENCE_ID] >= 0).sum()) for batch in found)
    expected = sum(int((sample.targets.classes != SILENCE_ID).sum()) for sample in samples)
    assert spoken == pytest.approx(expected, rel=0.15)  # but for the speed
    assert sum(len(batch.ratings) for batch in found) > 0


# --- configuration ----------------------------------------------------------------------------------------


def test_configurations_tell_their_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('[acoustic]\nkind = "tdnnf"\nname = "t"\nversion = "1"\nteacher = "b.toml"\n')
    found = read_acoustic_config(path)
    assert isinstance(found, TdnnfConfig)
    assert asdict(found.network) == asdict(TdnnfOptions())
    path.write_text('[acoustic]\nname = "t"\nversion = "1"\nencoder = "w"\nnative = "n"\n')
    assert isinstance(read_acoustic_config(path), AcousticConfig)
    path.write_text('[acoustic]\nkind = "hmm"\nname = "t"\nversion = "1"\n')
    with pytest.raises(ConfigError, match=r"acoustic\.kind"):
        read_acoustic_config(path)
    path.write_text(
        '[acoustic]\nkind = "tdnnf"\nname = "t"\nversion = "1"\nteacher = "b.toml"\n'
        "network = { subsampling = 2 }\n"
    )
    with pytest.raises(ConfigError, match="1 or 3"):
        read_acoustic_config(path)


def test_the_shipped_configurations_can_be_read() -> None:
    folder = Path(__file__).resolve().parents[1] / "configs"
    found = read_acoustic_config(folder / "tdnnf.toml")
    assert isinstance(found, TdnnfConfig)
    assert (folder / found.teacher).is_file()
