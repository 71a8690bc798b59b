"""The small acoustic model: a factored time-delay network on filterbank energies, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.align import AlignOptions
from elocute.acoustics.filterbank import filterbank, normalise
from elocute.acoustics.model import Outputs, in_batches, log_softmax
from elocute.acoustics.posteriors import CLASSES, Posteriors
from elocute.audio import Audio
from elocute.card import open_session, read_card
from elocute.errors import ModelError


@dataclass(frozen=True)
class Context:
    """10 ms frames a network reads before the first and after the last of those it answers for."""

    before: int
    after: int

    def pad(self, bank: NDArray[np.float32], subsampling: int) -> NDArray[np.float32]:
        """Repeat the first and the last frame of ``bank`` (frames, bands): as many as the context, and up to
        a whole number of output frames, which answer for ``subsampling`` frames each."""
        short = -len(bank) % subsampling
        return np.pad(bank, ((self.before, self.after + short), (0, 0)), mode="edge")


class OnnxTdnnf:
    """A TDNN-F from a folder with ``model.onnx`` and ``card.json``.

    The network takes ``bank`` (batch, before + frames + after, 80), where frames is a multiple of the card's
    ``subsampling``, and gives ``logits`` (batch, frames, 40) and ``acceptance`` (batch, frames, 39).
    """

    def __init__(self, folder: Path | str) -> None:
        self.card = read_card(Path(folder))
        if tuple(self.card["classes"]) != CLASSES:
            raise ModelError(f"{folder}: the model answers for another phone set than this elocute.")
        self.align_options = self.card.record("align", AlignOptions)
        self._context = self.card.record("context", Context)
        self._subsampling = int(self.card["subsampling"])
        self._session = open_session(self.card)

    def posteriors(self, audio: Audio) -> Posteriors:
        """Log posteriors of a recording, 10 ms frames, and acceptance."""
        return self.posteriors_of([audio])[0]

    def posteriors_of(self, recordings: Sequence[Audio]) -> list[Posteriors]:
        """Of many recordings, as :meth:`posteriors` gives them."""
        banks = [normalise(filterbank(audio.samples)) for audio in recordings]
        heard = in_batches(self._run, [self._context.pad(bank, self._subsampling) for bank in banks])
        return [
            Posteriors(
                log_softmax(outputs["logits"][: len(bank)]), outputs["acceptance"][: len(bank)],
                self.card["frame_shift"], audio.duration,
            )
            for outputs, bank, audio in zip(heard, banks, recordings, strict=True)
        ]  # fmt: skip

    def _run(self, banks: NDArray[np.float32]) -> Outputs:
        logits, acceptance = self._session.run(["logits", "acceptance"], {"bank": banks})
        return {"logits": logits, "acceptance": acceptance}
