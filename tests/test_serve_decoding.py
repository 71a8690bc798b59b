"""Decoders: what one may do, how long it lives, and that its answers are not believed."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from elocute.audio import Limits
from elocute.serve import decoding
from elocute.serve.child import Child
from elocute.serve.problems import Problem
from servers import CRASH, ODD, recording, telling_nursery

MIB = 1 << 20
LIMITS = Limits(max_seconds=1.0, max_decoded_bytes=MIB)
Decode = Callable[[bytes, Limits], bytes]


@pytest.fixture
def answer_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Decode], bytes]:
    """What comes from a decoder that decodes like this."""

    def ask(decode: Decode) -> bytes:
        monkeypatch.setattr(decoding, "_decode", decode)
        with decoding.Decoder(LIMITS, 1.0) as decoder:
            return decoder.ask(b"secret")

    return ask


# --- what a decoder may do --------------------------------------------------------------------------------


def test_a_decoder_is_bounded_in_memory(answer_of: Callable[[Decode], bytes]) -> None:
    assert answer_of(lambda data, limits: bytes(len(bytearray(100 << 20)) > 0)) == bytes(1)
    assert answer_of(lambda data, limits: bytes(len(bytearray(2 << 30)) > 0)) == b""


def test_a_decoder_is_bounded_in_time(answer_of: Callable[[Decode], bytes]) -> None:
    def endless(data: bytes, limits: Limits) -> bytes:
        while True:
            pass

    begin = time.monotonic()
    assert answer_of(endless) == b""
    assert time.monotonic() - begin < 5


def test_a_decoder_may_open_no_file_and_no_connection(
    answer_of: Callable[[Decode], bytes], tmp_path: Path
) -> None:
    def attempt(act: Callable[[], object]) -> Decode:
        def decode(data: bytes, limits: Limits) -> bytes:
            act()
            return b"done"

        return decode

    assert answer_of(attempt(lambda: None)) == b"done"
    assert answer_of(attempt(lambda: (tmp_path / "leak").write_bytes(b"secret"))) == b""
    assert answer_of(attempt(lambda: Path(__file__).read_bytes())) == b""
    assert answer_of(attempt(socket.socket)) == b""
    assert list(tmp_path.iterdir()) == []


def test_a_decoder_has_no_file_of_its_parent(answer_of: Callable[[Decode], bytes]) -> None:
    def count(data: bytes, limits: Limits) -> bytes:
        found = 0
        for number in range(3, 1024):
            try:
                os.fstat(number)
            except OSError:
                continue
            found += 1
        return str(found).encode()

    ours, theirs = os.pipe()
    assert answer_of(count) == b"1"  # the socket it answers through
    os.close(ours)
    os.close(theirs)


def test_a_decoder_may_not_answer_without_end(answer_of: Callable[[Decode], bytes]) -> None:
    assert answer_of(lambda data, limits: bytes(MIB)) == b""


# --- how long it lives ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nursery() -> Iterator[Child]:
    child = Child(telling_nursery, LIMITS, 1.0, 4)
    assert child.receive(60) == "ready"
    yield child
    child.kill()


def decoder_of(nursery: Child, data: bytes) -> int:
    """The process that decoded it; 0 if it crashed."""
    nursery.pipe.send_bytes(data)
    assert nursery.pipe.poll(10)
    answer = nursery.pipe.recv_bytes()
    return int(json.loads(answer)["rate"]) if answer else 0


def begin_anew(nursery: Child) -> None:
    decoder_of(nursery, ODD)


def test_a_decoder_ends_after_so_many_recordings(nursery: Child) -> None:
    begin_anew(nursery)
    processes = [decoder_of(nursery, b"fine") for _ in range(9)]
    assert processes[:4] == [processes[0]] * 4
    assert processes[4:8] == [processes[4]] * 4
    assert len(set(processes)) == 3


def test_a_decoder_ends_with_anything_but_a_clean_small_recording(nursery: Child) -> None:
    for data in (ODD, bytes(decoding.LARGE + 1), CRASH):
        begin_anew(nursery)
        first = decoder_of(nursery, b"fine")
        assert decoder_of(nursery, data) in (first, 0)
        until_gone(first)
        second = decoder_of(nursery, b"fine")
        assert second not in (first, 0)
        assert decoder_of(nursery, b"fine") == second


def until_gone(process: int) -> None:
    end = time.monotonic() + 5
    while True:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        assert time.monotonic() < end, "it lives on"
        time.sleep(0.01)


def test_decoders_end_with_their_nursery() -> None:
    child = Child(telling_nursery, LIMITS, 1.0, 4)
    assert child.receive(60) == "ready"
    process = decoder_of(child, b"fine")
    child.kill()
    until_gone(process)


def test_the_same_decoder_gives_the_same_samples() -> None:
    files = [recording(), recording(format="FLAC"), recording(rate=44_100, format="OGG")]
    limits = Limits()
    decoding._warm_up()
    with decoding.Decoder(limits, 5.0, 12) as decoder:
        for _ in range(2):
            for data in files:
                assert decoder.ask(data) == decoding._decode(data, limits)


# --- what it says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"x" * 5000,
        b"[" * 4096,
        b'{"code": "", "message": "", "rate": 16000}'.ljust(4096) + b"abc",
        b'{"code": "", "message": "", "rate": 16000}'.ljust(4096) + np.float32("inf").tobytes(),
        b'{"code": "made_up", "message": "", "rate": 16000}'.ljust(4096),
        b'{"code": "", "message": "", "rate": "x"}'.ljust(4096),
    ],
)
def test_an_answer_is_not_believed(answer: bytes) -> None:
    with pytest.raises(Problem) as refusal:
        decoding.read_answer(answer)
    assert refusal.value.code == "undecodable_audio"
