"""Do two acoustic models hear the same? Phone durations and scores of both on the same recordings.

    python benchmarks/agreement.py FOLDER [--models NAME NAME]

FOLDER as for benchmarks/trust.py. Reported: the correlation of the phones' durations as either model aligns
them, how far apart their word boundaries lie, and the correlation of their scores (of models that know the
speakers of the recordings, scores agree more than they would on new ones).
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elocute import Assessor
from elocute.metrics import pcc
from elocute.result import Assessment
from elocute.shipped import shipped_models


def read_folder(folder: Path) -> list[tuple[Path, str]]:
    """Recordings and their texts."""
    with (folder / "index.tsv").open(encoding="utf-8", newline="") as file:
        return [(folder / f"{row['id']}.flac", row["text"]) for row in csv.DictReader(file, delimiter="\t")]


def durations(assessment: Assessment) -> list[float]:
    return [phone.end - phone.start for word in assessment.words for phone in word.phones]


def measure(first: Assessor, second: Assessor, folder: Path) -> dict[str, float]:
    """Correlations, and the median and 95th percentile of the distance of word boundaries in ms.

    Recordings in which the two choose other pronunciations of a word are left out of the phones.
    """
    lasts: tuple[list[float], list[float]] = ([], [])
    totals: tuple[list[float], list[float]] = ([], [])
    away: list[NDArray[np.float64]] = []
    alike, recordings = 0, read_folder(folder)
    for audio, text in recordings:
        found = [assessor.assess(audio, text) for assessor in (first, second)]
        edges = [np.array([(word.start, word.end) for word in one.words]) for one in found]
        away.append(1000.0 * np.abs(edges[0] - edges[1]).ravel())
        if all(one.scores.total is not None for one in found):
            for values, one in zip(totals, found, strict=True):
                values.append(one.scores.total or 0.0)
        phones = [[phone.phone for word in one.words for phone in word.phones] for one in found]
        if phones[0] != phones[1]:
            continue
        alike += 1
        for values, one in zip(lasts, found, strict=True):
            values += durations(one)
    distances = np.concatenate(away)
    return {
        "phone durations, PCC": pcc(*lasts) or 0.0,
        "word boundaries, median ms": float(np.median(distances)),
        "word boundaries, 95 % within ms": float(np.percentile(distances, 95)),
        "utterance totals, PCC": pcc(*totals) or 0.0,
        "same pronunciations, share": alike / len(recordings),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    names = [model.name for model in shipped_models()]
    parser.add_argument("--models", nargs=2, default=names[:2], metavar="NAME")
    arguments = parser.parse_args()
    first, second = (Assessor(name) for name in arguments.models)
    print(" and ".join(arguments.models))
    for name, value in measure(first, second, arguments.folder).items():
        print(f"{name:32} {value:8.3f}")


if __name__ == "__main__":
    main()
