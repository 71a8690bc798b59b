"""JSON of the schema ``elocute/1``: fields in the order of the result tree, equal bytes for equal results."""

from __future__ import annotations

import json

from elocute.result import Assessment


def write(assessment: Assessment) -> str:
    """The whole result, indented, IPA symbols as they are.

    Raises:
        ValueError: a score or time that is not a finite number.
    """
    return json.dumps(assessment.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
