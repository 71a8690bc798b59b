"""Pitch, energy, accents and stress of the made-up readings, computed by hand.

Pitch in semitones above 100 Hz, energy in decibels.
"""

from __future__ import annotations

from math import log10, sqrt
from statistics import correlation
from statistics import fmean as mean
from statistics import pstdev as sd

from hand_timing import BEGINS, LOGS, MIDDLES, SPAN, deviation, slope

FRAMES = [5, 6, 15, 10, 6, 6, 6, 6, 10, 10, 6, 15, 10, 30]  # of the phones of AGAIN: 141, of vowels 87
# Voiced frames: tone 0 in 6 of "the", 1 in 6 of "to", 2 in 5 of a- and 30 of "go", 3 in 15 of -ty, 5 in 10 of
# ci-, 6 in 15 of -gain. Their sum is 0 + 6 + 70 + 45 + 50 + 90 = 261, so their mean 3; the 44th of 87 is a 2.
RISES = [2 ** (tone / 12) for tone, frames in ((0, 6), (1, 6), (2, 35), (3, 15), (5, 10), (6, 15))
         for _ in range(frames)]  # fmt: skip
VOWEL_TONES = [2, 6, 1, 0, 5, 3, 2]
VOWEL_LEVELS = [-3, 6, -6, -9, 3, 4, 0]
#         AH  G  EH N  T  UW  DH  AH S  IH T  IY G  OW
LEVELS = [-3, 0, 6, 0, 0, -6, 0, -9, 0, 3, 0, 4, 0, 0]
REFERENCE = 10 * log10(sum(n * 10 ** (level / 10) for n, level in zip(FRAMES, LEVELS, strict=True)) / 141)
"""The RMS over the words: the mean power of their frames."""

VOICED = [(frame / 100, tone)
          for place, tone in zip((0, 2, 5, 7, 9, 11, 13), VOWEL_TONES, strict=True)
          for frame in range(BEGINS[place], BEGINS[place] + FRAMES[place])]  # fmt: skip
# The glide: mean energy of the frames of each phone, six decibels less every hundred frames.
FADING = [20 * log10(mean(10 ** (-0.06 * frame / 20) for frame in range(begin, begin + frames)))
          for begin, frames in zip(BEGINS, FRAMES, strict=True)]  # fmt: skip

# Of every word: highest vowel tone, loudest vowel, vowel of the greatest relative duration.
HIGHEST, LOUDEST = [6, 1, 0, 5, 2], [6, -6, -9, 4, 0]
LONGEST = [LOGS[2], LOGS[5], LOGS[7], LOGS[9], LOGS[13]]  # gain, to, the, ci-, go


def scores(values: list[float]) -> list[float]:
    return [(value - mean(values)) / sd(values) for value in values]


STRENGTHS = [mean(word) for word in zip(scores(HIGHEST), scores(LOUDEST), scores(LONGEST), strict=True)]

PLAIN: dict[str, float | None] = {
    "voiced_share": 1.0,
    "f0_sd": 0.0,
    "f0_change": 0.0,
    "energy_mean": 0.0,
    "energy_sd": 0.0,
    "stress_duration_ratio": (0.15 + 0.10) / (0.05 + 0.15),  # -gain and ci-, a- and -ty
    "stress_relative_duration": mean([LOGS[2], LOGS[9]]) - mean([LOGS[0], LOGS[11]]),
    "stressed_vowel_duration": (0.15 + 0.10) / 2,
    "unstressed_vowel_duration": (0.05 + 0.15) / 2,
    "stress_placed_by_duration": 1 / 2,  # in "again"; in "city" the second vowel is the longer one
    "stress_placed_by_energy": 0 / 2,
    "stress_placed_by_f0": 0 / 2,
    "stress_placed_by_prominence": 2 / 2,  # by relative duration alone, as all else is equal
    "content_duration_ratio": ((0.15 + 0.10 + 0.30) / 3) / 0.06,  # -gain, ci-, go; to, the
    "content_relative_duration": mean([LOGS[2], LOGS[9], LOGS[13]]) - mean([LOGS[5], LOGS[7]]),
    "function_relative_duration": mean([LOGS[5], LOGS[7]]),
}

