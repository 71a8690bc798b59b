"""How far aligned phone boundaries are from the truth, on synthetic speech whose boundaries are known.

    python benchmarks/alignment.py [MODEL] [--save FOLDER]

Speech and truth come from flite (Debian, Ubuntu: ``apt install flite``; macOS: ``brew install flite``). Its
clustergen voices are used: for them the printed segment ends agree with the waveform, for its diphone voice
(kal) they do not. The script holds flite's own phones, so errors are the alignment's, not the lexicon's.
"""

from __future__ import annotations

import argparse
import functools
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from elocute.acoustics.align import align
from elocute.acoustics.alignment import Alignment, PhoneSegment, SilenceSegment, WordSegment
from elocute.acoustics.prosody import rms_energy
from elocute.audio import Audio, load_audio
from elocute.phones import is_phone
from elocute.shipped import DEFAULT, acoustic_model, open_acoustic
from elocute.text.script import Pronunciation, Script, ScriptWord
from elocute.training.targets import save_alignments

VOICES = ("slt", "rms", "awb")
"""US female, US male, Scottish male."""

SENTENCES = (
    "Please call Stella, and ask her to bring these things.",
    "The quick brown fox jumps over the lazy dog.",
    "We had a wonderful holiday by the sea last summer.",
    "Could you tell me where the nearest station is?",
    "My brother works in a large office near the river.",
    "It was raining, so we stayed at home and played chess.",
    "The museum opens at nine and closes at five.",
    "She sells fresh fruit and vegetables every Thursday.",
    "I would rather have a cup of tea, thank you.",
    "There are three apples and four oranges on the table.",
    "He pushed the heavy door, but nobody answered.",
    "Children usually learn languages very quickly.",
    "This machine measures the pressure of the water.",
    "You should visit your grandmother more often.",
    "A big black bug bit a big black bear.",
    "The judge asked the witness a difficult question.",
    "Our teacher explained the exercise twice.",
    "They bought a cheap yellow jacket at the market.",
    "Nothing is better than a good night's sleep.",
    "The train to London leaves in twenty minutes.",
    "If you see something strange, call the police.",
    "We watched the beautiful sunset from the hill.",
    "I usually go to the gym on Wednesday evening.",
    "The kitchen smelled of garlic, onions and bread.",
    "Turn left at the corner and cross the bridge.",
    "His voice was calm, although his hands were shaking.",
    "Many birds fly south before the winter begins.",
    "She thought about the problem for a whole month.",
    "Put the blue book on the shelf above the desk.",
    "The weather will be cold and cloudy tomorrow.",
    "Do you prefer coffee, chocolate or orange juice?",
    "A thousand people were waiting in front of the theatre.",
    "The young engineer fixed the broken television.",
    "Old houses often have narrow stairs and thick walls.",
    "I forgot my umbrella, and now I am completely wet.",
    "Wash your hands with soap before you eat.",
    "The farmer keeps sheep, ducks and a pair of donkeys.",
    "Everybody laughed when the clown fell into the pool.",
    "Measure the treasure at your own leisure.",
    "Six thick thistle sticks were sitting in the shed.",
)


@dataclass(frozen=True)
class Utterance:
    """Synthetic speech and the truth about it."""

    id: str
    audio: Audio
    script: Script
    truth: Alignment


def script_of(truth: Alignment) -> Script:
    """The script that leaves no choice but the phones of ``truth``."""
    words = (
        ScriptWord(word.text, word.text, (Pronunciation(tuple(p.phone for p in word.phones), "user"),))
        for word in truth.words
    )
    return Script(" ".join(word.text for word in truth.words), tuple(words))


def edges(truth: Alignment) -> list[tuple[int, bool]]:
    """The boundaries that count, as (phone, is its end): each phone's start, its end before a pause."""
    phones = truth.phones
    found = [(number, False) for number in range(len(phones))]
    found += [
        (number, True)
        for number, phone in enumerate(phones)
        if number + 1 == len(phones) or phones[number + 1].start > phone.end
    ]
    return found


def boundary_errors(
    align_fn: Callable[[Audio, Script], Alignment], utterances: Iterable[Utterance] | None = None
) -> NDArray[np.float64]:
    """Signed errors in seconds (positive: too late) of all boundaries; by default in all the sentences."""
    errors = []
    for utterance in synthetic_speech() if utterances is None else utterances:
        found = align_fn(utterance.audio, utterance.script).phones
        true = utterance.truth.phones
        for number, is_end in edges(utterance.truth):
            here, there = found[number], true[number]
            errors.append(here.end - there.end if is_end else here.start - there.start)
    return np.array(errors)


