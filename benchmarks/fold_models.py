"""The models of one fold as folders, to measure on speakers they have not heard.

    python benchmarks/fold_models.py --config configs/scorer.toml --corpus CORPUS --work WORK --fold 0 OUT

Writes ``OUT/acoustic`` and ``OUT/scorer``: networks, trees and linear scorer that ``elocute train`` left in
WORK for the fold, with the cards of the shipped models. The small models in the scorer's card were fitted to
all folds.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from elocute.card import ASSETS
from elocute.training.config import ScorerConfig, read_config
from elocute.training.crossvalidate import forest_path, load_networks
from elocute.training.examples import load_examples
from elocute.training.export import export_scorer, write_card
from elocute.training.front import export_network, open_shop
from elocute.training.handcrafted import linear_json, load_table
from elocute.training.selection import fit_lasso


def export_fold(config: Path, corpus: Path, work: Path, fold: int, out: Path) -> None:
    """Write both models of a fold."""
    options = read_config(ScorerConfig, config, "score")
    shop = open_shop(config.parent / options.acoustic, corpus, work)
    acoustic, scorer = out / "acoustic", out / "scorer"
    for folder, name in ((acoustic, shop.config.name), (scorer, options.name)):
        folder.mkdir(parents=True, exist_ok=True)
        card = json.loads((ASSETS / name / "card.json").read_text(encoding="utf-8"))
        (folder / "card.json").write_text(json.dumps(card))
    export_network(shop, fold, acoustic / "model.onnx")
    folder = work / options.name
    table, folds, _ = load_table(folder / "features.npz")
    linear = linear_json(fit_lasso(table.rows(folds != fold)), options, {})
    (scorer / "linear.json").write_text(json.dumps(linear))
    shutil.copytree(forest_path(folder, fold), scorer / "forest", dirs_exist_ok=True)
    example = load_examples(folder / "example.npz")[0]
    networks = load_networks(options, [example], fold, folder)
    export_scorer(networks, example.features, example.utterance, scorer / "model.onnx")
    own = {"features": list(example.features.names), "utterance_features": list(options.utterance_features)}
    for name in ("presence", "hearing"):
        own[name] = json.loads((folder / f"{name}.json").read_text())
    write_card(acoustic, json.loads((acoustic / "card.json").read_text()))
    write_card(scorer, json.loads((scorer / "card.json").read_text()) | own)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("config", "corpus", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    export_fold(arguments.config, arguments.corpus, arguments.work, arguments.fold, arguments.out)


if __name__ == "__main__":
    main()
