"""An alignment over waveform and spectrogram, as an SVG figure: for papers, docs and looking."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from elocute.phones import ipa

if TYPE_CHECKING:
    from elocute.audio import Audio
    from elocute.result import Pitch

LABELS, WAVE, SPECTROGRAM, PITCH, AXIS = 26, 60, 160, 70, 20
"""Heights of the bands, pixels; words and phones have a band of labels each."""

WINDOW, TRANSFORM = 256, 512
"""Samples of a frame (16 ms at 16 kHz: formants and voicing are both seen), and of its Fourier transform."""

RANGE = 55.0
"""dB below the loudest point that are shown."""


class Phone(Protocol):
    """A phone of an alignment or of a result."""

    @property
    def phone(self) -> str: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...


class Word(Protocol):
    """A word of an alignment or of a result."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def phones(self) -> Sequence[Phone]: ...


def figure(words: Sequence[Word], audio: Audio, pitch: Pitch | None = None, *, width: int = 960) -> str:
    """An SVG document.

    Args:
        words: of an ``Alignment`` or of an ``Assessment``.
        audio: the recording they come from.
        pitch: draws F0 below the spectrogram.
        width: pixels; the height follows from what is drawn.
    """
    per_second = width / audio.duration
    top = 2 * LABELS
    bottom = top + WAVE + SPECTROGRAM + (PITCH if pitch else 0)
    picture = base64.b64encode(png(spectrogram(audio.samples, width))).decode()
    parts = [
        f'<path class="wave" d="{_wave(audio.samples, width)}" transform="translate(0 {top + WAVE / 2})"/>',
        f'<image x="0" y="{top + WAVE}" width="{width}" height="{SPECTROGRAM}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{picture}"/>',
        *_labels(words, per_second, bottom),
        *(_pitch(pitch, per_second, bottom - PITCH) if pitch else ()),
        *_axis(audio.duration, per_second, bottom),
    ]
    body = "\n".join(parts)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + AXIS}" role="img"
 aria-label="{_plain(" ".join(word.text for word in words))}">
<style>
text {{ font: 14px "Noto Sans", "DejaVu Sans", sans-serif; text-anchor: middle; fill: #1c211f; }}
.word {{ font-weight: 600; }} .time {{ font-size: 11px; text-anchor: start; }}
.wave {{ fill: #5c6663; }} .pitch {{ fill: none; stroke: #2456c7; stroke-width: 2; }}
line {{ stroke: #9aa5a1; }} .bound {{ stroke: #2456c7; }}
</style>
<rect width="100%" height="100%" fill="#ffffff"/>
{body}
</svg>
"""


def spectrogram(samples: NDArray[np.float32], columns: int) -> NDArray[np.uint8]:
    """Grey values (TRANSFORM / 2, columns), dark where loud, low frequencies at the bottom."""
    emphasised = np.diff(samples.astype(np.float64), prepend=0.0) + 0.03 * samples
    padded = np.pad(emphasised, WINDOW)
    centres = (np.arange(columns) + 0.5) * len(samples) / columns
    starts = np.round(centres - WINDOW / 2).astype(int) + WINDOW
    frames = padded[starts[:, None] + np.arange(WINDOW)] * np.hanning(WINDOW + 2)[1:-1]
    power = np.abs(np.fft.rfft(frames, TRANSFORM, axis=1)[:, : TRANSFORM // 2]) ** 2
    level = 10.0 * np.log10(power + 1e-12)
    share = np.clip((level - level.max() + RANGE) / RANGE, 0.0, 1.0) ** 1.4
    return np.asarray(np.round(255.0 * (1.0 - share)).T[::-1], np.uint8)


def png(grey: NDArray[np.uint8]) -> bytes:
    """An 8-bit greyscale PNG (ISO 15948) of an array (height, width)."""
    height, width = grey.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), grey], axis=1)  # filter 0 before every row
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def _wave(samples: NDArray[np.float32], width: int) -> str:
    """The outline of the loudest and the softest sample of every pixel."""
    edges = np.linspace(0, len(samples), width + 1).astype(int)
    pieces = [samples[a : max(b, a + 1)] for a, b in pairwise(edges)]
    scale = 0.47 * WAVE / max(float(np.abs(samples).max(initial=0.0)), 1e-4)
    upper = [f"{x} {-scale * float(piece.max()):.1f}" for x, piece in enumerate(pieces)]
    lower = [f"{x} {-scale * float(piece.min()) + 0.5:.1f}" for x, piece in enumerate(pieces)]
    return f"M{'L'.join(upper)}L{'L'.join(reversed(lower))}Z"


def _plain(text: str) -> str:
    """XML allows no control characters at all."""
    return escape("".join(letter for letter in text if letter.isprintable()))


def _labels(words: Sequence[Word], per_second: float, bottom: int) -> Iterator[str]:
    for word in words:
        middle = per_second * (word.start + word.end) / 2
        yield f'<text class="word" x="{middle:.1f}" y="{LABELS - 8}">{_plain(word.text)}</text>'
        for phone in word.phones:
            start, middle = per_second * phone.start, per_second * (phone.start + phone.end) / 2
            yield f'<text x="{middle:.1f}" y="{2 * LABELS - 8}">{ipa(phone.phone)}</text>'
            yield f'<line x1="{start:.1f}" x2="{start:.1f}" y1="{LABELS}" y2="{bottom}" opacity=".5"/>'
        for time in (word.start, word.end):
            x = f"{per_second * time:.1f}"
            yield f'<line class="bound" x1="{x}" x2="{x}" y1="0" y2="{bottom}"/>'


def _pitch(pitch: Pitch, per_second: float, top: int) -> Iterator[str]:
    """F0 on a logarithmic scale that fits the voice."""
    known = np.log2([hertz for hertz in pitch.f0 if hertz is not None] or [100.0])
    low, high = float(known.min()) - 0.1, float(known.max()) + 0.1
    path, pen = [], "M"
    for frame, hertz in enumerate(pitch.f0):
        if hertz is not None:
            y = top + PITCH * (high - float(np.log2(hertz))) / (high - low)
            path.append(f"{pen}{per_second * frame * pitch.frame_shift:.1f} {y:.1f}")
        pen = "M" if hertz is None else "L"
    yield f'<path class="pitch" d="{"".join(path)}"/>'
    for level, y in ((low, top + PITCH - 3), (high, top + 12)):
        yield f'<text class="time" x="3" y="{y}">{2**level:.0f} Hz</text>'


def _axis(duration: float, per_second: float, top: int) -> Iterator[str]:
    step = next(step for step in (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, duration) if step * per_second >= 60)
    for time in np.arange(0.0, duration, step):
        x = f"{per_second * time:.1f}"
        yield f'<line x1="{x}" x2="{x}" y1="{top}" y2="{top + 5}"/>'
        yield f'<text class="time" x="{x}" y="{top + 16}">{time:g} s</text>'
