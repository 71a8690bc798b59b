"""Real-time factor of every stage of ``assess``, one core, models warm, on a reading with a little silence
before and after it.

    python benchmarks/speed.py [--repeats N] [--acoustic NAME]

Ratios of one run compare; seconds depend on the machine.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from elocute import Assessor, load_audio, read_script
from elocute.acoustics.align import align
from elocute.acoustics.prosody import prosody, rms_energy
from elocute.card import ASSETS
from elocute.features.handcrafted import Evidence, handcrafted
from elocute.features.measurements import measure
from elocute.shipped import DEFAULT

SECONDS = 4.0


def median_seconds(run: Callable[[], object], repeats: int) -> float:
    """Median wall time of ``run``, the first call left out."""
    run()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--acoustic", default=DEFAULT, help="name of a shipped acoustic model")
    arguments = parser.parse_args()
    repeats = arguments.repeats
    text = (ASSETS / "demo" / "demo.txt").read_text(encoding="utf-8").strip()
    samples = load_audio(ASSETS / "demo" / "demo.flac").samples
    room = int(SECONDS * 16_000) - len(samples)
    samples = np.pad(samples, (room // 2, room - room // 2))
    samples += np.random.default_rng(0).normal(0.0, 1e-4, len(samples)).astype(np.float32)
    assessor = Assessor(arguments.acoustic)
    script, sound = read_script(text), load_audio(samples, 16_000)
    posteriors = assessor.acoustic.posteriors(sound)
    energy = rms_energy(sound.samples)
    alignment = align(posteriors, script, assessor.acoustic.align_options, energy)
    tune = prosody(sound.samples)
    measured = measure(posteriors, alignment, tune)
    stages: dict[str, Callable[[], object]] = {
        "read audio": lambda: load_audio(ASSETS / "demo" / "demo.flac"),
        "read text": lambda: read_script(text),
        "posteriors (with spectrogram)": lambda: assessor.acoustic.posteriors(sound),
        "align": lambda: align(posteriors, script, assessor.acoustic.align_options, energy),
        "F0 and energy": lambda: prosody(sound.samples),
        "features": lambda: measure(posteriors, alignment, tune),
        "of which handcrafted": lambda: handcrafted(Evidence(alignment, measured.goodness, tune)),
        "score": lambda: assessor.scorer.score(measured.phones, measured.utterance),
        "assess, whole": lambda: assessor.assess(samples, text, rate=16_000),
    }
    times = {name: median_seconds(run, repeats) for name, run in stages.items()}
    whole = times["assess, whole"]
    print(f"{arguments.acoustic}, {SECONDS:.0f} s of audio, one core, median of {repeats}")
    for name, seconds in times.items():
        share = f"{seconds / whole:5.0%} of assess"
        print(f"{name:30} {1000 * seconds:7.1f} ms  RTF {seconds / SECONDS:.4f}  {share}")


if __name__ == "__main__":
    main()
