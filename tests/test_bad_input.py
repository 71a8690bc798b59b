"""Whatever a user may hand over, through Python and the command line: a typed error or a documented status.

The limits of audio and text are tested with their modules; here the way in counts: the error's type, the one
line on standard error, the exit code, and that memory stays bounded.
"""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from elocute import cli
from elocute.errors import (
    AudioTooLong,
    AudioTooShort,
    DamagedAudio,
    ElocuteError,
    EmptyText,
    NoPronounceableWord,
    NotAudio,
    TextAudioMismatch,
    TextTooLong,
    UnsupportedAudio,
)
from fakes import RATE, fake_assessor, speech, write_wav

TEXT = "Hello world."


def wav(samples: np.ndarray, rate: int = RATE, subtype: str = "PCM_16") -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format="WAV", subtype=subtype)
    return stream.getvalue()


def eight_hours() -> bytes:
    """8 h of silence in a FLAC of less than 2 MB."""
    stream, hour = io.BytesIO(), np.zeros(3_600 * 8_000, np.int16)
    with soundfile.SoundFile(stream, "w", 8_000, 1, format="FLAC", subtype="PCM_16") as file:
        for _ in range(8):
            file.write(hour)
    return stream.getvalue()


def with_a_nan() -> bytes:
    samples = speech()
    samples[5_000] = np.nan
    return wav(samples, subtype="FLOAT")


def without_channels() -> bytes:
    header = bytearray(wav(speech()))
    header[22:24] = struct.pack("<H", 0)
    return bytes(header)


RECORDINGS: dict[str, tuple[Callable[[], bytes], type[ElocuteError]]] = {
    "empty": (bytes, NotAudio),
    "text": (lambda: b"This is a letter, not a recording.\n" * 100, NotAudio),
    "header only": (lambda: wav(speech())[:44], AudioTooShort),
    "half a header": (lambda: wav(speech())[:20], NotAudio),
    "8 h": (eight_hours, AudioTooLong),
    "NaN": (with_a_nan, DamagedAudio),
    "no channel": (without_channels, NotAudio),
    "1 kHz": (lambda: wav(speech(), 1_000), UnsupportedAudio),
}

TEXTS: dict[str, tuple[str, type[ElocuteError]]] = {
    "empty": ("", EmptyText),
    "white space": (" \n\t ", EmptyText),
    "emoji": ("😀 🎉", NoPronounceableWord),
    "another script": ("你好，世界", NoPronounceableWord),
    "10,000 words": ("word " * 10_000, TextTooLong),
    "more than fits": ("incomprehensibilities " * 60, TextAudioMismatch),
}


