"""Do acoustic models hear recordings faster in batches than one by one, on one core?

    python benchmarks/batching.py [--repeats N] [--corpus CORPUS [--limit N]]

The shipped models; recordings of a batch are equally long, so nothing is lost to padding. Printed: ms
per recording, and their ratio to those of a batch of one. With a corpus also the seconds a whole evaluation
of its first training recordings takes in one process, in batches and one by one, in turns.
"""

from __future__ import annotations

import argparse
import statistics
from functools import partial

import numpy as np
from speed import median_seconds

from elocute import Assessor, evaluate, load_audio
from elocute.acoustics import model
from elocute.audio import Audio
from elocute.card import ASSETS
from elocute.shipped import shipped_models

SIZES = (1, 2, 4, 8)
SECONDS = (1, 2, 3, 4, 8)
TURNS = 3


def per_recording(acoustic: model.AcousticModel, sound: Audio, repeats: int) -> list[float]:
    """Seconds per recording in batches of :data:`SIZES`."""
    model.TOGETHER = 10**6
    return [
        median_seconds(lambda n=n: acoustic.posteriors_of([sound] * n), repeats) / n  # type: ignore[misc]
        for n in SIZES
    ]


def corpus_seconds(name: str, corpus: str, limit: int) -> dict[int, float]:
    """Median seconds of an evaluation, by the frames that may be heard together."""
    usual, times = model.TOGETHER, {0: [], model.TOGETHER: []}  # type: ignore[var-annotated]
    factory = partial(Assessor, name)
    for _ in range(TURNS):
        for together, own in times.items():
            model.TOGETHER = together
            _, report = evaluate.evaluate(corpus, "train", limit=limit, workers=1, factory=factory)
            own.append(report["wall_seconds"])
    model.TOGETHER = usual
    return {together: statistics.median(own) for together, own in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--corpus", default="")
    parser.add_argument("--limit", type=int, default=200)
    arguments = parser.parse_args()
    if arguments.corpus:
        for shipped in shipped_models():
            found = corpus_seconds(shipped.name, arguments.corpus, arguments.limit)
            single, together = found.values()
            print(f"{shipped.name}, {arguments.limit} recordings: {single:.1f} s one by one, "
                  f"{together:.1f} s in batches, {together / single:.3f}")  # fmt: skip
    samples = load_audio(ASSETS / "demo" / "demo.flac").samples
    print(f"{'':22}" + "".join(f"{f'batch {size}':>16}" for size in SIZES))
    for shipped in shipped_models():
        acoustic = Assessor(shipped.name).acoustic
        for seconds in SECONDS:
            sound = load_audio(np.resize(samples, 16_000 * seconds), 16_000)
            times = per_recording(acoustic, sound, arguments.repeats)
            cells = "".join(f"{1000 * t:8.1f} ms {t / times[0]:4.2f}" for t in times)
            print(f"{shipped.name:16} {seconds} s   {cells}")


if __name__ == "__main__":
    main()
