"""What to work on next: up to three suggestions, each following from a measurement that it cites.

Every rule looks at one kind of measurement and answers its cases with a weight, roughly the points at stake.
The three heaviest are given, few of a kind.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from elocute.articulation import example, how_to
from elocute.phones import base, ipa, is_vowel, stress
from elocute.result import Assessment, Pause, PhoneResult, Suggestion, WordResult

MOST = 3
MOST_OF_A_KIND = {"words": 1, "sound": 2, "polish": 1, "flow": 2, "tune": 2}

CLEAR, PERFECT = 85.0, 97.0
"""Points from which a sound is good, and from which it needs no advice at all."""

FINE = 90.0
"""Points from which fluency and prosody need no advice."""

HEARD = 0.3
"""Probability from which another phone is named as what was heard."""

HESITATION = 0.3
"""Seconds of silence within a phrase from which it is worth a suggestion: twice what counts as a pause."""

ADDED = 0.5
"""Probability from which an added sound is named."""

UNUSUAL = 10.0
"""Per cent of fluent readers below or above which a measurement is worth a suggestion."""

WEAK_STRESS = 80.0


@dataclass(frozen=True)
class _Candidate:
    kind: Literal["words", "sound", "polish", "flow", "tune"]
    weight: float
    suggestion: Suggestion


def suggest(assessment: Assessment) -> tuple[Suggestion, ...]:
    """Up to three suggestions, the most important first; none without scores."""
    if assessment.status not in ("ok", "incomplete") or assessment.scores.total is None:
        return ()
    found = sorted(
        (candidate for rule in RULES for candidate in rule(assessment)), key=lambda c: -c.weight
    )  # stable: equal weights keep the order of the rules
    chosen: list[_Candidate] = []
    for candidate in found:
        if sum(item.kind == candidate.kind for item in chosen) < MOST_OF_A_KIND[candidate.kind]:
            chosen.append(candidate)
    return tuple(item.suggestion for item in chosen[:MOST]) or tuple(_well_read(assessment))


# --- words and sounds ------------------------------------------------------------------------------------


def _omitted(assessment: Assessment) -> Iterator[_Candidate]:
    missing = [i for i, word in enumerate(assessment.words) if word.verdict == "omitted"]
    if missing:
        words = ", ".join(f"“{assessment.words[i].text}”" for i in missing[:4])
        more = f" and {len(missing) - 4} more" if len(missing) > 4 else ""
        message = (
            f"{len(missing)} of {len(assessment.words)} words could not be heard: {words}{more}. "
            "Read every word, also the short ones, clearly enough to be heard."
        )
        yield _Candidate("words", 200.0, Suggestion("omitted", "Read every word", message, missing[0]))


Place = tuple[float, int, int, PhoneResult]
"""Accuracy, word, index in the word, phone."""


def _sounds(assessment: Assessment) -> Iterator[_Candidate]:
    """Every sound with a weak case; a sound that fails several times weighs more than a single slip."""
    places: dict[str, list[Place]] = defaultdict(list)
    for number, word in enumerate(assessment.words):
        for index, phone in enumerate(word.phones):
            if word.verdict != "omitted" and phone.accuracy is not None and phone.accuracy < PERFECT:
                places[base(phone.phone)].append((phone.accuracy, number, index, phone))
    for found in places.values():
        found.sort(key=lambda place: place[:3])
        deficits = [100.0 - accuracy for accuracy, *_ in found]
        kind: Literal["sound", "polish"] = "sound" if found[0][0] < CLEAR else "polish"
        yield _Candidate(kind, deficits[0] + 0.25 * sum(deficits[1:4]), _sound(assessment, found))


def _sound(assessment: Assessment, found: list[Place]) -> Suggestion:
    accuracy, number, index, phone = found[0]
    word = assessment.words[number]
    name = f"{phone.ipa} (as in “{example(phone.phone)}”)"
    heard, probability = _heard(word, index)
    score = f"its score is {accuracy:.0f} of 100"
    if (word_edit := _deleted(word, index)) is not None:
        title = f"Say the {phone.ipa} in “{word.text}”"
        measured = f"The sound {name} was not heard (probability {word_edit:.0%}); {score}."
    elif accuracy >= CLEAR:
        title = f"Polish the {phone.ipa} in “{word.text}”"
        measured = f"It is good already, but the sound {name} is the weakest: {score}."
    elif heard:
        title = f"{phone.ipa} in “{word.text}” sounds like {ipa(heard)}"
        measured = f"Wanted is {name}, {ipa(heard)} was heard (probability {probability:.0%}); {score}."
    else:
        title = f"Work on {phone.ipa} in “{word.text}”"
        measured = f"The sound {name} was not clear: {score}."
    weak = [n for accuracy, n, _, _ in found[1:] if n != number and accuracy < CLEAR]
    others = list(dict.fromkeys(text for n in weak if (text := assessment.words[n].text) != word.text))
    again = f" The same sound is weak in {_listed(others[:3])}." if others else ""
    return Suggestion("sound", title, f"{measured} {how_to(phone.phone, heard)}{again}", number, index)


def _heard(word: WordResult, index: int) -> tuple[str | None, float]:
    """The other phone most probably said instead, if one is probable enough.

    A vowel in place of a consonant, or the reverse, tells of a blurred sound, not of an exchanged one.
    """
    for edit in word.edits:
        if edit.kind == "substitution" and edit.position == index and edit.heard:
            return edit.heard, edit.probability
    phone = word.phones[index]
    for best in phone.heard[:1]:
        is_other = base(best.phone) != base(phone.phone) and is_vowel(best.phone) == is_vowel(phone.phone)
        if is_other and best.probability >= HEARD:
            return best.phone, best.probability
    return None, 0.0


def _deleted(word: WordResult, index: int) -> float | None:
    edits = (e.probability for e in word.edits if e.kind == "deletion" and e.position == index)
    return next(edits, None)


def _added(assessment: Assessment) -> Iterator[_Candidate]:
    """The most probable sound that the word does not have."""
    found = [
        (edit.probability, number, edit)
        for number, word in enumerate(assessment.words)
        for edit in word.edits
        if edit.kind == "insertion" and edit.heard and edit.probability >= ADDED
    ]
    if not found:
        return
    probability, number, edit = max(found, key=lambda item: item[:2])
    word = assessment.words[number]
    name = ipa(edit.heard or "")
    where = (
        f"after its {word.phones[-1].ipa}"
        if edit.position >= len(word.phones)
        else f"before its {word.phones[edit.position].ipa}"
    )
    words = len({item[1] for item in found})
    again = f" Added sounds were heard in {words} words." if words > 1 else ""
    message = (
        f"{name} was heard {where}, where “{word.text}” has no such sound (probability {probability:.0%}). "
        f"Go straight from one sound to the next.{again}"
    )
    title = f"No {name} in “{word.text}”"
    yield _Candidate("sound", 60.0 * probability + 5.0 * words, Suggestion("added", title, message, number))


def _stressed(assessment: Assessment) -> Iterator[_Candidate]:
    """The word of several syllables whose stress is weakest, with its vowels' lengths."""
    weak = [
        (word.stress, number)
        for number, word in enumerate(assessment.words)
        if word.stress is not None and word.stress < WEAK_STRESS and _vowels(word) > 1
    ]
    if not weak:
        return
    score, number = min(weak)
    word = assessment.words[number]
    strong = [p for p in word.phones if is_vowel(p.phone) and stress(p.phone) == 1]
    other = [p for p in word.phones if is_vowel(p.phone) and stress(p.phone) == 0]
    lengths = ""
    if strong and other:
        lengths = (
            f" Its stressed vowel {strong[0].ipa} lasts {_ms(strong[0])} ms, "
            f"the unstressed {other[0].ipa} {_ms(other[0])} ms."
        )
    message = (
        f"Stress scores {score:.0f} of 100.{lengths} Say the stressed syllable longer, louder and higher."
    )
    title = f"Stress “{word.text}” on its {_ordinal(word)} syllable"
    yield _Candidate("tune", 100.0 - score, Suggestion("stress", title, message, number))


