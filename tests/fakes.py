"""Stand-ins for the models: loudness decides what is speech, duration decides the scores."""

from __future__ import annotations

import json
import os
import wave
from pathlib import Path
from time import sleep

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.align import AlignOptions
from elocute.acoustics.model import AcousticModel
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID, Posteriors
from elocute.acoustics.prosody import rms_energy
from elocute.assessor import Assessor
from elocute.audio import Audio
from elocute.card import Card
from elocute.features.phone import PhoneFeatures
from elocute.scoring.presence import MEASURES, PresenceModel
from elocute.scoring.scores import Scores, WordScores

CARD = Card(Path("fake"), "fake", "1", "0" * 64, {"acoustic": "fake 1"})
RATE = 16_000


class FakeAcoustic(AcousticModel):
    """Frames louder than 0.01 are speech, any phone as probable as any other; the others are silence."""

    card = CARD
    align_options = AlignOptions()

    def posteriors(self, audio: Audio) -> Posteriors:
        silent = rms_energy(audio.samples) < 0.01
        log_probs = np.full((len(silent), len(CLASSES)), np.log(0.99 / SILENCE_ID), np.float32)
        log_probs[:, SILENCE_ID] = np.log(0.01)
        log_probs[silent] = np.log(0.1 / SILENCE_ID)
        log_probs[silent, SILENCE_ID] = np.log(0.9)
        return Posteriors(log_probs, np.zeros((len(silent), SILENCE_ID), np.float32), 0.01, audio.duration)


class FakeScorer:
    """Phones score what they last; every word was spoken if ``hears``, none if not."""

    card = CARD
    parts = ""
    hearing = None

    def __init__(self, hears: bool = True) -> None:
        weights = (0.0,) * len(MEASURES)
        self.presence = PresenceModel(
            weights, 5.0 if hears else -5.0, threshold=0.0, least_evidence=0.0, on_script=0.5
        )

    def score(self, features: PhoneFeatures, utterance: dict[str, float | None]) -> Scores:
        lasts = features.values[:, features.names.index("duration")]
        words = [float(lasts[features.word == word].sum()) * 5.0 for word in range(features.word.max() + 1)]
        total = float(np.mean(words))
        return Scores(lasts, tuple(WordScores(word, 10.0, word) for word in words), total, 7.0, 8.0, total)


def fake_assessor() -> Assessor:
    """Importable by other processes, too."""
    return Assessor(FakeAcoustic(), FakeScorer())


def deaf_assessor() -> Assessor:
    """Finds that nothing of the text was read."""
    return Assessor(FakeAcoustic(), FakeScorer(hears=False))


def speech(seconds: float = 1.5, silence: float = 0.3) -> NDArray[np.float32]:
    """A hummed vowel between two silences, mono 16 kHz."""
    time = np.arange(round(seconds * RATE)) / RATE
    hum = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 9)) * 0.1
    quiet = np.zeros(round(silence * RATE))
    return np.concatenate([quiet, hum * (1 + 0.3 * np.sin(2 * np.pi * 4 * time)), quiet]).astype(np.float32)


def write_wav(path: Path, samples: NDArray[np.float32], rate: int = RATE) -> Path:
    """Mono 16-bit PCM."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def write_corpus(root: Path) -> Path:
    """speechocean762 in small: train a0-a9 of five speakers, two of them children; test b0, b1."""
    said = {"GO": "G_B OW0_E", "AGAIN": "AH0_B G_I EH1_I N_E"}
    phones, scores = {}, {}
    for half, letter, count in (("train", "a", 10), ("test", "b", 2)):
        keys = [f"{letter}{number}" for number in range(count)]
        speakers = {key: f"{letter}{number // 2}s" for number, key in enumerate(keys)}
        for number, key in enumerate(keys):
            write_wav(root / "WAVE" / f"{key}.wav", speech(0.6 + 0.1 * number))
            phones |= {f"{key}.{index}": said[word] for index, word in enumerate(said)}
            if half == "train":
                scores[key] = _labels(said, number)
        _write_table(root / half / "wav.scp", {key: f"WAVE/{key}.wav" for key in keys})
        _write_table(root / half / "utt2spk", speakers)
        _write_table(root / half / "text", dict.fromkeys(keys, "GO AGAIN"))
        ages = dict(zip(sorted(set(speakers.values())), ("8", "11", "20", "25", "30"), strict=False))
        _write_table(root / half / "spk2age", ages)
    _write_table(root / "resource" / "text-phone", phones)
    (root / "resource" / "scores.json").write_text(json.dumps(scores))
    return root


def _labels(said: dict[str, str], number: int) -> dict[str, object]:
    words = []
    for word, phones in said.items():
        plain = [phone[:-2] for phone in phones.split()]
        accuracies = [(number + place) % 3 for place in range(len(plain))]
        aspects = {"accuracy": number, "stress": 10 - number % 2 * 5, "total": number}
        words.append({"text": word, **aspects, "phones": plain, "phones-accuracy": accuracies})
    scores = {
        "accuracy": number,
        "completeness": 10,
        "fluency": 9 - number,
        "prosodic": number,
        "total": number,
    }
    return {"text": " ".join(said), **scores, "words": words}


def _write_table(path: Path, rows: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{key}\t{value}\n" for key, value in rows.items()))


class SlowAcoustic(FakeAcoustic):
    """Tells standard output which process it works in."""

    def posteriors(self, audio: Audio) -> Posteriors:
        os.write(1, b"%d\n" % os.getpid())  # at once, so that lines of two processes do not mix
        sleep(0.5)
        return super().posteriors(audio)


def slow_assessor() -> Assessor:
    return Assessor(SlowAcoustic(), FakeScorer())
