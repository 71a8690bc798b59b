"""JSON of the schema ``elocute/1``: fields in the order of the result tree, equal bytes for equal results."""

from __future__ import annotations

import json
import re

from elocute.result import Assessment


def write(assessment: Assessment) -> str:
    """The whole result, indented, IPA symbols as they are.

    Raises:
        ValueError: a score or time that is not a finite number.
    """
    text = json.dumps(assessment.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    return _NUMBERS.sub(lambda found: " ".join(found[0].split()), text) + "\n"


# A list of numbers goes on one line. Strings are safe: JSON writes their line breaks as \\n.
_NUMBERS = re.compile(r"\[\n(?:\s+(?:null|-?[\d.e+-]+),?\n)+\s*\]")
