"""From the stages' results to the result tree: units, rounding, verdicts and warnings."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace

from elocute._version import __version__
from elocute.acoustics.alignment import Alignment, PhoneSegment, WordSegment
from elocute.acoustics.gop import Goodness, heard
from elocute.acoustics.prosody import FRAME_SHIFT, Prosody
from elocute.acoustics.quality import signal_to_noise
from elocute.advice import suggest
from elocute.audio import Audio, clipping_ratio, level_db
from elocute.card import Card
from elocute.features.handcrafted import PAUSE, REGISTRY
from elocute.features.measurements import Measurements
from elocute.phones import ipa
from elocute.result import (
    Assessment,
    FeatureValue,
    HeardPhone,
    Insertion,
    ModelInfo,
    Notice,
    Pause,
    PhoneEdit,
    PhoneResult,
    Pitch,
    UtteranceScores,
    WordResult,
)
from elocute.scoring.hearing import LEAST, MOST, Hearing
from elocute.scoring.presence import Presence, completeness
from elocute.scoring.scores import PHONE_SCALE, SCALE, Explanation, Scores, WordScores, points
from elocute.text.script import Script

MISPRONOUNCED = 60.0
"""Points of word accuracy below which a word is called mispronounced: the limit that clients of other
services know."""

NOISY = 12.0
"""Signal-to-noise ratio in dB below which scores are told to be less reliable (docs/hearing.md)."""

UNKNOWN = UtteranceScores(None, None, None, None, None)


def compose(
    sound: Audio, script: Script, measured: Measurements, presence: Presence, scores: Scores,
    model: ModelInfo, hearing: Hearing | None = None, n_best: int | None = None,
) -> Assessment:  # fmt: skip
    """The assessment of a recording in which something was said.

    Off script no score is given. A word left out scores 0 in accuracy and total (the raters' rule for a word
    without voice), and the utterance's accuracy and total shrink by the share of words left out. Without
    ``hearing``, errors, edits and confidence stay unknown.
    """
    alignment = measured.alignment
    scored = presence.status in ("ok", "incomplete")
    share = completeness(presence.spoken)
    utterance = UNKNOWN
    if scored:
        utterance = UtteranceScores(
            accuracy=points(scores.accuracy * share / SCALE, SCALE),
            completeness=points(share, SCALE),
            fluency=points(scores.fluency, SCALE),
            prosody=points(scores.prosodic, SCALE),
            total=points(scores.total * share / SCALE, SCALE),
        )
    rows = _phone_rows(measured.goodness, scores, alignment, presence, scored, hearing, n_best)
    words = tuple(
        _word(word, found, spoken, rows, scored)
        for word, found, spoken in zip(alignment.words, scores.words, presence.spoken, strict=True)
    )
    if hearing is not None:
        words = tuple(_overheard(word, number, hearing) for number, word in enumerate(words))
    pauses = tuple(
        Pause(_time(s.start), _time(s.end), s.after_word)
        for s in alignment.silences
        if 0 <= s.after_word < len(alignment.words) - 1 and s.end - s.start > PAUSE
    )
    known = scores.explanation or Explanation(None, {}, {})
    part = 100.0 / SCALE * share / SCALE if scored else None  # from the experts' scale to points
    notices = (*_sound_notices(sound), *_script_notices(alignment), *_presence_notices(script, presence))
    if scored:
        notices = (*notices, *_noise_notice(signal_to_noise(measured.prosody.energy, alignment)))
    insertions = tuple(
        Insertion(_time(s.start), _time(s.end), s.after_word, s.kind, s.text) for s in alignment.inserted
    )
    assessment = Assessment(
        presence.status, notices, script.text, _time(sound.duration), utterance, words, pauses,
        _features(measured.utterance, known, part), model, insertions, pitch=_pitch(measured.prosody),
        reference_total=None if part is None or known.reference is None else round(part * known.reference, 3),
    )  # fmt: skip
    return replace(assessment, suggestions=suggest(assessment))


def _features(
    utterance: dict[str, float | None], known: Explanation, part: float | None
) -> dict[str, FeatureValue]:
    """Values with their percentiles and effects; ``part`` turns effects into points, ``None`` unscored."""
    found = {}
    for name, value in utterance.items():
        percentile, effect = known.percentiles.get(name), known.effects.get(name)
        found[name] = FeatureValue(
            None if value is None else round(value, 4),
            REGISTRY[name].unit,
            None if percentile is None else round(percentile, 1),
            None if effect is None or part is None else round(part * effect, 3),
        )
    return found


def compose_silent(sound: Audio, script: Script, model: ModelInfo) -> Assessment:
    """The assessment of a recording in which nobody speaks: nothing is aligned, nothing scored."""
    words = tuple(
        WordResult(
            word.text, 0.0, 0.0, None, None, None, "omitted", word.pronunciations[0].source,
            tuple(PhoneResult(x, ipa(x), 0.0, 0.0, None, ()) for x in word.pronunciations[0].phones),
        )
        for word in script.words
    )  # fmt: skip
    message = "No speech was found in the recording: check the microphone and record again."
    notices = (*_sound_notices(sound), Notice("no_speech", message))
    duration = _time(sound.duration)
    return Assessment("no_speech", notices, script.text, duration, UNKNOWN, words, (), {}, model)


PITCH_STEP = 2
"""Every how many frames of 10 ms the result has F0: the detector's own frames are 16 ms."""


