"""Does disfluent reading, or what surrounds the reading, derail the alignment of the words?

    python benchmarks/disfluency.py --learners FOLDER --native FOLDER [--each N]

Words of real recordings are cut out and spliced in again: a word or two said twice, a word broken off, a
pause of 2 s, a word of another recording in between. Or 10 s of silence or noise surround the reading; the
noise goes on under it, 10 dB below. Compared are the boundaries of the words that were left alone with those
in the recording without the splice or what surrounds it: share within 30 ms of where they should be now.

The learners' folder holds ``index.tsv`` (id, speaker, age, total, text), the native one ``text.tsv`` (id,
speaker, subset, text), both their recordings.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from noises import NOISES, add_noise, noise, speech_level
from numpy.typing import NDArray

from elocute import Alignment, Assessor, Audio, Script, load_audio, read_script

RATE = 16_000
LIMIT = 0.03
SURROUNDED = 10.0
SPLICES = ("repetition", "phrase", "fragment", "pause", "stranger")
SURROUNDINGS = ("silence", *NOISES)
RIGHT = {
    "repetition": {"repetition"},
    "phrase": {"repetition"},
    "fragment": {"fragment", "repetition"},
    "stranger": {"speech", "fragment", "repetition", "filler"},
}
"""Kinds of insertion that count as right."""

Samples = NDArray[np.float32]
AlignFn = Callable[[Audio, Script], Alignment]


@dataclass(frozen=True)
class Recording:
    id: str
    samples: Samples
    script: Script


@dataclass(frozen=True)
class Change:
    """A recording into which ``seconds`` were put at ``at``; ``touched`` are the words whose own place is
    unclear now: those said again, and the one that was broken off."""

    samples: Samples
    at: float
    seconds: float
    touched: frozenset[int]


def splice(kind: str, item: Recording, truth: Alignment, other: Samples, dice: np.random.Generator) -> Change:
    """Put one disfluency into a recording, before a word chosen at random."""
    samples, words = item.samples, truth.words
    first = int(dice.integers(kind == "pause" and len(words) > 1, len(words)))
    last = min(first + (kind == "phrase"), len(words) - 1)
    start, end = (round(second * RATE) for second in (words[first].start, words[last].end))
    quiet = np.sqrt(np.mean(np.square(samples))) * 10.0 ** (-50.0 / 20.0)

    def hush(seconds: float) -> Samples:
        return np.asarray(dice.standard_normal(round(seconds * RATE)) * quiet, np.float32)

    said = samples[start:end]
    pieces = {
        "repetition": [said, hush(float(dice.choice([0.0, 0.1, 0.3])))],
        "phrase": [said, hush(float(dice.choice([0.0, 0.1, 0.3])))],
        "fragment": [said[: round(0.6 * len(said))], hush(0.15)],
        "pause": [hush(2.0)],
        "stranger": [hush(0.1), other, hush(0.1)],
    }
    changed = np.concatenate([samples[:start], *map(_faded, pieces[kind]), samples[start:]])
    touched = frozenset() if kind in ("pause", "stranger") else frozenset(range(first, last + 1))
    return Change(changed, words[first].start, (len(changed) - len(samples)) / RATE, touched)


def surround(
    kind: str, item: Recording, talkers: Sequence[Samples], dice: np.random.Generator
) -> tuple[Samples, Change]:
    """A reading with noise under it, and the same with 10 s of silence or noise before and after."""
    pad = round(SURROUNDED * RATE)
    samples = np.pad(item.samples, pad)
    if kind == "silence":
        hiss = np.asarray(dice.standard_normal(len(samples)), np.float32)
        changed = add_noise(samples, hiss, 50.0, item.samples)
    else:
        changed = add_noise(samples, noise(kind, len(samples), talkers, dice), 10.0, item.samples)
    return changed[pad:-pad], Change(changed, 0.0, SURROUNDED, frozenset())


def errors(truth: Alignment, found: Alignment, change: Change) -> NDArray[np.float64]:
    """Signed errors in seconds of both boundaries of every word that was left alone."""
    moved = []
    for number, (was, now) in enumerate(zip(truth.words, found.words, strict=True)):
        if number not in change.touched:
            shift = change.seconds if was.start >= change.at - 1e-6 else 0.0
            moved += [now.start - was.start - shift, now.end - was.end - shift]
    return np.array(moved)


def _faded(piece: Samples) -> Samples:
    """5 ms of fade at both ends, so that a splice makes no click."""
    ramp = np.minimum(np.arange(1, len(piece) + 1) / 80.0, 1.0)
    return np.asarray(piece * ramp * ramp[::-1], np.float32)


def read_folder(folder: Path, index: str, limit: int) -> list[Recording]:
    with (folder / index).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    order = np.random.default_rng(0).permutation(len(rows))
    found: list[Recording] = []
    for row in (rows[number] for number in order):
        audio = load_audio(next(folder.glob(f"{row['id']}.*")))
        if len(found) < limit and audio.duration <= 15.0:
            found.append(Recording(row["id"], audio.samples, read_script(row["text"])))
    return found


def measure(align_fn: AlignFn, items: Sequence[Recording], seed: int = 0) -> dict[str, dict[str, float]]:
    """Per kind of change: ``words`` share of untouched boundaries within 30 ms, ``readings`` share of
    recordings where all are, ``recognised`` share of splices reported as an insertion of the right kind."""
    dice = np.random.default_rng(seed)
    truths = [align_fn(Audio(item.samples), item.script) for item in items]
    talkers = [item.samples for item in items]
    results = {}
    for kind in (*SPLICES, *SURROUNDINGS):
        away, whole, recognised = [], [], []
        for number, (item, truth) in enumerate(zip(items, truths, strict=True)):
            there = truths[number - 1].words[-1]
            other = talkers[number - 1][round(there.start * RATE) : round(there.end * RATE)]
            other = np.asarray(other / (speech_level(other) + 1e-9) * speech_level(item.samples), np.float32)
            others = [t for n, t in enumerate(talkers) if n != number]
            if kind in SPLICES:
                change = splice(kind, item, truth, other, dice)
            else:
                noisy, change = surround(kind, item, others, dice)
                truth = align_fn(Audio(noisy), item.script)
            found = align_fn(Audio(change.samples), item.script)
            wrong = np.abs(errors(truth, found, change)) > LIMIT
            away += list(wrong)
            whole.append(wrong.any())
            recognised.append(any(seg.kind in RIGHT.get(kind, ()) for seg in found.inserted))
        results[kind] = {
            "words": 1.0 - float(np.mean(away)),
            "readings": 1.0 - float(np.mean(whole)),
            "recognised": float(np.mean(recognised)),
        }
    plain = [len(truth.inserted) for truth in truths]
    results["untouched"] = {"words": 1.0, "readings": 1.0, "recognised": float(np.mean(np.array(plain) > 0))}
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--learners", type=Path)
    parser.add_argument("--native", type=Path)
    parser.add_argument("--each", type=int, default=40, help="recordings of each folder")
    arguments = parser.parse_args()
    assessor = Assessor()
    print(f"{'':22} {'boundaries':>10} {'readings':>10} {'recognised':>10}")
    for folder, index in ((arguments.learners, "index.tsv"), (arguments.native, "text.tsv")):
        if folder is None:
            continue
        results = measure(assessor.align, read_folder(folder, index, arguments.each))
        for kind, shares in results.items():
            print(
                f"{folder.name[:10]:10} {kind:11} " + " ".join(f"{share:10.1%}" for share in shares.values())
            )


if __name__ == "__main__":
    main()
