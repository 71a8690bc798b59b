"""Follow a reading while it is read: python examples/stream.py hello.wav "Hello, how are you?"

Sends a 16-bit mono WAV file as fast as it was spoken, as a microphone would. Needs websockets. SERVICE: where
the service is; API_KEY: a key, if it wants one.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import wave
from contextlib import suppress

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

SERVICE = os.environ.get("SERVICE", "http://127.0.0.1:8000").replace("http", "ws", 1)
BLOCK_SECONDS = 0.1


def send(socket: ClientConnection, path: str) -> None:
    # The service hangs up after a problem, which the other thread reads.
    with wave.open(path, "rb") as file, suppress(ConnectionClosed):
        while block := file.readframes(int(BLOCK_SECONDS * file.getframerate())):
            socket.send(block)
            time.sleep(BLOCK_SECONDS)
        socket.send(json.dumps({"type": "end"}))


def main() -> None:
    path, text = sys.argv[1], sys.argv[2]
    with wave.open(path, "rb") as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            sys.exit("The recording must be 16-bit mono.")
        start = {"type": "start", "text": text, "rate": file.getframerate()}
    if "API_KEY" in os.environ:
        start["key"] = os.environ["API_KEY"]
    with connect(f"{SERVICE}/v1/stream") as socket:
        socket.send(json.dumps(start))
        threading.Thread(target=send, args=(socket, path), daemon=True).start()
        for message in map(json.loads, socket):
            if message["type"] == "progress":
                print(f"{message['seconds']:.1f} s: word {message['word']}")
            elif message["type"] == "result":
                print(message["result"]["status"], message["result"]["scores"]["total"])
            elif message["type"] == "problem":
                sys.exit(f"{message['problem']['title']}: {message['problem']['detail']}")


if __name__ == "__main__":
    main()