def _vowels(word: WordResult) -> int:
    return sum(is_vowel(phone.phone) for phone in word.phones)


def _ms(phone: PhoneResult) -> int:
    return round(1000 * (phone.end - phone.start))


def _ordinal(word: WordResult) -> str:
    marks = [stress(phone.phone) for phone in word.phones if is_vowel(phone.phone)]
    place = marks.index(1) if 1 in marks else 0
    names = ("first", "second", "third", "fourth", "fifth", "sixth")
    return names[place] if place < len(names) else f"{place + 1}th"


# --- flow ------------------------------------------------------------------------------------------------


def _hesitations(assessment: Assessment) -> Iterator[_Candidate]:
    """The longest silence where the text has no punctuation mark."""
    breaks = phrase_ends(assessment)
    unexpected = [
        pause
        for pause in assessment.pauses
        if pause.after_word not in breaks and pause.end - pause.start >= HESITATION
    ]
    if unexpected:
        longest = max(unexpected, key=lambda pause: pause.end - pause.start)
        weight = 60.0 * min(longest.end - longest.start, 1.5)
        yield _Candidate("flow", weight, _hesitation(assessment, longest))


def _hesitation(assessment: Assessment, pause: Pause) -> Suggestion:
    before, after = (assessment.words[pause.after_word + step].text for step in (0, 1))
    message = (
        f"You stopped for {pause.end - pause.start:.2f} s between “{before}” and “{after}”, where the text "
        "has no break. Read ahead silently, then say these words in one go."
    )
    return Suggestion("pause", f"No pause after “{before}”", message, pause.after_word)


