"""Grapheme to phoneme: how a word outside the lexicon is probably said.

A joint n-gram model over graphones (one letter with none, one or two phones; Bisani & Ney 2008), trained on
CMUdict by :mod:`elocute.training.g2p` and searched with a beam. Deterministic, offline, numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ASSET = Path(__file__).parent.parent / "assets" / "lexicon" / "g2p.npz"
LETTERS = "'abcdefghijklmnopqrstuvwxyz"
STEP = 1 / 16
"""Log probabilities are stored in steps of this size."""
BEAM = 64
MARGIN = 9.0
"""Hypotheses this far in log probability behind the best are given up."""

State = tuple[int, ...]
"""The n-grams (nodes) a hypothesis ends with, shortest first; node 0 is the empty one."""


class G2P:
    """The model; immutable, safe to share between threads.

    The n-grams form a trie stored breadth first: node ``i`` has ``children[i]`` children, node 0 is the root,
    and node ``i > 0`` ends with graphone ``symbol[i - 1]``, has ``-logp[i - 1] * STEP`` as log probability
    given its prefix and ``backoff[i - 1] * STEP`` as log weight when it is backed off from. Graphones 0 and 1
    are the start and end of a word; the others are sorted by letter.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self._phones = [tuple(phones.split()) for phones in arrays["phones"].tolist()]
        letters = arrays["letters"]
        self._range = {
            letter: (int(np.searchsorted(letters, letter)), int(np.searchsorted(letters, letter, "right")))
            for letter in LETTERS
        }
        self._range[""] = (1, 2)
        self._symbol = np.concatenate([[0], arrays["symbol"]]).astype(np.int32)
        self._logp = np.concatenate([[0], arrays["logp"]]).astype(np.float32) * -STEP
        self._backoff = np.concatenate([[0], arrays["backoff"]]).astype(np.float32) * STEP
        self._first = np.concatenate([[1], 1 + np.cumsum(arrays["children"], dtype=np.int64)])

    def __call__(self, word: str) -> tuple[str, ...]:
        """Phones with stress of a lower-case word of letters and apostrophes; ``()`` if it finds none."""
        start = self._extend((0,), 0)
        beam: list[tuple[float, State, tuple[str, ...]]] = [(0.0, start, ())]
        for letter in [letter for letter in word if letter in LETTERS] + [""]:
            low, high = self._range[letter]
            ahead = {state: self._log_probs(state, low, high) for state in {state for _, state, _ in beam}}
            scores = np.stack([score + ahead[state] for score, state, _ in beam])
            longer = []
            order = np.argsort(-scores, axis=None, kind="stable")[:BEAM]
            for i in order[scores.flat[order] > scores.max() - MARGIN].tolist():
                _, state, phones = beam[i // (high - low)]
                symbol = low + i % (high - low)
                score = float(scores.flat[i])
                longer.append((score, self._extend(state, symbol), phones + self._phones[symbol]))
            beam = longer
        return _choose([(score, phones) for score, _, phones in beam])

    def _children(self, node: int, low: int, high: int) -> tuple[int, int]:
        """The nodes below ``node`` whose graphone is in ``[low, high)``."""
        first = int(self._first[node])
        symbols = self._symbol[first : int(self._first[node + 1])]
        a, b = symbols.searchsorted((low, high)).tolist()
        return first + a, first + b

    def _log_probs(self, state: State, low: int, high: int) -> npt.NDArray[np.float32]:
        """Log probability of every graphone in ``[low, high)`` after ``state``."""
        a, b = self._children(0, low, high)
        logp = self._logp[a:b].copy()
        for node in state[1:]:
            logp += self._backoff[node]
            a, b = self._children(node, low, high)
            logp[self._symbol[a:b] - low] = self._logp[a:b]
        return logp

    def _extend(self, state: State, symbol: int) -> State:
        """The nodes a hypothesis ends with after one more graphone."""
        nodes = [0]
        for node in state:
            a, b = self._children(node, symbol, symbol + 1)
            if a < b:
                nodes.append(a)
        return tuple(nodes)


def _choose(hypotheses: list[tuple[float, tuple[str, ...]]]) -> tuple[str, ...]:
    """The most probable pronunciation, first among those with exactly one main stress.

    The n-gram looks back a few letters only, so that it may stress a long word twice or not at all.
    """
    total: dict[tuple[str, ...], float] = {}
    for score, phones in hypotheses:
        total[phones] = float(np.logaddexp(total.get(phones, -np.inf), score))

    def rank(phones: tuple[str, ...]) -> tuple[bool, float]:
        return sum(phone.endswith("1") for phone in phones) == 1, total[phones]

    return max(total, key=rank)


@lru_cache(maxsize=1)
def model() -> G2P:
    """The shipped model, loaded once."""
    with np.load(ASSET, allow_pickle=False) as arrays:
        return G2P(arrays)
