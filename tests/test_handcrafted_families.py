"""Every formula of the registry against a case computed by hand."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment, InsertedSegment
from elocute.acoustics.gop import ACCEPTANCE, SUMMARIES, Goodness, goodness
from elocute.acoustics.posteriors import CLASSES, SILENCE_ID
from elocute.acoustics.prosody import Prosody
from elocute.features.handcrafted import FAMILIES, REGISTRY, Evidence, handcrafted
from elocute.features.handcrafted.english import SECONDS
from elocute.features.handcrafted.page import features_page
from elocute.features.handcrafted.statistics import summarise
from elocute.phones import PHONE_ID, PHONES, base
from readings import flat_prosody, frames_of, random_posteriors, reading

# As "again | to | the | city | go": 0.2 s, 0.6 s and 0.1 s of silence, times in frames of 10 ms.
TEXT = (
    "_:30 | AH0:5 G:6 EH1:15 N:10 | _:20 | T:6 UW1:6 | _:60 | DH:6 AH0:6 | S:10 IH1:10 T:6 IY0:15 | _:10 "
    "| G:10 OW1:30 | _:20"
)
WORDS = ("again", "to", "the", "city", "go")
SPAN = 2.31
DURATIONS = [0.05, 0.06, 0.15, 0.10, 0.06, 0.06, 0.06, 0.06, 0.10, 0.10, 0.06, 0.15, 0.10, 0.30]
VOWELS = [0.05, 0.15, 0.06, 0.06, 0.10, 0.15, 0.30]
CONSONANTS = [0.06, 0.10, 0.06, 0.06, 0.10, 0.06, 0.10]


def named(alignment: Alignment, words: tuple[str, ...] = WORDS) -> Alignment:
    renamed = (dataclasses.replace(w, text=t) for w, t in zip(alignment.words, words, strict=True))
    return dataclasses.replace(alignment, words=tuple(renamed))


def blank(alignment: Alignment) -> Goodness:
    """Every phone fits perfectly and is accepted."""
    count = len(alignment.phones)
    own = [PHONE_ID[base(phone.phone)] for phone in alignment.phones]
    lpp = np.full((count, len(CLASSES)), -5.0, np.float32)
    posteriors = np.full((count, len(CLASSES)), 0.0, np.float32)
    lpp[np.arange(count), own], posteriors[np.arange(count), own] = -0.1, 0.9
    summaries = np.zeros((count, len(SUMMARIES)), np.float32)
    summaries[:, SUMMARIES.index("lpp_canonical")], summaries[:, SUMMARIES.index("lpr_rival")] = -0.1, -4.9
    acceptance = np.tile(np.array([3.0, 1.0, 5.0, 0.95], np.float32), (count, 1))
    return Goodness(lpp, lpp + 0.1, summaries, posteriors, acceptance)


def features(
    goods: Goodness | None = None, prosody: Prosody | None = None, text: str = TEXT
) -> dict[str, float]:
    alignment = named(reading(text)) if text == TEXT else reading(text)
    evidence = Evidence(alignment, goods or blank(alignment), prosody or flat_prosody(alignment))
    return handcrafted(evidence)  # type: ignore[return-value]


def mean_step(values: list[float]) -> float:
    return sum(abs(a - b) for a, b in pairwise(values)) / (len(values) - 1)


def relative(values: list[float]) -> float:
    pairs = list(pairwise(values))
    return 100 * sum(abs(a - b) / ((a + b) / 2) for a, b in pairs) / len(pairs)


@pytest.fixture(scope="module")
def plain() -> dict[str, float]:
    return features()


def test_the_case_is_what_it_says() -> None:
    alignment = reading(TEXT)
    assert [phone.duration for phone in alignment.phones] == pytest.approx(DURATIONS)
    assert alignment.words[-1].end - alignment.words[0].start == pytest.approx(SPAN)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("phone_rate", 14 / SPAN),
        ("phone_articulation_rate", 14 / (SPAN - 0.8)),
        ("word_rate", 5 / SPAN),
        ("vowel_rate", 7 / sum(VOWELS)),
        ("total_duration", 2.81),
        ("response_duration", SPAN),
        ("speaking_duration", SPAN - 0.8),
        ("syllable_count", 7),
        ("word_count", 5),
        ("phone_duration_median", 0.08),
        ("phone_duration_mad", 0.02),
        ("phone_duration_sum", sum(DURATIONS)),
        ("phone_duration_min", 0.05),
        ("phone_duration_max", 0.30),
        ("word_duration_mean", sum(DURATIONS) / 5),
        ("word_duration_median", 0.36),
        ("word_duration_max", 0.41),
        ("word_duration_min", 0.12),
        ("word_duration_sd", np.std([0.36, 0.12, 0.12, 0.41, 0.40])),
        ("syllable_duration_mean", sum(DURATIONS) / 7),
        ("syllable_duration_min", 0.05),  # the first syllable of "again" is its first vowel alone
        ("syllable_duration_max", 0.40),
        ("vowel_duration_mean", np.mean(VOWELS)),
        ("consonant_duration_mean", np.mean(CONSONANTS)),
        ("word_length_mean", (5 + 2 + 3 + 4 + 2) / 5),
        ("word_length_max", 5),
        ("letter_rate", 16 / SPAN),
        ("word_distinct", 5),
        ("word_repeats", 0),
    ],
)
def test_rate(plain: dict[str, float], name: str, expected: float) -> None:
    assert plain[name] == pytest.approx(expected)


def logs() -> NDArray[np.float64]:
    plain_phones = [base(phone.phone) for phone in reading(TEXT).phones]
    return np.log(np.array(DURATIONS) / np.array([SECONDS[phone] for phone in plain_phones]))


def test_relative_durations(plain: dict[str, float]) -> None:
    own = logs()
    assert plain["relative_duration_mean"] == pytest.approx(own.mean())
    assert plain["relative_duration_sd"] == pytest.approx(own.std())
    assert plain["relative_duration_max"] == pytest.approx(own.max())
    assert plain["stretched_share"] == pytest.approx((own > math.log(2)).mean())
    words = [own[0:4].mean(), own[4:6].mean(), own[6:8].mean(), own[8:12].mean(), own[12:].mean()]
    assert plain["word_pace_sd"] == pytest.approx(np.std(words))
    assert plain["final_lengthening"] == pytest.approx(own[12:].mean() - own[:12].mean())
    middles = [(p.start + p.end) / 2 for p in reading(TEXT).phones]
    assert plain["pace_slope"] == pytest.approx(np.polyfit(middles, own, 1)[0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("all_pause_count", 2),
        ("all_pause_duration", 0.8),
        ("long_pause_count", 1),
        ("long_pause_duration", 0.6),
        ("longest_pause", 0.6),
        ("gap_count", 3),
        ("gap_duration", 0.9),
        ("pause_duration_mean", 0.4),
        ("pause_duration_sd", 0.2),
        ("pause_duration_median", 0.4),
        ("pause_duration_min", 0.2),
        ("pause_rate", 2 / SPAN),
        ("long_pause_rate", 1 / SPAN),
        ("pause_share_of_places", 2 / 4),
        ("gap_share_of_places", 3 / 4),
        ("silence_share", 0.9 / SPAN),
        ("long_silence_share", 0.6 / SPAN),
        ("mean_gap", 0.9 / 4),
        ("pause_per_syllable", 0.8 / 7),
        ("pause_after_function_word", 1 / 2),  # after "to", not after "the"
        ("initial_silence", 0.295),
        ("final_silence", 0.205),
        ("mean_length_run", 5 / 3),
        ("max_length_run", 3),
        ("run_length_sd", np.std([1, 1, 3])),
        ("mean_run_syllables", 7 / 3),
        ("max_run_syllables", 4),
        ("mean_run_duration", (0.36 + 0.12 + 1.03) / 3),
        ("max_run_duration", 1.03),
        ("longest_run_share", 3 / 5),
        ("one_word_runs", 2 / 5),
    ],
)
def test_silences_and_runs(plain: dict[str, float], name: str, expected: float) -> None:
    assert plain[name] == pytest.approx(expected)


# Vowels and consonants that touch across words merge: "dh ah | s ih" does not, "n" stands before a silence.
VOCALIC = [0.05, 0.15, 0.06, 0.06, 0.10, 0.15, 0.30]
ONSETS = [0.11, 0.51, 0.72, 0.16, 0.16, 0.35]
CONSONANTAL = [0.06, 0.10, 0.06, 0.06, 0.10, 0.06, 0.10]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vowel_npvi", relative(VOWELS)),
        ("vowel_rpvi", mean_step(VOWELS)),
        ("vocalic_npvi", relative(VOCALIC)),
        ("vocalic_rpvi", mean_step(VOCALIC)),
        ("vocalic_varco", 100 * np.std(VOCALIC) / np.mean(VOCALIC)),
        ("vocalic_delta", np.std(VOCALIC)),
        ("vocalic_cci", 100 * mean_step(VOCALIC)),
        ("vocalic_interval_mean", np.mean(VOCALIC)),
        ("consonantal_rpvi", mean_step(CONSONANTAL)),
        ("consonantal_npvi", relative(CONSONANTAL)),
        ("consonantal_varco", 100 * np.std(CONSONANTAL) / np.mean(CONSONANTAL)),
        ("consonantal_delta", np.std(CONSONANTAL)),
        ("vowel_onset_npvi", relative(ONSETS)),
        ("vowel_onset_varco", 100 * np.std(ONSETS) / np.mean(ONSETS)),
        ("syllable_varco", 100 * np.std([0.05, 0.31, 0.12, 0.12, 0.20, 0.21, 0.40]) / (1.41 / 7)),
        ("consonantal_interval_mean", np.mean(CONSONANTAL)),
        ("syllable_npvi", relative([0.05, 0.31, 0.12, 0.12, 0.20, 0.21, 0.40])),
        ("syllable_rpvi", mean_step([0.05, 0.31, 0.12, 0.12, 0.20, 0.21, 0.40])),
        ("word_npvi", relative([0.36, 0.12, 0.12, 0.41, 0.40])),
        ("vowel_varco", 100 * np.std(VOWELS) / np.mean(VOWELS)),
        ("consonant_varco", 100 * np.std(CONSONANTS) / np.mean(CONSONANTS)),
        ("vowel_count", 7),
        ("consonant_count", 7),
        ("consonant_vowel_ratio", 1),
        ("vowel_share", sum(VOWELS) / sum(DURATIONS)),
    ],
)
def test_rhythm(plain: dict[str, float], name: str, expected: float) -> None:
    assert plain[name] == pytest.approx(expected)


def test_neighbours_of_a_kind_form_one_interval() -> None:
    # Consonantal: B (50 ms), then S and T over the word boundary (150 + 50), then K: 200 / 2 a phone.
    found = features(text="_:1 | B:5 AA1:10 S:15 | T:5 IY1:20 UW0:10 K:10 | _:1")
    assert found["consonantal_rpvi"] == pytest.approx((0.15 + 0.10) / 2, abs=0.011)
    assert found["consonantal_cci"] == pytest.approx(100 * (0.05 + 0.00) / 2, abs=0.6)
    assert found["vocalic_interval_mean"] == pytest.approx((0.10 + 0.30) / 2)
    assert found["vowel_duration_mean"] == pytest.approx((0.10 + 0.20 + 0.10) / 3)
    assert found["vocalic_cci"] == pytest.approx(100 * abs(0.10 - 0.15))


def test_a_silence_parts_an_interval() -> None:
    apart = features(text="_:1 | AA1:10 | _:20 | IY1:20 | _:1")
    assert apart["vocalic_interval_mean"] == pytest.approx(0.15)
    assert features(text="_:1 | AA1:10 | IY1:20 | _:1")["vocalic_interval_mean"] == pytest.approx(0.30)


def melody(tones: dict[int, float], level: dict[int, float] | None = None) -> Prosody:
    """Tone (semitones above 100 Hz) and level (dB) of phones by place; the others are unvoiced, 0 dB."""
    alignment = reading(TEXT)
    frames = frames_of(alignment)
    f0, energy = np.full(frames, np.nan, np.float32), np.full(frames, 0.1, np.float32)
    for place, phone in enumerate(alignment.phones):
        own = slice(math.ceil(phone.start * 100), math.ceil(phone.end * 100))
        f0[own] = 100 * 2 ** (tones[place] / 12) if place in tones else np.nan
        energy[own] = 0.1 * 10 ** ((level or {}).get(place, 0.0) / 20)
    return Prosody(f0, energy)


# Tones of the vowels: a-gain 2 and 6, to 1, the 0, ci-ty 5 and 3, go 2; their frames as DURATIONS.
TONES = {0: 2.0, 2: 6.0, 5: 1.0, 7: 0.0, 9: 5.0, 11: 3.0, 13: 2.0}
VOICED = np.repeat(list(TONES.values()), [5, 15, 6, 6, 10, 15, 30])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("f0_mean", VOICED.mean()),
        ("f0_sd", VOICED.std()),
        ("f0_median", 2),
        ("f0_mad", 1),
        ("f0_min", 0),
        ("f0_max", 6),
        ("f0_range", np.ptp(np.percentile(VOICED, [5, 95]))),
        ("f0_skew", VOICED.mean() - 2),
        ("voiced_share", len(VOICED) / 141),
        ("final_f0_slope", 0),
        ("final_f0_level", 0),
        ("f0_turns", 3 / (SPAN - 0.8)),  # up, down, down, up, down, down
        ("f0_variation", np.std(2 ** (VOICED / 12)) / np.mean(2 ** (VOICED / 12))),
        ("vowel_f0_sd", np.std(list(TONES.values()))),
        ("vowel_f0_rpvi", mean_step(list(TONES.values()))),
        ("word_f0_sd", np.std([4, 1, 0, 4, 2])),
        ("word_f0_range_mean", (4 + 0 + 0 + 2 + 0) / 5),
        ("f0_reset", np.mean([1 - 6, 0 - 1])),
        ("f0_change", 0),
        ("accent_excursion_mean", 6 / 5),
        ("accent_excursion_median", 0),
        ("accent_excursion_max", 4),
        ("accent_excursion_sd", np.std([4, 0, 0, 2, 0])),
        ("accent_peak_mean", np.mean([4, -1, -2, 3, 0])),
        ("accent_peak_max", 4),
        ("accent_peak_min", -2),
        ("accented_words", 2 / 5),
        ("stress_f0_difference", np.mean([6, 5]) - np.mean([2, 3])),
        ("content_f0_difference", np.mean([6, 5, 2]) - np.mean([1, 0])),
        ("stress_placed_by_f0", 1),
    ],
)
def test_pitch_and_accents(name: str, expected: float) -> None:
    assert features(prosody=melody(TONES))[name] == pytest.approx(expected, abs=1e-4)


def test_pitch_over_time() -> None:
    alignment = reading(TEXT)
    frames = frames_of(alignment)
    rising = Prosody(
        (100 * 2 ** (np.arange(frames) * 0.01 * 3 / 12)).astype(np.float32), np.full(frames, 0.1, np.float32)
    )
    found = features(prosody=rising)  # three semitones a second, in the pauses, too
    for name in ("f0_slope", "final_f0_slope", "f0_change"):
        assert found[name] == pytest.approx(3.0, abs=0.01)


LEVELS = {0: -3.0, 2: 6.0, 5: -6.0, 7: -9.0, 9: 3.0, 11: 4.0, 13: 0.0}


def relative_levels() -> NDArray[np.float64]:
    own = np.array([LEVELS.get(place, 0.0) for place in range(14)])
    weights = np.round(np.array(DURATIONS) * 100)
    return own - 10 * np.log10((weights * 10 ** (own / 10)).sum() / weights.sum())


OWN = relative_levels()
VOWEL_PLACES = list(LEVELS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("energy_mean", OWN.mean()),
        ("energy_sd", OWN.std()),
        ("energy_median", np.median(OWN)),
        ("energy_mad", np.median(np.abs(OWN - np.median(OWN)))),
        ("energy_min", OWN.min()),
        ("energy_max", OWN.max()),
        ("energy_range", 15 - 3),  # 6 frames in 141 are lower than -6 dB, 15 are at 6 dB
        ("final_energy", OWN[12:].mean() - OWN.mean()),
        ("vowel_consonant_energy", np.mean(list(LEVELS.values()))),
        ("vowel_energy_sd", np.std(list(LEVELS.values()))),
        ("vowel_energy_rpvi", mean_step(list(LEVELS.values()))),
        ("word_energy_sd", np.std([0.75, -3, -4.5, 1.75, 0])),
        ("stress_energy_difference", np.mean([6, 3]) - np.mean([-3, 4])),
        ("content_energy_difference", np.mean([6, 3, 0]) - np.mean([-6, -9])),
        ("stress_placed_by_energy", 1 / 2),
        ("accent_correlation", np.corrcoef([6, 1, 0, 5, 2], [6, -6, -9, 4, 0])[0, 1]),
    ],
)
def test_energy(name: str, expected: float) -> None:
    assert features(prosody=melody(TONES, LEVELS))[name] == pytest.approx(expected, abs=1e-3)


def test_energy_over_time() -> None:
    alignment = reading(TEXT)
    frames = frames_of(alignment)
    fading = (0.1 * 10 ** (-6 * np.arange(frames) * 0.01 / 20)).astype(np.float32)  # six decibels a second
    found = features(prosody=Prosody(np.full(frames, np.nan, np.float32), fading))
    assert found["energy_slope"] == pytest.approx(-6.0, abs=0.1)
    assert found["energy_change"] == pytest.approx(6.0, abs=0.05)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stress_duration_ratio", (0.15 + 0.10) / (0.05 + 0.15)),
        ("stressed_vowel_duration", 0.125),
        ("unstressed_vowel_duration", 0.10),
        ("stress_placed_by_duration", 1 / 2),
        ("content_duration_ratio", np.mean([0.15, 0.10, 0.30]) / 0.06),
        ("stress_relative_duration", logs()[[2, 9]].mean() - logs()[[0, 11]].mean()),
        ("content_relative_duration", logs()[[2, 9, 13]].mean() - logs()[[5, 7]].mean()),
        ("function_relative_duration", logs()[[5, 7]].mean()),
    ],
)
def test_stress(plain: dict[str, float], name: str, expected: float) -> None:
    assert plain[name] == pytest.approx(expected)


def test_prominence_weighs_its_parts() -> None:
    found = features(prosody=melody(TONES, LEVELS))
    own = 0.5 * OWN + np.array([TONES.get(place, np.nan) for place in range(14)]) + 5 * logs()
    placed = [own[2] > own[0], own[9] > own[11]]
    assert found["stress_placed_by_prominence"] == pytest.approx(np.mean(placed))


def test_accent_strength() -> None:
    found = features(prosody=melody(TONES, LEVELS))
    peaks = np.array([[6, 1, 0, 5, 2], [6, -6, -9, 4, 0], [logs()[place] for place in (2, 5, 7, 11, 13)]])
    peaks[2, 0], peaks[2, 3] = max(logs()[[0, 2]]), max(logs()[[9, 11]])
    strength = ((peaks - peaks.mean(1, keepdims=True)) / peaks.std(1, keepdims=True)).mean(0)
    assert found["strongest_accent"] == pytest.approx(strength.max(), abs=1e-4)
    assert found["accent_strength_sd"] == pytest.approx(strength.std(), abs=1e-4)


def test_fits() -> None:
    alignment = named(reading(TEXT))
    goods = blank(alignment)
    random = np.random.default_rng(0)
    acceptance, confidence, rival = (random.random(14) for _ in range(3))
    goods.acceptance[:, ACCEPTANCE.index("acceptance_probability")] = acceptance
    goods.acceptance[:, 0] = np.log(acceptance / (1 - acceptance))
    own = [PHONE_ID[base(phone.phone)] for phone in alignment.phones]
    goods.mean_posteriors[np.arange(14), own] = confidence
    goods.summaries[:, SUMMARIES.index("lpr_rival")] = rival - 0.5
    for column, numbers in (
        ("entropy", rival),
        ("rank", acceptance),
        ("best_log_posterior", -confidence),
        ("worst_log_posterior", -acceptance),
    ):
        goods.summaries[:, SUMMARIES.index(column)] = numbers
    found = features(goods)
    words = (slice(0, 4), slice(4, 6), slice(6, 8), slice(8, 12), slice(12, 14))
    vowels = np.array(VOWEL_PLACES)
    consonants = np.setdiff1d(np.arange(14), vowels)
    expected = {
        "phone_confidence_mean": confidence.mean(),
        "phone_confidence_min": confidence.min(),
        "phone_acceptance_mean": acceptance.mean(),
        "phone_acceptance_median": np.median(acceptance),
        "phone_acceptance_log_odds_mean": np.log(acceptance / (1 - acceptance)).mean(),
        "phone_margin_mean": (0.5 - rival).mean(),
        "phone_margin_min": (0.5 - rival).min(),
        "word_confidence_sd": np.std([confidence[word].mean() for word in words]),
        "weakest_phone_acceptance_mean": np.mean([acceptance[word].min() for word in words]),
        "phone_entropy": rival.mean(),
        "phone_rank": acceptance.mean(),
        "best_frame": -confidence.mean(),
        "worst_frame": -acceptance.mean(),
        "vowel_acceptance": acceptance[vowels].mean(),
        "consonant_acceptance": acceptance[consonants].mean(),
        "vowel_consonant_acceptance": acceptance[vowels].mean() - acceptance[consonants].mean(),
        "stop_acceptance": acceptance[[1, 4, 10, 12]].mean(),
        "fricative_acceptance": acceptance[[6, 8]].mean(),
        "nasal_acceptance": acceptance[3],
        "word_initial_acceptance": acceptance[[0, 4, 6, 8, 12]].mean(),
        "word_final_acceptance": acceptance[[3, 5, 7, 11, 13]].mean(),
        "stressed_acceptance": acceptance[[2, 9]].mean(),
        "unstressed_acceptance": acceptance[[0, 11]].mean(),
        "rejection_rate": (acceptance < 0.5).mean(),
        "expected_error_rate": 1 - acceptance.mean(),
        "confident_speech": np.array(DURATIONS)[rival <= 0.5].sum() / sum(DURATIONS),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-5), name
    assert found["affricate_acceptance"] is None
    assert found["liquid_acceptance"] is None


def test_errors() -> None:
    """again: G as K, N deleted; city: S as SH, IH as IY, and T as D; the rest as it should be."""
    alignment = named(reading(TEXT))
    goods = blank(alignment)
    for place, other in ((1, "K"), (8, "SH"), (9, "IY"), (10, "D"), (3, "SIL")):
        column = SILENCE_ID if other == "SIL" else PHONE_ID[other]
        goods.lpp[place, column] = -0.01
        if other != "SIL":
            goods.summaries[place, SUMMARIES.index("lpr_rival")] = 0.09
    alignment = dataclasses.replace(
        alignment,
        inserted=(InsertedSegment(0.7, 0.9, 0, "filler", ""), InsertedSegment(1, 1.4, 1, "repetition", "to")),
    )
    found = handcrafted(Evidence(alignment, goods, flat_prosody(alignment)))
    expected = {
        "phone_match_rate": 10 / 14,
        "phone_error_rate": 5 / 14,
        "substitution_rate": 4 / 14,
        "deletion_rate": 1 / 14,
        "word_error_rate": 2 / 5,  # half of the phones of "again", three of four of "city"
        "faulty_word_rate": 2 / 5,
        "match_error_rate": (2 + 2) / (5 + 2),
        "inclusive_word_error_rate": (2 + 2) / 5,
        "errors_per_second": 5 / SPAN,
        "errors_per_word": 5 / 5,
        "vowel_error_rate": 1 / 7,
        "consonant_error_rate": 4 / 7,
        "vowel_as_vowel": 1 / 7,
        "manner_error_rate": 0.0,
        "voicing_error_rate": 2 / 6,  # G, T, DH, S, T, G have a twin
        "dental_error_rate": 0.0,
        "labiodental_error_rate": None,
        "sibilant_error_rate": 1.0,
        "nasal_error_rate": 1.0,
        "lax_vowel_error_rate": 1 / 4,
        "final_consonant_error_rate": 1.0,
        "longest_correct_run": 4.0,
        "mean_correct_run": (1 + 1 + 4 + 3) / 4,
        "filled_pause_count": 1.0,
        "filled_pause_duration": 0.2,
        "filled_pause_rate": 1 / 5,
        "repetition_count": 1.0,
        "repetition_duration": 0.4,
        "fragment_count": 0.0,
        "insertion_count": 1.0,
        "insertion_duration": 0.4,
        "insertion_rate": 1 / 5,
        "disfluency_rate": 2 / 5,
        "outside_share": 0.6 / (0.6 + sum(DURATIONS)),
    }
    for name, value in expected.items():
        assert found[name] == (None if value is None else pytest.approx(value)), name
    assert found["liquid_error_rate"] is None
    assert found["cluster_error_rate"] is None


def test_clusters_and_other_manners() -> None:
    alignment = reading("_:1 | S:9 T:9 R:9 IY1:9 T:9 | T:9 UW1:9 | _:1")
    goods = blank(alignment)
    goods.lpp[1, PHONE_ID["S"]] = -0.01
    goods.summaries[1, SUMMARIES.index("lpr_rival")] = 0.09
    found = handcrafted(Evidence(alignment, goods, flat_prosody(alignment)))
    assert found["cluster_error_rate"] == pytest.approx(1 / 3)  # t and t meet in two words: no cluster
    assert found["manner_error_rate"] == pytest.approx(1 / 7)
    assert found["final_consonant_error_rate"] == 0.0


def test_missing_is_none_not_zero() -> None:
    whisper = features(prosody=flat_prosody(reading(TEXT), f0=np.nan))
    for name, feature in REGISTRY.items():
        if feature.family == "f0" and name != "voiced_share":
            assert whisper[name] is None, name
    silent = features(prosody=flat_prosody(reading(TEXT), energy=0.0))
    assert all(silent[name] is None for name, f in REGISTRY.items() if f.family == "energy")
    word = features(text="_:20 | AA1:20 | _:20")
    for name in ("pause_share_of_places", "pause_duration_mean", "phone_duration_sd", "vowel_npvi",
                 "consonant_acceptance", "one_word_runs"):  # fmt: skip
        assert word[name] is None, name
    assert word["all_pause_count"] == 0.0  # counted: there is none


def test_gain_changes_nothing() -> None:
    alignment = reading(TEXT)
    goods = goodness(random_posteriors(alignment), alignment)
    random = np.random.default_rng(1)
    energy = random.random(frames_of(alignment)).astype(np.float32) * 0.1
    f0 = (100 + 50 * random.random(frames_of(alignment))).astype(np.float32)
    soft, loud = (
        handcrafted(Evidence(alignment, goods, Prosody(f0, energy * np.float32(gain)))) for gain in (0.5, 2.0)
    )
    for name, value in soft.items():
        assert loud[name] == (value if value is None else pytest.approx(value, rel=1e-4, abs=1e-6)), name


def test_every_phone_has_a_native_duration() -> None:
    assert tuple(SECONDS) == PHONES
    assert all(0.02 < seconds < 0.3 for seconds in SECONDS.values())


@given(arrays(np.float64, st.integers(2, 30), elements=st.floats(-1e3, 1e3)))
def test_statistics_against_numpy(values: NDArray[np.float64]) -> None:
    found = summarise(np.insert(values, 1, np.nan))
    median = np.median(values)
    expected = (
        values.mean(), values.std(), median, np.median(np.abs(values - median)), values.sum(), values.min(),
        values.max(),
    )  # fmt: skip
    assert list(found.values()) == [pytest.approx(value, rel=1e-6, abs=1e-6) for value in expected]


def test_statistics_of_too_little() -> None:
    assert set(summarise(np.array([np.nan])).values()) == {None}
    assert summarise(np.array([2.0])) == {
        "mean": 2, "sd": None, "median": 2, "mad": None, "sum": 2, "min": 2, "max": 2,
    }  # fmt: skip


def test_a_distribution_is_summarised_under_its_own_name() -> None:
    """Every ``name_statistic`` beside a ``name_mean``: of one and the same array."""
    found = features(goodness(random_posteriors(reading(TEXT)), reading(TEXT)), melody(TONES, LEVELS))
    for name in REGISTRY:
        if name.endswith("_max") and f"{name[:-4]}_mean" in REGISTRY:
            stem = name[:-4]
            assert found[f"{stem}_mean"] < found[name], name
            assert found.get(f"{stem}_min", -math.inf) <= found.get(
                f"{stem}_median", found[f"{stem}_mean"]
            ), name
            assert found.get(f"{stem}_sd", 1.0) > 0, name


def test_the_page_is_not_stale() -> None:
    """Make it anew with: python -m elocute.features.handcrafted.page > docs/features.md"""
    page = Path(__file__).resolve().parents[1] / "docs" / "features.md"
    assert page.read_text(encoding="utf-8") == features_page()


def test_the_registry_is_described() -> None:
    assert len(REGISTRY) >= 130
    assert {feature.family for feature in REGISTRY.values()} == set(FAMILIES)
    for feature in REGISTRY.values():
        assert min(map(len, (feature.unit, feature.formula, feature.source, feature.advice))) > 0
        assert feature.advice.endswith((".", "?"))
        assert len(set(feature.words)) == 2
