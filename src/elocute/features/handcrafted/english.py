"""What native reading is like: how long each phone lasts, to tell a slow phone from one long by nature, and
which words go unstressed.

Means over 336 recordings of 24 speakers (LibriSpeech and LJSpeech, up to 14 a speaker), aligned with the
phonetic encoder; only ratios between phones matter much, so the table need not follow every new model.
"""

from __future__ import annotations

import numpy as np

from elocute.phones import PHONES

SECONDS: dict[str, float] = {
    "AA": 0.096, "AE": 0.104, "AH": 0.061, "AO": 0.105, "AW": 0.155, "AY": 0.147, "B": 0.069, "CH": 0.113,
    "D": 0.071, "DH": 0.071, "EH": 0.079, "ER": 0.114, "EY": 0.122, "F": 0.098, "G": 0.080, "HH": 0.080,
    "IH": 0.066, "IY": 0.111, "JH": 0.104, "K": 0.089, "L": 0.088, "M": 0.085, "N": 0.076, "NG": 0.098,
    "OW": 0.118, "OY": 0.169, "P": 0.089, "R": 0.076, "S": 0.113, "SH": 0.118, "T": 0.079, "TH": 0.092,
    "UH": 0.068, "UW": 0.094, "V": 0.065, "W": 0.084, "Y": 0.082, "Z": 0.105, "ZH": 0.051,
}  # fmt: skip
NATIVE_SECONDS = np.array([SECONDS[phone] for phone in PHONES])
"""(39,) in the order of the phone set."""

_SMALL = """
    a about all am an and any are as at be been but by can can't could did do does don't for from had has
    have he he's her hers him his how i i'd i'll i'm i've if in into is isn't it it's its just may me
    might mine must my nor of on or our ours out shall she she's should so some than that that's the their
    them then there there's these they they're this those to too up us was we we're we've were what when
    where which who whom whose why will with would you you'll you're you've your yours
"""
FUNCTION_WORDS = frozenset(_SMALL.split())
"""Articles, prepositions, pronouns, auxiliaries and conjunctions, in lower case."""
