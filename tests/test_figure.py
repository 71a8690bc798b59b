"""The figure of an alignment: its picture is the sound's, its labels stand where they belong."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from elocute.audio import Audio
from elocute.export.figure import TRANSFORM, figure, png, spectrogram
from elocute.result import Pitch
from fakes import fake_assessor, speech
from test_export import ALIGNMENT, ASSESSMENT, hostile

RATE = 16_000
SVG = "{http://www.w3.org/2000/svg}"


def tone(hertz: float, seconds: float = 1.5) -> NDArray[np.float32]:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32)


@pytest.mark.parametrize("hertz", [500, 2000, 6500])
def test_a_tone_is_dark_at_its_frequency(hertz: int) -> None:
    grey = spectrogram(tone(hertz), 50)
    assert grey.shape == (TRANSFORM // 2, 50)
    assert grey[:, 25].argmin() == TRANSFORM // 2 - 1 - hertz * TRANSFORM // RATE
    assert (grey[:, 25] > 250).mean() > 0.8


def test_silence_before_sound_is_white() -> None:
    grey = spectrogram(np.concatenate([np.zeros(RATE, np.float32), tone(1000, 1.0)]), 100)
    assert (grey[:, :48] == 255).all()
    assert (grey[:, 52:] < 100).any(axis=0).all()


@settings(max_examples=20)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_png_reads_back(height: int, width: int, seed: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    data = png(grey)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, found = 8, {}
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(name + body)
        found[name], at = body, at + 12 + length
    assert struct.unpack(">IIBB", found[b"IHDR"][:10]) == (width, height, 8, 0)
    rows = np.frombuffer(zlib.decompress(found[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert (rows[:, 0] == 0).all()
    assert (rows[:, 1:] == grey).all()


def test_labels_stand_over_their_sounds() -> None:
    root = ElementTree.fromstring(figure(ALIGNMENT.words, Audio(tone(200)), width=600))
    texts = {e.text: float(e.attrib["x"]) for e in root.iter(f"{SVG}text")}
    assert texts["a"] == 600 / 1.5 * (0.25 + 0.5) / 2
    assert texts["oʊ"] == 600 / 1.5 * (0.875 + 1.5) / 2
    bounds = {float(e.attrib["x1"]) for e in root.iter(f"{SVG}line") if e.attrib.get("class") == "bound"}
    assert bounds == {100, 200, 300, 600}
    assert root.find(f"{SVG}image") is not None


def test_results_and_pitch_are_drawn_and_texts_escaped() -> None:
    pitch = Pitch(0.02, (None, 100.0, 200.0, None, 150.0))
    root = ElementTree.fromstring(figure(ASSESSMENT.words, Audio(tone(200, 2.0)), pitch))
    path = next(e.attrib["d"] for e in root.iter(f"{SVG}path") if e.attrib["class"] == "pitch")
    assert re.sub(r"[\d. ]", "", path) == "MLM"
    taller, low = (float(y) for y in re.findall(r" ([\d.]+)", path)[1::-1])
    assert taller < low  # 200 Hz above 100 Hz
    word = replace(hostile().words[0], phones=ASSESSMENT.words[0].phones)
    text = figure([word], Audio(tone(200, 2.0)))
    assert "<script>" in "".join(ElementTree.fromstring(text).itertext())
    assert "<script>" not in text


def test_two_minutes_and_a_third_of_a_second() -> None:
    for seconds in (0.3, 120.0):
        sound = Audio(tone(200, seconds))
        ElementTree.fromstring(figure(fake_assessor().align(Audio(speech()), "Hello.").words, sound))
