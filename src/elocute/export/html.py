"""One self-contained HTML page without scripts: for reading, printing and sending.

Colours follow the reader's light or dark mode; every colour goes with a number or a mark.
"""

from __future__ import annotations

from collections import defaultdict
from html import escape

from elocute.export.html_style import STYLE
from elocute.export.reading import band, heard_instead, points
from elocute.result import Assessment, FeatureValue, Pause, PhoneResult, WordResult

# Nothing may be loaded or run, whatever a text holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_STATUS = {
    "ok": "The text was read.",
    "incomplete": "Parts of the text were not read.",
    "no_speech": "No speech was found in the recording.",
    "off_script": "Something else than the text was spoken.",
}


def write(assessment: Assessment) -> str:
    """The page; everything that comes from outside is escaped."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>Pronunciation: {escape(assessment.text)}</title>
<style>
{STYLE}</style>
</head>
<body>
<main>
<h1>{escape(assessment.text)}</h1>
<p>{_STATUS[assessment.status]} <span class="quiet">{assessment.duration:.2f} s</span></p>
{_warnings(assessment)}{_scores(assessment)}
<h2>Words</h2>
{_words(assessment)}
<p class="quiet">Each sound shows its score from 0 to 100; weak ones (below 60) carry “!”, and “→” what was
heard instead. “‖” is a pause.</p>
{_features(assessment.features)}{_model(assessment)}
</main>
</body>
</html>
"""


def _warnings(assessment: Assessment) -> str:
    if not assessment.warnings:
        return ""
    items = "".join(f"<li>{escape(notice.message)}</li>" for notice in assessment.warnings)
    return f'<ul class="warnings">{items}</ul>\n'


def _scores(assessment: Assessment) -> str:
    scores = assessment.scores
    named = {
        "Total": scores.total,
        "Accuracy": scores.accuracy,
        "Completeness": scores.completeness,
        "Fluency": scores.fluency,
        "Prosody": scores.prosody,
    }
    items = (
        f'<div class="{band(score)}"><dt>{name}</dt><dd>{points(score)}</dd></div>'
        for name, score in named.items()
    )
    return f'<dl class="scores">{"".join(items)}</dl>'


def _words(assessment: Assessment) -> str:
    pauses: dict[int, list[Pause]] = defaultdict(list)
    for pause in assessment.pauses:
        pauses[pause.after_word].append(pause)
    parts = [_pause(pause) for pause in pauses[-1]]
    for index, word in enumerate(assessment.words):
        parts += [_word(word), *(_pause(pause) for pause in pauses[index])]
    return '<ol class="words">\n' + "\n".join(parts) + "\n</ol>"


def _word(word: WordResult) -> str:
    verdict = "" if word.verdict == "ok" else f' <strong class="verdict">{word.verdict}</strong>'
    stress = "" if word.stress is None else f", stress {points(word.stress)}"
    return (
        f'<li class="word {word.verdict}"><div><b class="{band(word.total)}">{escape(word.text)}</b> '
        f"{points(word.total)}{stress}{verdict}</div>"
        f'<div class="quiet">{word.start:.2f}–{word.end:.2f} s</div>'
        f'<div class="phones">{"".join(map(_phone, word.phones))}</div></li>'
    )


def _phone(phone: PhoneResult) -> str:
    level = band(phone.accuracy)
    heard = heard_instead(phone) if level == "weak" else None
    candidates = ", ".join(f"{item.phone} {item.probability:.0%}" for item in phone.heard)
    title = f"{phone.phone}, {phone.start:.2f}–{phone.end:.2f} s" + (
        f"; heard {candidates}" if candidates else ""
    )
    return (
        f'<span class="phone {level}" title="{escape(title)}">'
        f"{'!' if level == 'weak' else ''}{escape(phone.ipa)}{f'→{escape(heard)}' if heard else ''}"
        f"<small>{points(phone.accuracy)}</small></span>"
    )


def _pause(pause: Pause) -> str:
    return f'<li class="pause quiet">‖ {pause.end - pause.start:.2f} s</li>'


def _features(features: dict[str, FeatureValue]) -> str:
    if not features:
        return ""
    rows = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{_number(feature.value)}</td>'
        f"<td>{escape(feature.unit)}</td><td>{_number(feature.percentile)}</td><td>{_number(feature.effect)}</td></tr>"
        for name, feature in features.items()
    )
    return f"""<details>
<summary>Features</summary>
<div class="wide">
<table>
<thead><tr><th>Name</th><th>Value</th><th>Unit</th><th>Percentile</th><th>Effect (points)</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
</details>
"""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _model(assessment: Assessment) -> str:
    model = assessment.model
    return f'<p class="quiet">{escape(f"{model.name} {model.version} {model.sha256[:12]}")}</p>'
