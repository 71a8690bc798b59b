"""Syllables by maximal onset: between two vowels, as many consonants as English allows begin the second.

Source of the onset table: the clusters that begin English words (Kahn 1976, as used by CMUdict syllabifiers).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from elocute.phones import MANNER_OF, PHONES, base, is_vowel

ONSETS: frozenset[tuple[str, ...]] = frozenset(
    [(phone,) for phone in PHONES if MANNER_OF[phone] != "vowel" and phone != "NG"]
    + [
        tuple(cluster.split())
        for cluster in (
            "P L", "P R", "P Y", "B L", "B R", "B Y", "T R", "T W", "D R", "D W", "K L", "K R", "K W", "K Y",
            "G L", "G R", "G W", "G Y", "F L", "F R", "F Y", "V Y", "TH R", "TH W", "SH R", "HH Y", "HH W",
            "M Y", "N Y", "S P", "S T", "S K", "S M", "S N", "S L", "S W", "S F", "S P L", "S P R", "S P Y",
            "S T R", "S K L", "S K R", "S K W", "S K Y",
        )
    ]
)  # fmt: skip


def syllabify(phones: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Cut phones (stress digits allowed) into syllables of one vowel each; without a vowel, one syllable.

    The syllables joined are the phones again; every syllable but the first begins with a legal onset.
    """
    phones = tuple(phones)
    if not phones:
        return ()
    vowels = [i for i, phone in enumerate(phones) if is_vowel(phone)]
    starts = [0]
    for before, vowel in pairwise(vowels):
        starts.append(next(i for i in range(before + 1, vowel + 1) if _may_begin(phones[i:vowel])))
    return tuple(phones[a:b] for a, b in zip(starts, [*starts[1:], len(phones)], strict=True))


def _may_begin(consonants: tuple[str, ...]) -> bool:
    return not consonants or tuple(map(base, consonants)) in ONSETS
