"""Which definition of goodness of pronunciation tells most about the raters' phone scores?

    python benchmarks/gop_definitions.py --corpus speechocean762 CONFIG=WORK [CONFIG=WORK ...]

For each front end (an acoustic configuration and the folder it was trained in) the phones of every training
utterance are measured by the fold model that has not heard the speaker; the same gradient-boosted trees learn
the raters' score from one definition at a time on four folds and predict the fifth. Correlations pooled over
the folds and, for the comparison of front ends, per fold. Definitions from logits run the fold models again:
``--every N`` takes every N-th utterance, ``--stored`` leaves them out.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from elocute.acoustics.align import align
from elocute.acoustics.alignment import Alignment
from elocute.acoustics.ctc import LIMIT, alignment_free_goodness, ctc_ratios
from elocute.acoustics.gop import Goodness, frame_spans, goodness
from elocute.acoustics.posteriors import SILENCE_ID, Posteriors
from elocute.metrics import pcc
from elocute.phones import PHONE_ID, base
from elocute.progress import track
from elocute.training.config import FOLDS, AcousticConfig, read_config
from elocute.training.crossfit import alignments_path, model_path, posteriors_path
from elocute.training.measured import load_prosody
from elocute.training.targets import load_alignments
from elocute.training.workshop import Workshop, load_network, load_posteriors

Columns = NDArray[np.float32]

CONTEXT = ("transitions", "neighbours", "word")


def frame_definitions(posteriors: Posteriors, alignment: Alignment, prior: Columns) -> dict[str, Columns]:
    """Definitions computed from log posteriors inside the aligned segments."""
    goods = goodness(posteriors, alignment)
    own = np.array([PHONE_ID[base(phone.phone)] for phone in alignment.phones])
    rows = np.arange(len(own))
    scaled = goods.lpp - prior
    rivals = scaled[:, :SILENCE_ID].copy()
    rivals[rows, own] = -np.inf
    spans = frame_spans(alignment, posteriors.frame_shift, len(posteriors.log_probs))
    found = {
        "LPP": goods.lpp[rows, own][:, None],
        "LPR of the best rival": goods.summaries[:, 1:2],
        "log mean posterior": goods.summaries[:, 3:4],
        "LPR, less phone priors": (scaled[rows, own] - rivals.max(1))[:, None],
        "LPP of all phones": goods.lpp,
        "LPP and LPR of all phones": np.concatenate([goods.lpp, goods.lpr], 1),
        "summaries": goods.summaries,
        "acceptance": goods.acceptance,
        "all of these": np.concatenate([goods.lpp, goods.lpr, goods.summaries, goods.acceptance], 1),
    }
    every = found["all of these"]
    for name, columns in {
        "thirds": thirds(posteriors, spans, own),
        "transitions": transitions(posteriors, spans, own),
        "acceptance as any phone": np.stack([posteriors.acceptance[a:b].mean(0) for a, b in spans]),
        "neighbours": neighbours(goods, own),
        "word": word_means(goods, alignment),
    }.items():
        found[f"all of these, {name}"] = np.concatenate([every, columns], 1)
    return found


def thirds(posteriors: Posteriors, spans: NDArray[np.int64], own: NDArray[np.int64]) -> Columns:
    """Own log posterior and acceptance in the beginning, middle and end of each phone."""
    both = [
        [part[:, column].mean() for part in np.array_split(values[a : max(b, a + 3)], 3) if len(part)]
        for (a, b), column in zip(spans, own, strict=True)
        for values in (posteriors.log_probs, posteriors.acceptance)
    ]
    filled = [(found + found[-1:] * 3)[:3] for found in both]  # at the end of a recording there may be fewer
    return np.array(filled, np.float32).reshape(len(own), 6)


def transitions(posteriors: Posteriors, spans: NDArray[np.int64], own: NDArray[np.int64]) -> Columns:
    """Own log posterior and acceptance in the 30 ms before and after each phone, with its outermost frame."""
    found = []
    for (a, b), column in zip(spans, own, strict=True):
        parts = slice(max(a - 3, 0), a + 1), slice(b - 1, b + 3)
        found.append(
            [v[part, column].mean() for v in (posteriors.log_probs, posteriors.acceptance) for part in parts]
        )
    return np.array(found, np.float32)


def core(goods: Goodness) -> Columns:
    """Own LPP, LPR of the best rival, acceptance: log-odds and probability."""
    return np.concatenate([goods.summaries[:, :2], goods.acceptance[:, [0, 3]]], 1)


def neighbours(goods: Goodness, own: NDArray[np.int64]) -> Columns:
    """The core measures of the phones before and after, and which phones those are."""
    values = np.column_stack([own, core(goods)]).astype(np.float32)
    edge = np.full((1, values.shape[1]), np.nan, np.float32)
    return np.concatenate([np.concatenate([edge, values[:-1]]), np.concatenate([values[1:], edge])], 1)


def word_means(goods: Goodness, alignment: Alignment) -> Columns:
    """Mean of the core measures over the phone's word, and the least of them."""
    parts = np.split(core(goods), np.cumsum([len(word.phones) for word in alignment.words])[:-1])
    rows = [np.tile(np.concatenate([part.mean(0), part.min(0)]), (len(part), 1)) for part in parts]
    return np.concatenate(rows).astype(np.float32)


