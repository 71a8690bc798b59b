"""Written numbers as spoken words: every function takes a token's parts and gives lower-case words.

Cardinals, ordinals and years come from num2words, with the "and" of "one hundred and five".
"""

from __future__ import annotations

import re

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LONGEST_NUMBER = 9
"""A longer run of digits without commas is read digit by digit, as phone and account numbers are."""
LONGEST_GROUPED = 15
CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"), "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"), "¥": ("yen", "yen", "sen", "sen"),
}  # fmt: skip
MAGNITUDES = {"k": "thousand", "m": "million", "bn": "billion", "b": "billion"}


def cardinal(number: str) -> list[str]:
    """ "1,234.5" -> one thousand, two hundred and thirty four point five; "007" -> zero zero seven."""
    whole, _, decimals = number.partition(".")
    digits = whole.replace(",", "")
    longest = LONGEST_GROUPED if "," in whole else LONGEST_NUMBER
    if len(digits) > longest or (len(digits) > 1 and digits.startswith("0")):
        words = spell_digits(digits)
    else:
        words = _num2words(digits, "cardinal") if digits else []
    return words + (["point", *spell_digits(decimals)] if decimals else [])


def ordinal(number: str) -> list[str]:
    digits = number.replace(",", "")
    return _num2words(digits, "ordinal") if len(digits) <= LONGEST_GROUPED else spell_digits(digits)


def year(number: str) -> list[str]:
    """ "1999" -> nineteen ninety nine; "2010" -> twenty ten; anything but 1100-2099 as a cardinal."""
    is_year = re.fullmatch(r"(?:1[1-9]|20)\d\d", number) is not None
    return _num2words(number, "year") if is_year else cardinal(number)


def decade(number: str) -> list[str]:
    """ "1990" -> nineteen nineties; "80" -> eighties."""
    *words, last = year(number)
    return [*words, plural(last)]


def spell_digits(digits: str) -> list[str]:
    return [DIGITS[int(digit)] for digit in digits]


def money(symbol: str, number: str, magnitude: str | None = None) -> list[str]:
    """ "$3.50" -> three dollars fifty; "£1" -> one pound; "$5m" -> five million dollars."""
    one, many, one_part, many_parts = CURRENCIES[symbol]
    if magnitude:
        return [*cardinal(number), MAGNITUDES[magnitude.lower()], many]
    whole, _, part = number.partition(".")
    amount = [*cardinal(whole), one if whole == "1" else many] if whole else []
    if len(part) != 2:
        return [*cardinal(number), many] if part else amount
    if whole in ("", "0") and int(part):
        return [*cardinal(str(int(part))), one_part if part == "01" else many_parts]
    return amount + (cardinal(str(int(part))) if int(part) else [])


def clock(hour: str, minute: str, has_half: bool) -> list[str]:
    """ "3:05" -> three oh five; "3:00" -> three o'clock, or just three before "a.m." (``has_half``)."""
    words = cardinal(str(int(hour)))
    if int(minute) == 0:
        return words if has_half else words + (["o'clock"] if 0 < int(hour) < 13 else ["hundred"])
    return words + (["oh"] if minute.startswith("0") else []) + cardinal(str(int(minute)))


def fraction(top: str, bottom: str) -> list[str]:
    """ "3/4" -> three quarters; what is no proper fraction is read as two numbers ("24/7")."""
    if len(top) > 2 or len(bottom) > 3 or not 0 < int(top) < int(bottom):
        return cardinal(top) + cardinal(bottom)
    *start, name = {"2": ["half"], "4": ["quarter"]}.get(bottom) or ordinal(bottom)
    if int(top) > 1:
        name = "halves" if name == "half" else plural(name)
    return [*cardinal(top), *start, name]


def plural(word: str) -> str:
    if word.endswith("y"):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith("x") else "s")


def roman(numeral: str) -> int:
    """Value of a numeral of I, V and X."""
    values = [{"I": 1, "V": 5, "X": 10}[letter] for letter in numeral]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def _num2words(digits: str, kind: str) -> list[str]:
    from num2words import num2words

    return re.findall(r"[a-z']+", num2words(int(digits), to=kind).lower())
