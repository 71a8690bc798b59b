"""Azure's pronunciation assessment over REST: the detailed answer with its scores flat in ``NBest[0]``.

Source: Microsoft, "Use pronunciation assessment" and the REST API for short audio. Phones are IPA symbols
(``PhonemeAlphabet`` IPA). What Elocute does not measure is left out, as is a score that could not be given;
docs/azure.md compares field by field.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from elocute.phones import base, ipa
from elocute.result import Assessment, Pause, PhoneResult, Status, UtteranceScores, Verdict, WordResult
from elocute.text.syllables import syllabify

RECOGNITION_STATUS: dict[Status, str] = {
    "ok": "Success",
    "incomplete": "Success",
    "no_speech": "InitialSilenceTimeout",
    "off_script": "NoMatch",
}
SAPI = {"AH0": "ax", "HH": "h"}
"""Phones whose name in SAPI's alphabet for US English is not ARPAbet in small letters."""

ERROR_TYPE: dict[Verdict, str] = {"ok": "None", "mispronounced": "Mispronunciation", "omitted": "Omission"}


@dataclass(frozen=True)
class _View:
    alphabet: str
    granularity: str

    def name(self, phone: PhoneResult) -> str:
        return phone.ipa if self.alphabet == "IPA" else self.named(phone.phone)

    def named(self, phone: str) -> str:
        return ipa(phone) if self.alphabet == "IPA" else SAPI.get(phone, base(phone).lower())

    def join(self, phones: list[PhoneResult]) -> str:
        return ("" if self.alphabet == "IPA" else " ").join(map(self.name, phones))


def write(assessment: Assessment, *, alphabet: str = "IPA", granularity: str = "Phoneme") -> str:
    """The answer as JSON; ``NBest`` only where something was recognised, times in ticks of 100 ns.

    Args:
        alphabet: of phones and syllables, ``IPA`` or ``SAPI``.
        granularity: ``Phoneme``, ``Word`` (no phones and syllables), or ``FullText`` (no words either).
    """
    status = RECOGNITION_STATUS[assessment.status]
    answer: dict[str, Any] = {"RecognitionStatus": status}
    if status == "Success":
        spoken = [word for word in assessment.words if word.verdict != "omitted"] or assessment.words
        answer |= _times(spoken[0].start, spoken[-1].end) if spoken else _times(0.0, assessment.duration)
        answer |= {"DisplayText": assessment.text, "NBest": [_best(assessment, _View(alphabet, granularity))]}
    else:
        answer |= _times(0.0, assessment.duration)
    return json.dumps(answer, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def pron_score(scores: UtteranceScores) -> float | None:
    """Azure's overall score of a reading, 0-100: the mean of its aspects, the worst one weighted double.

    .4, .2, .2, .2 of the ascending scores; .6, .2, .2 without prosody. ``None`` if another aspect is unknown.
    """
    required = (scores.accuracy, scores.completeness, scores.fluency)
    known = sorted(score for score in (*required, scores.prosody) if score is not None)
    if None in required:
        return None
    worst, *rest = known
    return round(0.2 * sum(rest) + (1 - 0.2 * len(rest)) * worst, 4)


def _best(assessment: Assessment, view: _View) -> dict[str, Any]:
    scores = assessment.scores
    lexical = " ".join(word.text for word in assessment.words)
    return {
        "Lexical": lexical,
        "ITN": lexical,
        "MaskedITN": lexical,
        "Display": assessment.text,
        **_known(
            AccuracyScore=scores.accuracy,
            FluencyScore=scores.fluency,
            CompletenessScore=scores.completeness,
            ProsodyScore=scores.prosody,
            PronScore=pron_score(scores),
        ),
        **({} if view.granularity == "FullText" else {"Words": list(_words(assessment, view))}),
    }


def _words(assessment: Assessment, view: _View) -> Iterator[dict[str, Any]]:
    """The words of the text, and between them what was said beside it."""
    added: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for insertion in assessment.insertions:
        times = _times(insertion.start, insertion.end)
        added[insertion.after_word].append({"Word": insertion.text, **times, "ErrorType": "Insertion"})
    breaks = {pause.after_word + 1: pause for pause in assessment.pauses}
    yield from added[-1]
    for index, word in enumerate(assessment.words):
        yield _word(word, breaks.get(index), view)
        yield from added[index]


def _word(word: WordResult, pause: Pause | None, view: _View) -> dict[str, Any]:
    said = word.verdict != "omitted"
    answer = {
        "Word": word.text,
        **_times(word.start, word.end),
        **_known(AccuracyScore=word.accuracy),
        "ErrorType": ERROR_TYPE[word.verdict],
    }
    if pause is not None:
        length = _times(pause.start, pause.end)["Duration"]
        answer["Feedback"] = {"Prosody": {"Break": {"BreakLength": length}}}
    if view.granularity == "Phoneme":
        answer["Syllables"] = list(_syllables(word, view)) if said else []
        answer["Phonemes"] = [_phone(phone, view) for phone in word.phones] if said else []
    return answer


def _syllables(word: WordResult, view: _View) -> Iterator[dict[str, Any]]:
    """A syllable's accuracy is the mean of its phones'."""
    left = iter(word.phones)
    for syllable in syllabify([phone.phone for phone in word.phones]):
        phones = list(islice(left, len(syllable)))
        known = [phone.accuracy for phone in phones if phone.accuracy is not None]
        yield {
            "Syllable": view.join(phones),
            **_times(phones[0].start, phones[-1].end),
            **_known(AccuracyScore=round(sum(known) / len(known), 4) if known else None),
        }


def _phone(phone: PhoneResult, view: _View) -> dict[str, Any]:
    return {
        "Phoneme": view.name(phone),
        **_times(phone.start, phone.end),
        **_known(AccuracyScore=phone.accuracy),
        "NBestPhonemes": [
            {"Phoneme": view.named(heard.phone), "Score": round(100 * heard.probability, 4)}
            for heard in phone.heard
        ],
    }


def _times(start: float, end: float) -> dict[str, int]:
    # The duration comes from rounded ends, so that touching segments touch in ticks, too.
    first, last = (round(seconds * 10_000_000) for seconds in (start, end))
    return {"Offset": first, "Duration": last - first}


def _known(**scores: float | None) -> dict[str, float]:
    return {name: score for name, score in scores.items() if score is not None}
