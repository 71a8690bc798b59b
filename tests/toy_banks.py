"""Made-up filterbanks, alignments and ratings for the TDNN-F."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment, PhoneSegment, SilenceSegment, WordSegment
from elocute.acoustics.filterbank import BANDS
from elocute.corpora.types import UtteranceLabels, WordLabels
from elocute.training.tdnnf.augment import AugmentOptions

QUIET = AugmentOptions(noise=0.0, band=0.0, volume=0.0, masked=0.0)
Bank = NDArray[np.float32]


def random_bank(frames: int, seed: int = 0) -> Bank:
    return np.random.default_rng(seed).normal(0.0, 1.0, (frames, BANDS)).astype(np.float32)


def alignment_of(*phones: tuple[str, float, float], seconds: float) -> Alignment:
    segments = tuple(PhoneSegment(*phone) for phone in phones)
    silence = SilenceSegment(0.0, segments[0].start, -1)
    return Alignment((WordSegment("x", "corpus", segments),), (silence,), seconds)


def labels_of(*ratings: float) -> UtteranceLabels:
    return UtteranceLabels(10, 10, 10, 10, 10, (WordLabels("x", 10, 10, 10, tuple(ratings)),))
