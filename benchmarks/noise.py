"""How much do scores agree with the experts in noise?

    python benchmarks/noise.py CORPUS --split fold:0 [--acoustic FOLDER --scorer FOLDER] [--limit N] [--write]

Recordings of a corpus in the layout of speechocean762 get hum of the mains or babble (six other recordings of
the same split at once) at 20, 10 and 5 dB below the speech. Reported: the correlation of the total with the
experts', the share of recordings found on script, and the share with the warning ``noisy``. To be honest
about new speakers, give models that have not heard the split: those of its fold, which fold_models.py writes.
``--write`` puts the table and the figure into docs/noise.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from noises import add_noise, noise

from elocute import Assessor, Audio, load_audio
from elocute.corpora import speechocean762
from elocute.corpora.types import Utterance
from elocute.metrics import pcc
from elocute.scoring.scorer import OnnxScorer
from elocute.shipped import DEFAULT, acoustic_model, open_acoustic, scorer_for

DOCS = Path(__file__).resolve().parents[1] / "docs" / "noise"
CONDITIONS = (("clean", 0.0), *((kind, snr) for kind in ("hum", "babble") for snr in (20.0, 10.0, 5.0)))


@dataclass(frozen=True)
class Row:
    """``pcc`` of the total with the experts' (off script counts 0), and shares of the recordings."""

    noise: str
    snr: float
    pcc: float
    on_script: float
    warned: float


def sweep(assessor: Assessor, utterances: Sequence[Utterance], seed: int = 0) -> list[Row]:
    """One row per condition; every condition has the same noises at another level."""
    recordings = [load_audio(utterance.audio).samples for utterance in utterances]
    references = [u.labels.total for u in utterances if u.labels is not None]
    rows = []
    for kind, snr in CONDITIONS:
        totals, on_script, warned = [], 0, 0
        for number, (utterance, samples) in enumerate(zip(utterances, recordings, strict=True)):
            dice = np.random.default_rng([seed, number])
            if kind != "clean":
                talkers = [other for n, other in enumerate(recordings) if n != number]
                samples = add_noise(samples, noise(kind, len(samples), talkers, dice), snr)
            result = assessor.assess(Audio(np.clip(samples, -1.0, 1.0)), utterance.script)
            totals.append(result.scores.total or 0.0)
            on_script += result.status in ("ok", "incomplete")
            warned += "noisy" in {notice.code for notice in result.warnings}
        count = len(utterances)
        rows.append(Row(kind, snr, round(pcc(totals, references), 4), on_script / count, warned / count))
        print(rows[-1], flush=True)
    return rows


def table(results: dict[str, list[Row]]) -> str:
    """Markdown: a line per condition, the columns of each model side by side."""
    heads = " | ".join(f"{name}: total PCC | on script | warned" for name in results)
    lines = [f"| noise | SNR, dB | {heads} |", "|" + "---|" * (2 + 3 * len(results))]
    for parts in zip(*results.values(), strict=True):
        cells = " | ".join(f"{row.pcc:.3f} | {row.on_script:.0%} | {row.warned:.0%}" for row in parts)
        level = "" if parts[0].noise == "clean" else f"{parts[0].snr:.0f}"
        lines.append(f"| {parts[0].noise} | {level} | {cells} |")
    return "\n".join(lines) + "\n"


COLOURS = ("#1f5fa8", "#b5462a")
PLACES = {0.0: 80, 20.0: 220, 10.0: 360, 5.0: 430}
"""Horizontal places of the levels; 0 stands for no noise."""

CAPTION = "total PCC against the signal-to-noise ratio; hum solid, babble dashed"
SIZE = 'viewBox="0 0 520 320" font-family="sans-serif" font-size="12"'


def figure(results: dict[str, list[Row]]) -> str:
    """SVG: total PCC against SNR, a line per model and noise; babble dashed."""
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {SIZE}>']
    lines.append('<rect width="520" height="320" fill="white"/>')
    for tick in range(11):
        y = 270 - 24 * tick
        lines.append(f'<path d="M60 {y}H460" stroke="#ddd"/>')
        lines.append(f'<text x="30" y="{y + 4}">{tick / 10:.1f}</text>')
    for snr, x in PLACES.items():
        lines.append(f'<text x="{x - 14}" y="290">{"clean" if snr == 0 else f"{snr:.0f} dB"}</text>')
    for number, (name, rows) in enumerate(results.items()):
        colour = COLOURS[number % len(COLOURS)]
        for kind, dash in (("hum", ""), ("babble", ' stroke-dasharray="6 4"')):
            part = [row for row in rows if row.noise in ("clean", kind)]
            path = " ".join(f"{PLACES[row.snr]},{270 - 240 * max(row.pcc, 0.0):.1f}" for row in part)
            style = f'fill="none" stroke="{colour}" stroke-width="2"{dash}'
            lines.append(f'<polyline points="{path}" {style}/>')
        lines.append(f'<text x="300" y="{30 + 16 * number}" fill="{colour}">{name}</text>')
    lines.append(f'<text x="60" y="312">{CAPTION}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def write(name: str, rows: Sequence[Row], note: str, folder: Path = DOCS) -> None:
    """Keep the rows of a model, and draw table and figure of all models there are rows of."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"note": note, "rows": [asdict(row) for row in rows]}
    (folder / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")
    stored = {path.stem: json.loads(path.read_text())["rows"] for path in sorted(folder.glob("*.json"))}
    results = {model: [Row(**row) for row in found] for model, found in stored.items()}
    (folder / "table.md").write_text(table(results))
    (folder / "figure.svg").write_text(figure(results))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--split", default="fold:0")
    parser.add_argument("--acoustic", default=DEFAULT, help="shipped name, or folder of a model")
    parser.add_argument("--scorer", type=Path, help="folder of its scorer; by default the shipped")
    parser.add_argument("--limit", type=int, default=200, help="recordings, evenly taken from the split")
    parser.add_argument("--write", action="store_true", help="put table and figure into docs/noise")
    arguments = parser.parse_args()
    folder = Path(arguments.acoustic)
    acoustic = open_acoustic(folder) if folder.is_dir() else acoustic_model(arguments.acoustic)
    scorer = OnnxScorer(arguments.scorer) if arguments.scorer else scorer_for(acoustic.card)
    utterances = speechocean762.load(arguments.corpus, arguments.split)
    utterances = utterances[:: max(len(utterances) // arguments.limit, 1)][: arguments.limit]
    rows = sweep(Assessor(acoustic, scorer), utterances)
    if arguments.write:
        note = f"{len(utterances)} recordings of {arguments.split}"
        write(acoustic.card.name, rows, note)


if __name__ == "__main__":
    main()
