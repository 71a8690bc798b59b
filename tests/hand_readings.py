"""Made-up readings with every stage's result written out, for features computed by hand.

``AGAIN``, ``IDEA`` and ``PAUSES`` are the readings; ``evidence`` gives them sounds, melodies and faults.
Durations are frames of 10 ms, so everything can be checked with pencil and paper.
"""

from __future__ import annotations

import dataclasses
import math
from functools import cache

import numpy as np

from elocute.acoustics.alignment import Alignment, InsertedSegment
from elocute.acoustics.gop import ACCEPTANCE, SUMMARIES, Goodness
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID
from elocute.acoustics.prosody import Prosody
from elocute.features.handcrafted import Evidence
from elocute.phones import PHONE_ID, base
from readings import flat_prosody, frames_of, reading

# "again | to | the | city | go": silences of 0.2, 0.6 and 0.1 s between the words.
AGAIN = (
    "_:30 | AH0:5 G:6 EH1:15 N:10 | _:20 | T:6 UW1:6 | _:60 | DH:6 AH0:6 | S:10 IH1:10 T:6 IY0:15 | _:10 "
    "| G:10 OW1:30 | _:20"
)
AGAIN_WORDS = ("again", "to", "the", "city", "go")

# "you with hello | chews you idea twain": every manner of articulation, a cluster, vowels and consonants that
# meet within and across words, a secondary stress, a word said twice, one silence of 0.3 s.
IDEA = (
    "_:10 | Y:5 UW1:10 | W:6 IH1:7 TH:9 | HH:7 AH0:5 L:6 OW1:22 | _:30 | CH:10 UW1:14 Z:12 | Y:4 UW1:20 "
    "| AY2:16 D:5 IY1:12 AH0:8 | T:11 W:7 EY1:18 N:9 | _:10"
)
IDEA_WORDS = ("you", "with", "hello", "chews", "you", "idea", "twain")

# Four short words with silences of 0.2, 0.3 and 0.7 s.
PAUSES = "W:5 AA1:10 | _:20 | AA1:10 | _:30 | AA1:10 | _:70 | AA1:10"

TONES = {0: 2.0, 2: 6.0, 5: 1.0, 7: 0.0, 9: 5.0, 11: 3.0, 13: 2.0}
"""Semitones above 100 Hz of the vowels of AGAIN: a-gain 2 and 6, to 1, the 0, ci-ty 5 and 3, go 2."""

LEVELS = {0: -3.0, 2: 6.0, 5: -6.0, 7: -9.0, 9: 3.0, 11: 4.0, 13: 0.0}
"""Decibels of the vowels of AGAIN; the consonants have 0."""

# One number per phone of IDEA:
#                Y     UW    W    IH    TH    HH    AH    L     OW    CH    UW    Z     Y     UW    AY
ACCEPTED = [0.90, 0.80, 0.40, 0.70, 0.20, 0.60, 0.50, 0.30, 0.90, 0.80, 0.90, 0.70, 0.95, 0.85, 0.75,
            0.65, 0.90, 0.45, 0.10, 0.80, 0.70, 0.55]  # fmt: skip  # D IY AH T W EY N
LOG_ODDS = [2, 1, -1, 1, -2, 0, 0, -1, 2, 1, 2, 1, 3, 2, 1, 1, 2, 0, -3, 1, 1, 0]
CONFIDENCE = [0.8, 0.7, 0.3, 0.6, 0.15, 0.5, 0.2, 0.3, 0.9, 0.6, 0.8, 0.5, 0.9, 0.7, 0.6, 0.4, 0.8, 0.5,
              0.25, 0.7, 0.6, 0.4]  # fmt: skip
OWN = [-0.2, -0.4, -1.2, -0.5, -2.3, -0.7, -1.6, -1.3, -0.1, -0.5, -0.3, -0.7, -0.1, -0.4, -0.6, -1.0, -0.2,
       -0.8, -1.8, -0.4, -0.6, -1.1]  # fmt: skip
RIVAL = [-2, -1, 0.5, -1, 1.5, -1, 0.25, 0.75, -3, -1, -2, 0.25, -3, -1, -1, -0.5, -2, 0.25, 1.0, -1.5, -1,
         -0.5]  # fmt: skip
ENTROPY = [1, 1, 2, 1, 3, 1, 2, 2, 0, 1, 1, 1, 0, 1, 1, 2, 1, 1, 3, 1, 1, 2]
RANK = [0, 0, 1, 0, 2, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 2, 0, 0, 1]
BEST = [-0.1, -0.2, -1, -0.3, -2, -0.4, -1, -1, -0.05, -0.3, -0.1, -0.5, -0.05, -0.2, -0.4, -0.8, -0.1, -0.6,
        -1.5, -0.2, -0.4, -0.9]  # fmt: skip
WORST = [-1, -1, -3, -1, -4, -2, -3, -3, -1, -1, -1, -2, -1, -1, -1, -2, -1, -1, -4, -1, -1, -2]


def named(alignment: Alignment, words: tuple[str, ...]) -> Alignment:
    renamed = (dataclasses.replace(w, text=t) for w, t in zip(alignment.words, words, strict=True))
    return dataclasses.replace(alignment, words=tuple(renamed))


