"""Every error a caller can provoke: a stable code and one sentence that says what to do."""

from __future__ import annotations


class ElocuteError(ValueError):
    """Base of all errors caused by the input; ``code`` is stable across releases."""

    code = "error"


class AudioError(ElocuteError):
    """The recording cannot be used."""

    code = "audio"


class NotAudio(AudioError):
    """The bytes are not a WAV, FLAC, OGG or MP3 recording, or are damaged."""

    code = "not_audio"


class AudioTooShort(AudioError):
    """The recording is shorter than the minimum."""

    code = "audio_too_short"


class AudioTooLong(AudioError):
    """The recording is longer than the maximum, in seconds or in decoded bytes."""

    code = "audio_too_long"


class UnsupportedAudio(AudioError):
    """A sample rate or channel count outside the supported range."""

    code = "unsupported_audio"


class DamagedAudio(AudioError):
    """Samples that are not finite numbers."""

    code = "damaged_audio"


class TextError(ElocuteError):
    """The text cannot be used."""

    code = "text"


class EmptyText(TextError):
    """No text at all."""

    code = "empty_text"


class NoPronounceableWord(TextError):
    """Text without a single word that can be read aloud in English."""

    code = "no_pronounceable_word"


class TextTooLong(TextError):
    """More words than one recording can hold."""

    code = "text_too_long"


class BadPronunciation(TextError):
    """A user-supplied pronunciation that is not a sequence of ARPAbet phones."""

    code = "bad_pronunciation"


class TextAudioMismatch(ElocuteError):
    """More phones than the recording has frames: the text cannot have been spoken in it."""

    code = "text_audio_mismatch"


class CorpusError(ElocuteError):
    """A corpus folder that is incomplete or inconsistent."""

    code = "corpus"


class ModelError(ElocuteError):
    """A model file that is missing, damaged or of another version."""

    code = "model"


class UnknownModel(ModelError):
    """A name that no installed acoustic model has."""

    code = "unknown_model"
