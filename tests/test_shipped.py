"""The shipped models on real recordings: do their scores react to what was said?

The sample speakers belong to the training half, so the bounds here are about reaction, not about accuracy.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from elocute import Assessor
from elocute.audio import Audio, load_audio
from elocute.card import ASSETS, open_session, read_card
from elocute.export import WRITERS
from elocute.shipped import DEFAULT, shipped_models


@pytest.fixture(scope="module", params=[model.name for model in shipped_models()])
def assessor(request: pytest.FixtureRequest) -> Assessor:
    """With each of the shipped acoustic models and its scorer."""
    return Assessor(request.param)


@pytest.fixture(scope="module")
def samples(shared_data: Path) -> Path:
    return shared_data / "speechocean762" / "samples"


@pytest.fixture(scope="module")
def reactions(
    assessor: Assessor, samples: Path, load_benchmark: Callable[[str], ModuleType]
) -> dict[str, float]:
    """See benchmarks/trust.py."""
    found: dict[str, float] = load_benchmark("trust").measure(assessor, samples)
    return found


def test_real_readings_are_accepted(reactions: dict[str, float]) -> None:
    assert reactions["right text has status ok"] >= 0.9


def test_the_right_text_wins(reactions: dict[str, float]) -> None:
    assert reactions["right text beats shuffled words"] >= 0.95
    assert reactions["right text beats another text"] >= 0.95


def test_a_replaced_word_scores_lower(reactions: dict[str, float]) -> None:
    assert reactions["a replaced word scores lower"] >= 0.9


def test_final_phones_do_not_collapse(reactions: dict[str, float]) -> None:
    assert reactions["final phone of 40 ms or less"] < 0.05


def test_an_omitted_word_is_found(assessor: Assessor) -> None:
    found = assessor.assess(
        ASSETS / "demo" / "demo.flac", "Please call Stella, and ask her to bring these things tomorrow."
    )
    assert found.status == "incomplete"
    assert [word.text for word in found.words if word.verdict == "omitted"] == ["tomorrow"]
    assert found.scores.completeness is not None
    assert found.scores.completeness < 100.0


def test_a_short_word_that_was_not_read_never_passes(assessor: Assessor) -> None:
    """Its neighbours' sounds are some evidence for it: not always enough to be told from a bad reading."""
    found = assessor.assess(
        ASSETS / "demo" / "demo.flac", "Please call Stella, and ask her dog to bring these things."
    )
    (dog,) = (word for word in found.words if word.text == "dog")
    assert dog.verdict in ("omitted", "mispronounced")
    assert dog.total is not None
    assert dog.total < 40.0


def test_silence_and_noise_are_no_speech(assessor: Assessor) -> None:
    noise = np.random.default_rng(0).normal(0.0, 1e-3, 32_000).astype(np.float32)
    for samples in (np.zeros(32_000, np.float32), noise):
        found = assessor.assess(samples, "Please call Stella.", rate=16_000)
        assert found.status in ("no_speech", "off_script")
        assert found.scores.total is None


def test_gain_changes_nothing(assessor: Assessor, samples: Path) -> None:
    sound = load_audio(samples / "000010053.flac").samples
    right = assessor.assess(sound, "THREE TWO TWO SEVEN", rate=16_000)
    for gain in (0.5, 2.0):
        other = assessor.assess(np.clip(sound * gain, -1.0, 1.0), "THREE TWO TWO SEVEN", rate=16_000)
        assert other.scores.total == pytest.approx(right.scores.total, abs=1.0)
        assert other.scores.fluency == pytest.approx(right.scores.fluency, abs=1.0)


def test_a_batch_changes_nothing(assessor: Assessor, samples: Path) -> None:
    """Recordings of one length go through the networks together, loud, quiet and noisy ones."""
    noise = np.random.default_rng(0).normal(0.0, 0.02, 24_000).astype(np.float32)
    sounds = [load_audio(path).samples[:24_000] for path in sorted(samples.glob("*.flac"))[:6]]
    readings = [(Audio(sound * gain + gain * noise * (n % 2)), "PLEASE CALL HER")
                for n, (sound, gain) in enumerate(zip(sounds, (1.0, 0.1, 3.0) * 2, strict=True))]  # fmt: skip
    assert [len(audio.samples) for audio, _ in readings] == [24_000] * 6
    for found, (audio, text) in zip(assessor.assess_all(readings), readings, strict=True):
        assert found == assessor.assess(audio, text)


def test_the_same_bytes_give_the_same_json(assessor: Assessor, samples: Path) -> None:
    data = (samples / "000010053.flac").read_bytes()
    again = Assessor(assessor.acoustic.card.name)
    first, second = (a.assess(data, "THREE TWO TWO SEVEN") for a in (assessor, again))
    assert WRITERS["json"](first) == WRITERS["json"](second)


def test_a_recording_longer_than_one_window(assessor: Assessor, samples: Path) -> None:
    sound = load_audio(samples / "000010053.flac").samples
    times = int(35.0 * 16_000 / len(sound)) + 1
    found = assessor.assess(np.tile(sound, times), "THREE TWO TWO SEVEN " * times, rate=16_000)
    assert found.status == "ok"
    assert len(found.words) == 4 * times


def test_the_small_model_agrees_with_the_default(
    samples: Path, load_benchmark: Callable[[str], ModuleType]
) -> None:
    """See benchmarks/agreement.py."""
    small = [model.name for model in shipped_models() if model.name != DEFAULT]
    if not small:
        pytest.skip("one acoustic model is installed")
    for name in small:
        found = load_benchmark("agreement").measure(Assessor(), Assessor(name), samples)
        assert found["phone durations, PCC"] >= 0.75
        assert found["word boundaries, median ms"] <= 20.0
        assert found["utterance totals, PCC"] >= 0.8


def test_the_small_model_is_small() -> None:
    for model in shipped_models():
        if model.name == "tdnnf":
            assert (model.folder / "model.onnx").stat().st_size <= 6e6
            assert model.scorer is not None


@pytest.mark.parametrize("name", ["phonetic-encoder", "scorer", "tdnnf", "scorer-tdnnf"])
def test_a_model_runs_on_one_thread(name: str) -> None:
    """Several runs beside each other must not fight for the cores."""
    options = open_session(read_card(ASSETS / name)).get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
