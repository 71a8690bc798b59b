"""Rate, silences, runs and rhythm of the made-up readings, computed by hand.

``mean``, ``sd``, ``median``: of the standard library. Seconds throughout.
"""

from __future__ import annotations

from itertools import pairwise
from math import log
from statistics import fmean as mean
from statistics import median
from statistics import pstdev as sd

from elocute.features.handcrafted.english import SECONDS


def steps(values: list[float]) -> float:
    """rPVI: mean absolute difference between neighbours."""
    return mean(abs(a - b) for a, b in pairwise(values))


def relative_steps(values: list[float]) -> float:
    """nPVI: in per cent of their mean."""
    return 100 * mean(abs(a - b) / ((a + b) / 2) for a, b in pairwise(values))


def deviation(values: list[float]) -> float:
    """Median absolute deviation."""
    return median(abs(value - median(values)) for value in values)


def slope(x: list[float], y: list[float]) -> float:
    """Least squares: covariance over variance."""
    middle, centre = mean(x), mean(y)
    return sum((a - middle) * (b - centre) for a, b in zip(x, y, strict=True)) / sum(
        (a - middle) ** 2 for a in x
    )


#          AH    G     EH    N     T     UW    DH    AH    S     IH    T     IY    G     OW
PHONES = [0.05, 0.06, 0.15, 0.10, 0.06, 0.06, 0.06, 0.06, 0.10, 0.10, 0.06, 0.15, 0.10, 0.30]
VOWELS = [0.05, 0.15, 0.06, 0.06, 0.10, 0.15, 0.30]
CONSONANTS = [0.06, 0.10, 0.06, 0.06, 0.10, 0.06, 0.10]
WORDS = [0.36, 0.12, 0.12, 0.41, 0.40]
SYLLABLES = [0.05, 0.31, 0.12, 0.12, 0.20, 0.21, 0.40]  # a.gain to the ci.ty go
ONSETS = [0.11, 0.51, 0.72, 0.16, 0.16, 0.35]  # from vowel to vowel: AH-EH, EH-UW, UW-AH, AH-IH, IH-IY, IY-OW
SPAN, SPEECH = 2.31, 1.41
NAMES = ["AH", "G", "EH", "N", "T", "UW", "DH", "AH", "S", "IH", "T", "IY", "G", "OW"]
LOGS = [log(seconds / SECONDS[name]) for seconds, name in zip(PHONES, NAMES, strict=True)]
# Beginnings of the phones in frames; the half frame by which they begin earlier does not change a slope.
BEGINS = [30, 35, 41, 56, 86, 92, 158, 164, 170, 180, 190, 196, 221, 231]
MIDDLES = [begin / 100 + seconds / 2 for begin, seconds in zip(BEGINS, PHONES, strict=True)]
PACES = [mean(LOGS[a:b]) for a, b in ((0, 4), (4, 6), (6, 8), (8, 12), (12, 14))]

#                Y     UW    W     IH    TH    HH    AH    L     OW    CH    UW    Z     Y     UW    AY
IDEA_PHONES = [0.05, 0.10, 0.06, 0.07, 0.09, 0.07, 0.05, 0.06, 0.22, 0.10, 0.14, 0.12, 0.04, 0.20, 0.16,
               0.05, 0.12, 0.08, 0.11, 0.07, 0.18, 0.09]  # fmt: skip  # D IY AH T W EY N
IDEA_VOWELS = [0.10, 0.07, 0.05, 0.22, 0.14, 0.20, 0.16, 0.12, 0.08, 0.18]
IDEA_CONSONANTS = [0.05, 0.06, 0.09, 0.07, 0.06, 0.10, 0.12, 0.04, 0.05, 0.11, 0.07, 0.09]
IDEA_WORDS = [0.15, 0.22, 0.40, 0.36, 0.24, 0.41, 0.45]
IDEA_SYLLABLES = [0.15, 0.22, 0.12, 0.28, 0.36, 0.24, 0.16, 0.17, 0.08, 0.45]
IDEA_SPAN, IDEA_SPEECH = 2.53, 2.23
# One interval each: UW AY of "you idea", IY AH of "idea", TH HH of "with hello" and Z Y of "chews you".
VOCALIC = [0.10, 0.07, 0.05, 0.22, 0.14, 0.20 + 0.16, 0.12 + 0.08, 0.18]
VOCALIC_EACH = [0.10, 0.07, 0.05, 0.22, 0.14, 0.36 / 2, 0.20 / 2, 0.18]
CONSONANTAL = [0.05, 0.06, 0.09 + 0.07, 0.06, 0.10, 0.12 + 0.04, 0.05, 0.11 + 0.07, 0.09]
CONSONANTAL_EACH = [0.05, 0.06, 0.16 / 2, 0.06, 0.10, 0.16 / 2, 0.05, 0.18 / 2, 0.09]