def columns(alignment: Alignment) -> list[int]:
    return [PHONE_ID[base(phone.phone)] for phone in alignment.phones]


def blank(alignment: Alignment) -> Goodness:
    """Every phone fits well and is accepted."""
    count, own = len(alignment.phones), columns(alignment)
    lpp = np.full((count, len(CLASSES)), -5.0, np.float32)
    posteriors = np.full((count, len(CLASSES)), 0.0, np.float32)
    lpp[np.arange(count), own], posteriors[np.arange(count), own] = -0.1, 0.9
    summaries = np.zeros((count, len(SUMMARIES)), np.float32)
    summaries[:, SUMMARIES.index("lpp_canonical")], summaries[:, SUMMARIES.index("lpr_rival")] = -0.1, -4.9
    acceptance = np.tile(np.array([3.0, 1.0, 5.0, 0.95], np.float32), (count, 1))
    return Goodness(lpp, lpp + 0.1, summaries, posteriors, acceptance)


def mistaken(goods: Goodness, heard: dict[int, str]) -> Goodness:
    """``goods`` with the phones at these places heard as others, or as nothing ("SIL")."""
    for place, other in heard.items():
        goods.lpp[place, SILENCE_ID if other == "SIL" else PHONE_ID[other]] = -0.01
        if other != "SIL":
            goods.summaries[place, SUMMARIES.index("lpr_rival")] = 0.09
    return goods


def melody(tones: dict[int, float], level: dict[int, float]) -> Prosody:
    """AGAIN with these tones and levels of its phones by place; the others are unvoiced and have 0 dB."""
    alignment = reading(AGAIN)
    frames = frames_of(alignment)
    f0, energy = np.full(frames, np.nan, np.float32), np.full(frames, 0.1, np.float32)
    for place, phone in enumerate(alignment.phones):
        own = slice(math.ceil(phone.start * 100), math.ceil(phone.end * 100))
        f0[own] = 100 * 2 ** (tones[place] / 12) if place in tones else np.nan
        energy[own] = 0.1 * 10 ** (level.get(place, 0.0) / 20)
    return Prosody(f0, energy)


@cache
def again() -> Alignment:
    return named(reading(AGAIN), AGAIN_WORDS)


def _glide() -> Evidence:
    """The voice falls by three semitones a second and fades by six decibels a second, in pauses, too."""
    seconds = np.arange(frames_of(again())) * 0.01
    falling, fading = 100 * 2 ** ((9 - 3 * seconds) / 12), 0.1 * 10 ** (-6 * seconds / 20)
    return Evidence(again(), blank(again()), Prosody(falling.astype(np.float32), fading.astype(np.float32)))


def _errors() -> Evidence:
    """again: G as K, N left out; city: S as SH, IH as IY and T as D. An er of 0.25 s, "to" said twice."""
    alignment = dataclasses.replace(
        again(),
        inserted=(
            InsertedSegment(0.7, 0.95, 0, "filler", ""),
            InsertedSegment(1, 1.4, 1, "repetition", "to"),
        ),
    )
    goods = mistaken(blank(alignment), {1: "K", 3: "SIL", 8: "SH", 9: "IY", 10: "D"})
    return Evidence(alignment, goods, flat_prosody(alignment))


def _idea() -> Evidence:
    """with: W as V, TH as S; hello: HH left out, AH as IY, L as R; chews: Z as S; idea: AH as R; twain: T as
    D. A word broken off after 0.1 s and 0.15 s of other speech."""
    alignment = dataclasses.replace(
        named(reading(IDEA), IDEA_WORDS),
        inserted=(
            InsertedSegment(0.8, 0.9, 2, "fragment", "ch"),
            InsertedSegment(0.9, 1.05, 2, "speech", ""),
        ),
    )
    goods = mistaken(blank(alignment), {2: "V", 4: "S", 5: "SIL", 6: "IY", 7: "R", 11: "S", 17: "R", 18: "D"})
    goods.acceptance[:, ACCEPTANCE.index("acceptance_mean")] = LOG_ODDS
    goods.acceptance[:, ACCEPTANCE.index("acceptance_probability")] = ACCEPTED
    goods.mean_posteriors[np.arange(22), columns(alignment)] = CONFIDENCE
    for name, values in (
        ("lpp_canonical", OWN), ("lpr_rival", RIVAL), ("entropy", ENTROPY), ("rank", RANK),
        ("best_log_posterior", BEST), ("worst_log_posterior", WORST),
    ):  # fmt: skip
        goods.summaries[:, SUMMARIES.index(name)] = values
    return Evidence(alignment, goods, flat_prosody(alignment))


def _pauses() -> Evidence:
    alignment = reading(PAUSES)
    return Evidence(alignment, blank(alignment), flat_prosody(alignment))


@cache
def evidence(name: str) -> Evidence:
    """``plain``: AGAIN on one note and level; ``tune``: AGAIN with TONES and LEVELS; ``glide``, ``errors``,
    ``idea`` and ``pauses`` as above."""
    if name in ("plain", "tune"):
        tune = flat_prosody(again()) if name == "plain" else melody(TONES, LEVELS)
        return Evidence(again(), blank(again()), tune)
    return {"glide": _glide, "errors": _errors, "idea": _idea, "pauses": _pauses}[name]()
