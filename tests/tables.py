"""Made-up scorer examples whose scores follow from their features."""

from __future__ import annotations

import numpy as np

from elocute.features.phone import STATISTICS, STRESS_UNMARKED, PhoneFeatures
from elocute.phones import MANNER_OF, MANNERS, PHONE_ID, PHONES, VOWELS

COLUMNS = (
    "lpp_canonical",
    "duration",
    *(f"energy_{name}" for name in STATISTICS),
    *(f"f0_{name}" for name in STATISTICS),
    "z_duration_in_word",
)
WORDS = ("go", "again", "see", "ship", "march")


def made_up(seed: int, labelled: bool = True):  # type: ignore[no-untyped-def]
    """An utterance of 2 to 4 words; its phones score what their goodness says, and the longer the louder."""
    from elocute.corpora.types import UtteranceLabels, WordLabels
    from elocute.training.examples import make_example, unlabelled_example

    random = np.random.default_rng(seed)
    sizes = random.integers(1, 4, random.integers(2, 5))
    word = np.repeat(np.arange(len(sizes)), sizes)
    names = random.choice(PHONES, len(word))
    values = random.normal(size=(len(word), len(COLUMNS))).astype(np.float32)
    values[:, 1] = random.uniform(0.03, 0.4, len(word))
    values[:, 2] = 5 * values[:, 1]
    features = PhoneFeatures(
        np.array([PHONE_ID[n] for n in names]),
        np.array([int(random.integers(3)) if n in VOWELS else STRESS_UNMARKED for n in names]),
        np.array([MANNERS.index(MANNER_OF[n]) for n in names]),
        word,
        np.concatenate([[0] if size == 1 else [1, *[2] * (size - 2), 3] for size in sizes]),
        values,
        COLUMNS,
    )
    row = random.normal(size=3).astype(np.float32)
    script = tuple(random.choice(WORDS, len(sizes)))
    if not labelled:
        return unlabelled_example(f"n{seed}", "native", features, row, script)
    scores = np.clip(1.2 + 0.5 * values[:, 0], 0.0, 2.0)
    words = tuple(
        WordLabels(
            script[n], *[float(scores[word == n].mean()) * 5] * 3, tuple(map(float, scores[word == n]))
        )
        for n in range(len(sizes))
    )
    labels = UtteranceLabels(*[float(scores.mean()) * 5] * 5, words)
    return make_example(f"u{seed}", f"s{seed % 10}", features, row, labels)


FOLDS = {f"s{n}": n % 5 for n in range(10)}
