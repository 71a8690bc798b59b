"""Abbreviations, units and other closed lists of the normaliser, as spoken words."""

from __future__ import annotations

MONTHS = frozenset(
    form
    for month in ("January", "February", "March", "April", "May", "June", "July", "August", "September",
                  "October", "November", "December")
    for form in (month, month[:3], month.upper(), month[:3].upper())
) | {"Sept", "SEPT"}  # fmt: skip

TITLES = {
    "mr": "mister", "mrs": "missus", "ms": "ms", "dr": "doctor", "st": "saint", "prof": "professor",
    "mt": "mount", "capt": "captain", "col": "colonel", "gen": "general", "gov": "governor",
    "hon": "honorable", "lt": "lieutenant", "rep": "representative", "rev": "reverend", "sen": "senator",
    "sgt": "sergeant",
}  # fmt: skip
"""Read out before a capitalised word."""

ABBREVIATIONS = {
    "mr": "mister", "mrs": "missus", "dr": "drive", "st": "street", "jr": "junior", "sr": "senior",
    "etc": "et cetera", "vs": "versus", "approx": "approximately", "dept": "department", "ave": "avenue",
    "blvd": "boulevard", "rd": "road", "inc": "incorporated", "corp": "corporation", "ltd": "limited",
    "co": "company", "est": "established", "vol": "volume", "tel": "telephone", "jan": "january",
    "feb": "february", "apr": "april", "aug": "august", "sept": "september", "oct": "october",
    "nov": "november", "dec": "december",
}  # fmt: skip
"""Read out with a full stop."""
UNMARKED = frozenset({"etc", "vs", "mr", "mrs"})
"""Abbreviations that need no full stop."""

UNITS = {
    "kg": "kilogram", "g": "gram", "mg": "milligram", "lb": "pound", "lbs": "pound", "oz": "ounce",
    "km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "mi": "mile", "ft": "foot",
    "l": "liter", "ml": "milliliter", "h": "hour", "hr": "hour", "hrs": "hour", "min": "minute",
    "mins": "minute", "sec": "second", "secs": "second", "km/h": "kilometer per hour",
    "kmh": "kilometer per hour",
    "mph": "mile per hour", "m/s": "meter per second", "hz": "hertz", "khz": "kilohertz", "mhz": "megahertz",
    "ghz": "gigahertz", "kb": "kilobyte", "mb": "megabyte", "gb": "gigabyte", "tb": "terabyte", "w": "watt",
    "kw": "kilowatt", "v": "volt", "k": "thousand", "%": "percent", "°": "degree",
    "°c": "degree celsius", "°f": "degree fahrenheit",
}  # fmt: skip
"""Read out after a number."""

_IRREGULAR = {"foot": "feet", "percent": "percent", "thousand": "thousand", "hertz": "hertz",
              "kilohertz": "kilohertz", "megahertz": "megahertz", "gigahertz": "gigahertz"}  # fmt: skip


def _plural(unit: str) -> str:
    first, *rest = unit.split()
    return " ".join([_IRREGULAR.get(first, first + "s"), *rest])


PLURAL_UNITS = {unit: _plural(unit) for unit in UNITS.values()}

ROMAN_AFTER = frozenset(
    {"war", "chapter", "part", "act", "volume", "book", "section", "phase", "type", "class"}
)
"""Words after which a Roman numeral is a plain number."""
