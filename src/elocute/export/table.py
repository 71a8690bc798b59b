"""A table for the terminal: the scores, then every word with its phones and what was heard instead.

Weak phones carry a mark besides their colour, so the table reads the same in black and white.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from elocute.export.reading import Band, band, heard_instead, points
from elocute.result import Assessment, PhoneResult, WordResult

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

STYLE: dict[Band, str] = {"good": "green", "fair": "yellow", "weak": "bold red", "unknown": "dim"}
LEGEND = "!θ→s  weak phone, and what was heard instead"


def write(assessment: Assessment, *, color: bool = False, width: int = 100) -> str:
    """The table as text, ``width`` characters wide, with colour codes only if asked for."""
    from rich.console import Console

    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=color, no_color=not color, legacy_windows=False)
    console.print(render(assessment))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def render(assessment: Assessment) -> RenderableType:
    """The table for ``rich.console.Console.print``."""
    from rich.console import Group
    from rich.text import Text

    lines: list[RenderableType] = [
        Text(_printable(assessment.text), style="bold"),
        Text(f"{assessment.status.replace('_', ' ')}, {assessment.duration:.2f} s", style="dim"),
        *(Text(f"! {_printable(notice.message)}", style="yellow") for notice in assessment.warnings),
        _scores(assessment),
        _words(assessment),
    ]
    if any(band(phone.accuracy) == "weak" for word in assessment.words for phone in word.phones):
        lines.append(Text(LEGEND, style="dim"))
    if assessment.pauses:
        lines.append(Text(f"pauses: {_pauses(assessment)}"))
    model = assessment.model
    lines.append(Text(_printable(f"{model.name} {model.version} {model.sha256[:12]}"), style="dim"))
    return Group(*lines)


def _scores(assessment: Assessment) -> Table:
    from rich.table import Table

    scores = assessment.scores
    named = {
        "total": scores.total,
        "accuracy": scores.accuracy,
        "completeness": scores.completeness,
        "fluency": scores.fluency,
        "prosody": scores.prosody,
    }
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in named:
        table.add_column(name, justify="right")
    table.add_row(*(_score(score) for score in named.values()))
    return table


def _words(assessment: Assessment) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("word", overflow="fold")
    for name in ("total", "stress", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("phones", overflow="fold")
    table.add_column("")
    for word in assessment.words:
        table.add_row(
            Text(_printable(word.text)),  # a plain string would be read as markup
            _score(word.total),
            _score(word.stress),
            f"{word.start:.2f}–{word.end:.2f}",
            _phones(word),
            "" if word.verdict == "ok" else word.verdict,
        )
    return table


def _phones(word: WordResult) -> Text:
    from rich.text import Text

    return Text(" ").join(Text(_phone(phone), style=STYLE[band(phone.accuracy)]) for phone in word.phones)


def _phone(phone: PhoneResult) -> str:
    symbol = _printable(phone.ipa)
    if band(phone.accuracy) != "weak":
        return symbol
    heard = heard_instead(phone)
    return f"!{symbol}→{heard}" if heard else f"!{symbol}"


def _score(score: float | None) -> Text:
    from rich.text import Text

    return Text(points(score), style=STYLE[band(score)])


def _pauses(assessment: Assessment) -> str:
    return ", ".join(
        f"{pause.end - pause.start:.2f} s {_place(assessment, pause.after_word)}"
        for pause in assessment.pauses
    )


def _place(assessment: Assessment, after_word: int) -> str:
    return "at the start" if after_word < 0 else f"after “{_printable(assessment.words[after_word].text)}”"


def _printable(text: str) -> str:
    """Without control characters, which would steer the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