def logit_definitions(logits: Columns, alignment: Alignment, spans: NDArray[np.int64]) -> dict[str, Columns]:
    """Maximum and mean logit, mean margin to the best rival, variance of the logit (Parikh et al. 2025)."""
    found = []
    for phone, (a, b) in zip(alignment.phones, spans, strict=True):
        own = PHONE_ID[base(phone.phone)]
        inside = logits[a:b]
        margin = inside[:, own] - np.delete(inside[:, :SILENCE_ID], own, axis=1).max(1)
        found.append([inside[:, own].max(), inside[:, own].mean(), margin.mean(), inside[:, own].var()])
    values = np.array(found, np.float32)
    return {"max logit": values[:, :1], "logit margin": values[:, 2:3], "logits (4 measures)": values}


def ctc_definitions(log_probs: Columns, alignment: Alignment) -> dict[str, Columns]:
    own = np.array([PHONE_ID[base(phone.phone)] for phone in alignment.phones])
    if len(log_probs) < 2 * len(own):
        ratios = np.full((len(own), SILENCE_ID + 1), np.nan, np.float32)
    else:
        ratios = np.clip(ctc_ratios(log_probs, own), -LIMIT, LIMIT).astype(np.float32)
    free = alignment_free_goodness(log_probs, alignment)[:, None]
    return {"CTC, alignment-free": free, "CTC, alignment-free, all symbols": ratios}


def measured(shop: Workshop, chosen: set[str], stored: bool) -> tuple[dict[str, Columns], list[str]]:
    """Definitions of the phones of the chosen utterances, in corpus order, and the utterance of each."""
    parts: dict[str, dict[str, Columns]] = {}
    scripts = {u.id: u.script for u in shop.learners}
    tunes = load_prosody(shop.learners, shop.path("prosody.npz"))
    for fold in range(FOLDS):
        heard = load_posteriors(posteriors_path(shop, fold))
        prior = np.log(np.mean([np.exp(p.log_probs).mean(0) for p in heard.values()], axis=0))
        network = shop.new_network(fold).eval()
        if not stored:
            load_network(network, model_path(shop, shop.config.rounds, fold))
        for key in track([key for key in heard if key in chosen], f"fold {fold}", every=30.0):
            posteriors = heard[key]
            aligned = align(posteriors, scripts[key], shop.config.align, tunes[key].energy)
            parts[key] = frame_definitions(posteriors, aligned, prior)
            if posteriors.ctc is not None:
                parts[key] |= ctc_definitions(posteriors.ctc, aligned)
            if not stored:
                with torch.inference_mode():
                    logits = network(shop.store.read(key)[None].float(), None).phones[0].numpy()
                spans = frame_spans(aligned, posteriors.frame_shift, len(posteriors.log_probs))
                parts[key] |= logit_definitions(logits, aligned, spans)
    keys = [u.id for u in shop.learners if u.id in parts]
    names = parts[keys[0]]
    columns = {name: np.concatenate([parts[key][name] for key in keys]) for name in names}
    return columns, [key for key in keys for _ in range(len(parts[key]["LPP"]))]


def in_context(values: Columns, owners: list[str]) -> Columns:
    """The same measures, and how far each is from its mean over the utterance."""
    _, index = np.unique(owners, return_inverse=True)
    counts = np.bincount(index)
    means = np.stack([np.bincount(index, column) / counts for column in values.T], axis=1)
    return np.concatenate([values, means[index].astype(np.float32)], axis=1)


