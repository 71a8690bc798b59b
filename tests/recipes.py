"""What the recipes of both acoustic models are tried on: ten hums, three synthetic voices, a command line."""

from __future__ import annotations

import shutil
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from elocute import cli
from elocute.acoustics.alignment import Alignment, PhoneSegment, SilenceSegment, WordSegment

FLITE = Path(__file__).parent / "data" / "flite"

ENCODER = """
[acoustic]
name = "phonetic-encoder"
version = "t1"
encoder = "whisper"
native = "native"
frozen = 1
tuned = 1
rounds = 2
native_share = 0.5
align = { floor = 3 }
native_options = { epochs = 1, ctc_weight = 0.1, batch = { frames = 200 } }
options = { epochs = 1, batch = { frames = 200 } }
"""

SCORER = """
[score]
name = "scorer"
version = "t2"
acoustic = "acoustic.toml"
seeds = [1, 2]
network = { width = 24, heads = 2, depths = [1, 1, 1] }
options = { epochs = 1, batch = 4 }
"""


@dataclass(frozen=True)
class Place:
    """Folders of one training; ``acoustic`` is the name of the acoustic model's configuration."""

    corpus: Path
    configs: Path
    work: Path
    assets: Path
    acoustic: str = "acoustic.toml"

    def train(self, step: str) -> None:
        """Like the command line, on one process beside this one."""
        from elocute.training import commands

        config = self.configs / (self.acoustic if step == "acoustic" else "scorer.toml")
        arguments = ["train", step, "--config", config, "--corpus", self.corpus, "--work", self.work]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(commands, "JOBS", 1)
            patch.setattr(commands, "ASSETS", self.assets)
            with pytest.raises(SystemExit) as ended:
                cli.main([str(argument) for argument in arguments])
        assert ended.value.code == 0

    def files(self) -> dict[str, tuple[int, bytes]]:
        """Time and content of everything in the working folder."""
        return {
            path.relative_to(self.work).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
            for path in sorted(self.work.rglob("*"))
            if path.is_file()
        }


def write_natives(folder: Path) -> dict[str, Alignment]:
    """Speech of three synthetic voices as native speech is laid out; their alignments."""
    from elocute.training.targets import load_alignments

    folder.mkdir()
    spoken = load_alignments(FLITE / "alignments.jsonl")
    rows = ["id\tspeaker\tsubset\ttext"]
    for key, alignment in spoken.items():
        shutil.copyfile(FLITE / f"{key}.flac", folder / f"{key}.flac")
        rows.append(f"{key}\t{key[:3]}\tflite\t{' '.join(word.text for word in alignment.words)}")
    (folder / "text.tsv").write_text("\n".join(rows) + "\n")
    return spoken


def even_alignment(seconds: float) -> Alignment:
    """GO AGAIN, said evenly between silences of 0.3 s."""
    edges = np.linspace(0.3, seconds - 0.3, 7).tolist()
    names = ("G", "OW0", "AH0", "G", "EH1", "N")
    phones = [PhoneSegment(*phone) for phone in zip(names, edges[:-1], edges[1:], strict=True)]
    words = (
        WordSegment("go", "corpus", tuple(phones[:2])),
        WordSegment("again", "corpus", tuple(phones[2:])),
    )
    silences = (SilenceSegment(0.0, 0.3, -1), SilenceSegment(edges[-1], seconds, 1))
    return Alignment(words, silences, seconds)


def duration(path: Path) -> float:
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()
