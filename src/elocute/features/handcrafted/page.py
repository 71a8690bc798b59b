"""The page that lists the registry: ``python -m elocute.features.handcrafted.page > docs/features.md``."""

from __future__ import annotations

import sys

from elocute.features.handcrafted import FAMILIES, LONG_PAUSE, PAUSE, REGISTRY, Feature

HEAD = f"""# Handcrafted features

{{count}} measurements of a reading, as phoneticians define them. `elocute features` prints them all, and so
does the result of `elocute assess` (`features`), with percentiles among fluent readers and effects on the
score where known. This page is made from the registry: `python -m elocute.features.handcrafted.page >
docs/features.md`.

- A feature that the reading does not define has no value (`null`): the standard deviation of one pause, the
  stress of a text without long words, the pitch of a whisper. It is never NaN, and 0 only where 0 was
  counted or measured.
- A pause is a silence between words of more than {PAUSE} s, a long one of more than {LONG_PAUSE} s. Silence
  before the first word and after the last counts only where it is named.
- Standard deviations are of the population; mad is the median absolute deviation.
- Time without pauses counts as 0.05 s at least.
- Neighbouring vowels form one vocalic interval and neighbouring consonants one consonantal interval, across
  words, too, unless a silence lies between them. Successive vowels, syllables, words and intervals are
  compared also over a silence.
- Stressed vowels have primary stress, unstressed ones none; secondary stress is neither. Stress counts only
  in words of several syllables. Function words are articles, prepositions, pronouns, auxiliaries and
  conjunctions.
- Pitch is in semitones and energy in dB relative to the reading's own level, so neither the voice's height
  nor the gain matters, except where a height is named.
- Relative duration is the logarithm of a phone's duration over the phone's mean duration in native speech.
- Acceptance is the probability that human raters accept a phone, as the acoustic model estimates it.
- Words of the text that the reader left out are measured like the others: their phones lie where they fit
  least badly.

How they are checked: every feature against a case computed by hand, by tests that also tell it from the
others of its family (`tests/hand_*.py`); statistics, slopes and correlations against scipy, error rates
against jiwer, nPVI against the numbers printed by Toussaint (2012) and Livingstone (2011), and delta, Varco,
%V, rPVI and nPVI against the R package rhythm.metrics (Zhang 2022), whose standard deviations are of the
sample (`tests/test_feature_statistics.py`).
"""


def features_page() -> str:
    """docs/features.md: one table per family."""
    parts = [HEAD.format(count=len(REGISTRY))]
    group = ""
    for family, (own_group, title) in FAMILIES.items():
        if own_group != group:
            group = own_group
            parts.append(f"## {group.capitalize()}\n")
        members = [feature for feature in REGISTRY.values() if feature.family == family]
        parts.append(f"### {title}\n\nFamily `{family}`, {len(members)} features.\n")
        rows = [f"| `{f.name}` | {f.unit} | {_cell(f.formula)} | {_cell(f.source)} |" for f in members]
        parts.append("| name | unit | formula | source |\n|---|---|---|---|\n" + "\n".join(rows) + "\n")
        parts.append("What a learner can do:\n")
        parts.append("\n".join(_advice(members)) + "\n")
    return "\n".join(parts)


def _advice(members: list[Feature]) -> list[str]:
    """One line per advice: the commonest first, the others with the features they are about."""
    found: dict[str, list[str]] = {}
    for feature in members:
        found.setdefault(feature.advice, []).append(f"`{feature.name}`")
    common = max(found, key=lambda advice: len(found[advice]))
    others = [f"- {', '.join(names)}: {advice}" for advice, names in found.items() if advice != common]
    return [f"- {common}", *others]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(features_page())
