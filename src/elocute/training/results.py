"""What experiments found: agreement per seed, paired comparison over speakers, and the generated page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elocute.training.examples import Example
from elocute.training.hierarchy import UTTERANCE_ASPECTS, WORD_ASPECTS
from elocute.training.scorer import Predictions

Floats = NDArray[np.float64]

MEASURES: tuple[str, ...] = (
    "phone MSE",
    "phone PCC",
    *(f"word {aspect}" for aspect in WORD_ASPECTS),
    *(f"utterance {aspect}" for aspect in UTTERANCE_ASPECTS),
)
DRAWS = 2000


@dataclass(frozen=True)
class Truth:
    """Labels of all learners' utterances one level after another, each with its speaker's number and fold.

    ``mask`` and ``first`` (rows, phones) pick phones and words out of padded predictions.
    """

    mask: NDArray[np.bool_]
    first: NDArray[np.bool_]
    phones: Floats
    words: Floats
    scores: Floats
    speakers: tuple[NDArray[np.int64], ...]
    folds: NDArray[np.int64]

    @classmethod
    def of(cls, examples: Sequence[Example], folds: Mapping[str, int]) -> Truth:
        longest = max(len(e.phones) for e in examples)
        mask = np.zeros((len(examples), longest), bool)
        first = mask.copy()
        for row, example in enumerate(examples):
            mask[row, : len(example.phones)] = True
            first[row, : len(example.phones)] = np.diff(example.features.word, prepend=-1) > 0
        names = sorted({e.speaker for e in examples})
        number = np.array([names.index(e.speaker) for e in examples])
        phones = np.concatenate([e.phones for e in examples]).astype(float)
        words = np.concatenate([e.words for e in examples]).astype(float)
        return cls(
            mask,
            first,
            phones,
            words[first[mask]],
            np.stack([e.scores for e in examples]).astype(float),
            (*(np.repeat(number, part.sum(1)) for part in (mask, first)), number),
            np.array([folds[name] for name in names]),
        )

    def sums(self, found: Predictions) -> dict[str, Floats]:
        """For each of :data:`MEASURES` and every speaker what the measure needs, (speakers, 7): number, sums
        of prediction and label, of their squares and product, and of the squared error."""
        length = self.mask.shape[1]
        phones = found.phones[:, :length][self.mask]
        words = found.words[:, :length][self.first]
        kept: dict[str, Floats] = {"phone MSE": self._sums(phones, self.phones, 0)}
        kept["phone PCC"] = kept["phone MSE"]
        for number, aspect in enumerate(WORD_ASPECTS):
            kept[f"word {aspect}"] = self._sums(words[:, number], self.words[:, number], 1)
        for number, aspect in enumerate(UTTERANCE_ASPECTS):
            kept[f"utterance {aspect}"] = self._sums(found.scores[:, number], self.scores[:, number], 2)
        return kept

    def _sums(self, prediction: NDArray[np.float32], label: Floats, level: int) -> Floats:
        x = np.clip(prediction.astype(float), 0.0, 2.0)
        columns = [np.ones_like(x), x, label, x * x, label * label, x * label, (x - label) ** 2]
        count = len(self.folds)
        return np.stack([np.bincount(self.speakers[level], c, count) for c in columns], axis=1)


def statistic(measure: str, sums: Floats) -> Floats:
    """(…,) the measure from sums (…, 7)."""
    n, x, y, xx, yy, xy, squares = np.moveaxis(sums, -1, 0)
    if measure.endswith("MSE"):
        return np.asarray(squares / n)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((xy - x * y / n) / np.sqrt((xx - x * x / n) * (yy - y * y / n)))


def agreement(found: Mapping[int, Predictions], truth: Truth) -> dict[str, dict[str, float]]:
    """Per measure the mean and standard deviation over seeds, and the value of the seeds' mean prediction."""
    each = [truth.sums(predictions) for predictions in found.values()]
    together = truth.sums(mean_prediction(list(found.values())))
    report = {}
    for measure in MEASURES:
        values = [float(statistic(measure, sums[measure].sum(0))) for sums in each]
        report[measure] = {
            "mean": round(float(np.mean(values)), 4),
            "std": round(float(np.std(values, ddof=1)) if len(values) > 1 else 0.0, 4),
            "together": round(float(statistic(measure, together[measure].sum(0))), 4),
        }
    return report


def mean_prediction(found: Sequence[Predictions]) -> Predictions:
    phones, words, scores = (
        np.asarray(np.mean([getattr(f, level) for f in found], axis=0), np.float32)
        for level in ("phones", "words", "scores")
    )
    return Predictions(phones, words, scores)


@dataclass(frozen=True)
class Difference:
    """Mean over seeds of new minus old, its 95 % interval when speakers are drawn anew, and in how many of
    the pairs of fold and seed the new one is better."""

    value: float
    low: float
    high: float
    better: int
    pairs: int


