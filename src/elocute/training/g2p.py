"""Train the G2P model from CMUdict: letters aligned to phones by EM, then a pruned Kneser-Ney n-gram.

A graphone is one letter with the none, one or two phones it stands for. Words become graphone sequences, and
an n-gram model over them predicts phones and stress together. Source: Bisani & Ney (2008), "Joint-sequence
models for grapheme-to-phoneme conversion"; smoothing: Chen & Goodman (1999), modified Kneser-Ney.

``python -m elocute.training.g2p`` measures on a held-out tenth of the words;
``python -m elocute.training.g2p --write`` trains on all words and writes the asset.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from elocute.phones import PHONE_ID, PHONES, base
from elocute.text.g2p import ASSET, G2P, LETTERS, STEP
from elocute.text.lexicon import Lexicon, lexicon

Pair = tuple[str, tuple[str, ...]]
Graphone = tuple[str, tuple[str, ...]]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

ORDER = 8
PRUNE = 0.4
"""An n-gram is dropped when its count times its gain in log probability over backing off is below this."""
RARE = 3
"""Words with a graphone seen fewer times are noise (abbreviations, foreign spellings) and left out."""
EM_ROUNDS = 6
N_UNITS = 1 + len(PHONES) + len(PHONES) ** 2
LETTER_ID = {letter: i for i, letter in enumerate(LETTERS)}


def training_pairs(table: Lexicon, words: Iterable[str]) -> list[Pair]:
    """Every pronunciation of the words made of letters and apostrophes, at most two phones a letter."""
    return [
        (word, phones)
        for word in words
        if all(letter in LETTER_ID for letter in word)
        for phones in table.get(word)
        if len(phones) <= 2 * len(word)
    ]


# ---------------------------------------------------------------------------------------------- alignment


def align(pairs: list[Pair], rounds: int = EM_ROUNDS) -> list[list[Graphone]]:
    """The most probable graphone sequence of every pair, by EM over letter -> 0, 1 or 2 phones.

    Stress plays no part in the alignment. Pairs of the same two lengths are worked on together.
    """
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, (word, phones) in enumerate(pairs):
        groups[len(word), len(phones)].append(i)
    batches = [(_Batch([pairs[i] for i in members]), members) for members in groups.values()]
    prob = np.full((len(LETTERS), N_UNITS), 1.0 / N_UNITS)
    for _ in range(rounds):
        counts = np.full_like(prob, 1e-6)
        for batch, _members in batches:
            batch.expect(prob, counts)
        prob = counts / counts.sum(axis=1, keepdims=True)
    result: list[list[Graphone]] = [[] for _ in pairs]
    for batch, members in batches:
        for i, sizes in zip(members, batch.best(prob), strict=True):
            word, phones = pairs[i]
            ends = np.cumsum(sizes)
            result[i] = [
                (letter, phones[end - size : end])
                for letter, size, end in zip(word, sizes.tolist(), ends.tolist(), strict=True)
            ]
    return result


class _Batch:
    """Pairs with n letters and m phones each: letters (B, n) and, for every move, unit ids (B, m + 1)."""

    def __init__(self, pairs: list[Pair]) -> None:
        self.letters = np.array([[LETTER_ID[c] for c in word] for word, _ in pairs])
        ids = np.array([[PHONE_ID[base(p)] for p in phones] for _, phones in pairs]).reshape(len(pairs), -1)
        self.n, self.m = self.letters.shape[1], ids.shape[1]
        one = np.zeros((len(pairs), self.m + 1), dtype=np.int64)
        two = np.zeros_like(one)
        one[:, 1:] = 1 + ids
        two[:, 2:] = 1 + len(PHONES) + ids[:, :-1] * len(PHONES) + ids[:, 1:]
        self.units = (np.zeros_like(one), one, two)

    def _moves(self, i: int) -> Iterable[tuple[int, int]]:
        """(end, size) of every move of letter ``i`` on a path that can still finish."""
        for end in range(max(0, self.m - 2 * (self.n - i - 1)), min(self.m, 2 * (i + 1)) + 1):
            for size in range(max(0, end - 2 * i), min(2, end) + 1):
                yield end, size

    def expect(self, prob: Floats, counts: Floats) -> None:
        """Add the expected count of every (letter, unit) to ``counts``."""
        rows = len(self.letters)
        forward = np.zeros((self.n + 1, self.m + 1, rows))
        backward = np.zeros_like(forward)
        forward[0, 0] = backward[self.n, self.m] = 1.0
        for i in range(self.n):
            for end, size in self._moves(i):
                forward[i + 1, end] += forward[i, end - size] * self._p(prob, i, end, size)
        total = forward[self.n, self.m]
        for i in reversed(range(self.n)):
            for end, size in self._moves(i):
                path = self._p(prob, i, end, size) * backward[i + 1, end]
                backward[i, end - size] += path
                np.add.at(
                    counts,
                    (self.letters[:, i], self.units[size][:, end]),
                    forward[i, end - size] * path / total,
                )

    def best(self, prob: Floats) -> Ints:
        """Phones per letter on the best path, (B, n)."""
        rows = len(self.letters)
        score = np.full((self.n + 1, self.m + 1, rows), -np.inf)
        move = np.zeros(score.shape, dtype=np.int64)
        score[0, 0] = 0.0
        for i in range(self.n):
            for end, size in self._moves(i):
                path = score[i, end - size] + np.log(self._p(prob, i, end, size))
                better = path > score[i + 1, end]
                score[i + 1, end][better] = path[better]
                move[i + 1, end][better] = size
        sizes = np.zeros((rows, self.n), dtype=np.int64)
        at = np.full(rows, self.m)
        for i in reversed(range(self.n)):
            sizes[:, i] = move[i + 1, at, np.arange(rows)]
            at = at - sizes[:, i]
        return sizes

    def _p(self, prob: Floats, i: int, end: int, size: int) -> Floats:
        found: Floats = prob[self.letters[:, i], self.units[size][:, end]]
        return found


# ------------------------------------------------------------------------------------------------- n-gram


@dataclass
class _Level:
    """The n-grams of one length, sorted by (prefix, symbol); prefix and suffix are ids one level down."""

    symbol: Ints
    prefix: Ints
    suffix: Ints
    raw: Floats
    logp: Floats
    log_lower: Floats
    backoff: Floats
    keep: npt.NDArray[np.bool_]


def count(sequences: list[list[int]], order: int, n_symbols: int) -> list[_Level]:
    """All n-grams up to ``order`` with their raw counts; symbol 0 starts and symbol 1 ends a sequence."""
    flat = np.array([s for sequence in sequences for s in (0, *sequence, 1)], dtype=np.int64)
    depth = np.concatenate([np.arange(len(sequence) + 2) for sequence in sequences])
    levels: list[_Level] = []
    node = flat
    for k in range(1, order + 1):
        at = np.flatnonzero(depth >= k - 1)
        if k == 1:
            keys, inverse = np.arange(n_symbols), flat
            suffix = np.zeros(n_symbols, dtype=np.int64)
        else:
            keys, first, inverse = np.unique(
                node[at - 1] * n_symbols + flat[at], return_index=True, return_inverse=True
            )
            suffix = node[at][first]
        size = len(keys)
        levels.append(
            _Level(
                symbol=keys % n_symbols,
                prefix=keys // n_symbols,
                suffix=suffix,
                raw=np.bincount(inverse, minlength=size).astype(float),
                logp=np.zeros(size),
                log_lower=np.zeros(size),
                backoff=np.zeros(size),
                keep=np.ones(size, dtype=bool),
            )
        )
        node = np.full(len(flat), -1)
        node[at] = inverse
    return levels


def smooth(levels: list[_Level]) -> None:
    """Interpolated modified Kneser-Ney probabilities, in place."""
    starts = np.zeros(len(levels[0].symbol), dtype=bool)
    starts[0] = True
    lower = np.full(1, 1.0 / (len(levels[0].symbol) - 1))
    for k, level in enumerate(levels):
        if k:
            starts = starts[level.prefix]
        if k + 1 < len(levels):
            extensions = np.bincount(levels[k + 1].suffix, minlength=len(level.symbol)).astype(float)
            adjusted = np.where(starts, level.raw, extensions)
        else:
            adjusted = level.raw.copy()
        if k == 0:
            adjusted[0] = 0.0
        discount = _discounts(adjusted)[np.minimum(adjusted, 3).astype(int)]
        n_contexts = len(lower)
        total = np.maximum(np.bincount(level.prefix, adjusted, n_contexts), 1e-300)
        gamma = np.bincount(level.prefix, discount, n_contexts) / total
        p = (adjusted - discount) / total[level.prefix] + gamma[level.prefix] * lower[level.suffix]
        level.logp = np.log(np.maximum(p, 1e-12))
        level.log_lower = np.log(np.maximum(gamma[level.prefix] * lower[level.suffix], 1e-12))
        lower = p


def _discounts(counts: Floats) -> Floats:
    """Discount of an n-gram seen 0, 1, 2 and 3 or more times."""
    n1, n2, n3, n4 = (max(1.0, float(np.sum(counts == c))) for c in (1, 2, 3, 4))
    y = n1 / (n1 + 2 * n2)
    return np.array([0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]).clip(0.0)


def prune(levels: list[_Level], threshold: float) -> None:
    """Mark what to keep, then the backoff weights that make every context sum to one, in place."""
    needed = np.zeros(len(levels[-1].symbol), dtype=bool)
    for k in reversed(range(1, len(levels))):
        level, below = levels[k], levels[k - 1]
        level.keep = needed | (level.raw * (level.logp - level.log_lower) >= threshold)
        needed = np.zeros(len(below.symbol), dtype=bool)
        needed[level.prefix[level.keep]] = True
        needed[level.suffix[level.keep]] = True
    for level, below in zip(levels[1:], levels, strict=False):
        kept, n_contexts = level.keep, len(below.symbol)
        above = np.bincount(level.prefix[kept], np.exp(level.logp[kept]), n_contexts)
        lower = np.bincount(level.prefix[kept], np.exp(below.logp[level.suffix[kept]]), n_contexts)
        below.backoff = np.log(np.maximum(1 - above, 1e-4) / np.maximum(1 - lower, 1e-4))


def pack(levels: list[_Level], graphones: list[Graphone]) -> dict[str, npt.NDArray[Any]]:
    """The arrays of the asset (see :class:`elocute.text.g2p.G2P`)."""
    symbols, children, logps, backoffs = [], [len(levels[0].symbol)], [], []
    for k, level in enumerate(levels):
        symbols.append(level.symbol[level.keep])
        logps.append(level.logp[level.keep])
        backoffs.append(level.backoff[level.keep])
        if k + 1 < len(levels):
            above = levels[k + 1]
            n_children = np.bincount(above.prefix[above.keep], minlength=len(level.symbol))
        else:
            n_children = np.zeros(len(level.symbol), dtype=np.int64)
        children.extend(n_children[level.keep].tolist())
    return {
        "letters": np.array([letter for letter, _ in graphones]),
        "phones": np.array([" ".join(phones) for _, phones in graphones]),
        "symbol": np.concatenate(symbols).astype(np.uint16),
        "children": np.array(children).astype(np.uint16),
        "logp": np.round(-np.concatenate(logps) / STEP).clip(0, 255).astype(np.uint8),
        "backoff": np.round(np.concatenate(backoffs) / STEP).clip(-127, 127).astype(np.int8),
    }


def train(pairs: list[Pair], order: int = ORDER, threshold: float = PRUNE) -> dict[str, npt.NDArray[Any]]:
    """The model's arrays; the same pairs give the same arrays."""
    return estimate(align(pairs), order, threshold)


