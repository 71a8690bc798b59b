"""The shipped acoustic models as a table."""

from __future__ import annotations

from elocute.shipped import DEFAULT, shipped_models


def write() -> str:
    """A line per model: name, version, size with its scorer, frame accuracy on speakers it has not heard."""
    lines = [f"{'name':18} {'version':8} {'MB':>5}  {'frame accuracy':>14}  scorer"]
    for model in shipped_models():
        accuracy = model.cross_validation.get("frame_accuracy")
        name = model.name + (" *" if model.name == DEFAULT else "")
        lines.append(
            f"{name:18} {model.version:8} {model.megabytes:5.1f}  "
            f"{'-' if accuracy is None else format(accuracy, '.3f'):>14}  "
            f"{'-' if model.scorer is None else model.scorer.name}"
        )
    return "\n".join([*lines, "* unless --acoustic says another"]) + "\n"