def arpabet(phone: str) -> str:
    """flite's US phone set is CMUdict's in lower case without stress, and "ax" for the schwa."""
    name = "AH0" if phone == "ax" else phone.upper()
    if not is_phone(name):
        raise ValueError(f"flite's phone {phone!r} has no ARPAbet counterpart")
    return name


def flite(text: str, voice: str, wav: str = "none") -> list[tuple[str, float]]:
    """Synthesise one sentence; its segments with their ends in seconds."""
    command = ["flite", "-voice", voice, "-psdur", "-t", text, "-o", wav]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [(phone, float(end)) for phone, end in re.findall(r"([a-z]+):([\d.]+)", printed)]


@functools.cache
def phone_count(word: str) -> int:
    """Phones flite gives a word; the sentence changes a vowel ("the", "a"), never their number."""
    return sum(phone != "pau" for phone, _ in flite(word, "kal"))


def true_alignment(text: str, segments: Sequence[tuple[str, float]], duration: float) -> Alignment:
    """flite's segments, cut into the words of ``text``."""
    names = re.findall(r"[\w']+", text)
    if sum(map(phone_count, names)) != sum(phone != "pau" for phone, _ in segments):
        raise ValueError(f"flite's phones of {text!r} cannot be cut into words")
    words: list[WordSegment] = []
    silences: list[SilenceSegment] = []
    phones: list[PhoneSegment] = []
    start = 0.0
    for phone, end in segments:
        end = min(end, duration)
        if phone == "pau":
            silences.append(SilenceSegment(start, end, len(words) - 1))
        else:
            phones.append(PhoneSegment(arpabet(phone), start, end))
            if len(phones) == phone_count(names[len(words)]):
                words.append(WordSegment(names[len(words)].lower(), "user", tuple(phones)))
                phones = []
        start = end
    return Alignment(tuple(words), tuple(silences), duration)


def synthetic_speech(sentences: Sequence[str] = SENTENCES) -> list[Utterance]:
    """The sentences spoken by the voices in turn."""
    if not shutil.which("flite"):
        sys.exit("flite is not installed: apt install flite, brew install flite, or see http://cmuflite.org")
    utterances = []
    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate(sentences):
            voice = VOICES[number % len(VOICES)]
            wav = Path(folder) / "speech.wav"
            segments = flite(text, voice, str(wav))
            audio = load_audio(wav)
            truth = true_alignment(text, segments, audio.duration)
            utterances.append(Utterance(f"{voice}-{number:02d}", audio, script_of(truth), truth))
    return utterances


def save(utterances: Sequence[Utterance], folder: Path) -> None:
    """FLAC files and the truth in ``alignments.jsonl``."""
    folder.mkdir(parents=True, exist_ok=True)
    for utterance in utterances:
        soundfile.write(folder / f"{utterance.id}.flac", utterance.audio.samples, 16_000, "PCM_16")
    save_alignments({u.id: u.truth for u in utterances}, folder / "alignments.jsonl")


def report(errors: NDArray[np.float64]) -> str:
    away = 1000.0 * np.abs(errors)
    shares = ", ".join(f"{np.mean(away <= limit):.1%} within {limit} ms" for limit in (10, 20, 50))
    spread = f"median {np.median(away):.1f} ms, 95th percentile {np.percentile(away, 95):.1f} ms"
    return f"{len(away)} boundaries: {spread}, {shares}; bias {1000.0 * np.median(errors):+.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "model", nargs="?", default=DEFAULT, help="name of a shipped acoustic model, or the folder of another"
    )
    parser.add_argument("--save", type=Path, help="only write three utterances and their truth to a folder")
    arguments = parser.parse_args()
    if arguments.save:
        save(synthetic_speech(SENTENCES[: len(VOICES)]), arguments.save)
        return
    named = not Path(arguments.model).is_dir()
    model = acoustic_model(arguments.model) if named else open_acoustic(Path(arguments.model))

    def align_fn(audio: Audio, script: Script) -> Alignment:
        return align(model.posteriors(audio), script, model.align_options, rms_energy(audio.samples))

    print(report(boundary_errors(align_fn)))


if __name__ == "__main__":
    main()
