"""Made-up readings for tests: alignments written as text, posteriors and prosody to go with them."""

from __future__ import annotations

import numpy as np

from elocute.acoustics.alignment import Alignment, PhoneSegment, SilenceSegment, WordSegment
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID, Posteriors
from elocute.acoustics.prosody import Prosody

SHIFT = 0.01


def reading(text: str) -> Alignment:
    """An alignment from phones with their frames of 10 ms, words between bars, silences as ``_``.

    ``"_:10 | K:6 AE1:8 T:5 | _:20 | AA1:9"``: boundaries lie half a frame before a phone's first frame.
    """
    words: list[WordSegment] = []
    silences: list[SilenceSegment] = []
    parts = [[item.split(":") for item in part.split()] for part in text.split("|")]
    total = sum(int(frames) for part in parts for _, frames in part)

    def time(frame: int) -> float:
        return 0.0 if frame == 0 else total * SHIFT if frame == total else (frame - 0.5) * SHIFT

    frame = 0
    for part in parts:
        phones = []
        for name, frames in part:
            start, frame = frame, frame + int(frames)
            if name == "_":
                silences.append(SilenceSegment(time(start), time(frame), len(words) - 1))
            else:
                phones.append(PhoneSegment(name, time(start), time(frame)))
        if phones:
            words.append(WordSegment(f"w{len(words)}", "user", tuple(phones)))
    return Alignment(tuple(words), tuple(silences), total * SHIFT)


def frames_of(alignment: Alignment) -> int:
    return round(alignment.duration / SHIFT)


def random_posteriors(alignment: Alignment, seed: int = 0) -> Posteriors:
    random = np.random.default_rng(seed)
    frames = frames_of(alignment)
    log_probs = np.log(random.dirichlet(np.ones(len(CLASSES)), frames)).astype(np.float32)
    acceptance = random.normal(size=(frames, SILENCE_ID)).astype(np.float32)
    return Posteriors(log_probs, acceptance, SHIFT, alignment.duration)


def flat_prosody(alignment: Alignment, f0: float = 120.0, energy: float = 0.1) -> Prosody:
    """The same F0 (NaN: unvoiced) and energy in every frame."""
    frames = frames_of(alignment)
    return Prosody(np.full(frames, f0, np.float32), np.full(frames, energy, np.float32))
