"""Do scores react? Right text against wrong text on real recordings.

    python benchmarks/trust.py FOLDER [--acoustic NAME]

FOLDER holds ``index.tsv`` (id, speaker, age, total, text) and one ``ID.flac`` per line. Reported: how often
the right text beats the same words shuffled and another recording's text in utterance total (no score counts
as 0), how often a replaced word scores below the word it replaces, and how many final phones are collapsed.
"""

from __future__ import annotations

import argparse
import csv
import random
from dataclasses import dataclass
from pathlib import Path

from elocute import Assessment, Assessor
from elocute.shipped import DEFAULT

COLLAPSED = 0.04
"""Seconds; a final phone of at most this length was swallowed by the silence after it."""


@dataclass(frozen=True)
class Recording:
    audio: Path
    text: str


def read_folder(folder: Path) -> list[Recording]:
    with (folder / "index.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [Recording(folder / f"{row['id']}.flac", row["text"]) for row in rows]


def total(assessment: Assessment) -> float:
    return assessment.scores.total or 0.0


def shuffled(words: list[str], dice: random.Random) -> list[str]:
    """Another order of the words; reversed where shuffling keeps hitting the same one."""
    for _ in range(20):
        order = dice.sample(words, len(words))
        if order != words:
            return order
    return words[::-1]


def word_reacts(
    assessor: Assessor, item: Recording, right: Assessment, stranger: str, dice: random.Random
) -> bool:
    """Whether a word put in place of another scores lower than the other did."""
    words = item.text.split()
    at = dice.randrange(len(words))
    changed = assessor.assess(item.audio, " ".join([*words[:at], stranger, *words[at + 1 :]]))
    before = right.words[at].total if right.words[at].total is not None else 0.0
    after = changed.words[at].total if changed.words[at].total is not None else 0.0
    return after < before


def measure(assessor: Assessor, folder: Path, seed: int = 0) -> dict[str, float]:
    """Shares of the recordings, 0-1."""
    dice, items = random.Random(seed), read_folder(folder)
    vocabulary = sorted({word for item in items for word in item.text.split() if len(word) > 3})
    beats_shuffled, beats_other, reacts, collapsed, ok = 0, 0, 0, 0, 0
    for number, item in enumerate(items):
        right = assessor.assess(item.audio, item.text)
        order = assessor.assess(item.audio, " ".join(shuffled(item.text.split(), dice)))
        other = assessor.assess(item.audio, items[(number + 7) % len(items)].text)
        stranger = dice.choice([word for word in vocabulary if word not in item.text])
        beats_shuffled += total(right) > total(order)
        beats_other += total(right) > total(other)
        reacts += word_reacts(assessor, item, right, stranger, dice)
        last = right.words[-1].phones[-1]
        collapsed += last.end - last.start <= COLLAPSED
        ok += right.status == "ok"
    counts = {
        "right text has status ok": ok,
        "right text beats shuffled words": beats_shuffled,
        "right text beats another text": beats_other,
        "a replaced word scores lower": reacts,
        "final phone of 40 ms or less": collapsed,
    }
    return {name: count / len(items) for name, count in counts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--acoustic", default=DEFAULT, help="name of a shipped acoustic model")
    arguments = parser.parse_args()
    for name, share in measure(Assessor(arguments.acoustic), arguments.folder).items():
        print(f"{name:36} {share:6.1%}")


if __name__ == "__main__":
    main()