PLAIN: dict[str, float | None] = {
    "speech_rate": 7 / SPAN,
    "articulation_rate": 7 / (SPAN - 0.8),  # the silence of 0.1 s is no pause
    "phonation_ratio": 1 - 0.8 / SPAN,
    "phone_rate": 14 / SPAN,
    "phone_articulation_rate": 14 / (SPAN - 0.8),
    "word_rate": 5 / SPAN,
    "vowel_rate": 7 / 0.87,
    "total_duration": 2.81,
    "response_duration": SPAN,
    "speaking_duration": SPAN - 0.8,
    "phone_count": 14,
    "syllable_count": 7,
    "word_count": 5,
    "phone_duration_mean": SPEECH / 14,
    "phone_duration_sd": sd(PHONES),
    "phone_duration_median": (0.06 + 0.10) / 2,  # six of 0.06 and one of 0.05 below, seven from 0.10 on
    "phone_duration_mad": 0.02,  # ten of fourteen are 0.02 away, only AH, EH, IY, OW more
    "phone_duration_sum": SPEECH,
    "phone_duration_min": 0.05,
    "phone_duration_max": 0.30,
    "word_duration_mean": SPEECH / 5,
    "word_duration_sd": sd(WORDS),
    "word_duration_median": 0.36,
    "word_duration_min": 0.12,
    "word_duration_max": 0.41,
    "syllable_duration_mean": SPEECH / 7,
    "syllable_duration_sd": sd(SYLLABLES),
    "syllable_duration_median": 0.20,
    "syllable_duration_min": 0.05,  # the first syllable of "again" is its first vowel alone
    "syllable_duration_max": 0.40,
    "vowel_duration_mean": 0.87 / 7,
    "consonant_duration_mean": 0.54 / 7,
    "relative_duration_mean": mean(LOGS),
    "relative_duration_sd": sd(LOGS),
    "relative_duration_median": median(LOGS),
    "relative_duration_mad": deviation(LOGS),
    "relative_duration_min": log(0.06 / 0.094),  # UW
    "relative_duration_max": log(0.30 / 0.118),  # OW
    "stretched_share": 1 / 14,  # OW alone lasts more than twice as long as usual
    "word_pace_sd": sd(PACES),
    "pace_slope": slope(MIDDLES, LOGS),
    "final_lengthening": mean(LOGS[12:]) - mean(LOGS[:12]),
    "word_length_mean": (5 + 2 + 3 + 4 + 2) / 5,
    "word_length_sd": ((1.8**2 + 1.2**2 + 0.2**2 + 0.8**2 + 1.2**2) / 5) ** 0.5,  # around 3.2
    "word_length_max": 5,
    "letter_rate": 16 / SPAN,
    "word_distinct": 5,
    "word_repeats": 0,
    "all_pause_count": 2,
    "all_pause_duration": 0.2 + 0.6,
    "long_pause_count": 1,
    "long_pause_duration": 0.6,
    "longest_pause": 0.6,
    "gap_count": 3,
    "gap_duration": 0.2 + 0.6 + 0.1,
    "pause_duration_mean": (0.2 + 0.6) / 2,
    "pause_duration_sd": 0.2,
    "pause_duration_median": 0.4,
    "pause_duration_min": 0.2,
    "pause_rate": 2 / SPAN,
    "long_pause_rate": 1 / SPAN,
    "pause_share_of_places": 2 / 4,
    "gap_share_of_places": 3 / 4,
    "silence_share": 0.9 / SPAN,
    "long_silence_share": 0.6 / SPAN,
    "mean_gap": 0.9 / 4,
    "pause_per_syllable": 0.8 / 7,
    "pause_after_function_word": 1 / 2,  # after "to", not after "the"
    "initial_silence": 0.295,
    "final_silence": 0.205,
    "mean_length_run": 5 / 3,  # again | to | the city go
    "max_length_run": 3,
    "run_length_sd": sd([1, 1, 3]),
    "mean_run_syllables": (2 + 1 + 4) / 3,
    "max_run_syllables": 4,
    "mean_run_duration": (0.36 + 0.12 + 1.03) / 3,
    "max_run_duration": 0.12 + 0.41 + 0.1 + 0.40,
    "longest_run_share": 3 / 5,
    "one_word_runs": 2 / 5,
    "vowel_npvi": relative_steps(VOWELS),
    "vowel_rpvi": (0.10 + 0.09 + 0.00 + 0.04 + 0.05 + 0.15) / 6,
    "vowel_share": 0.87 / SPEECH,
    "vowel_varco": 100 * sd(VOWELS) / mean(VOWELS),
    "consonant_varco": 100 * sd(CONSONANTS) / mean(CONSONANTS),
    "vowel_count": 7,
    "consonant_count": 7,
    "consonant_vowel_ratio": 7 / 7,
    "vowel_onset_npvi": relative_steps(ONSETS),
    "vowel_onset_varco": 100 * sd(ONSETS) / mean(ONSETS),
    "syllable_npvi": relative_steps(SYLLABLES),
    "syllable_rpvi": (0.26 + 0.19 + 0.00 + 0.08 + 0.01 + 0.19) / 6,
    "syllable_varco": 100 * sd(SYLLABLES) / (SPEECH / 7),
    "word_npvi": relative_steps(WORDS),
}

