"""The pronunciation lexicon: CMUdict with all its variants, searched in place.

The asset is a gzip file of sorted lines, ``word<TAB>phones<TAB>phones...``, variants in CMUdict's order (the
first is its primary). It stays one block of bytes in memory and is bisected: nothing is parsed at load.

Source: CMUdict (Carnegie Mellon University, BSD-style licence in ``LICENSE-cmudict`` beside the asset). To
rebuild the asset from a newer ``cmudict.dict``: ``python -m elocute.text.lexicon cmudict.dict``.
"""

from __future__ import annotations

import gzip
import re
import sys
from functools import lru_cache
from pathlib import Path

from elocute.phones import is_phone

ASSET = Path(__file__).parent.parent / "assets" / "lexicon" / "cmudict.txt.gz"

Variants = tuple[tuple[str, ...], ...]


class Lexicon:
    """Words and their pronunciations; immutable, safe to share between threads."""

    def __init__(self, table: bytes) -> None:
        """``table``: lines in the asset's format, sorted by word, UTF-8, each ended by a newline."""
        self._table = table

    def __contains__(self, word: str) -> bool:
        return self._find(word) is not None

    def get(self, word: str) -> Variants:
        """All pronunciations of a lower-case word, ARPAbet with stress, primary first; ``()`` if unknown."""
        line = self._find(word)
        if line is None:
            return ()
        return tuple(tuple(variant.split()) for variant in line.decode().split("\t")[1:])

    def words(self) -> list[str]:
        """Every word, in the order of the asset."""
        return [line.split(b"\t", 1)[0].decode() for line in self._table.splitlines()]

    def _find(self, word: str) -> bytes | None:
        """The line of ``word``, by bisection over byte offsets."""
        table, key = self._table, word.encode()
        low, high = 0, len(table)
        while low < high:
            start = table.rfind(b"\n", 0, (low + high) // 2) + 1
            end = table.index(b"\n", start)
            found = table[start : table.index(b"\t", start)]
            if found == key:
                return table[start:end]
            if found < key:
                low = end + 1
            else:
                high = start
        return None


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The shipped lexicon, loaded once."""
    return Lexicon(gzip.decompress(ASSET.read_bytes()))


def read_cmudict(lines: list[str]) -> dict[str, list[str]]:
    """``cmudict.dict`` as word -> pronunciations ("T AH0 M EY1 T OW2"), in file order without repeats.

    Raises:
        ValueError: a phone outside the phone set.
    """
    entries: dict[str, list[str]] = {}
    for line in lines:
        head, _, phones = line.split("#")[0].strip().partition(" ")
        word = re.sub(r"\(\d+\)$", "", head)
        if not all(map(is_phone, phones.split())):
            raise ValueError(f"not ARPAbet: {line.strip()}")
        variants = entries.setdefault(word, [])
        if phones and phones not in variants:
            variants.append(phones)
    return {word: variants for word, variants in entries.items() if variants}


def build(source: Path, target: Path = ASSET) -> None:
    """Write the asset from ``cmudict.dict``; the same input gives the same bytes."""
    entries = read_cmudict(source.read_text(encoding="utf-8").splitlines())
    rows = sorted((word.encode(), "\t".join([word, *variants])) for word, variants in entries.items())
    text = "".join(f"{row}\n" for _, row in rows)
    target.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
