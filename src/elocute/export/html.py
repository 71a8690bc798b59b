"""One self-contained HTML page: the result as people look at it, with the recording to listen to.

The page carries the result as JSON, the recording as FLAC in base64, and the scripts and the style sheet that
draw results on the service's page, too (``serve/static/report``). Nothing is loaded from anywhere. Without
scripts, or on paper without them, a plain table remains.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elocute.export.catalogue import catalogue
from elocute.export.reading import band, heard_instead, points
from elocute.result import Assessment, PhoneResult, WordResult

if TYPE_CHECKING:
    from elocute.audio import Audio

RENDERER = Path(__file__).parent.parent / "serve" / "static" / "report"
MODULES = (
    "dom", "reading", "sound", "spectrogram", "stage", "timeline", "words", "features", "result", "report",
)  # fmt: skip
"""The renderer's scripts, each after those it imports."""

_STATUS = {
    "ok": "The text was read.",
    "incomplete": "Parts of the text were not read.",
    "no_speech": "No speech was found in the recording.",
    "off_script": "Something else than the text was spoken.",
}


def write(assessment: Assessment, audio: Audio | None = None) -> str:
    """The page; with ``audio``, the recording that was assessed, it shows and plays the sound, too."""
    script, style = _script(), _style()
    # Only this very script and style may run, and nothing may be loaded, whatever a text holds.
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    sound = "" if audio is None else base64.b64encode(_flac(audio)).decode()
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>Pronunciation: {escape(assessment.text)}</title>
<style>{style}</style>
</head>
<body>
<main>
<header class="masthead">
<p>Pronunciation report · {assessment.duration:.1f} s · {_STATUS[assessment.status]}</p>
<h1>{escape(assessment.text)}</h1>
</header>
<div id="result"></div>
<noscript>
{_table(assessment)}
</noscript>
</main>
<script type="application/json" id="data">{_data(assessment.to_dict())}</script>
<script type="application/json" id="catalogue">{_data(catalogue())}</script>
<script type="text/plain" id="recording">{sound}</script>
<script type="module">{script}</script>
</body>
</html>
"""


@cache
def _script() -> str:
    """The modules as one: without imports and exports, which one script does not need, and comments."""
    parts = []
    for name in MODULES:
        code = (RENDERER / f"{name}.js").read_text(encoding="utf-8")
        code = re.sub(r"/\*\*.*?\*/\n?|^// @ts-check\n", "", code, flags=re.DOTALL | re.MULTILINE)
        code = re.sub(r"^import\s[^;]*;\n", "", code, flags=re.MULTILINE)
        parts.append(re.sub(r"^export ", "", code, flags=re.MULTILINE))
    return "\n" + "\n".join(parts)


@cache
def _style() -> str:
    return "\n" + (RENDERER / "report.css").read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _data(data: Any) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _flac(audio: Audio) -> bytes:
    """16-bit FLAC: every browser plays it, and it takes half the room of WAV."""
    import numpy as np
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.clip(audio.samples, -1.0, 1.0), audio.rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


# --- without scripts -------------------------------------------------------------------------------------


def _table(assessment: Assessment) -> str:
    scores = assessment.scores
    named = {
        "total": scores.total,
        "accuracy": scores.accuracy,
        "completeness": scores.completeness,
        "fluency": scores.fluency,
        "prosody": scores.prosody,
    }
    said = ", ".join(f"{name} {points(score)}" for name, score in named.items())
    notices = "".join(f"<p>{escape(notice.message)}</p>\n" for notice in assessment.warnings)
    advice = "".join(
        f"<li><b>{escape(item.title)}.</b> {escape(item.message)}</li>\n" for item in assessment.suggestions
    )
    rows = "\n".join(map(_row, assessment.words))
    model = assessment.model
    return f"""{notices}<p>Of 100: {said}.</p>
<ol>{advice}</ol>
<table>
<thead><tr><th>Word</th><th>Score</th><th>Seconds</th><th>Sounds (!: weak, →: heard instead)</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p class="quiet">{escape(f"{model.name} {model.version} {model.sha256[:12]}")}</p>"""


def _row(word: WordResult) -> str:
    verdict = "" if word.verdict == "ok" else f" {word.verdict}"
    return (
        f'<tr><th scope="row">{escape(word.text)}</th><td>{points(word.total)}{verdict}</td>'
        f"<td>{word.start:.2f}–{word.end:.2f}</td><td>{' '.join(map(_sound, word.phones))}</td></tr>"
    )


def _sound(phone: PhoneResult) -> str:
    if band(phone.accuracy) != "weak":
        return escape(phone.ipa)
    heard = heard_instead(phone)
    return f"!{escape(phone.ipa)}{f'→{escape(heard)}' if heard else ''}"
