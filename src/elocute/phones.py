"""The phone set: 39 ARPAbet phones, their stress, manner classes and IPA symbols.

Source: CMUdict 0.7b (``cmudict.phones`` for the manner classes). A phone is written as in CMUdict, vowels
with an optional stress digit ("AA1"); ``base`` strips the digit.
"""

from __future__ import annotations

MANNER: dict[str, tuple[str, ...]] = {
    "vowel": ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"),
    "stop": ("B", "D", "G", "K", "P", "T"),
    "affricate": ("CH", "JH"),
    "fricative": ("DH", "F", "S", "SH", "TH", "V", "Z", "ZH"),
    "aspirate": ("HH",),
    "liquid": ("L", "R"),
    "nasal": ("M", "N", "NG"),
    "semivowel": ("W", "Y"),
}
MANNER_OF: dict[str, str] = {phone: manner for manner, phones in MANNER.items() for phone in phones}
VOWELS = frozenset(MANNER["vowel"])
PHONES: tuple[str, ...] = tuple(sorted(MANNER_OF))
"""The 39 phones in alphabetical order: the order of every posterior and id in the project."""

SILENCE = "SIL"
PHONE_ID: dict[str, int] = {phone: i for i, phone in enumerate(PHONES)}
MANNERS: tuple[str, ...] = tuple(MANNER)

IPA: dict[str, str] = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "B": "b", "CH": "tʃ", "D": "d",
    "DH": "ð", "EH": "ɛ", "ER": "ɝ", "EY": "eɪ", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i",
    "JH": "dʒ", "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ", "P": "p",
    "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w",
    "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip


def base(phone: str) -> str:
    """The phone without its stress digit: ``"AA1" -> "AA"``."""
    return phone.rstrip("012")


def stress(phone: str) -> int | None:
    """Lexical stress 0, 1 or 2 of a vowel written with a digit, else ``None``."""
    return int(phone[-1]) if phone[-1] in "012" else None


def is_phone(phone: str) -> bool:
    """Whether ``phone`` is one of the 39 phones, with a stress digit only if it is a vowel."""
    plain = base(phone)
    return plain in PHONE_ID and (plain == phone or (plain in VOWELS and len(phone) == len(plain) + 1))


def is_vowel(phone: str) -> bool:
    return base(phone) in VOWELS


def ipa(phone: str) -> str:
    """IPA symbol; unstressed AH and ER become schwa and schwar."""
    reduced = {"AH0": "ə", "ER0": "ɚ"}
    return reduced.get(phone) or IPA[base(phone)]
