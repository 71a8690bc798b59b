"""Everything measured in one recording: what the scores rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.ctc import alignment_free_goodness
from elocute.acoustics.gop import Goodness, goodness
from elocute.acoustics.posteriors import Posteriors
from elocute.acoustics.prosody import Prosody
from elocute.features.handcrafted import Evidence, handcrafted
from elocute.features.phone import PhoneFeatures, phone_features


@dataclass(frozen=True)
class Measurements:
    """The stages' results and the features made from them: ``phones`` per phone, ``utterance`` by name."""

    alignment: Alignment
    goodness: Goodness
    phones: PhoneFeatures
    utterance: dict[str, float | None]
    prosody: Prosody


def measure(posteriors: Posteriors, alignment: Alignment, prosody: Prosody) -> Measurements:
    """Features of an aligned recording; training and assessment both use this function."""
    goods = goodness(posteriors, alignment)
    evidence = Evidence(alignment, goods, prosody)
    free = None if posteriors.ctc is None else alignment_free_goodness(posteriors.ctc, alignment)
    return Measurements(alignment, goods, phone_features(evidence, free), handcrafted(evidence), prosody)


def utterance_vector(utterance: Mapping[str, float | None], names: Sequence[str]) -> NDArray[np.float32]:
    """(names,) the named utterance features; NaN where the utterance does not define one."""
    known = [utterance[name] for name in names]
    return np.array([np.nan if value is None else value for value in known], np.float32)
