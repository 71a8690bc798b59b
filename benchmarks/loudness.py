"""How loud are the sounds of each manner? The numbers in ``acoustics/loudness.py``.

    python benchmarks/loudness.py --corpus speechocean762 --config configs/phonetic-encoder.toml --work WORK

Level of every frame, dB relative to the loud frames of its recording, by what the fold model that has not
heard the speaker aligned there: mean, standard deviation, number of frames.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elocute.acoustics.alignment import Alignment
from elocute.acoustics.loudness import LEAST, relative_levels
from elocute.phones import MANNER_OF, MANNERS, base
from elocute.training.config import AcousticConfig, read_config
from elocute.training.crossfit import alignments_path
from elocute.training.measured import load_prosody
from elocute.training.targets import FRAME_SHIFT, load_alignments
from elocute.training.workshop import Workshop

SILENCE = len(MANNERS)
UNKNOWN = -1
"""Of frames of speech that the script does not have."""


def manners(alignment: Alignment, frames: int) -> NDArray[np.int64]:
    """(frames,) number of the manner of each frame, or :data:`SILENCE`, or :data:`UNKNOWN`."""
    found = np.full(frames, SILENCE)
    for phone in alignment.phones:
        part = slice(round(phone.start / FRAME_SHIFT), round(phone.end / FRAME_SHIFT))
        found[part] = MANNERS.index(MANNER_OF[base(phone.phone)])
    for other in alignment.inserted:
        found[round(other.start / FRAME_SHIFT) : round(other.end / FRAME_SHIFT)] = UNKNOWN
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("corpus", "config", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    config = read_config(AcousticConfig, arguments.config, "acoustic")
    shop = Workshop(config, arguments.config, arguments.corpus, arguments.work)
    aligned = load_alignments(alignments_path(shop, config.rounds, "learners"))
    tunes = load_prosody(shop.learners, shop.path("prosody.npz"))
    level = np.concatenate([np.maximum(relative_levels(tunes[key].energy), LEAST) for key in aligned])
    manner = np.concatenate([manners(found, len(tunes[key].energy)) for key, found in aligned.items()])
    for number, name in enumerate((*MANNERS, "silence")):
        own = level[manner == number]
        print(f"{name:10} {own.mean():6.1f} {own.std():5.1f} {len(own):8}")
    known = level[manner != UNKNOWN]
    print(f"{'any':10} {known.mean():6.1f} {known.std():5.1f} {len(known):8}")


if __name__ == "__main__":
    main()