def estimate(aligned: list[list[Graphone]], order: int, threshold: float) -> dict[str, npt.NDArray[Any]]:
    """The n-gram model of aligned words."""
    seen = Counter(graphone for sequence in aligned for graphone in sequence)
    graphones = sorted(graphone for graphone, n in seen.items() if n >= RARE)
    ids = {graphone: i + 2 for i, graphone in enumerate(graphones)}
    sequences = [[ids[g] for g in sequence] for sequence in aligned if all(g in ids for g in sequence)]
    levels = count(sequences, order, len(graphones) + 2)
    smooth(levels)
    prune(levels, threshold)
    return pack(levels, [("", ()), ("", ()), *graphones])


# --------------------------------------------------------------------------------------------- evaluation


@dataclass(frozen=True)
class Errors:
    """Rates over words, against the closest of a word's pronunciations; phone rates per reference phone."""

    words: int
    phone: float
    phone_with_stress: float
    word: float
    word_with_stress: float


def evaluate(model: G2P, table: Lexicon, words: list[str]) -> Errors:
    """Phone and word error rates of ``model`` on words it was not trained on."""
    totals = np.zeros((2, 3))
    for word in words:
        said = model(word)
        plain_said = tuple(map(base, said))
        for row, pairs in enumerate(
            (
                [(plain_said, tuple(map(base, reference))) for reference in table.get(word)],
                [(said, reference) for reference in table.get(word)],
            )
        ):
            errors, length = min((distance(a, b), len(b)) for a, b in pairs)
            totals[row] += errors, length, errors > 0
    (plain, n, wrong), (stressed, _, wrong_stressed) = totals.tolist()
    return Errors(len(words), plain / n, stressed / n, wrong / len(words), wrong_stressed / len(words))


def distance(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """Levenshtein distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def split(table: Lexicon, seed: int = 0) -> tuple[list[str], list[str]]:
    """Words to train on and the held-out tenth."""
    words = [word for word in table.words() if word.replace("'", "").isalpha()]
    random.Random(seed).shuffle(words)
    tenth = len(words) // 10
    return sorted(words[tenth:]), words[:tenth]


def save(arrays: dict[str, npt.NDArray[Any]], path: Path = ASSET) -> None:
    np.savez_compressed(path, allow_pickle=False, **arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the G2P model from the shipped lexicon.")
    parser.add_argument("--write", action="store_true", help="train on all words and write the asset")
    parser.add_argument("--limit", type=int, default=2000, help="held-out words to measure on")
    arguments = parser.parse_args()
    table = lexicon()
    if arguments.write:
        save(train(training_pairs(table, table.words())))
        return
    known, held_out = split(table)
    model = G2P(train(training_pairs(table, known)))
    start = time.perf_counter()
    print(evaluate(model, table, held_out[: arguments.limit]))
    print(f"{(time.perf_counter() - start) / arguments.limit * 1000:.1f} ms a word")


if __name__ == "__main__":
    main()
