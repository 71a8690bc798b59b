"""First alignments from pocketsphinx (training-time only): frame targets before there is a model."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment, PhoneSegment, SilenceSegment, WordSegment
from elocute.phones import base
from elocute.text.script import Script

if TYPE_CHECKING:
    from pocketsphinx import Decoder

RATE = 16_000
FRAME = 0.01
CENTRE = 0.0078
"""Frames are 25.6 ms long: the boundary between two frames lies this long after the later one begins."""


@cache
def _decoder() -> Decoder:
    # Learner speech falls out of pocketsphinx's default beams; these align all but two of the recordings.
    from pocketsphinx import Config
    from pocketsphinx import Decoder as Sphinx

    beams = {"beam": 1e-80, "pbeam": 1e-80, "wbeam": 1e-60, "bestpath": False}
    return Sphinx(Config(lm=None, loglevel="FATAL", **beams))


def _words(script: Script) -> list[str]:
    """Register every word with its pronunciations under a private name and return the names in order."""
    decoder = _decoder()
    names = []
    for word in script.words:
        variants = [" ".join(base(phone) for phone in p.phones) for p in word.pronunciations]
        name = "x" + "_".join(variants).replace(" ", "").lower()
        if decoder.lookup_word(name) is None:
            for number, variant in enumerate(dict.fromkeys(variants), start=1):
                decoder.add_word(name if number == 1 else f"{name}({number})", variant, True)
        names.append(name)
    return names


def bootstrap_alignment(samples: NDArray[np.float32], script: Script) -> Alignment | None:
    """Two-pass forced alignment; ``None`` where pocketsphinx finds no path.

    Args:
        samples: mono 16 kHz, shape (n,).
    """
    decoder = _decoder()
    pcm = (np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()
    try:
        decoder.set_align_text(" ".join(_words(script)))
        _decode(decoder, pcm)
        if decoder.hyp() is None:
            return None
        decoder.set_alignment()
        _decode(decoder, pcm)
        found = decoder.get_alignment()
    except RuntimeError:
        return None
    return None if found is None else _alignment(found, script, len(samples) / RATE)


def _decode(decoder: Decoder, pcm: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()


def _time(frame: int, duration: float) -> float:
    return min(frame * FRAME + CENTRE, duration) if frame else 0.0


def _alignment(found: Any, script: Script, duration: float) -> Alignment | None:
    words: list[WordSegment] = []
    silences: list[SilenceSegment] = []
    for entry in found.words():
        start, end = _time(entry.start, duration), _time(entry.start + entry.duration, duration)
        if entry.name.startswith(("<", "[", "+")):
            silences.append(SilenceSegment(start, end, len(words) - 1))
            continue
        word = script.words[len(words)]
        heard = [
            (phone.name, _time(phone.start, duration), _time(phone.start + phone.duration, duration))
            for phone in entry
        ]
        chosen = next(
            p for p in word.pronunciations if [base(x) for x in p.phones] == [name for name, _, _ in heard]
        )
        phones = tuple(PhoneSegment(x, a, b) for x, (_, a, b) in zip(chosen.phones, heard, strict=True))
        words.append(WordSegment(word.text, chosen.source, phones))
    if len(words) != len(script.words):
        return None
    return Alignment(tuple(words), tuple(silences), duration)
