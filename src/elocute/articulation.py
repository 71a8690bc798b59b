"""How every sound of English is made, in words for learners, and what tells confused sounds apart.

Textbook knowledge in our own words; to read on: P. Roach, English Phonetics and Phonology (2009), and
M. Swan and B. Smith, Learner English (2001), on the confusions of learners by first language.
"""

from __future__ import annotations

from elocute.phones import base

SOUNDS: dict[str, tuple[str, str]] = {
    "AA": ("father", "Open the mouth wide with the tongue low and back, the lips not rounded."),
    "AE": ("cat", "Drop the jaw, keep the tongue low and to the front, spread the lips a little."),
    "AH": ("cup", "Relax the mouth: tongue in the middle, lips loose, and keep it short."),
    "AO": ("law", "Round the lips a little and pull the tongue back, with the jaw half open."),
    "AW": ("now", "Start with an open mouth and glide to rounded lips."),
    "AY": ("my", "Start with an open mouth and glide up towards the vowel of “see”."),
    "B": ("boy", "Close the lips and let them burst open with the voice on."),
    "CH": ("chair", "Stop the air behind the upper teeth, then release it into “sh”, without voice."),
    "D": ("day", "Press the tongue tip behind the upper teeth and let go with the voice on."),
    "DH": ("this", "Put the tongue tip lightly between the teeth and let the voice buzz around it."),
    "EH": ("bed", "Half open the mouth, tongue to the front, lips relaxed and the sound short."),
    "ER": ("bird", "Pull the tongue back and bunch it up without touching the roof of the mouth; hold it."),
    "EY": ("day", "Start as in “bed” and glide up towards the vowel of “see”."),
    "F": ("fan", "Rest the upper teeth on the lower lip and blow, without voice."),
    "G": ("go", "Close the back of the tongue against the soft palate, let go with the voice on."),
    "HH": ("hat", "Just breathe out before the vowel; nothing in the mouth touches."),
    "IH": ("sit", "Keep it short and relaxed: tongue a little lower than in “see”, lips not spread."),
    "IY": ("see", "Push the tongue high and to the front, spread the lips, and hold it long."),
    "JH": ("job", "Stop the air behind the upper teeth, then release it into a “zh” with the voice on."),
    "K": ("cat", "Close the back of the tongue against the soft palate and let go with a puff of air."),
    "L": ("light", "Press the tongue tip behind the upper teeth and let the voice flow past its sides."),
    "M": ("man", "Close the lips and hum through the nose."),
    "N": ("no", "Press the tongue tip behind the upper teeth and hum through the nose."),
    "NG": ("sing", "Raise the back of the tongue and hum through the nose; do not add a g."),
    "OW": ("go", "Start with half-rounded lips and close them to a small circle."),
    "OY": ("boy", "Start with rounded lips and glide to the vowel of “see”."),
    "P": ("pen", "Close the lips and let them burst open with a puff of air, without voice."),
    "R": ("red", "Curl or bunch the tongue back without touching anything, lips slightly rounded."),
    "S": ("sun", "Keep the teeth close and blow a thin stream of air over the tongue, without voice."),
    "SH": ("she", "Round the lips a little, let the air rush over the middle of the tongue, without voice."),
    "T": ("ten", "Press the tongue tip behind the upper teeth and let go with a puff of air."),
    "TH": ("thin", "Put the tongue tip lightly between the teeth and blow, without voice."),
    "UH": ("book", "Keep it short and relaxed: lips a little rounded, tongue a little back."),
    "UW": ("food", "Round the lips tightly, tongue high and back, and hold it long."),
    "V": ("very", "Rest the upper teeth on the lower lip and let the voice buzz."),
    "W": ("we", "Start with tightly rounded lips and open them quickly; the teeth touch nothing."),
    "Y": ("yes", "Start as high as in “see” and glide at once into the vowel."),
    "Z": ("zoo", "As s, with the teeth close, but let the voice buzz."),
    "ZH": ("vision", "As “sh”, lips a little rounded, but let the voice buzz."),
}  # fmt: skip
"""Phone -> an everyday word that has it, and how to make it."""

_VOICE = "let the voice buzz: a finger on the throat feels it"
_NO_VOICE = "keep the voice out: a finger on the throat feels nothing"
CONTRASTS: dict[tuple[str, str], str] = {
    ("TH", "S"): "The tongue tip must show between the teeth; for s it stays behind them.",
    ("TH", "F"): "The tongue touches the teeth, not the lip.",
    ("TH", "T"): "Do not stop the air: th is a long, soft stream.",
    ("DH", "D"): "Do not stop the air: touch the teeth softly and let it flow on.",
    ("DH", "Z"): "The tongue tip must show between the teeth; for z it stays behind them.",
    ("V", "W"): "The upper teeth touch the lower lip; the lips are not rounded.",
    ("V", "F"): f"The same place as f, but {_VOICE}.",
    ("W", "V"): "Round the lips and keep the teeth off the lower lip.",
    ("R", "L"): "The tongue tip must not touch the roof of the mouth.",
    ("L", "R"): "The tongue tip must touch behind the upper teeth.",
    ("L", "N"): "Let the air out of the mouth past the tongue's sides, not through the nose.",
    ("N", "L"): "Let the air out through the nose, not the mouth.",
    ("NG", "N"): "The back of the tongue closes, the tip stays down.",
    ("N", "NG"): "The tongue tip closes behind the upper teeth, the back stays down.",
    ("IH", "IY"): "Shorter and more relaxed than the vowel of “see”.",
    ("IY", "IH"): "Longer and tenser than the vowel of “sit”: spread the lips.",
    ("UH", "UW"): "Shorter and more relaxed than the vowel of “food”.",
    ("UW", "UH"): "Longer than the vowel of “book”, with tight lips.",
    ("AE", "EH"): "Open the mouth further than for “bed”: drop the jaw.",
    ("EH", "AE"): "Close the mouth a little more than for “cat”.",
    ("AH", "AA"): "Keep it short and the mouth less open than in “father”.",
    ("EH", "EY"): "One steady vowel: do not glide up at its end.",
    ("EY", "EH"): "Let it glide up at its end, towards the vowel of “see”.",
    ("S", "SH"): "Spread the lips and move the tongue forward to the teeth.",
    ("SH", "S"): "Round the lips and pull the tongue back a little.",
    ("Z", "S"): f"The same place as s, but {_VOICE}.",
    ("S", "Z"): f"The same place as z, but {_NO_VOICE}.",
    ("B", "P"): f"The same place as p, but {_VOICE}.",
    ("D", "T"): f"The same place as t, but {_VOICE}; hold the vowel before it longer.",
    ("G", "K"): f"The same place as k, but {_VOICE}; hold the vowel before it longer.",
    ("JH", "CH"): f"The same place as ch, but {_VOICE}.",
    ("ZH", "SH"): f"The same place as sh, but {_VOICE}.",
}
"""(wanted, heard) -> what makes the difference."""


def example(phone: str) -> str:
    """An everyday word with this phone."""
    return SOUNDS[base(phone)][0]


def how_to(phone: str, heard: str | None = None) -> str:
    """How to make ``phone``, and what tells it from the one that was ``heard``, where that is known."""
    advice = SOUNDS[base(phone)][1]
    contrast = CONTRASTS.get((base(phone), base(heard))) if heard else None
    return f"{advice} {contrast}" if contrast else advice
