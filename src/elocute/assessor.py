"""The pipeline, from a recording and its text to the assessment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from elocute.acoustics.align import align
from elocute.acoustics.extent import hear_reading, hear_readings
from elocute.acoustics.gop import goodness
from elocute.acoustics.model import AcousticModel
from elocute.acoustics.prosody import prosody, rms_energy
from elocute.audio import Audio, load_audio
from elocute.compose import compose, compose_silent, model_info
from elocute.errors import ElocuteError, ModelError
from elocute.features.measurements import Measurements, measure
from elocute.scoring.hearing import hear, with_confidence
from elocute.scoring.presence import SPEECH_SECONDS, judge_presence, speech_seconds
from elocute.scoring.scorer import Scorer
from elocute.shipped import DEFAULT, acoustic_model, scorer_for
from elocute.text import read_script
from elocute.text.script import Script

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from elocute.acoustics.alignment import Alignment
    from elocute.acoustics.posteriors import Posteriors
    from elocute.result import Assessment

    Recording = str | os.PathLike[str] | bytes | NDArray[np.generic] | Audio

T = TypeVar("T")
Pronunciations = Mapping[str, "Sequence[str] | str"]


class Assessor:
    """Loads the models once; its methods may be called from several threads at the same time.

    Args:
        acoustic: the acoustic model or the name of a shipped one ("phonetic-encoder", the default, or
            "tdnnf", see ``elocute models``).
        scorer: the scorer trained on that acoustic model's features; the shipped one by default.

    Raises:
        UnknownModel: no acoustic model has this name.
        ModelError: a model cannot be used, or the two do not belong together.
    """

    def __init__(self, acoustic: AcousticModel | str | None = None, scorer: Scorer | None = None) -> None:
        acoustic = acoustic or DEFAULT
        self.acoustic = acoustic_model(acoustic) if isinstance(acoustic, str) else acoustic
        self.scorer = scorer or scorer_for(self.acoustic.card)
        if self.scorer.card["acoustic"] != f"{self.acoustic.card.name} {self.acoustic.card.version}":
            raise ModelError(
                f"The scorer {self.scorer.card.name} was trained on {self.scorer.card['acoustic']}: "
                "use it with that acoustic model."
            )
        self.model = model_info(self.acoustic.card, self.scorer.card, self.scorer.parts)

    def assess(
        self, audio: Recording, text: str | Script, *, rate: int | None = None,
        pronunciations: Pronunciations | None = None, n_best: int | None = None,
    ) -> Assessment:  # fmt: skip
        """Score a recording of ``text``.

        Args:
            audio: a path, the bytes of a file, or samples (n,) or (n, channels) with their ``rate`` in Hz.
            text: what should have been read: a sentence, or a script made by ``read_script``.
            pronunciations: of words the lexicon does not know as you want them, ARPAbet
                ("T AH0 M EY1 T OW0").
            n_best: how many phones ``heard`` lists for every phone; by default those above 5 %, at most 3.

        Raises:
            AudioError, TextError: the input cannot be used; the message says what to do.
        """
        sound, script = load(audio, rate), _script(text, pronunciations)
        return self._judge(sound, script, hear_reading(self.acoustic, sound), n_best)

    def assess_all(
        self, readings: Iterable[tuple[Recording, str | Script]]
    ) -> list[Assessment | ElocuteError]:
        """Score many recordings, each with its text; arguments as :meth:`assess`.

        Short recordings that are equally long are heard together, which is faster; what is said about them
        is the same as one by one.

        Returns:
            In order, the assessment of each, or the error for which it has none.
        """
        loaded = [_attempt(partial(_loaded, audio, text)) for audio, text in readings]
        usable = [reading for reading in loaded if not isinstance(reading, ElocuteError)]
        heard = iter(hear_readings(self.acoustic, [sound for sound, _ in usable]))
        return [
            reading
            if isinstance(reading, ElocuteError)
            else _attempt(partial(self._judge, *reading, next(heard)))
            for reading in loaded
        ]

    def _judge(
        self, sound: Audio, script: Script, posteriors: Posteriors, n_best: int | None = None
    ) -> Assessment:
        if speech_seconds(posteriors) < SPEECH_SECONDS:
            return compose_silent(sound, script, self.model)
        measured = self._measure(sound, script, posteriors)
        scores = self.scorer.score(measured.phones, measured.utterance)
        found = measured.alignment, measured.goodness
        presence = judge_presence(*found, posteriors, self.scorer.presence, scores)
        hearing = None
        if self.scorer.hearing is not None:
            hearing = hear(posteriors, *found, scores, self.scorer.hearing)
        return compose(sound, script, measured, presence, scores, self.model, hearing, n_best)

    def align(
        self, audio: Recording, text: str | Script, *, rate: int | None = None,
        pronunciations: Pronunciations | None = None,
    ) -> Alignment:  # fmt: skip
        """Find every word and phone of ``text`` in the recording; arguments and errors as :meth:`assess`."""
        sound = load(audio, rate)
        posteriors, energy = hear_reading(self.acoustic, sound), rms_energy(sound.samples)
        found = align(posteriors, _script(text, pronunciations), self.acoustic.align_options, energy)
        if self.scorer.hearing is None:
            return found
        return with_confidence(found, goodness(posteriors, found), self.scorer.hearing)

    def features(
        self, audio: Recording, text: str | Script, *, rate: int | None = None,
        pronunciations: Pronunciations | None = None,
    ) -> Measurements:  # fmt: skip
        """Measure everything the scores rest on; arguments and errors as :meth:`assess`."""
        sound = load(audio, rate)
        return self._measure(sound, _script(text, pronunciations), hear_reading(self.acoustic, sound))

    def _measure(self, sound: Audio, script: Script, posteriors: Posteriors) -> Measurements:
        tune = prosody(sound.samples)
        alignment = align(posteriors, script, self.acoustic.align_options, tune.energy)
        return measure(posteriors, alignment, tune)


def assess(audio: Recording, text: str, *, acoustic: str = DEFAULT, **options: Any) -> Assessment:
    """Score a recording of ``text`` with the shipped models; see :class:`Assessor` for the names of acoustic
    models and :meth:`Assessor.assess` for the rest."""
    return _shared(acoustic).assess(audio, text, **options)


@cache
def _shared(acoustic: str) -> Assessor:
    return Assessor(acoustic)


def load(audio: Recording, rate: int | None = None) -> Audio:
    return audio if isinstance(audio, Audio) else load_audio(audio, rate)


def _loaded(audio: Recording, text: str | Script) -> tuple[Audio, Script]:
    return load(audio), _script(text, None)


def _attempt(work: Callable[[], T]) -> T | ElocuteError:
    """What ``work`` gives, or the error if the reading is to blame."""
    try:
        return work()
    except ModelError:
        raise
    except ElocuteError as error:
        return error


def _script(text: str | Script, pronunciations: Pronunciations | None) -> Script:
    return text if isinstance(text, Script) else read_script(text, pronunciations)
