"""Bent recordings against the service: each must end in a result or a typed problem, and memory must stay.

    python benchmarks/mutations.py [--files N] [--seed N]

Starts ``elocute serve`` on loopback with the shipped models and sends it good recordings of every format,
bent at random.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import random
import struct
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import soundfile

from elocute.audio import load_audio
from elocute.card import ASSETS

FORMATS = (
    ("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "ULAW"), ("RF64", "PCM_24"), ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"),
)  # fmt: skip
EXTREMES = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
EXPECTED = {200, 400, 413, 415, 422}


def good_recordings() -> list[bytes]:
    """0.8 s of speech in every format."""
    sound = load_audio(ASSETS / "demo" / "demo.flac").samples[3200:16_000]
    files = []
    for format, subtype in FORMATS:
        stream = io.BytesIO()
        soundfile.write(stream, sound, 16_000, format=format, subtype=subtype)
        files.append(stream.getvalue())
    return files


def bend(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """One to four random changes, half of them in the first 128 bytes, where headers are."""
    bent = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        if len(bent) < 8:
            break
        at = dice.randrange(min(len(bent), 128) if dice.random() < 0.5 else len(bent))
        length = dice.randint(1, 64)
        change = dice.randrange(8)
        if change == 0:
            bent[at] ^= 1 << dice.randrange(8)
        elif change == 1:
            bent[at : at + length] = dice.randbytes(length)
        elif change == 2:
            del bent[at:]
        elif change == 3:
            del bent[at : at + length]
        elif change == 4:
            bent[at:at] = bent[at : at + length] * dice.randint(1, 50)
        elif change == 5:
            order = dice.choice("<>")
            at = min(at, len(bent) - 4)
            bent[at : at + 4] = struct.pack(f"{order}I", dice.choice(EXTREMES))
        elif change == 6:
            bent[at : at + length] = bytes(len(bent[at : at + length]))
        else:
            other = dice.choice(others)
            bent[at:] = other[dice.randrange(len(other)) :]
    return bytes(bent)


def bent_recordings(count: int, seed: int) -> Iterator[bytes]:
    """``count`` bent recordings, the same for the same seed."""
    dice = random.Random(seed)
    files = good_recordings()
    for number in range(count):
        yield bend(files[number % len(files)], files, dice)


def main() -> None:
    from load import form, resident, service  # beside this file

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()

    def send(port: int, audio: bytes) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        body, headers = form(audio, text="Hello.")
        connection.request("POST", "/v1/assess", body, headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
        return answer.status, told.get("code") or told["status"]

    with service("--queue", "64") as (process, port), ThreadPoolExecutor(4) as threads:
        before, begin = resident(process.pid), time.monotonic()
        outcomes: Counter[tuple[int, str]] = Counter()
        most = 0
        for outcome in threads.map(lambda audio: send(port, audio), bent_recordings(asked.files, asked.seed)):
            outcomes[outcome] += 1
            if outcomes.total() % 50 == 0:
                most = max(most, resident(process.pid))
        seconds, after = time.monotonic() - begin, resident(process.pid)
    for (status, code), count in sorted(outcomes.items()):
        print(f"{count:6} {status} {code}")
    memory = ", ".join(f"{size / 2**20:.0f} MiB" for size in (before, most, after))
    print(f"{asked.files} files in {seconds:.0f} s; memory before, most, after: {memory}")
    unexpected = {status for status, _ in outcomes} - EXPECTED
    raise SystemExit(f"unexpected: {unexpected}" if unexpected else 0)


if __name__ == "__main__":
    main()
