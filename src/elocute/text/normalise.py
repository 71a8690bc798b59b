"""Normalisation: a written English sentence as the words a reader says.

The text is cut into tokens at white space and dashes; each token is folded to ASCII (quotes, accents,
full-width forms) and handed to the first rule that fits. A rule sees the tokens before and after it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from elocute.errors import EmptyText, NoPronounceableWord, TextTooLong
from elocute.text import numbers
from elocute.text.abbreviations import (
    ABBREVIATIONS,
    MONTHS,
    PLURAL_UNITS,
    ROMAN_AFTER,
    TITLES,
    UNITS,
    UNMARKED,
)

MAX_WORDS = 300
MAX_LETTERS = 64
SAYABLE = 5
"""Unknown capitals of this length with a vowel are a word ("COVID"), shorter ones are spelled ("HGV")."""
MAX_CHARACTERS = 6000
"""Longer texts are refused unread; 300 English words take about 1,800 characters."""

Known = Callable[[str], bool]

_SPLIT = re.compile(r"\s+|—|―|…|-{2,}|\.{2,}|(?<!\d)[‒–]|[‒–](?!\d)")
_FOLD = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "′": "'", "＇": "'", "‐": "-", "‑": "-", "‒": "-",
     "–": "-", "−": "-", "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O",
     "ł": "l", "Ł": "L", "đ": "d", "ð": "th", "þ": "th", "ı": "i", "⁄": "/", "×": " times ",
     "÷": " divided by ", "™": " ", "\xad": ""}
)  # fmt: skip
_VULGAR = re.compile(r"(\d?)([¼-¾⅐-⅞])")
_FOREIGN = re.compile(r"[^!-~£€¥°]+")
_EDGE = re.compile(r"^[^\w$£€¥+&@#%='.°-]+|[^\w$£€¥+&@#%='.°]+$")
_NUMBER = r"\d{1,3}(?:,\d{3})+|\d+"
_DECIMAL = rf"(?:{_NUMBER})?\.\d+|{_NUMBER}"
_PIECE = re.compile(rf"{_DECIMAL}|'?[A-Za-z]+(?:'[A-Za-z]+)*'?|[&+@%=]|#(?=\d)")
_SYMBOLS = {"&": "and", "+": "plus", "@": "at", "%": "percent", "=": "equals", "#": "number",
            ".": "dot", "/": "slash", "-": "dash", "_": "underscore", ":": "colon"}  # fmt: skip


@dataclass(frozen=True)
class Spoken:
    """One spoken word in lower case and the token it was written as; letters have their own names."""

    text: str
    written: str
    is_letter: bool = False


@dataclass(frozen=True)
class _Token:
    """A token: as written, folded with its final full stop, and the folded tokens around it."""

    written: str
    folded: str
    before: str
    after: str
    is_mixed_case: bool

    @property
    def core(self) -> str:
        return self.folded.rstrip(".")


def normalise(text: str, known: Known) -> tuple[Spoken, ...]:
    """The spoken words of ``text``; ``known`` says whether a lower-case word has a pronunciation.

    Raises:
        EmptyText, NoPronounceableWord, TextTooLong: see :func:`elocute.text.read_script`.
    """
    if len(text) > MAX_CHARACTERS:
        raise TextTooLong(f"the text has {len(text)} characters, the limit is {MAX_CHARACTERS}: shorten it")
    if not text.strip():
        raise EmptyText("the text is empty: give the sentence that was read")
    words: list[Spoken] = []
    for token in _tokens(text):
        words.extend(_read(token, known))
        if len(words) > MAX_WORDS:
            raise TextTooLong(f"the text has more than {MAX_WORDS} words: assess it in parts")
    if not words:
        raise NoPronounceableWord("the text has no word that can be read in English: give English text")
    return tuple(words)


def _tokens(text: str) -> list[_Token]:
    is_mixed_case = any(letter.islower() for letter in text)
    pairs = [
        (written, folded)
        for written in _SPLIT.split(text)
        for piece in _FOREIGN.sub(" ", _fold(written)).split()
        if (folded := _EDGE.sub("", piece))
    ]
    around = ["", *(folded for _, folded in pairs), ""]
    return [
        _Token(_trim(written), folded, around[i].rstrip("."), around[i + 2].rstrip("."), is_mixed_case)
        for i, (written, folded) in enumerate(pairs)
    ]


def _fold(written: str) -> str:
    """ASCII letters for accented and full-width ones; "1½" becomes "1+1/2"."""
    spaced = _VULGAR.sub(lambda m: (m[1] and m[1] + "+") + unicodedata.normalize("NFKC", m[2]), written)
    plain = unicodedata.normalize("NFKD", spaced.translate(_FOLD)).translate(_FOLD)
    return "".join(c for c in plain if not unicodedata.combining(c))


def _trim(written: str) -> str:
    trimmed = written.strip('"“”„«»()[]{}<>,;:!?*_~|¿¡')
    return (trimmed.rstrip(".") if trimmed.count(".") == 1 else trimmed) or written


def _read(token: _Token, known: Known) -> Iterator[Spoken]:
    for pattern, rule in _RULES:
        match = pattern.fullmatch(token.core) or pattern.fullmatch(token.folded)
        if match and (words := rule(match, token)) is not None:
            break
    else:
        is_known = "-" in token.core and known(token.core.lower())
        words = [token.core] if is_known else _PIECE.findall(token.core)
    for word in words:
        yield from _say(word, token, known)


def _say(piece: str, token: _Token, known: Known) -> Iterator[Spoken]:
    """A piece of a token: a number, a symbol, a word, or an initialism."""
    if re.fullmatch(_DECIMAL, piece):
        for word in numbers.year(piece):
            yield Spoken(word, token.written)
    elif piece in _SYMBOLS:
        yield Spoken(_SYMBOLS[piece], token.written)
    elif _is_initialism(piece, token, known):
        yield from _spell(piece, token)
    else:
        word = _apostrophes(piece.lower(), known)
        if len(word) > MAX_LETTERS:
            raise TextTooLong(f"a word has {len(word)} letters, the limit is {MAX_LETTERS}: correct the text")
        if any(letter.isalpha() for letter in word):
            is_part = re.fullmatch("[A-Za-z'/-]+", token.core) and piece in token.written
            yield Spoken(word, piece if is_part else token.written)


def _is_initialism(piece: str, token: _Token, known: Known) -> bool:
    """Capitals in a text that is not all capitals, and no word: "HGV", "PCs", "HGV's", and "US".

    A single capital within a token is a letter ("B2B", "A-level", "A."), on its own it is a word ("A dog").
    """
    match = re.fullmatch(r"([A-Z]{2,})(?:'?s)?", piece)
    if not match or not token.is_mixed_case:
        return len(piece) == 1 and piece.isupper() and len(token.folded) > 1
    is_sayable = len(match[1]) >= SAYABLE and re.search("[AEIOUY]", match[1])
    return piece == "US" or not (is_sayable or known(piece.lower()) or known(match[1].lower()))


def _spell(piece: str, token: _Token) -> Iterator[Spoken]:
    letters = re.sub(r"'?s$", "", piece)
    for letter in letters[:-1]:
        yield Spoken(letter.lower(), token.written, is_letter=True)
    last = letters[-1].lower()
    if letters == piece:
        yield Spoken(last, token.written, is_letter=True)
    else:
        yield Spoken(f"{last}'s", token.written)


def _apostrophes(word: str, known: Known) -> str:
    """Quotation marks go, apostrophes stay: "'tis", "students'", but "hello" for "'hello'"."""
    if word.endswith("s'") and not word.startswith("'"):
        return word
    forms = (word, word.rstrip("'"), word.lstrip("'"))
    return next((form for form in forms if known(form)), word.strip("'"))


# -------------------------------------------------------------------------------------------------- rules
# A rule gives pieces for `_say`, or None to let the next rule try. Words it writes out come in lower case.

Rule = Callable[[re.Match[str], _Token], "list[str] | None"]


def _address(match: re.Match[str], token: _Token) -> list[str]:
    """An e-mail address or a URL, part by part, without scheme."""
    address = re.sub(r"^https?://|/$", "", match[0])
    return re.findall(r"[A-Za-z]+|\d+|[.@/+_:-]", re.sub(r"^www\b", "W W W", address))


def _money(match: re.Match[str], token: _Token) -> list[str]:
    sign, symbol, number, magnitude = match["sign"], match["s1"] or match["s2"], match["n"], match["m"]
    minus: list[str] = ["minus"] if sign else []
    if not magnitude and token.after.lower() in ("thousand", "million", "billion", "trillion"):
        return minus + numbers.cardinal(number)
    return minus + numbers.money(symbol, number, magnitude)


def _magnitude(match: re.Match[str], token: _Token) -> list[str] | None:
    """ "million" after "$5" brings the "dollars"."""
    money = re.fullmatch(rf"-?([$£€¥])(?:{_DECIMAL})", token.before)
    return [match[0].lower(), numbers.CURRENCIES[money[1]][1]] if money else None


def _clock(match: re.Match[str], token: _Token) -> list[str] | None:
    if int(match["h"]) > 24 or int(match["m"]) > 59:
        return None
    half = match["half"] or ""
    has_half = bool(half) or token.after.lower() in ("am", "pm", "a.m", "p.m")
    return numbers.clock(match["h"], match["m"], has_half) + list(half.replace(".", "").upper())


def _half_day(match: re.Match[str], token: _Token) -> list[str] | None:
    """ "a.m.", and "am" after a number."""
    return list(match[0].replace(".", "").upper()) if "." in match[0] or token.before[-1:].isdigit() else None


def _mixed(match: re.Match[str], token: _Token) -> list[str]:
    whole = [*numbers.cardinal(match[1]), "and"] if match[1] else []
    words = numbers.fraction(match[2], match[3])
    return whole + (["a", *words[1:]] if whole and match[2] == "1" else words)


def _number(match: re.Match[str], token: _Token) -> list[str] | None:
    """A number with an optional sign and unit; a day next to a month; else maybe a year."""
    sign, number, unit = match["sign"], match["n"], match["unit"]
    words = ["minus"] if sign == "-" else ["plus"] if sign else []
    if unit:
        spoken = _unit(unit, number)
        return None if spoken is None else words + numbers.cardinal(number) + spoken
    is_day = number.isdigit() and len(number) < 3 and 0 < int(number) < 32
    if is_day and not sign and (token.before in MONTHS or token.after in MONTHS):
        return numbers.ordinal(number)
    return words + (numbers.cardinal(number) if sign else numbers.year(number))


def _unit(unit: str, number: str) -> list[str] | None:
    spoken = UNITS.get(unit if len(unit) == 1 else unit.lower())
    if spoken is None:
        return None
    return spoken.split() if number == "1" else PLURAL_UNITS[spoken].split()


def _unit_alone(match: re.Match[str], token: _Token) -> list[str] | None:
    """ "kg" after a number."""
    number = re.fullmatch(rf"[-+]?({_DECIMAL})", token.before)
    return _unit(match[0], number[1]) if number else None


def _abbreviation(match: re.Match[str], token: _Token) -> list[str] | None:
    """ "Dr. Smith", "etc."; "no." only before a number, titles only before a name."""
    word, is_marked = match[0].rstrip(".").lower(), token.folded.endswith(".")
    is_title = match[0][0].isupper() and token.after[:1].isupper() and (is_marked or token.is_mixed_case)
    if is_title and word in TITLES:
        return [TITLES[word]]
    if is_marked and word == "no" and token.after[:1].isdigit():
        return ["number"]
    found = ABBREVIATIONS.get(word) if is_marked or word in UNMARKED else None
    return found.split() if found else None


def _roman(match: re.Match[str], token: _Token) -> list[str] | None:
    """ "World War II" -> two; "Henry VIII" -> the eighth."""
    number = str(numbers.roman(match[0]))
    if token.before.lower() in ROMAN_AFTER:
        return numbers.cardinal(number)
    is_name = token.is_mixed_case and token.before[:1].isupper() and len(match[0]) > 1
    return ["the", *numbers.ordinal(number)] if is_name else None


_RULES: tuple[tuple[re.Pattern[str], Rule], ...] = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", _address),
        (r"https?://\S+|www\.\S+", _address),
        (r"[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|io|info|co\.uk)(?:/\S*)?", _address),
        (rf"(?P<sign>-?)(?:(?P<s1>[$£€¥])(?P<n>{_DECIMAL})(?P<m>[kKmMbB]|bn)?)(?P<s2>)", _money),
        (rf"(?P<sign>-?)(?P<s1>)(?P<n>{_DECIMAL})(?P<m>)(?P<s2>[$£€¥])", _money),
        (r"(?i:thousand|million|billion|trillion)", _magnitude),
        (r"(?P<h>\d{1,2}):(?P<m>\d\d)(?P<half>(?i:[ap]\.?m)?)", _clock),
        (r"(?i:[ap]\.?m)\.?", _half_day),
        (r"(?P<n>\d{1,2})(?P<half>(?i:[ap]\.?m))",
         lambda m, _: [*numbers.cardinal(m["n"]), *m["half"].replace(".", "").upper()]),
        (r"(\d[\d,]*)(?i:st|nd|rd|th)", lambda m, _: numbers.ordinal(m[1])),
        (r"'?((?:1[1-9]\d|20\d|[2-9])0)'?s", lambda m, _: numbers.decade(m[1])),
        (r"'(\d\d)", lambda m, _: numbers.cardinal(m[1])),
        (r"(?:\+?\d{1,3}-)?(?:\d{3}-)?\d{3}-\d{4}|\(?\d{3}\)\d{3}-\d{4}|\+\d{6,}",
         lambda m, _: numbers.spell_digits(re.sub(r"\D", "", m[0]))),
        (r"(?:(\d+)\+)?(\d+)/(\d+)", _mixed),
        (rf"({_DECIMAL})-({_DECIMAL})%?",
         lambda m, _: [m[1], "to", m[2], *(["percent"] if m[0].endswith("%") else [])]),
        (rf"({_DECIMAL}):({_DECIMAL})", lambda m, _: [m[1], "to", m[2]]),
        (rf"(?P<sign>[-+]?)(?P<n>{_DECIMAL})-?(?P<unit>%|[A-Za-z]+(?:/[a-z]+)?|°[CF]?)?", _number),
        (r"[A-Za-z]+(?:/[a-z]+)?|°[CF]?|%", _unit_alone),
        (r"(?i:e\.g)\.?", lambda m, _: ["for", "example"]),
        (r"(?i:i\.e)\.?", lambda m, _: ["that", "is"]),
        (r"(?i:ph\.?d)\.?", lambda m, _: ["P", "h", "D"]),
        (r"(?:[A-Za-z]\.)+[A-Za-z]\.?", lambda m, _: m[0].upper().replace(".", " ").split()),
        (r"[A-Za-z]+\.?", _abbreviation),
        (r"[IVX]{2,}|V|X", _roman),
    )
)  # fmt: skip
