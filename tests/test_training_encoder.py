"""The phonetic encoder before it is exported: Whisper's weights, hidden frames, training."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from elocute.acoustics.mel import band_edges
from elocute.acoustics.posteriors import CLASSES
from elocute.errors import ModelError
from elocute.phones import PHONES
from fakes import speech, write_wav
from tiny_whisper import INNER, LAYERS, POSITIONS, WIDTH, whisper_weights, write_whisper

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from elocute.training.acoustic import (  # noqa: E402
    AcousticOptions,
    rating_loss,
    stored_posteriors,
    train_encoder,
)
from elocute.training.batches import Batch, BatchOptions, Sample, crops  # noqa: E402
from elocute.training.encoder import PhoneticEncoder, Reading  # noqa: E402
from elocute.training.hidden import HiddenStore, hidden_store  # noqa: E402
from elocute.training.perturb import BAND_LIMITS, limit_band  # noqa: E402
from elocute.training.targets import FrameTargets  # noqa: E402
from elocute.training.whisper import Block, load_whisper  # noqa: E402
from hidden_frames import PLAIN, made_up  # noqa: E402

torch.set_num_threads(1)  # networks this small only wait for more


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whisper(tmp_path_factory.mktemp("whisper"))


def encoder(layers: int = 2, seed: int = 0) -> PhoneticEncoder:
    torch.manual_seed(seed)
    found = PhoneticEncoder([Block(WIDTH, 2, INNER) for _ in range(layers)], WIDTH, inner=20, ctc=True)
    torch.nn.init.normal_(found.head.reading.shift.weight)  # as if it had been trained: it starts at 0
    return found


# --- What acceptance is judged against ---------------------------------------------------------------------


def test_frames_are_judged_against_the_mean_of_the_speech() -> None:
    reading = Reading(3, 2)
    torch.nn.init.normal_(reading.shift.weight)
    frames, speech = torch.randn(1, 5, 3), torch.tensor([0.0, 1.0, 0.5, 0.5, 0.0])[None, :, None]
    seen = torch.nn.functional.gelu(reading.look(frames[0]))
    mean = (seen[1] + 0.5 * seen[2] + 0.5 * seen[3]) / 2.0
    torch.testing.assert_close(reading(frames, speech)[0, 0], reading.shift(mean))
    # The same said twice, and silence around it, is the same reading.
    longer = torch.cat([torch.randn(1, 4, 3), frames, frames], 1)
    weights = torch.cat([torch.zeros(1, 4, 1), speech, speech], 1)
    torch.testing.assert_close(reading(longer, weights), reading(frames, speech))
    assert torch.isfinite(reading(frames, torch.zeros(1, 5, 1))).all()


def test_acceptance_depends_on_the_reading_and_phones_do_not() -> None:
    net = encoder().eval()
    hidden = torch.randn(1, 12, WIDTH)
    with torch.inference_mode():
        before = net(hidden, None)
        net.head.reading.shift.bias += 1.0
        after = net(hidden, None)
    torch.testing.assert_close(after.phones, before.phones)
    assert (after.acceptance - before.acceptance).abs().max() > 0.01


# --- Whisper ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [0, 1, LAYERS])
def test_the_lower_layers_are_loaded_and_nothing_else(whisper: Path, layers: int) -> None:
    found = load_whisper(str(whisper), layers)
    weights = whisper_weights()
    assert len(found.blocks) == layers
    assert {value.dtype for value in found.state_dict().values()} == {torch.float32}

    def same(value: torch.Tensor, name: str) -> None:
        np.testing.assert_array_equal(value.detach().numpy(), weights[name].astype(np.float32), name)

    same(found.stem1.weight, "encoder.conv1.weight")
    same(found.stem2.bias, "encoder.conv2.bias")
    same(found.positions, "encoder.embed_positions.weight")
    for number, block in enumerate(found.blocks):
        layer = f"encoder.layers.{number}"
        same(block.attention_norm.weight, f"{layer}.self_attn_layer_norm.weight")
        same(block.query.bias, f"{layer}.self_attn.q_proj.bias")
        same(block.key.weight, f"{layer}.self_attn.k_proj.weight")
        same(block.value.weight, f"{layer}.self_attn.v_proj.weight")
        same(block.out.weight, f"{layer}.self_attn.out_proj.weight")
        same(block.inner_norm.bias, f"{layer}.final_layer_norm.bias")
        same(block.inner.weight, f"{layer}.fc1.weight")
        same(block.outer.bias, f"{layer}.fc2.bias")
        assert block.heads == 2


def test_names_may_begin_with_model(whisper: Path, tmp_path: Path) -> None:
    bare, headed = (load_whisper(str(f), 2) for f in (whisper, write_whisper(tmp_path / "w", "model.")))
    for name, value in bare.state_dict().items():
        torch.testing.assert_close(headed.state_dict()[name], value, rtol=0, atol=0)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_whisper_folder_without_a_file(tmp_path: Path, missing: str) -> None:
    (write_whisper(tmp_path / "w") / missing).unlink()
    with pytest.raises(ModelError, match=r"lacks config\.json or model\.safetensors"):
        load_whisper(str(tmp_path / "w"), 1)


def test_more_layers_than_there_are(whisper: Path) -> None:
    with pytest.raises(ModelError, match="layers"):
        load_whisper(str(whisper), LAYERS + 1)


@pytest.mark.parametrize("frames", [1, 2, 199, 200, 2 * POSITIONS])
def test_two_spectrogram_frames_make_one_hidden_frame(whisper: Path, frames: int) -> None:
    with torch.inference_mode():
        assert load_whisper(str(whisper), 1)(torch.randn(1, 80, frames)).shape == (1, -(-frames // 2), WIDTH)


def test_a_block_as_transformers_writes_it(whisper: Path) -> None:
    """Attention written out per head, in double precision, from the weights under their original names."""
    found = load_whisper(str(whisper), 1)
    w = {
        name.removeprefix("encoder.layers.0."): value.astype(np.float64)
        for name, value in whisper_weights().items()
    }
    x = np.random.default_rng(0).normal(size=(7, WIDTH))

    def norm(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        centred = values - values.mean(1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        return values @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0.0)

    y = norm(x, "self_attn_layer_norm")
    query, key, value = (linear(y, f"self_attn.{part}_proj") for part in "qkv")
    heads = []
    for own in (slice(0, 8), slice(8, 16)):
        logits = query[:, own] @ key[:, own].T / np.sqrt(8.0)
        shares = np.exp(logits - logits.max(1, keepdims=True))
        heads.append(shares / shares.sum(1, keepdims=True) @ value[:, own])
    expected = x + linear(np.concatenate(heads, 1), "self_attn.out_proj")
    inner = torch.from_numpy(linear(norm(expected, "final_layer_norm"), "fc1"))
    expected = expected + linear(torch.nn.functional.gelu(inner).numpy(), "fc2")
    with torch.inference_mode():
        given = found.blocks[0](torch.from_numpy(x)[None].float(), None)[0].numpy()
    np.testing.assert_allclose(given, expected, atol=1e-4)


def test_a_hub_id_is_downloaded(whisper: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything that is no folder is asked for at the hub: only the two files that are needed."""
    asked: list[tuple[str, list[str]]] = []

    def download(name: str, allow_patterns: list[str]) -> str:
        asked.append((name, allow_patterns))
        return str(whisper)

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=download))
    found, local = load_whisper("openai/whisper-tiny", 2), load_whisper(str(whisper), 2)
    assert asked == [("openai/whisper-tiny", ["config.json", "model.safetensors"])]
    for name, value in local.state_dict().items():
        torch.testing.assert_close(found.state_dict()[name], value)


