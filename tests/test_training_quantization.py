"""Products of 8-bit integers: near the trained network, and the same whoever shares the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from elocute.acoustics.model import OnnxAcousticModel
from elocute.audio import Audio
from fakes import RATE, speech

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from elocute.training.encoder import PhoneticEncoder  # noqa: E402
from elocute.training.export import WholeEncoder  # noqa: E402
from elocute.training.quantization import smooth  # noqa: E402
from elocute.training.whisper import Block, WhisperEncoder  # noqa: E402
from test_training_export import WIDTH, Model, acoustic_model, spectrograms  # noqa: E402


@pytest.fixture(scope="module")
def integer_encoder(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return acoustic_model(tmp_path_factory.mktemp("integers"), exact=False, integers=True)


def test_products_of_integers_cost_little_and_never_saturate(integer_encoder: Model) -> None:
    model = integer_encoder
    mel = torch.randn(1, 80, 200, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = model.module(mel)[0].numpy().ravel()
    found = model.session().run(["logits"], {"mel": mel.numpy()})[0].ravel()
    assert np.corrcoef(found, expected)[0, 1] > 0.98
    weights = {
        w.name: onnx.numpy_helper.to_array(w)
        for w in onnx.load(model.folder / "model.onnx").graph.initializer
    }
    small = [value for value in weights.values() if value.dtype == np.int8 and value.ndim == 2]
    assert len(small) >= 3 * 6
    # Seven bits: the sum of two products with 8-bit activations fits 16 bits on every processor.
    assert max(int(np.abs(value.astype(int)).max()) for value in small) <= 64


def test_smoothing_evens_out_channels_and_changes_nothing() -> None:
    torch.manual_seed(0)
    lower = WhisperEncoder(WIDTH, 2, 64, layers=1, mels=80, positions=1500)
    upper = PhoneticEncoder([Block(WIDTH, 2, 64)], WIDTH, inner=48)
    whole = WholeEncoder(lower, upper).eval()
    with torch.no_grad():
        lower.positions.normal_(0.0, 0.3)
        lower.blocks[0].attention_norm.weight[3] = 50.0  # type: ignore[union-attr,index]
    mels = spectrograms()
    with torch.inference_mode():
        before = whole(torch.from_numpy(mels[0])[None])
    query = lower.blocks[0].query
    uneven = spread(whole, query, mels)
    smooth(whole, mels)
    with torch.inference_mode():
        after = whole(torch.from_numpy(mels[0])[None])
    for found, expected in zip(after, before, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert spread(whole, query, mels) < uneven / 3


def spread(whole: Any, layer: Any, mels: list[NDArray[np.float32]]) -> float:
    """How many times larger the largest channel that goes into a layer is than the middle one."""
    seen: list[torch.Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    with torch.inference_mode():
        whole(torch.from_numpy(mels[0])[None])
    hook.remove()
    peaks = seen[0].abs().flatten(0, -2).amax(0)
    return float(peaks.max() / peaks.median())


@pytest.mark.parametrize("frames", [1, 31, 200])
def test_a_batch_says_to_the_bit_what_single_recordings_say(integer_encoder: Model, frames: int) -> None:
    session = integer_encoder.session()
    mels = np.random.default_rng(frames).normal(size=(5, 80, frames)).astype(np.float32)
    mels[1] *= 3.0  # a loud neighbour
    together = session.run(None, {"mel": mels})
    for row, mel in enumerate(mels):
        for found, expected in zip(together, session.run(None, {"mel": mel[None]}), strict=True):
            np.testing.assert_array_equal(found[row], expected[0])


def test_many_recordings_are_heard_as_one_by_one(integer_encoder: Model) -> None:
    model = OnnxAcousticModel(integer_encoder.folder)
    lengths = (1.0, 31.0, 1.5, 1.0, 1.0, 61.7, 31.0)  # those of 31 s take two windows
    recordings = [Audio(speech(s) * (1 + n), s, RATE) for n, s in enumerate(lengths)]
    for audio, found in zip(recordings, model.posteriors_of(recordings), strict=True):
        expected = model.posteriors(audio)
        assert found.duration == audio.duration
        for name in ("log_probs", "acceptance", "ctc"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert model.posteriors_of([]) == []
