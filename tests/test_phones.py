"""The phone set."""

import pytest

from elocute.phones import (
    IPA,
    MANNER,
    MANNER_OF,
    PHONE_ID,
    PHONES,
    VOWELS,
    base,
    ipa,
    is_phone,
    is_vowel,
    stress,
)


def test_there_are_39_phones_in_alphabetical_order_with_ids_to_match() -> None:
    assert len(PHONES) == 39
    assert list(PHONES) == sorted(PHONES)
    assert [PHONE_ID[phone] for phone in PHONES] == list(range(39))


def test_every_phone_has_one_manner_and_its_own_symbol() -> None:
    assert sum(map(len, MANNER.values())) == len(MANNER_OF) == 39
    assert set(IPA) == set(PHONES)
    assert len(set(IPA.values())) == 39


@pytest.mark.parametrize(
    ("phone", "plain", "digit"), [("AA1", "AA", 1), ("AH0", "AH", 0), ("EY2", "EY", 2), ("B", "B", None)]
)
def test_base_and_stress(phone: str, plain: str, digit: int | None) -> None:
    assert base(phone) == plain
    assert stress(phone) == digit


@pytest.mark.parametrize("phone", ["AA", "AA0", "AA1", "AA2", "B", "NG", "ZH"])
def test_phones(phone: str) -> None:
    assert is_phone(phone)


@pytest.mark.parametrize("phone", ["", "aa1", "AA3", "AA11", "B1", "NG0", "SIL", "X", "0", "A A", " B"])
def test_not_phones(phone: str) -> None:
    assert not is_phone(phone)


def test_vowels_are_what_carries_stress() -> None:
    assert all(is_phone(f"{phone}1") == (phone in VOWELS) == is_vowel(phone) for phone in PHONES)


def test_unstressed_vowels_reduce_in_ipa() -> None:
    assert [ipa(phone) for phone in ("AH0", "AH1", "ER0", "ER1", "T")] == ["ə", "ʌ", "ɚ", "ɝ", "t"]
