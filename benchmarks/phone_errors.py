"""Phone error rate of free decoding: no script, the best class of every frame, repetitions merged.

    python benchmarks/phone_errors.py --corpus speechocean762 --work WORK CONFIG

Learners who read well (utterance accuracy of at least 9) are decoded by the fold model that has not heard
them; native speakers kept out of all training by the first fold's model. The reference is the pronunciation
that the alignment chose.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from elocute.acoustics.align import align
from elocute.acoustics.posteriors import SILENCE_ID
from elocute.corpora.types import Utterance
from elocute.phones import PHONE_ID, base
from elocute.progress import track
from elocute.training.acoustic import stored_posteriors
from elocute.training.config import FOLDS, AcousticConfig, read_config
from elocute.training.crossfit import model_path
from elocute.training.encoder import PhoneticEncoder
from elocute.training.workshop import Workshop, load_network, seconds

WELL = 9.0


def decode(classes: NDArray[np.integer], least: int = 1) -> list[int]:
    """Phones of a sequence of best classes: runs of at least ``least`` frames, silence left out."""
    cuts = np.flatnonzero(np.diff(classes)) + 1
    edges = [0, *cuts, len(classes)]
    runs = [(int(classes[a]), b - a) for a, b in pairwise(edges)]
    return [phone for phone, length in runs if phone != SILENCE_ID and length >= least]


def phone_errors(
    shop: Workshop, network: PhoneticEncoder, utterances: Iterable[Utterance]
) -> dict[str, list[int]]:
    """Edits and reference phones, per way of decoding, over all utterances."""
    counts: dict[str, list[int]] = {"frames": [0, 0], "frames, runs of 30 ms": [0, 0], "CTC": [0, 0]}
    for utterance in utterances:
        heard = stored_posteriors(network, shop.store, utterance.id, seconds(utterance.audio))
        alignment = align(heard, utterance.script, shop.config.align)
        wanted = [PHONE_ID[base(phone.phone)] for phone in alignment.phones]
        best = heard.log_probs.argmax(axis=1)
        decoded = {"frames": decode(best), "frames, runs of 30 ms": decode(best, 3)}
        with torch.inference_mode():
            outputs = network(shop.store.read(utterance.id)[None].float(), None)
        if outputs.ctc is not None:
            decoded["CTC"] = decode(outputs.ctc[0].argmax(-1).numpy())
        for way, found in decoded.items():
            counts[way][0] += edits(found, wanted)
            counts[way][1] += len(wanted)
    return counts


def edits(found: list[int], wanted: list[int]) -> int:
    """Levenshtein distance."""
    row = np.arange(len(wanted) + 1)
    for number, phone in enumerate(found, start=1):
        costs = np.minimum(row[:-1] + (np.array(wanted) != phone), row[1:] + 1)
        row = np.concatenate([[number], costs])
        for place in range(1, len(row)):
            row[place] = min(row[place], row[place - 1] + 1)
    return int(row[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("config", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = read_config(AcousticConfig, arguments.config, "acoustic")
    shop = Workshop(config, arguments.config, arguments.corpus, arguments.work)
    totals: dict[tuple[str, str], list[int]] = {}
    for fold in range(FOLDS):
        network = shop.new_network(fold)
        load_network(network, model_path(shop, config.rounds, fold))
        groups = {
            "learners who read well": [
                u for u in shop.learners
                if shop.folds[u.speaker] == fold and u.labels is not None and u.labels.accuracy >= WELL
            ],
            "held-out natives": list(shop.held_out_natives) if fold == 0 else [],
        }  # fmt: skip
        for group, utterances in groups.items():
            found = phone_errors(shop, network, track(utterances, f"fold {fold}", every=30.0))
            for way, (wrong, phones) in found.items():
                total = totals.setdefault((group, way), [0, 0])
                total[0] += wrong
                total[1] += phones
    for (group, way), (wrong, phones) in totals.items():
        if phones:
            print(f"{group:24} {way:24} {wrong / phones:6.1%} of {phones} phones")


if __name__ == "__main__":
    main()