def phrase_ends(assessment: Assessment) -> frozenset[int]:
    """Indices of the words behind which the text has a punctuation mark, or may have one.

    A word that is not written as it is spoken ("$5") is not found in the text: behind it a mark is possible.
    """
    ends = {-1, len(assessment.words) - 1}
    text, place = assessment.text.lower().replace("’", "'"), 0
    for number, word in enumerate(assessment.words):
        found = re.compile(rf"(?<!\w){re.escape(word.text)}(?!\w)").search(text, place)
        if found is None or found.start() - place > 40:
            ends |= {number - 1, number}
            continue
        place = found.end()
        if re.match(r"['\"”)\]]*\s*[.,;:!?…—–(\[“-]", text[place:]):
            ends.add(number)
    return frozenset(ends)


_KINDS = {
    "filler": ("filled pause (um, uh)", "filled pauses (um, uh)"),
    "repetition": ("repetition", "repetitions"),
    "fragment": ("broken-off word", "broken-off words"),
    "speech": ("stretch of other speech", "stretches of other speech"),
}


def _inserted(assessment: Assessment) -> Iterator[_Candidate]:
    counts = {kind: sum(item.kind == kind for item in assessment.insertions) for kind in _KINDS}
    seconds = sum(item.end - item.start for item in assessment.insertions)
    said = [f"{count} {_KINDS[kind][count > 1]}" for kind, count in counts.items() if count]
    if said:
        message = (
            f"Heard beside the text: {', '.join(said)}, {seconds:.2f} s in all. "
            "Read the sentence silently first, then aloud in one go."
        )
        word = max(assessment.insertions[0].after_word, 0)
        weight = 10.0 + 70.0 * min(seconds, 1.0)
        yield _Candidate("flow", weight, Suggestion("inserted", "Read only the text", message, word))


@dataclass(frozen=True)
class _Norm:
    """What to say if a feature lies below or above nearly all fluent readers."""

    feature: str
    kind: Literal["flow", "tune"]
    side: Literal["low", "high"]
    title: str
    measured: str
    advice: str


NORMS = (
    _Norm("speech_rate", "flow", "low", "Read a little faster", "slower",
          "Link the words of a phrase and shorten the small ones (the, of, to)."),
    _Norm("speech_rate", "flow", "high", "Take your time", "faster",
          "Slow down at the words that matter, and let vowels sound in full."),
    _Norm("f0_range", "tune", "low", "Let your voice move", "less",
          "Raise the pitch on the important words and let it fall at the end of the sentence."),
    _Norm("mean_length_run", "flow", "low", "Say more words in one go", "fewer",
          "Read ahead silently, and pause only where the text has a mark."),
    _Norm("stress_duration_ratio", "tune", "low", "Make stressed vowels longer", "less",
          "Hold the vowel of the stressed syllable, and hurry over the unstressed ones."),
    _Norm("vowel_npvi", "tune", "low", "Make stressed vowels long, others short", "less",
          "English alternates: hold the stressed vowels and hurry over the unstressed ones."),
)  # fmt: skip