def compare(
    new: Mapping[int, Predictions], old: Mapping[int, Predictions], truth: Truth, draws: int = DRAWS
) -> dict[str, Difference]:
    """Paired by seed, fold and speaker."""
    seeds = [seed for seed in new if seed in old]
    sums = [(truth.sums(new[seed]), truth.sums(old[seed])) for seed in seeds]
    count = len(truth.folds)
    random = np.random.default_rng(0)
    drawn = random.multinomial(count, np.full(count, 1.0 / count), size=draws).astype(float)
    found = {}
    for measure in MEASURES:
        lower_is_better = measure.endswith("MSE")
        values, spread, better = [], [], 0
        for a, b in sums:
            whole = [float(statistic(measure, x[measure].sum(0))) for x in (a, b)]
            values.append(whole[0] - whole[1])
            spread.append(statistic(measure, drawn @ a[measure]) - statistic(measure, drawn @ b[measure]))
            for fold in np.unique(truth.folds):
                own = truth.folds == fold
                gain = statistic(measure, a[measure][own].sum(0)) - statistic(measure, b[measure][own].sum(0))
                better += int((gain < 0) if lower_is_better else (gain > 0))
        low, high = np.nanpercentile(np.mean(spread, axis=0), [2.5, 97.5])
        pairs = len(seeds) * len(np.unique(truth.folds))
        found[measure] = Difference(float(np.mean(values)), float(low), float(high), better, pairs)
    return found


def save_outcome(found: Mapping[int, Predictions], path: Path) -> None:
    arrays = {
        f"{seed}/{level}": getattr(predictions, level)
        for seed, predictions in found.items()
        for level in ("phones", "words", "scores")
    }
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(partial, **arrays)
    partial.replace(path)


def load_outcome(path: Path) -> dict[int, Predictions]:
    with np.load(path, allow_pickle=False) as stored:
        seeds = dict.fromkeys(int(name.split("/")[0]) for name in stored.files)
        return {
            seed: Predictions(*(stored[f"{seed}/{level}"] for level in ("phones", "words", "scores")))
            for seed in seeds
        }


PREAMBLE = """# Results

Generated by `elocute train grid`; do not edit. Training half of speechocean762, five speaker-disjoint folds,
the front end cross-fitted on the same folds; every network judges only speakers it has not seen. Networks
alone: no word is called omitted. First table of a section: mean and standard deviation over the seeds of the
value pooled over the folds; in brackets that of the seeds' mean prediction. Phones on a scale of 0-2,
everything else Pearson's correlation. Second table: difference to the section's first row, paired by seed,
with the 95 % interval when speakers are drawn anew (2,000 draws), and in how many pairs of fold and seed it
is better. An interval that excludes 0 is bold.
"""


PROBES = """
## What the pretrained encoder holds

Linear probes of the frozen phone encoder, tried on speakers it has not seen: accuracy for phone and manner,
explained variance for duration and F0; in brackets the encoder as initialised. At hidden positions only the
context can tell.

"""


def results_page(
    sections: Sequence[tuple[str, str, str, Sequence[str]]],
    titles: Mapping[str, str],
    outcomes: Mapping[str, Mapping[int, Predictions]],
    truth: Truth,
) -> str:
    """Markdown of all sections (title, text, baseline, experiments); what is not done yet is named."""
    parts = [PREAMBLE]
    for title, text, baseline, names in sections:
        rows = list(dict.fromkeys((baseline, *names)))
        done = [name for name in rows if name in outcomes]
        parts.append(f"## {title}\n\n{text}\n" if text else f"## {title}\n")
        missing = [titles[name] for name in rows if name not in outcomes]
        if missing:
            parts.append(f"Not run: {'; '.join(missing)}.\n")
        if done:
            parts.append(_values(done, titles, outcomes, truth))
        if baseline in done and len(done) > 1:
            parts.append(_differences(done, baseline, titles, outcomes, truth))
    return "\n".join(parts)


def probes_section(probes: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]]) -> str:
    """What linear probes read from the frozen phone encoder (title -> encoder -> position -> target)."""
    if not probes:
        return ""
    targets = list(next(iter(probes.values()))["fresh"]["shown"])
    rows = []
    for title, found in probes.items():
        for position in ("shown", "hidden"):
            pairs = ((found[name][position][t] for name in ("pretrained", "fresh")) for t in targets)
            rows.append([title, position, *(f"{_short(after)} ({_short(fresh)})" for after, fresh in pairs)])
    return PROBES + _table(["", "position", *targets], rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _short(value: float, signed: bool = False) -> str:
    text = f"{value:+.3f}" if signed else f"{value:.3f}"
    return text.replace("0.", ".", 1)


def _values(
    names: Sequence[str],
    titles: Mapping[str, str],
    outcomes: Mapping[str, Mapping[int, Predictions]],
    truth: Truth,
) -> str:
    rows = []
    for name in names:
        found = agreement(outcomes[name], truth)
        cells = [
            f"{_short(v['mean'])} ± {_short(v['std'])} ({_short(v['together'])})"
            for v in (found[measure] for measure in MEASURES)
        ]
        rows.append([titles[name], *cells])
    return _table(["", *MEASURES], rows)


def _differences(
    names: Sequence[str],
    baseline: str,
    titles: Mapping[str, str],
    outcomes: Mapping[str, Mapping[int, Predictions]],
    truth: Truth,
) -> str:
    rows = []
    for name in names:
        if name == baseline:
            continue
        cells = []
        for measure, d in compare(outcomes[name], outcomes[baseline], truth).items():
            assert measure in MEASURES
            value = _short(d.value, signed=True)
            value = f"**{value}**" if d.low > 0 or d.high < 0 else value
            interval = f"[{_short(d.low, signed=True)}, {_short(d.high, signed=True)}]"
            cells.append(f"{value} {interval} {d.better}/{d.pairs}")
        rows.append([titles[name], *cells])
    return _table([f"minus {titles[baseline]}", *MEASURES], rows)
