"""Fit of the sounds and errors in the made-up readings, computed by hand."""

from __future__ import annotations

from statistics import fmean as mean
from statistics import median
from statistics import pstdev as sd

from hand_readings import ACCEPTED, CONFIDENCE, LOG_ODDS, OWN, RIVAL
from hand_timing import IDEA_SPAN, IDEA_SPEECH, SPAN, deviation

MARGINS = [-value for value in RIVAL]
WORDS = [  # the mean confidence of every word of IDEA
    (0.8 + 0.7) / 2, (0.3 + 0.6 + 0.15) / 3, (0.5 + 0.2 + 0.3 + 0.9) / 4, (0.6 + 0.8 + 0.5) / 3,
    (0.9 + 0.7) / 2, (0.6 + 0.4 + 0.8 + 0.5) / 4, (0.25 + 0.7 + 0.6 + 0.4) / 4,
]  # fmt: skip
WEAKEST = [0.8, 0.2, 0.3, 0.7, 0.85, 0.45, 0.1]

IDEA: dict[str, float | None] = {
    "gop_mean": -16.8 / 22,
    "gop_sd": sd(OWN),
    "gop_median": (-0.6 - 0.6) / 2,
    "gop_mad": deviation(OWN),
    "gop_min": -2.3,
    "phone_confidence_mean": 12.2 / 22,
    "phone_confidence_sd": sd(CONFIDENCE),
    "phone_confidence_median": (0.6 + 0.6) / 2,
    "phone_confidence_min": 0.15,
    "phone_confidence_max": 0.9,
    "phone_acceptance_mean": 14.4 / 22,
    "phone_acceptance_sd": sd(ACCEPTED),
    "phone_acceptance_median": 0.7,
    "phone_acceptance_min": 0.1,
    "phone_acceptance_log_odds_mean": 14 / 22,
    "phone_acceptance_log_odds_sd": sd(LOG_ODDS),
    "phone_acceptance_log_odds_median": 1,
    "phone_acceptance_log_odds_min": -3,
    "phone_margin_mean": 17 / 22,
    "phone_margin_sd": sd(MARGINS),
    "phone_margin_median": 1,
    "phone_margin_min": -1.5,
    "word_confidence_mean": mean(WORDS),
    "word_confidence_sd": sd(WORDS),
    "word_confidence_median": 2.3 / 4,  # idea
    "word_confidence_min": 1.05 / 3,  # with
    "word_confidence_max": 1.6 / 2,  # the second "you"
    "weakest_phone_acceptance_mean": 3.4 / 7,
    "weakest_phone_acceptance_sd": sd(WEAKEST),
    "weakest_phone_acceptance_median": median(WEAKEST),
    "phone_entropy": 29 / 22,
    "phone_rank": 10 / 22,
    "best_frame": -12.1 / 22,
    "worst_frame": -38 / 22,
    "vowel_acceptance": 7.45 / 10,
    "consonant_acceptance": 6.95 / 12,
    "vowel_consonant_acceptance": 7.45 / 10 - 6.95 / 12,
    "stop_acceptance": (0.65 + 0.1) / 2,  # D T
    "affricate_acceptance": 0.8,  # CH
    "fricative_acceptance": (0.2 + 0.7) / 2,  # TH Z
    "aspirate_acceptance": 0.6,  # HH
    "liquid_acceptance": 0.3,  # L
    "nasal_acceptance": 0.55,  # N
    "semivowel_acceptance": (0.9 + 0.4 + 0.95 + 0.8) / 4,  # Y W Y W
    "word_initial_acceptance": (0.9 + 0.4 + 0.6 + 0.8 + 0.95 + 0.75 + 0.1) / 7,
    "word_final_acceptance": (0.8 + 0.2 + 0.9 + 0.7 + 0.85 + 0.45 + 0.55) / 7,
    "confident_speech": 1
    - (0.06 + 0.09 + 0.05 + 0.06 + 0.12 + 0.08 + 0.11) / IDEA_SPEECH,  # without W TH AH L Z AH T
    "phone_match_rate": 15 / 22,  # no other phone fits HH better: it was left out
    "phone_error_rate": 8 / 22,
    "substitution_rate": 7 / 22,
    "deletion_rate": 1 / 22,
    "rejection_rate": 5 / 22,  # W, TH, L, AH of idea, T; not AH of hello with 0.5
    "expected_error_rate": 1 - 14.4 / 22,
    "word_error_rate": 2 / 7,  # two phones of three of "with", three of four of "hello"
    "faulty_word_rate": 5 / 7,  # and "chews", "idea" and "twain" for one phone each
    "match_error_rate": (2 + 2) / (7 + 2),
    "inclusive_word_error_rate": (2 + 2) / 7,
    "errors_per_second": 8 / IDEA_SPAN,
    "errors_per_word": 8 / 7,
    "vowel_error_rate": 2 / 10,
    "consonant_error_rate": 6 / 12,
    "vowel_as_vowel": 1 / 10,  # AH as IY, but the other AH as R
    "manner_error_rate": 2 / 22,  # W as V, AH as R
    "voicing_error_rate": 2 / 5,  # Z as S, T as D; TH, CH, D have a twin, too
    "dental_error_rate": 1 / 1,
    "liquid_error_rate": 1 / 1,
    "labiodental_error_rate": 1 / 2,  # W W
    "sibilant_error_rate": 1 / 2,  # CH Z
    "nasal_error_rate": 0 / 1,
    "lax_vowel_error_rate": 2 / 3,  # IH AH AH
    "final_consonant_error_rate": 2 / 3,  # TH and Z, not N
    "cluster_error_rate": 1 / 2,  # T W; the neighbours in two words do not count
    "longest_correct_run": 5,  # Y UW AY D IY
    "mean_correct_run": (2 + 1 + 3 + 5 + 3) / 5,
}