# --- the network -----------------------------------------------------------------------------------------


def test_padding_changes_nothing() -> None:
    net = encoder().eval()
    lengths = [11, 1, 6, 11]
    hidden = torch.randn(len(lengths), 11, WIDTH)
    mask = torch.arange(11)[None] < torch.tensor(lengths)[:, None]
    hidden[~mask] = 1e3  # whatever lies there must not be seen
    with torch.inference_mode():
        phones, acceptance, ctc = net(hidden, mask)
        assert ctc is not None
        for row, length in enumerate(lengths):
            alone = net(hidden[row : row + 1, :length], None)
            torch.testing.assert_close(phones[row, : 2 * length], alone[0][0], atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(acceptance[row, : 2 * length], alone[1][0], atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(ctc[row, :length], alone[2][0], atol=1e-4, rtol=1e-4)


def test_the_frozen_part_is_not_trained(whisper: Path) -> None:
    source = load_whisper(str(whisper), 2)
    before = {name: value.clone() for name, value in source.state_dict().items()}
    net = PhoneticEncoder(list(source.blocks)[1:], WIDTH, inner=20)
    store, samples = made_up([30, 40])
    train_encoder(net, store, samples, AcousticOptions(epochs=1, batch=PLAIN), 0)
    for name, value in source.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0, msg=name)
    assert not source.positions.requires_grad
    assert all(parameter.grad is None for parameter in source.parameters())
    tuned = net.blocks[0].query.weight
    assert (tuned != before["blocks.1.query.weight"]).any()


# --- hidden frames on disk -------------------------------------------------------------------------------


def test_limit_band() -> None:
    mel = np.random.default_rng(0).normal(size=(80, 5)).astype(np.float32)
    kept = mel.copy()
    for cutoff in BAND_LIMITS:
        found = limit_band(mel, cutoff)
        above = band_edges() > cutoff
        assert 0 < above.sum() < 80
        assert (found[above] == mel.min()).all()
        np.testing.assert_array_equal(found[~above], mel[~above])
    np.testing.assert_array_equal(mel, kept)
    np.testing.assert_array_equal(limit_band(mel, 8001.0), mel)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("recordings")
    random = np.random.default_rng(0)
    for number in range(3):
        samples = speech(0.3 + 0.105 * number) + random.normal(0, 0.01, len(speech(0.3 + 0.105 * number)))
        write_wav(folder / f"{number}.wav", samples.astype(np.float32))
    found = [(str(number), folder / f"{number}.wav") for number in range(3)]
    return [*found, ("1#band", folder / "1.wav")]


def open_store(recordings: list[tuple[str, Path]], whisper: Path, folder: Path) -> HiddenStore:
    return hidden_store(recordings, load_whisper(str(whisper), 1), folder)


def test_the_store_holds_what_the_encoder_says(
    recordings: list[tuple[str, Path]], whisper: Path, tmp_path: Path
) -> None:
    from elocute.acoustics.mel import log_mel
    from elocute.audio import load_audio

    store = open_store(recordings, whisper, tmp_path)
    full = load_whisper(str(whisper), 1)
    for key, path in recordings[:3]:
        mel = torch.from_numpy(log_mel(load_audio(path).samples))
        with torch.inference_mode():
            expected = full(mel[None])[0]
        found = store.read(key).float()
        assert found.shape == (-(-mel.shape[1] // 2), WIDTH)
        torch.testing.assert_close(found, expected, atol=0.1, rtol=0.05)
        torch.testing.assert_close(store.read(key, 3, 9).float(), found[3:9], rtol=0, atol=0)
        torch.testing.assert_close(store.read(key, 3, 10_000).float(), found[3:], rtol=0, atol=0)
    assert "1#band" in store
    assert "2#band" not in store
    band, whole = store.read("1#band").float(), store.read("1").float()
    assert band.shape == whole.shape
    assert (band - whole).abs().max() > 0.1


def test_an_interrupted_store_is_continued(
    recordings: list[tuple[str, Path]], whisper: Path, tmp_path: Path
) -> None:
    whole = open_store(recordings, whisper, tmp_path / "whole")
    open_store(recordings[:2], whisper, tmp_path / "part")
    with (tmp_path / "part" / "frames.bf16").open("ab") as file:
        file.write(b"half a recording")
    done = (tmp_path / "part" / "index.jsonl").read_text()
    part = open_store(recordings, whisper, tmp_path / "part")
    assert (tmp_path / "part" / "index.jsonl").read_text().startswith(done)
    assert part.offsets == whole.offsets
    np.testing.assert_array_equal(part.frames, whole.frames)


def test_a_complete_store_is_only_read(
    recordings: list[tuple[str, Path]], whisper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_store(recordings, whisper, tmp_path)
    monkeypatch.setattr("elocute.training.hidden.load_audio", lambda path: pytest.fail(f"{path} was read"))
    again = open_store(recordings, whisper, tmp_path)
    assert again.offsets == first.offsets
    np.testing.assert_array_equal(again.frames, first.frames)


# --- training --------------------------------------------------------------------------------------------


def learnable(count: int, seed: int) -> tuple[HiddenStore, list[Sample]]:
    """Each hidden frame tells its class (of four) and whether raters accept it."""
    random = np.random.default_rng(seed)
    frames, offsets, samples, written = [], {}, [], 0
    for number in range(count):
        classes = random.integers(0, 4, 12)
        good = random.integers(0, 2, 12)
        own = random.normal(0, 0.1, (48, WIDTH))
        own[np.arange(48), np.repeat(classes, 4)] += 1.0
        own[:, 5] += np.repeat(good, 4)
        frames.append(own)
        offsets[str(number)] = (written, written + 48)
        written += 48
        edges = np.arange(0, 96, 8)
        segments = np.column_stack([edges, edges + 8, classes])
        targets = FrameTargets(np.repeat(classes, 8), np.ones(96, np.float32))
        samples.append(Sample(str(number), 48, targets, segments, 2.0 * good.astype(np.float32)))
    bits = torch.from_numpy(np.concatenate(frames)).to(torch.bfloat16).view(torch.int16).numpy()
    return HiddenStore(bits.view(np.uint16), offsets), samples


def test_training_learns_phones_and_ratings(capsys: pytest.CaptureFixture[str]) -> None:
    store, samples = learnable(60, 0)
    options = AcousticOptions(
        epochs=6, head_rate=1e-2, block_rate=1e-3, batch=BatchOptions(480, (), 0.0, 0.0)
    )
    net = train_encoder(encoder(1), store, samples, options, 0)
    assert capsys.readouterr().err.count("epoch") == 6
    unseen, others = learnable(10, 1)
    right, errors = [], []
    for sample in others:
        found = stored_posteriors(net, unseen, sample.key, 0.96)
        assert found.log_probs.shape == (96, len(CLASSES))
        np.testing.assert_allclose(np.exp(found.log_probs).sum(1), 1.0, rtol=1e-4)
        right.append(found.log_probs.argmax(1) == sample.targets.classes)
        batch = Batch(
            *[torch.zeros(0)] * 4, None, torch.from_numpy(sample.segments), torch.from_numpy(sample.ratings)
        )
        errors.append(float(rating_loss(torch.from_numpy(found.acceptance)[None], batch)))
    assert np.mean(right) > 0.9
    assert np.mean(errors) < 0.3  # 1.0 by guessing the mean


@pytest.mark.parametrize("batch_count", [1, 2, 8, 9])
def test_any_number_of_steps_can_be_trained(batch_count: int) -> None:
    """The learning-rate schedule has phases of whole steps."""
    store, samples = made_up([20] * batch_count)
    options = AcousticOptions(epochs=1, batch=BatchOptions(20, 0.0, 0.0))
    assert len(crops(samples, options.batch, np.random.default_rng(0))) == batch_count
    train_encoder(encoder(1), store, samples, options, 0)


def test_stored_posteriors_are_cut_to_the_recording() -> None:
    store, _ = made_up([10])
    for duration, frames in ((0.199, 19), (0.2, 20), (0.11, 11), (0.07 + 0.04, 11)):
        found = stored_posteriors(encoder(1), store, "r0", duration)
        assert found.log_probs.shape == (frames, len(CLASSES))
        assert found.acceptance.shape == (frames, len(PHONES))
        assert (found.duration, found.frame_shift) == (duration, 0.01)


def test_training_needs_no_ratings() -> None:
    store, samples = made_up([30, 30])
    unrated = [replace(s, segments=s.segments[:0], ratings=s.ratings[:0]) for s in samples]
    net = train_encoder(encoder(1), store, unrated, AcousticOptions(epochs=1, batch=PLAIN), 0)
    assert all(torch.isfinite(value).all() for value in net.state_dict().values())