def check_message(error: ElocuteError) -> None:
    """One line that ends and says what to do, and a code."""
    message = str(error)
    assert message
    assert "\n" not in message
    assert len(message) < 200
    assert error.code.isidentifier()


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setattr(cli, "new_assessor", fake_assessor)

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(map(str, arguments)))
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("name", RECORDINGS)
def test_recordings(name: str, run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    make, kind = RECORDINGS[name]
    data = make()
    with pytest.raises(kind) as caught:
        fake_assessor().assess(data, TEXT)
    check_message(caught.value)
    path = tmp_path / "recording.wav"
    path.write_bytes(data)
    for command in ("assess", "align", "features"):
        assert run(command, path, "--text", TEXT) == (2, "", f"elocute: {caught.value}\n")


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name: str, run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    text, kind = TEXTS[name]
    path = write_wav(tmp_path / "hello.wav", speech())
    with pytest.raises(kind) as caught:
        fake_assessor().assess(path, text)
    check_message(caught.value)
    for command in ("assess", "align", "features"):
        assert run(command, path, "--text", text) == (2, "", f"elocute: {caught.value}\n")
    file = tmp_path / "text.txt"
    file.write_text(text, encoding="utf-8")
    assert run("assess", path, "--text-file", file) == (2, "", f"elocute: {caught.value}\n")


def test_missing_file_folder_and_device(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    for path in (tmp_path / "none.wav", tmp_path, *filter(os.path.exists, ["/dev/zero"])):
        with pytest.raises(NotAudio) as caught:
            fake_assessor().assess(path, TEXT)
        check_message(caught.value)
        assert run("assess", path, "--text", TEXT) == (2, "", f"elocute: {caught.value}\n")


def test_samples() -> None:
    for samples in (np.full(RATE, np.nan), np.full(RATE, np.inf, np.float32)):
        with pytest.raises(DamagedAudio):
            fake_assessor().assess(samples, TEXT, rate=RATE)
    with pytest.raises(AudioTooShort):
        fake_assessor().assess(np.zeros(0), TEXT, rate=RATE)
    with pytest.raises(UnsupportedAudio):
        fake_assessor().assess(np.zeros((RATE, 0)), TEXT, rate=RATE)


# --- what is not an error: a status or a warning ---------------------------------------------------------


def assessed(run: Callable[..., tuple[int, str, str]], path: Path, text: str) -> dict[str, object]:
    code, out, err = run("assess", path, "--text", text, "--format", "json")
    assert (code, err) == (0, "")
    result: dict[str, object] = json.loads(out)
    assert result == fake_assessor().assess(path, text).to_dict()
    return result


def warnings(result: dict[str, object]) -> list[str]:
    notices = result["warnings"]
    assert isinstance(notices, list)
    return [notice["code"] for notice in notices]


def test_a_recording_cut_short_is_assessed_as_far_as_it_goes(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    path = tmp_path / "cut.wav"
    whole = wav(speech())
    path.write_bytes(whole[: len(whole) // 2])
    result = assessed(run, path, TEXT)
    assert result["status"] == "ok"
    assert result["duration"] == pytest.approx(2.1 / 2, abs=0.01)


def test_silence_is_no_speech(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    result = assessed(run, write_wav(tmp_path / "silence.wav", np.zeros(RATE, np.float32)), TEXT)
    assert result["status"] == "no_speech"
    assert "no_speech" in warnings(result)
    assert set(result["scores"].values()) == {None}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text",
    [
        "Zorblax frimbulated.",
        "bcdfghjklmnpqrstvwxzbcdfghjklmnpqrstvwxzbcdfghjklm",
        "floccinaucinihilipilification" * 2,
    ],
)
def test_unknown_words_are_guessed_and_said_to_be(
    text: str, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    result = assessed(run, write_wav(tmp_path / "long.wav", speech(20.0)), text)
    assert result["status"] == "ok"
    assert "guessed_pronunciation" in warnings(result)
    assert all(word["phones"] for word in result["words"])  # type: ignore[attr-defined]


def test_emoji_between_words_are_left_out(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    path = write_wav(tmp_path / "hello.wav", speech())
    words = assessed(run, path, "Hello 😀 world! 🎉")["words"]
    assert [word["text"] for word in words] == ["hello", "world"]  # type: ignore[attr-defined]


# --- memory ----------------------------------------------------------------------------------------------


STATUS = Path("/proc/self/status")


@pytest.mark.skipif(not STATUS.exists(), reason="needs Linux's account of memory")
@pytest.mark.parametrize("name", ["8 h", "no channel", "10,000 words"])
def test_memory_is_bounded(name: str, tmp_path: Path) -> None:
    """The process that refuses stays below 150 MB (8 h decode to 0.9 GB)."""
    path = tmp_path / "recording.wav"
    path.write_bytes(RECORDINGS[name][0]() if name in RECORDINGS else wav(speech()))
    text = TEXTS[name][0] if name in TEXTS else TEXT
    code = (
        "from elocute.cli import main\n"
        f"try: main({['assess', str(path), '--text', text]!r})\n"
        f"except SystemExit as end: print(end.code, open({str(STATUS)!r}).read())"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.startswith("2 ")
    peak = next(line for line in shown.splitlines() if line.startswith("VmHWM:")).split()[1]
    assert int(peak) * 1_024 < 150e6