IDEA: dict[str, float | None] = {
    "speech_rate": 10 / IDEA_SPAN,
    "articulation_rate": 10 / (IDEA_SPAN - 0.3),
    "phonation_ratio": 1 - 0.3 / IDEA_SPAN,
    "phone_count": 22,
    "syllable_count": 10,
    "word_count": 7,
    "word_distinct": 6,  # "you" twice
    "word_repeats": 1,
    "word_length_max": 5,
    "letter_rate": (3 + 4 + 5 + 5 + 3 + 4 + 5) / IDEA_SPAN,
    "total_duration": 2.73,
    "speaking_duration": IDEA_SPEECH,
    "phone_duration_sum": IDEA_SPEECH,
    "phone_duration_min": 0.04,
    "syllable_duration_min": 0.08,
    "all_pause_count": 1,
    "long_pause_count": 0,
    "longest_pause": 0.3,
    "long_pause_duration": 0.0,
    "gap_count": 1,
    "pause_duration_mean": 0.3,
    "pause_duration_sd": None,  # of one pause
    "pause_share_of_places": 1 / 6,
    "pause_after_function_word": 0 / 3,  # you, with, you
    "mean_length_run": 7 / 2,
    "max_length_run": 4,
    "mean_run_syllables": 10 / 2,
    "max_run_syllables": 6,  # chews you i.de.a twain
    "mean_run_duration": (0.77 + 1.46) / 2,
    "max_run_duration": 1.46,
    "one_word_runs": 0,
    "vowel_npvi": relative_steps(IDEA_VOWELS),
    "vowel_rpvi": (0.03 + 0.02 + 0.17 + 0.08 + 0.06 + 0.04 + 0.04 + 0.04 + 0.10) / 9,
    "vocalic_npvi": relative_steps(VOCALIC),
    "vocalic_rpvi": (0.03 + 0.02 + 0.17 + 0.08 + 0.22 + 0.16 + 0.02) / 7,
    "vocalic_cci": 100 * steps(VOCALIC_EACH),
    "vocalic_varco": 100 * sd(VOCALIC) / mean(VOCALIC),
    "vocalic_delta": sd(VOCALIC),
    "vocalic_interval_mean": 1.32 / 8,
    "consonantal_npvi": relative_steps(CONSONANTAL),
    "consonantal_rpvi": steps(CONSONANTAL),
    "consonantal_cci": 100 * steps(CONSONANTAL_EACH),
    "consonantal_varco": 100 * sd(CONSONANTAL) / mean(CONSONANTAL),
    "consonantal_delta": sd(CONSONANTAL),
    "consonantal_interval_mean": 0.91 / 9,
    "vowel_share": 1.32 / IDEA_SPEECH,
    "vowel_varco": 100 * sd(IDEA_VOWELS) / mean(IDEA_VOWELS),
    "consonant_varco": 100 * sd(IDEA_CONSONANTS) / mean(IDEA_CONSONANTS),
    "vowel_count": 10,
    "consonant_count": 12,
    "consonant_vowel_ratio": 12 / 10,
    "syllable_npvi": relative_steps(IDEA_SYLLABLES),
    "word_npvi": relative_steps(IDEA_WORDS),
    "fragment_count": 1,
    "insertion_count": 2,
    "insertion_duration": 0.1 + 0.15,
    "insertion_rate": 2 / 7,
    "outside_share": 0.25 / (0.25 + IDEA_SPEECH),
    "disfluency_rate": 2 / 7,
    "repetition_count": 0,
    "repetition_duration": 0,
    "filled_pause_count": 0,
}

ERRORS: dict[str, float | None] = {  # an er of 0.25 s and "to" said twice, 0.4 s
    "filled_pause_count": 1,
    "filled_pause_duration": 0.25,
    "filled_pause_rate": 1 / 5,
    "repetition_count": 1,
    "repetition_duration": 0.4,
    "fragment_count": 0,
    "insertion_count": 1,
    "insertion_duration": 0.4,
    "insertion_rate": 1 / 5,
    "disfluency_rate": 2 / 5,
    "outside_share": 0.65 / (0.65 + SPEECH),
}

PAUSES: dict[str, float | None] = {
    "pause_duration_mean": (0.2 + 0.3 + 0.7) / 3,
    "pause_duration_sd": ((0.2**2 + 0.1**2 + 0.3**2) / 3) ** 0.5,  # around 0.4
    "pause_duration_median": 0.3,
    "pause_duration_min": 0.2,
    "long_pause_count": 1,
    "one_word_runs": 4 / 4,
    "max_length_run": 1,
}

CASES = {"plain": PLAIN, "idea": IDEA, "errors": ERRORS, "pauses": PAUSES}