TUNE: dict[str, float | None] = {
    "f0_mean": 261 / 87,
    "f0_sd": sqrt((6 * 3**2 + 6 * 2**2 + 35 * 1**2 + 15 * 0**2 + 10 * 2**2 + 15 * 3**2) / 87),
    "f0_median": 2,
    "f0_mad": 1,  # 35 frames are 0 away from 2, the next 21 are 1 away
    "f0_min": 0,
    "f0_max": 6,
    "f0_range": 6 - 0,  # 5 % of 87 frames lie within the 6 of "the", 95 % within the 15 of "-gain"
    "f0_skew": 3 - 2,
    "voiced_share": 87 / 141,
    "f0_slope": slope([time for time, _ in VOICED], [tone for _, tone in VOICED]),
    "final_f0_slope": 0,
    "final_f0_level": 2 - 2,
    "f0_turns": 3 / (SPAN - 0.8),  # up, down, down, up, down, down
    "f0_variation": sd(RISES) / mean(RISES),
    "vowel_f0_sd": sd(VOWEL_TONES),
    "vowel_f0_rpvi": (4 + 5 + 1 + 5 + 2 + 1) / 6,
    "word_f0_sd": sd([(2 + 6) / 2, 1, 0, (5 + 3) / 2, 2]),
    "word_f0_range_mean": (4 + 0 + 0 + 2 + 0) / 5,
    "f0_reset": ((1 - 6) + (0 - 1)) / 2,  # -gain | to, to | the
    "f0_change": 0,  # voiced neighbours are of one vowel
    "energy_mean": -5 / 14 - REFERENCE,
    "energy_sd": sd(LEVELS),
    "energy_median": 0 - REFERENCE,
    "energy_mad": deviation(LEVELS),
    "energy_min": -9 - REFERENCE,
    "energy_max": 6 - REFERENCE,
    "energy_range": 6 - (-6),  # 6 of 141 frames have -9 dB, the next 6 have -6; the highest 15 have 6
    "energy_slope": slope(MIDDLES, LEVELS),
    "final_energy": (0 + 0) / 2 - (-5 / 14),
    "vowel_consonant_energy": -5 / 7,
    "vowel_energy_sd": sd(VOWEL_LEVELS),
    "vowel_energy_rpvi": (9 + 12 + 3 + 12 + 1 + 4) / 6,
    "word_energy_sd": sd([(-3 + 6) / 4, -6 / 2, -9 / 2, (3 + 4) / 4, 0]),
    # At the borders of phones within words, and from "the" to "city"; 137 pairs of frames lie within.
    "energy_change": (3 + 6 + 6 + 6 + 9 + 9 + 3 + 3 + 4 + 0) / (35 + 11 + 52 + 39) / 0.01,
    "accent_excursion_mean": (4 + 0 + 0 + 2 + 0) / 5,
    "accent_excursion_sd": sd([4, 0, 0, 2, 0]),
    "accent_excursion_median": 0,
    "accent_excursion_max": 4,
    "accent_peak_mean": (4 - 1 - 2 + 3 + 0) / 5,  # 6, 1, 0, 5 and 2 above the median of 2
    "accent_peak_sd": sd([4, -1, -2, 3, 0]),
    "accent_peak_median": 0,
    "accent_peak_min": -2,
    "accent_peak_max": 4,
    "accented_words": 2 / 5,
    "accent_correlation": correlation(HIGHEST, LOUDEST),
    "strongest_accent": max(STRENGTHS),
    "accent_strength_sd": sd(STRENGTHS),
    "stress_f0_difference": (6 + 5) / 2 - (2 + 3) / 2,
    "stress_energy_difference": (6 + 3) / 2 - (-3 + 4) / 2,
    "stress_placed_by_f0": 2 / 2,
    "stress_placed_by_energy": 1 / 2,  # -gain 6 over -3, but ci- 3 under 4
    # again: 3 + 6 + 5 log over -1.5 + 2 + 5 log; city: 1.5 + 5 + 5 log over 2 + 3 + 5 log
    "stress_placed_by_prominence": 2 / 2,
    "content_f0_difference": (6 + 5 + 2) / 3 - (1 + 0) / 2,
    "content_energy_difference": (6 + 3 + 0) / 3 - (-6 - 9) / 2,
}

# Frame k has the tone 9 - 0.03 k. Words: frames 30-65, 86-97, 158-169, 170-210, 221-260; the middle one of
# these 141 is 180.
MEAN = (36 * 47.5 + 12 * 91.5 + 12 * 163.5 + 41 * 190 + 40 * 240.5) / 141
GLIDE_FRAMES = [*range(30, 66), *range(86, 98), *range(158, 211), *range(221, 261)]
GLIDE: dict[str, float | None] = {
    "f0_mean": 9 - 0.03 * MEAN,
    "f0_median": 9 - 0.03 * 180,
    "f0_mad": 0.03 * deviation(GLIDE_FRAMES),
    "f0_min": 9 - 0.03 * 260,
    "f0_max": 9 - 0.03 * 30,
    "f0_range": 0.03 * (253 - 37),  # 5 % are the 7 frames beyond
    "f0_skew": 0.03 * (180 - MEAN),
    "voiced_share": 1.0,
    "f0_slope": -3.0,
    "f0_change": 3.0,
    "final_f0_slope": -3.0,
    "final_f0_level": 0.03 * (180 - (221 + 260) / 2),
    # From N (56-65) to T (86-91), and from UW (92-97) to DH (158-163).
    "f0_reset": 0.03 * ((60.5 - 88.5) + (94.5 - 160.5)) / 2,
    "vowel_f0_rpvi": 0.03
    * (245.5 - 32)
    / 6,  # always down, from the middle of AH (30-34) to that of OW (231-260)
    "f0_turns": 0.0,
    "energy_mad": deviation(FADING),
    "energy_slope": slope(MIDDLES, FADING),
    "energy_change": 6.0,
    "accent_excursion_mean": 0.03 * (35 + 11 + 11 + 40 + 39) / 5,
    "accent_excursion_median": 0.03 * 35,
    "accent_excursion_max": 0.03 * 40,
    "accent_peak_median": 0.03 * (180 - 158),
    "accent_peak_max": 0.03 * (180 - 30),
    "accented_words": 2 / 5,  # again and to begin 4.5 and 2.82 above the median
}

IDEA: dict[str, float | None] = {
    "stressed_acceptance": (0.9 + 0.9) / 2,  # OW of hello and IY of idea, where AY has secondary stress
    "unstressed_acceptance": (0.5 + 0.45) / 2,
    "stress_duration_ratio": (0.22 + 0.12) / (0.05 + 0.08),
    "stressed_vowel_duration": (0.22 + 0.12) / 2,
    "unstressed_vowel_duration": (0.05 + 0.08) / 2,
    "stress_placed_by_duration": 2 / 2,  # AY is longer than IY, but it is not unstressed
    # hello, chews, idea, twain (OW, UW, IY, EY); you, with, you (UW, IH, UW)
    "content_duration_ratio": ((0.22 + 0.14 + 0.12 + 0.18) / 4) / ((0.10 + 0.07 + 0.20) / 3),
}

CASES = {"plain": PLAIN, "tune": TUNE, "glide": GLIDE, "idea": IDEA}
