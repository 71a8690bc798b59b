"""Score a recording: python examples/assess.py hello.wav "Hello, how are you?"

Needs httpx. SERVICE: where the service is; API_KEY: a key, if it wants one.
"""

from __future__ import annotations

import os
import sys
import time

import httpx

SERVICE = os.environ.get("SERVICE", "http://127.0.0.1:8000")
HEADERS = {"X-Api-Key": os.environ["API_KEY"]} if "API_KEY" in os.environ else {}


def assess(path: str, text: str, attempts: int = 5) -> dict:
    """The result; a busy service is asked again when it says so."""
    for attempt in range(attempts):
        with open(path, "rb") as file:
            answer = httpx.post(
                f"{SERVICE}/v1/assess",
                files={"audio": file},
                data={"text": text},
                headers=HEADERS,
                timeout=60,
            )
        if answer.status_code not in (429, 503) or attempt == attempts - 1:
            break
        time.sleep(float(answer.headers.get("Retry-After", 1)))
    if answer.is_error:
        problem = answer.json()
        sys.exit(f"{problem['title']}: {problem['detail']} ({problem['code']})")
    return answer.json()


def main() -> None:
    result = assess(sys.argv[1], sys.argv[2])
    print(result["status"], result["scores"]["total"])
    for word in result["words"]:
        print(word["text"], word["total"], word["verdict"])
        for phone in word["phones"]:
            heard = ", ".join(f"{found['phone']} {found['probability']:.2f}" for found in phone["heard"])
            print(f"  {phone['ipa']:4}{phone['accuracy']}  heard {heard}")


if __name__ == "__main__":
    main()