def cross_validated(
    values: Columns, phones: NDArray[np.int64], scores: Columns, folds: NDArray[np.int64]
) -> Columns:
    """Predictions of the same small regressor, each fold's learned from the other folds."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    inputs = np.concatenate([phones[:, None].astype(np.float32), values], axis=1)
    predictions = np.zeros(len(scores), np.float32)
    for fold in np.unique(folds):
        trees = HistGradientBoostingRegressor(
            max_iter=200, learning_rate=0.06, max_leaf_nodes=15, min_samples_leaf=40, l2_regularization=1.0,
            categorical_features=[0], random_state=0, early_stopping=False,
        )  # fmt: skip
        rest = folds != fold
        predictions[~rest] = trees.fit(inputs[rest], scores[rest]).predict(inputs[~rest])
    return predictions


def rated_phones(shop: Workshop, known: set[str]) -> tuple[NDArray[np.int64], Columns, NDArray[np.int64]]:
    """(n,) id, raters' score and fold of every phone of the utterances in ``known``, in corpus order."""
    aligned = load_alignments(alignments_path(shop, shop.config.rounds, "learners"))
    phones, scores, folds = [], [], []
    for learner in shop.learners:
        if learner.id in known and learner.labels is not None:
            phones += [PHONE_ID[base(phone.phone)] for phone in aligned[learner.id].phones]
            rated = [score for word in learner.labels.words for score in word.phones]
            scores += rated
            folds += [shop.folds[learner.speaker]] * len(rated)
    return np.array(phones), np.array(scores, np.float32), np.array(folds)


def combined(columns: Mapping[str, Columns], owners: list[str]) -> dict[str, Columns]:
    """Single definitions and what is made of several."""
    plain = columns["all of these"]
    sets = dict(columns)
    sets["all of these, means over the utterance"] = in_context(plain, owners)
    beside = [columns[f"all of these, {name}"][:, plain.shape[1] :] for name in CONTEXT]
    sets["all of these, all of their context"] = np.concatenate([in_context(plain, owners), *beside], 1)
    context = sets["all of these, all of their context"]
    beyond = {
        "alignment-free": columns.get("CTC, alignment-free"),
        "CTC": columns.get("CTC, alignment-free, all symbols"),
        "logits": columns.get("logits (4 measures)"),
    }
    for name, more in beyond.items():
        if more is not None:
            sets[f"all of these, {name}"] = np.concatenate([plain, more], axis=1)
            sets[f"all of these, all of their context, {name}"] = np.concatenate([context, more], axis=1)
    return sets


def evaluate(shop: Workshop, every: int, stored: bool) -> Mapping[str, tuple[float, list[float]]]:
    """Pooled and per-fold correlation of every definition."""
    columns, owners = measured(shop, {u.id for u in shop.learners[::every]}, stored)
    phones, scores, folds = rated_phones(shop, set(owners))
    found = {}
    for name, values in combined(columns, owners).items():
        predictions = cross_validated(values, phones, scores, folds)
        per_fold = [pcc(predictions[folds == f], scores[folds == f]) or 0.0 for f in range(FOLDS)]
        found[name] = (pcc(predictions, scores) or 0.0, per_fold)
        print(f"{name:50} {found[name][0]:.3f}   " + " ".join(f"{x:.3f}" for x in per_fold), flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("front_ends", nargs="+", metavar="CONFIG=WORK")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--stored", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    tables = []
    for entry in arguments.front_ends:
        config, work = map(Path, entry.split("="))
        print(f"\n{entry}\n{'definition':50} all     per fold")
        shop = Workshop(read_config(AcousticConfig, config, "acoustic"), config, arguments.corpus, work)
        tables.append(evaluate(shop, arguments.every, arguments.stored))
    for other in tables[1:]:
        print(f"\n{'gain over the first front end':50} all     per fold")
        for name in other.keys() & tables[0].keys():
            (first, folds1), (second, folds2) = tables[0][name], other[name]
            gains = " ".join(f"{b - a:+.3f}" for a, b in zip(folds1, folds2, strict=True))
            print(f"{name:50} {second - first:+.3f}  {gains}")


if __name__ == "__main__":
    main()