def _pitch(prosody: Prosody) -> Pitch:
    frames = prosody.f0[::PITCH_STEP].tolist()
    return Pitch(
        PITCH_STEP * FRAME_SHIFT, tuple(None if math.isnan(hertz) else round(hertz, 1) for hertz in frames)
    )


def _time(seconds: float) -> float:
    return round(seconds, 4)


def model_info(acoustic: Card, scorer: Card, parts: str = "") -> ModelInfo:
    """All models together make the scores, so name, version and hash tell of all; ``parts`` are the hashes of
    the scorer's other parts, if it has any."""
    digest = hashlib.sha256((acoustic.sha256 + scorer.sha256 + parts).encode()).hexdigest()
    version = f"{__version__}+{acoustic.version}.{scorer.version}"
    return ModelInfo(f"{acoustic.name}+{scorer.name}", version, digest)


def _phone_rows(
    goods: Goodness, scores: Scores, alignment: Alignment, presence: Presence, scored: bool,
    hearing: Hearing | None, n_best: int | None,
) -> Iterator[PhoneResult]:  # fmt: skip
    row = 0
    for word, spoken in zip(alignment.words, presence.spoken, strict=True):
        for phone in word.phones:
            accuracy = points(float(scores.phones[row]), PHONE_SCALE) if spoken else 0.0
            limits = (MOST, LEAST) if n_best is None else (n_best, 0.0)
            likely = heard(goods, row, *limits) if hearing is None else hearing.heard(row, *limits)
            found = tuple(HeardPhone(x, round(p, 4)) for x, p in likely)
            result = _phone(phone, accuracy if scored else None, found)
            if hearing is not None and scored:
                # What experts would call a phone of a word that was not said, nobody knows.
                error = round(float(hearing.error[row]), 4) if spoken else None
                verdict = "mispronounced" if spoken and hearing.wrong[row] else "ok"
                result = replace(result, error=error, verdict=verdict)  # type: ignore[arg-type]
            yield result
            row += 1


def _phone(phone: PhoneSegment, accuracy: float | None, found: tuple[HeardPhone, ...]) -> PhoneResult:
    return PhoneResult(phone.phone, ipa(phone.phone), _time(phone.start), _time(phone.end), accuracy, found)


def _overheard(word: WordResult, number: int, hearing: Hearing) -> WordResult:
    """The word with its confidence and, if it was said, what was said instead of its phones."""
    edits = tuple(
        PhoneEdit(e.kind, e.position, e.expected, e.heard, round(e.probability, 4))
        for e in hearing.edits
        if e.word == number and word.verdict != "omitted"
    )
    return replace(word, confidence=round(float(hearing.confidence[number]), 4), edits=edits)


def _word(
    word: WordSegment, scores: WordScores, spoken: bool, rows: Iterator[PhoneResult], scored: bool
) -> WordResult:
    phones = tuple(next(rows) for _ in word.phones)
    accuracy: float | None = points(scores.accuracy, SCALE)
    stress: float | None = points(scores.stress, SCALE)
    total: float | None = points(scores.total, SCALE)
    verdict = "mispronounced" if points(scores.accuracy, SCALE) < MISPRONOUNCED else "ok"
    if not spoken:
        accuracy, stress, total, verdict = 0.0, None, 0.0, "omitted"
    if not scored:
        accuracy = stress = total = None
    return WordResult(
        word.text, _time(word.start), _time(word.end), accuracy, stress, total,
        verdict, word.source, phones,  # type: ignore[arg-type]
    )  # fmt: skip


def _sound_notices(sound: Audio) -> Iterator[Notice]:
    if clipping_ratio(sound.samples) > 0.001:
        yield Notice("clipped", "The recording is clipped: record again with a lower input level.")
    if level_db(sound.samples) < -50.0:
        message = "The recording is very quiet: scores may be less reliable; move closer to the microphone."
        yield Notice("quiet", message)
    if sound.source_rate < 16_000:
        message = "The recording has a sample rate below 16 kHz: sounds like s and f are judged less well."
        yield Notice("narrow_band", message)


def _noise_notice(ratio: float) -> Iterator[Notice]:
    if ratio < NOISY:
        message = (
            f"The recording is noisy (speech {max(ratio, 0.0):.0f} dB above the noise): scores are less "
            "reliable; record again in a quieter place or closer to the microphone."
        )
        yield Notice("noisy", message)


def _script_notices(alignment: Alignment) -> Iterator[Notice]:
    guessed = ", ".join(dict.fromkeys(word.text for word in alignment.words if word.source == "g2p"))
    if guessed:
        message = f"Not in the lexicon, pronunciation guessed: {guessed}; pass pronunciations to be sure."
        yield Notice("guessed_pronunciation", message)


def _presence_notices(script: Script, presence: Presence) -> Iterator[Notice]:
    if presence.status == "off_script":
        yield Notice("off_script", "The recording does not match the text: check that they belong together.")
    elif presence.status == "incomplete":
        words = zip(script.words, presence.spoken, strict=True)
        left_out = ", ".join(word.text for word, spoken in words if not spoken)
        yield Notice("incomplete", f"Not heard in the recording: {left_out}.")
