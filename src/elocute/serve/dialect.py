"""Azure's request: the path, headers and body its REST API for short audio takes, so that clients can switch.

The recording is the body; a header holds what to do with it, as base64 of JSON. What Azure's parameters ask
and this service always gives (miscues, prosody, all dimensions) or never (five points) is in docs/azure.md.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from elocute.serve.problems import Problem
from elocute.serve.settings import Settings

PATH = "/speech/recognition/conversation/cognitiveservices/v1"
HEADER = "pronunciation-assessment"
MOST_HEADER = 48_000

GRANULARITIES = ("Phoneme", "Word", "FullText")
ALPHABETS = ("SAPI", "IPA")


def asked_parameters(headers: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a request.

    Raises:
        Problem: they are missing, or ask for what cannot be given.
    """
    if not query.get("language", "en-US").lower().startswith("en"):
        raise Problem("bad_field", "Only English is assessed; leave out language, or send en-US.")
    given = headers.get(HEADER, "")
    if not given:
        raise Problem("missing_field", "Send the header Pronunciation-Assessment: JSON in base64.")
    try:
        found = json.loads(base64.b64decode(given, validate=True)) if len(given) <= MOST_HEADER else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Problem("bad_field", "Pronunciation-Assessment is not base64 of a JSON object.")
    return found


def text_of(parameters: Mapping[str, Any]) -> str:
    """The text that should have been read."""
    text = parameters.get("ReferenceText")
    if not isinstance(text, str):
        raise Problem("missing_field", "Send ReferenceText: readings without a text are not assessed.")
    return text


def view_of(parameters: Mapping[str, Any]) -> dict[str, str]:
    """How the answer is to look: arguments of ``elocute.export.azure.write``."""
    if parameters.get("GradingSystem", "HundredMark") != "HundredMark":
        raise Problem("bad_field", "Scores run from 0 to 100; send GradingSystem HundredMark.")
    return {
        "granularity": _choice(parameters, "Granularity", GRANULARITIES),
        "alphabet": _choice(parameters, "PhonemeAlphabet", ALPHABETS),
    }


def acoustic_of(query: Mapping[str, str], settings: Settings) -> str:
    """The acoustic model: ``cid``, where Azure's clients name a model of their own."""
    name = query.get("cid", settings.default_acoustic)
    if name not in settings.acoustics:
        raise Problem("bad_field", f"cid can be {', '.join(settings.acoustics)}.")
    return name


def _choice(parameters: Mapping[str, Any], name: str, among: tuple[str, ...]) -> str:
    """The first is Azure's default."""
    given = parameters.get(name, among[0])
    if given not in among:
        raise Problem("bad_field", f"{name} can be {', '.join(among)}.")
    return str(given)