_PHRASES = {
    "speech_rate": "You read {value:.1f} syllables per second",
    "f0_range": "Your pitch moves over {value:.1f} semitones",
    "all_pause_duration": "Your pauses last {value:.2f} s in all",
    "mean_length_run": "You say {value:.1f} words between pauses",
    "stress_duration_ratio": "Your stressed vowels last {value:.1f} times as long as the unstressed ones",
    "vowel_npvi": "The lengths of neighbouring vowels differ by {value:.0f} %",
}


def _norms(assessment: Assessment) -> Iterator[_Candidate]:
    """Measurements outside what is usual, where the percentile among fluent readers is known."""
    for norm in NORMS:
        feature = assessment.features.get(norm.feature)
        if feature is None or feature.value is None or feature.percentile is None:
            continue
        share = feature.percentile if norm.side == "high" else 100.0 - feature.percentile
        if share < 100.0 - UNUSUAL:
            continue
        phrase = _PHRASES[norm.feature].format(value=feature.value)
        message = f"{phrase}, {norm.measured} than {_most(share)} of fluent readers. {norm.advice}"
        weight = 25.0 + 3.0 * (share - 100.0 + UNUSUAL) + 3.0 * max(0.0, -(feature.effect or 0.0))
        suggestion = Suggestion(norm.feature, norm.title, message, feature=norm.feature)
        yield _Candidate(norm.kind, weight, suggestion)


def _most(share: float) -> str:
    return "nearly all" if share > 99.0 else f"{share:.0f} %"


def _aspects(assessment: Assessment) -> Iterator[_Candidate]:
    """Fluency and prosody below fine, with the measurements that stand behind them."""
    scores, values = assessment.scores, assessment.features
    for kind, name, score, features, title, advice in (
        ("flow", "Fluency", scores.fluency, ("speech_rate", "all_pause_duration"), "Read more smoothly",
         "Join the words of each phrase, at an even pace."),
        ("tune", "Prosody", scores.prosody, ("f0_range", "vowel_npvi"), "Give it more rhythm and melody",
         "Hold the stressed vowels, hurry over the others, and let the pitch move on important words."),
    ):  # fmt: skip
        measured = [
            _PHRASES[feature].format(value=values[feature].value)
            for feature in features
            if feature in values and values[feature].value
        ]
        if score is not None and score < FINE and measured:
            message = f"{name} scores {score:.0f} of 100. {'. '.join(measured)}. {advice}"
            suggestion = Suggestion(name.lower(), title, message, feature=features[0])
            yield _Candidate(kind, 0.6 * (FINE - score), suggestion)  # type: ignore[arg-type]


RULES: tuple[Callable[[Assessment], Iterator[_Candidate]], ...] = (
    _omitted, _sounds, _added, _stressed, _hesitations, _inserted, _norms, _aspects,
)  # fmt: skip


def _well_read(assessment: Assessment) -> Iterator[Suggestion]:
    """Nothing to correct: the weakest sound says how little."""
    scored = [
        (phone.accuracy, number, index)
        for number, word in enumerate(assessment.words)
        for index, phone in enumerate(word.phones)
        if phone.accuracy is not None
    ]
    if not scored:
        return
    accuracy, number, index = min(scored)
    word = assessment.words[number]
    mean = fmean(score for score, _, _ in scored)
    message = (
        f"The sounds score {mean:.0f} of 100 on average; the weakest, {word.phones[index].ipa} in "
        f"“{word.text}”, {accuracy:.0f}. Try a longer or harder text."
    )
    yield Suggestion("well_read", "Nothing to correct", message, number, index)


def _listed(words: list[str]) -> str:
    quoted = [f"“{word}”" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