ERRORS: dict[str, float | None] = {
    "phone_match_rate": 10 / 14,
    "phone_error_rate": 5 / 14,
    "substitution_rate": 4 / 14,
    "deletion_rate": 1 / 14,
    "rejection_rate": 0,
    "word_error_rate": 2 / 5,  # half of the phones of "again", three of four of "city"
    "faulty_word_rate": 2 / 5,
    "match_error_rate": (2 + 2) / (5 + 2),
    "inclusive_word_error_rate": (2 + 2) / 5,
    "errors_per_second": 5 / SPAN,
    "errors_per_word": 5 / 5,
    "vowel_error_rate": 1 / 7,
    "consonant_error_rate": 4 / 7,
    "vowel_as_vowel": 1 / 7,
    "manner_error_rate": 0,
    "voicing_error_rate": 2 / 6,  # G as K, T as D; T, DH, S, G have a twin, too
    "dental_error_rate": 0 / 1,
    "liquid_error_rate": None,
    "labiodental_error_rate": None,
    "sibilant_error_rate": 1 / 1,
    "nasal_error_rate": 1 / 1,
    "lax_vowel_error_rate": 1 / 4,  # AH EH AH IH
    "final_consonant_error_rate": 1 / 1,
    "cluster_error_rate": None,
    "longest_correct_run": 4,  # T UW DH AH
    "mean_correct_run": (1 + 1 + 4 + 3) / 4,
    "affricate_acceptance": None,
    "aspirate_acceptance": None,
    "liquid_acceptance": None,
}

PLAIN: dict[str, float | None] = {  # see hand_readings.blank
    "gop_mad": 0.0,
    "phone_confidence_median": 0.9,
    "phone_acceptance_log_odds_median": 3.0,
    "phone_margin_median": 4.9,
    "word_confidence_min": 0.9,
    "word_confidence_max": 0.9,
    "phone_error_rate": 0.0,
    "longest_correct_run": 14,
}

PAUSES: dict[str, float | None] = {
    "weakest_phone_acceptance_median": 0.95,
    "vowel_acceptance": 0.95,
    "fricative_acceptance": None,
    "labiodental_error_rate": 0 / 1,  # W
    "cluster_error_rate": None,
}

CASES = {"pauses": PAUSES, "plain": PLAIN, "idea": IDEA, "errors": ERRORS}
