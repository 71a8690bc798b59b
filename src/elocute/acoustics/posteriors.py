"""What an acoustic model says about a recording: log phone posteriors per frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elocute.phones import PHONES, SILENCE

CLASSES: tuple[str, ...] = (*PHONES, SILENCE)
"""Posterior columns: the 39 phones in alphabetical order, then silence."""

SILENCE_ID = len(PHONES)


@dataclass(frozen=True)
class Posteriors:
    """Log posteriors of the 39 phones and silence.

    ``log_probs`` is (frames, 40), float32, each row a log distribution; frame ``k`` is centred at
    ``k * frame_shift`` seconds. ``acceptance`` is (frames, 39), float32: the log-odds that raters accept the
    frame as each phone, as a model trained on ratings estimates them. ``duration`` is the recording's, in
    seconds. ``ctc`` is (frames of its own, 40), float32: log posteriors of a model's CTC output, silence
    being the blank, evenly over the duration, or ``None`` if it has none.
    """

    log_probs: NDArray[np.float32]
    acceptance: NDArray[np.float32]
    frame_shift: float
    duration: float
    ctc: NDArray[np.float32] | None = None

    def boundary(self, frame: int) -> float:
        """Time in seconds of the boundary between frames ``frame - 1`` and ``frame``."""
        if frame >= len(self.log_probs):
            return self.duration
        return min(max((frame - 0.5) * self.frame_shift, 0.0), self.duration)
