"""The phonetic encoder before it is exported: Whisper's weights, hidden frames, batches, losses, training."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from elocute.acoustics.mel import band_edges
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID
from elocute.corpora.types import UtteranceLabels, WordLabels
from elocute.errors import ModelError
from elocute.phones import PHONE_ID, PHONES
from fakes import speech, write_wav
from readings import reading
from tiny_whisper import INNER, LAYERS, POSITIONS, WIDTH, whisper_weights, write_whisper

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from elocute.training.acoustic import (  # noqa: E402
    AcousticOptions,
    frame_loss,
    rating_loss,
    segment_acceptance,
    stored_posteriors,
    train_encoder,
)
from elocute.training.batches import CROP, Batch, BatchOptions, Sample, batches, crops, make_sample  # noqa: E402
from elocute.training.encoder import PhoneticEncoder  # noqa: E402
from elocute.training.hidden import HiddenStore, hidden_store  # noqa: E402
from elocute.training.perturb import BAND_LIMITS, limit_band  # noqa: E402
from elocute.training.targets import FrameTargets  # noqa: E402
from elocute.training.whisper import Block, load_whisper  # noqa: E402

torch.set_num_threads(1)  # networks this small only wait for more

PLAIN = BatchOptions(frames=600, copied=0.0, masked=0.0)


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whisper(tmp_path_factory.mktemp("whisper"))


def encoder(layers: int = 2, seed: int = 0) -> PhoneticEncoder:
    torch.manual_seed(seed)
    return PhoneticEncoder([Block(WIDTH, 2, INNER) for _ in range(layers)], WIDTH, inner=20, ctc=True)


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


# --- batches ---------------------------------------------------------------------------------------------


def made_up(lengths: list[int], band: bool = False) -> tuple[HiddenStore, list[Sample]]:
    """A store whose frames tell their recording, their place in it and, last, whether it is a band copy, and
    samples of it whose classes count the 10 ms frames."""
    frames, offsets, samples, written = [], {}, [], 0
    for number, length in enumerate(lengths):
        for copy in range(1 + band):
            own = torch.zeros(length, WIDTH)
            own[:, 0], own[:, 1], own[:, 2] = (
                number + 1,
                torch.arange(length) // 128,
                torch.arange(length) % 128,
            )
            own[:, -1] = copy
            frames.append(own)
            offsets[f"r{number}" + "#band" * copy] = (written, written + length)
            written += length
        targets = FrameTargets(np.arange(2 * length) % 40, np.ones(2 * length, np.float32))
        starts = np.arange(0, 2 * length - 5, 5)
        segments = np.column_stack([starts, starts + 5, starts % 39])
        ratings = (starts % 3).astype(np.float32)
        samples.append(Sample(f"r{number}", length, targets, segments, ratings))
    bits = torch.cat(frames).to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)
    return HiddenStore(bits, offsets), samples


LENGTHS = [1, 30, 55, 55, 120, CROP, CROP + 1, 900, 77]


def test_every_sample_comes_once_and_no_batch_is_too_large() -> None:
    _, samples = made_up(LENGTHS)
    random = np.random.default_rng(0)
    for _ in range(5):
        groups = crops(samples, PLAIN, random)
        assert Counter(s.key for group in groups for s, _, _ in group) == Counter(s.key for s in samples)
        for group in groups:
            longest = max(length for _, _, length in group)
            assert len(group) == 1 or len(group) * longest <= PLAIN.frames
            for sample, start, length in group:
                assert length == min(sample.frames, CROP)
                assert 0 <= start <= sample.frames - length


def test_long_recordings_are_cut_anywhere() -> None:
    _, samples = made_up([CROP + 1])
    random = np.random.default_rng(0)
    assert {crops(samples, PLAIN, random)[0][0][1] for _ in range(30)} == {0, 1}


def test_batches_line_up_frames_targets_and_segments() -> None:
    store, samples = made_up(LENGTHS)
    by_number = dict(enumerate(samples, start=1))
    seen: Counter[int] = Counter()
    for batch in batches(store, samples, PLAIN, np.random.default_rng(1)):
        n, longest = batch.mask.shape
        assert batch.classes.shape == batch.weights.shape == (n, 2 * longest)
        numbers = batch.hidden[:, 0, 0].long().tolist()
        seen.update(numbers)
        first = (batch.hidden[:, 0, 1] * 128 + batch.hidden[:, 0, 2]).long().tolist()
        expected_segments = []
        for row, (number, start) in enumerate(zip(numbers, first, strict=True)):
            sample = by_number[number]
            length = int(batch.mask[row].sum())
            assert batch.mask[row, :length].all()
            assert (batch.hidden[row, length:] == 0).all()
            torch.testing.assert_close(
                batch.hidden[row, :length].float(), store.read(sample.key, start, start + length).float()
            )
            counted = np.arange(2 * start, 2 * (start + length)) % 40
            np.testing.assert_array_equal(batch.classes[row, : 2 * length], counted)
            assert (batch.weights[row, : 2 * length] == 1).all()
            assert (batch.weights[row, 2 * length :] == 0).all()
            for a, b, phone in sample.segments:
                if a >= 2 * start and b <= 2 * (start + length):
                    offset = row * 2 * longest - 2 * start
                    expected_segments.append([a + offset, b + offset, phone])
        assert batch.segments.tolist() == expected_segments
        flat = batch.classes.flatten()
        starts = flat[batch.segments[:, 0]]
        np.testing.assert_array_equal(flat[batch.segments[:, 1] - 1], (starts + 4) % 40)
        assert len(batch.ratings) == len(batch.segments)
    assert seen == Counter(by_number.keys())


def test_ratings_stay_with_their_segments_when_cut() -> None:
    store, samples = made_up([900])
    sample = replace(samples[0], ratings=samples[0].segments[:, 0].astype(np.float32))
    batch = next(batches(store, [sample], PLAIN, np.random.default_rng(3)))
    start = int(batch.hidden[0, 0, 1] * 128 + batch.hidden[0, 0, 2])
    assert 0 < start < 500
    assert 0 < len(batch.ratings) < len(sample.ratings)
    np.testing.assert_array_equal(batch.ratings - 2 * start, batch.segments[:, 0])


def test_low_passed_copies_are_taken_where_there_are_any() -> None:
    store, samples = made_up([20] * 200, band=True)
    plain, _ = made_up([20] * 200)
    some, none, every = (BatchOptions(600, copied=band, masked=0.0) for band in (0.3, 0.0, 1.0))
    random = np.random.default_rng(0)

    def share(store: HiddenStore, options: BatchOptions) -> float:
        found = [b.hidden[:, :, -1].float().mean(1) for b in batches(store, samples, options, random)]
        copies = torch.cat(found)
        assert ((copies == 0) | (copies == 1)).all()
        return float(copies.mean())

    assert share(store, none) == 0.0
    assert share(store, every) == 1.0
    assert 0.15 < share(store, some) < 0.45
    assert share(plain, every) == 0.0


def test_short_stretches_are_blanked() -> None:
    store, samples = made_up([50] * 100)
    found = list(batches(store, samples, BatchOptions(600, copied=0.0, masked=0.5), np.random.default_rng(0)))
    blank = torch.cat([(b.hidden == 0).all(-1).sum(1) for b in found])
    assert blank.max() <= 10
    assert 30 <= (blank > 0).sum() <= 70
    assert all(b.mask.all() and (b.weights == 1).all() for b in found)


def test_make_sample() -> None:
    alignment = reading("_:3 | B:4 AA1:2 | _:1 | S:5 | _:2")
    store = HiddenStore(np.zeros((9, WIDTH), np.uint16), {"u": (0, 9)})
    words = (WordLabels("a", 10, 10, 10, (2.0, 1.5)), WordLabels("b", 10, 10, 10, (0.0,)))
    rated = make_sample("u", store, alignment, UtteranceLabels(10, 10, 10, 10, 10, words))
    assert rated.frames == 9
    assert rated.segments.tolist() == [
        [3, 7, PHONE_ID["B"]],
        [7, 9, PHONE_ID["AA"]],
        [10, 15, PHONE_ID["S"]],
    ]
    assert rated.ratings.tolist() == [2.0, 1.5, 0.0]
    assert len(rated.targets.classes) == 18
    for (a, b, phone), rating in zip(rated.segments, rated.ratings, strict=True):
        assert (rated.targets.classes[a:b] == phone).all()
        assert (rated.targets.weights[a:b] == max(rating - 1.0, 0.0)).all()
    unrated = make_sample("u", store, alignment, None)
    np.testing.assert_array_equal(unrated.segments, rated.segments)
    assert np.isnan(unrated.ratings).all()
    assert (unrated.targets.weights == 1).all()


# --- losses ----------------------------------------------------------------------------------------------


def random_batch(seed: int, rows: int = 3, frames: int = 12) -> tuple[torch.Tensor, torch.Tensor, Batch]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, 2 * frames, len(CLASSES), generator=generator)
    acceptance = torch.randn(rows, 2 * frames, len(PHONES), generator=generator)
    starts = torch.randint(0, rows * 2 * frames - 9, (20,), generator=generator)
    lengths = torch.randint(1, 9, (20,), generator=generator)
    phones = torch.randint(0, len(PHONES), (20,), generator=generator)
    batch = Batch(
        torch.zeros(rows, frames, WIDTH),
        torch.ones(rows, frames, dtype=torch.bool),
        torch.randint(0, SILENCE_ID + 1, (rows, 2 * frames), generator=generator),
        torch.randint(0, 3, (rows, 2 * frames), generator=generator) / 2,
        None,
        torch.stack([starts, starts + lengths, phones], 1),
        torch.rand(20, generator=generator) * 2,
    )
    return logits, acceptance, batch


@pytest.mark.parametrize("seed", range(3))
def test_segment_acceptance_is_the_mean_of_the_phones_column(seed: int) -> None:
    _, acceptance, batch = random_batch(seed)
    flat = acceptance.reshape(-1, len(PHONES))
    expected = [flat[a:b, phone].mean() for a, b, phone in batch.segments.tolist()]
    torch.testing.assert_close(segment_acceptance(acceptance, batch.segments), torch.stack(expected))


def test_rating_loss() -> None:
    _, acceptance, batch = random_batch(0)
    perfect = 2.0 * torch.sigmoid(segment_acceptance(acceptance, batch.segments))
    assert rating_loss(acceptance, replace(batch, ratings=perfect)) == 0
    assert rating_loss(acceptance, replace(batch, ratings=perfect + 0.5)).item() == pytest.approx(0.25)
    none = replace(batch, segments=batch.segments[:0], ratings=batch.ratings[:0])
    assert rating_loss(acceptance, none) == 0


def test_frame_loss_is_a_weighted_mean() -> None:
    logits, _, batch = random_batch(1)
    log_probs = logits.log_softmax(-1)
    total = norm = 0.0
    for row in range(batch.classes.shape[0]):
        for frame in range(batch.classes.shape[1]):
            weight = float(batch.weights[row, frame])
            own = -log_probs[row, frame, batch.classes[row, frame]]
            total += weight * float(0.9 * own - 0.1 * log_probs[row, frame].mean())
            norm += weight
    assert frame_loss(logits, batch, 0.1).item() == pytest.approx(total / norm, rel=1e-4)


def test_frame_loss_ignores_untrusted_frames() -> None:
    logits, _, batch = random_batch(2)
    untrusted = batch.weights == 0
    assert untrusted.any()
    spoiled = torch.where(untrusted[..., None], 1e4, logits)
    classes = torch.where(untrusted, 0, batch.classes)
    expected = frame_loss(logits, batch, 0.05)
    torch.testing.assert_close(frame_loss(spoiled, replace(batch, classes=classes), 0.05), expected)
    logits.requires_grad_(True)
    frame_loss(logits, batch, 0.05).backward()
    assert (logits.grad[untrusted] == 0).all()
    assert (logits.grad[~untrusted] != 0).any()


def test_a_batch_without_any_trusted_frame_costs_nothing() -> None:
    logits, _, batch = random_batch(3)
    assert frame_loss(logits, replace(batch, weights=torch.zeros_like(batch.weights)), 0.05) == 0


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
