"""Reading a text: from a sentence to its spoken words and how each may be said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from elocute.errors import BadPronunciation
from elocute.phones import is_phone
from elocute.text import g2p
from elocute.text.lexicon import lexicon
from elocute.text.normalise import Spoken, normalise
from elocute.text.script import Pronunciation, Script, ScriptWord
from elocute.text.wordforms import american_spellings, split_clitic

MAX_PRONUNCIATION = 200
"""Phones in one user pronunciation."""

MAX_VARIANTS = 16
"""Pronunciations a user may give for one word; CMUdict has at most four."""

Pronunciations = tuple[Pronunciation, ...]


def read_script(text: str, pronunciations: Mapping[str, Sequence[str] | str] | None = None) -> Script:
    """The words of ``text`` as spoken, each with all its pronunciations, the most common first.

    Numbers, currencies, times and abbreviations are written out; what cannot be read aloud (emoji, other
    scripts) is left out. ``pronunciations`` overrides the lexicon for this text: spoken word in any case ->
    ARPAbet (``"T AH0 M EY1 T OW0"``), or a sequence of such strings when there are variants.

    Raises:
        EmptyText: nothing but white space.
        NoPronounceableWord: no word that can be read aloud in English.
        TextTooLong: more than 300 words, or a single word of more than 64 letters.
        BadPronunciation: an entry of ``pronunciations`` that is not ARPAbet, or has more than 16 variants.
    """
    users = {word.casefold().strip(): _parse(word, given) for word, given in (pronunciations or {}).items()}
    words = normalise(text, lambda word: word in users or word in lexicon())
    return Script(text, tuple(_script_word(word, users) for word in words))


def _script_word(word: Spoken, users: Mapping[str, Pronunciations]) -> ScriptWord:
    found = users.get(word.text) or pronounce(f"{word.text}." if word.is_letter else word.text)
    return ScriptWord(word.text, word.written, found)


def _parse(word: str, given: Sequence[str] | str) -> Pronunciations:
    variants = [given] if isinstance(given, str) else list(given)
    if not 0 < len(variants) <= MAX_VARIANTS:
        raise BadPronunciation(
            f"pronunciation of {word[:40]!r}: give 1 to {MAX_VARIANTS}, not {len(variants)}"
        )
    parsed = [tuple(variant.upper().split()) if isinstance(variant, str) else () for variant in variants]
    for phones in parsed:
        wrong = next((phone for phone in phones if not is_phone(phone)), None)
        if wrong or not 0 < len(phones) <= MAX_PRONUNCIATION:
            what = f"{wrong[:20]!r} is not an ARPAbet phone" if wrong else "no ARPAbet phones, or too many"
            raise BadPronunciation(f"pronunciation of {word[:40]!r}: {what}: write 'T AH0 M EY1 T OW0'")
    return tuple(Pronunciation(phones, "user") for phones in dict.fromkeys(parsed))


@lru_cache(maxsize=4096)
def pronounce(word: str) -> Pronunciations:
    """Pronunciations of a lower-case word: the lexicon's, by way of a known form, or the G2P model's."""
    for form in (word, *american_spellings(word)):
        if variants := lexicon().get(form):
            return tuple(Pronunciation(phones, "lexicon") for phones in variants)
    if clitic := split_clitic(word):
        host, attach = clitic
        return tuple(Pronunciation(attach(said.phones), said.source) for said in pronounce(host))
    return (Pronunciation(_guess(word), "g2p"),)


def _guess(word: str) -> tuple[str, ...]:
    """The G2P model's pronunciation; words without a vowel letter ("bbc", "hgv") are spelled out."""
    if any(letter in "aeiouy" for letter in word) and (phones := g2p.model()(word)):
        return phones
    return tuple(phone for letter in word if letter.isalpha() for phone in lexicon().get(f"{letter}.")[0])
