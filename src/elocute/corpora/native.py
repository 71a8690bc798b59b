"""Native English speech: a folder of read sentences without scores, for acoustic and pretraining models.

Layout: ``text.tsv`` with a header and the columns id, speaker, subset, text; next to it one ``ID.flac`` or
``ID.mp3`` per line.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from elocute.corpora.types import Utterance
from elocute.errors import CorpusError, TextError

COLUMNS = ("id", "speaker", "subset", "text")
SUFFIXES = (".flac", ".mp3")


@dataclass(frozen=True)
class NativeSpeech:
    """Utterances in the order of ``text.tsv``, and how many were left out as their text cannot be read."""

    utterances: tuple[Utterance, ...]
    skipped: int


def load(folder: str | Path) -> NativeSpeech:
    """Read the folder; scripts come from :func:`elocute.text.read_script`, age and labels are ``None``.

    Raises:
        CorpusError: ``text.tsv`` missing or malformed, an id listed twice, or a recording missing.
    """
    from elocute.text import read_script

    root = Path(folder)
    utterances, skipped, seen = [], 0, set()
    for row in _read_rows(root / "text.tsv"):
        if row["id"] in seen:
            raise CorpusError(f"{root / 'text.tsv'}: {row['id']} is listed twice: remove one")
        seen.add(row["id"])
        audio = _find_audio(root, row["id"])
        try:
            script = read_script(row["text"])
        except TextError:
            skipped += 1
            continue
        utterances.append(Utterance(row["id"], row["speaker"], row["text"], audio, script, None, None))
    return NativeSpeech(tuple(utterances), skipped)


def _read_rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except FileNotFoundError:
        raise CorpusError(f"{path} is missing: give the folder that holds it") from None
    for number, row in enumerate(rows, start=2):
        if tuple(row) != COLUMNS or None in row.values():
            raise CorpusError(f"{path}:{number}: expected the columns {', '.join(COLUMNS)}")
    return rows


def _find_audio(root: Path, key: str) -> Path:
    for suffix in SUFFIXES:
        path = root / f"{key}{suffix}"
        if path.is_file():
            return path
    raise CorpusError(f"{root / key}.flac or .mp3 is missing: add it or remove its line from text.tsv")
