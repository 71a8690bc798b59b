"""Syllables by maximal onset."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elocute.phones import PHONES, VOWELS, base, is_vowel
from elocute.text.lexicon import lexicon
from elocute.text.syllables import ONSETS, syllabify

phones = st.sampled_from([f"{p}{s}" for p in sorted(VOWELS) for s in ("", "0", "1", "2")]
                         + [p for p in PHONES if p not in VOWELS])  # fmt: skip


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("tomato", "T AH0 . M EY1 . T OW2"),
        ("extra", "EH1 K . S T R AH0"),
        ("singer", "S IH1 NG . ER0"),
        ("finger", "F IH1 NG . G ER0"),
        ("butler", "B AH1 T . L ER0"),
        ("april", "EY1 . P R AH0 L"),
        ("music", "M Y UW1 . Z IH0 K"),
        ("strengths", "S T R EH1 NG K TH S"),
        ("chaos", "K EY1 . AA0 S"),
        ("vision", "V IH1 . ZH AH0 N"),
        ("hmm", "HH M"),
    ],
)
def test_words(word: str, syllables: str) -> None:
    expected = tuple(tuple(part.split()) for part in syllables.split(" . "))
    assert syllabify(lexicon().get(word)[0]) == expected


def test_nothing_has_no_syllable() -> None:
    assert syllabify([]) == ()


@given(st.lists(phones, min_size=1, max_size=30))
def test_properties(word: list[str]) -> None:
    syllables = syllabify(word)
    assert [phone for syllable in syllables for phone in syllable] == word
    n_vowels = sum(map(is_vowel, word))
    assert len(syllables) == max(1, n_vowels)
    for i, syllable in enumerate(syllables):
        vowels = [j for j, phone in enumerate(syllable) if is_vowel(phone)]
        assert len(vowels) == (1 if n_vowels else 0)
        if i:
            onset = tuple(map(base, syllable[: vowels[0]]))
            assert onset == () or onset in ONSETS


@given(st.lists(phones, min_size=2, max_size=12))
def test_onsets_are_maximal(word: list[str]) -> None:
    syllables = syllabify(word)
    for left, right in pairwise(syllables):
        onset = tuple(map(base, right[: next(i for i, phone in enumerate(right) if is_vowel(phone))]))
        assert is_vowel(left[-1]) or (base(left[-1]), *onset) not in ONSETS
