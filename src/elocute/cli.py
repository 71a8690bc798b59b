"""The command line: ``elocute assess``, ``align``, ``features``, ``evaluate``, ``models`` and ``train``.

Only the standard library and typer are imported at the top: help must not wait for numpy and the models'
runtime.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar

import typer

from elocute._version import __version__
from elocute.errors import ElocuteError
from elocute.serve.command import serve

if TYPE_CHECKING:
    from elocute.assessor import Assessor
    from elocute.audio import Audio
    from elocute.text.script import Script

BAD_INPUT = 2
MOST_CHARACTERS = 1 << 20
"""Read of a file; far beyond the longest text."""

T = TypeVar("T")

app = typer.Typer(
    help="Pronunciation assessment: a score for every phone, word and utterance of a recording, and why.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich would double the time of --help
    context_settings={"help_option_names": ["-h", "--help"]},
)

Recording = Annotated[str, typer.Argument(metavar="AUDIO", help="A WAV, FLAC, OGG or MP3 file.")]
Text = Annotated[str | None, typer.Option("--text", help="What should have been read.")]
TextFile = Annotated[str | None, typer.Option("--text-file", help="A UTF-8 file with the text.")]
Output = Annotated[str | None, typer.Option("--output", "-o", help="Write here instead of standard output.")]
Acoustic = Annotated[
    str | None, typer.Option("--acoustic", help="The acoustic model, see `elocute models`.", metavar="NAME")
]
Said = Annotated[
    str | None,
    typer.Option("--pronunciations", help='A JSON file of pronunciations: {"tomato": "T AH0 M EY1 T OW0"}.'),
]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; bad input ends it with one line on standard error and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")  # IPA symbols, whatever the locale
    try:
        app(arguments)
    except ElocuteError as error:
        _say(str(error))
        raise SystemExit(BAD_INPUT) from None


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=lambda wanted: _version(wanted))
    ] = False,
) -> None:
    pass


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"elocute {__version__}")
        raise typer.Exit


@app.command()
def assess(
    audio: Recording,
    text: Text = None,
    text_file: TextFile = None,
    format: Annotated[
        Literal["table", "json", "azure", "csv", "textgrid", "html"], typer.Option(help="Of the result.")
    ] = "table",
    output: Output = None,
    pronunciations: Said = None,
    acoustic: Acoustic = None,
) -> None:
    """Score a recording of a text."""
    from elocute.export import write

    script, sound = _inputs(audio, text, text_file, pronunciations)
    assessment = _factory(acoustic)().assess(sound, script)
    if format == "table" and output is None:
        import shutil

        from elocute.export import table

        width = shutil.get_terminal_size((100, 24)).columns
        _write(table.write(assessment, color=_colored(), width=max(width, 60)), None)
    else:
        _write(write(format, assessment, sound), output)


@app.command()
def align(
    audio: Recording,
    text: Text = None,
    text_file: TextFile = None,
    format: Annotated[Literal["json", "textgrid", "svg"], typer.Option(help="Of the alignment.")] = "json",
    output: Output = None,
    pronunciations: Said = None,
    acoustic: Acoustic = None,
) -> None:
    """Find when every word and phone of a text was spoken."""
    script, sound = _inputs(audio, text, text_file, pronunciations)
    alignment = _factory(acoustic)().align(sound, script)
    if format == "textgrid":
        from elocute.export.textgrid import write_alignment

        _write(write_alignment(alignment), output)
    elif format == "svg":
        from elocute.export.figure import figure

        _write(figure(alignment.words, sound), output)
    else:
        from elocute.export.alignment import alignment_to_dict

        _write(_json(alignment_to_dict(alignment)), output)


@app.command()
def features(
    audio: Recording,
    text: Text = None,
    text_file: TextFile = None,
    output: Output = None,
    pronunciations: Said = None,
    acoustic: Acoustic = None,
) -> None:
    """Measure what the scores rest on: one row per phone, and named features of the utterance."""
    from elocute.export.features import measurements_to_dict

    script, sound = _inputs(audio, text, text_file, pronunciations)
    _write(_json(measurements_to_dict(_factory(acoustic)().features(sound, script))), output)


@app.command()
def evaluate(
    corpus: Annotated[Path, typer.Option(help="A corpus in the official layout of speechocean762.")],
    split: Annotated[str, typer.Option(help="test, train or fold:K (K from 0 to 4).")],
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first utterances.")] = None,
    report_file: Annotated[str | None, typer.Option("--json", help="Write the whole report here.")] = None,
    predictions: Annotated[str | None, typer.Option(help="Write every prediction to this CSV file.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; as many as cores if left out.")
    ] = None,
    acoustic: Acoustic = None,
) -> None:
    """Run the shipped pipeline on a corpus and compare its scores with the experts'."""
    from elocute.evaluate import evaluate, summary
    from elocute.predictions import write_predictions

    for path in filter(None, (report_file, predictions)):
        _check_writable(path)  # before the work, not after it
    rows, report = evaluate(corpus, split, limit=limit, workers=workers, factory=_factory(acoustic))
    if predictions is not None:
        write_predictions(rows, predictions)
    if report_file is not None:
        _write(_json(report), report_file)
    _write(summary(report), None)


@app.command()
def train(
    step: Annotated[str, typer.Argument(metavar="STEP", help="acoustic, score, export, ...")],
    config: Annotated[Path, typer.Option(help="An experiment: configs/*.toml.")],
    corpus: Annotated[Path, typer.Option(help="A corpus in the official layout of speechocean762.")],
    work: Annotated[Path, typer.Option(help="Where the step reads and leaves its results.")],
) -> None:
    """Train the models, one resumable step at a time."""
    try:
        from elocute.training.commands import STEPS

        if step not in STEPS:
            _fail(f"There is no step {step!r}; use one of {', '.join(STEPS)}.")
        if not config.is_file():
            _fail(f"There is no file at {str(config)!r}; give one of configs/*.toml with --config.")
        STEPS[step](config, corpus, work)
    except ModuleNotFoundError as error:
        if (error.name or "elocute").partition(".")[0] == "elocute":
            raise
        _fail(f"Training needs {error.name}, which is not installed; run: pip install 'elocute[train]'")


app.command()(serve)


@app.command()
def models() -> None:
    """List the acoustic models that --acoustic knows."""
    from elocute.export.models import write

    _write(write(), None)


def new_assessor(acoustic: str | None = None) -> Assessor:
    """The assessor of every command."""
    from elocute.assessor import Assessor

    return Assessor(acoustic)


@dataclass(frozen=True)
class _Chosen:
    """Makes assessors with this acoustic model, in other processes, too."""

    acoustic: str

    def __call__(self) -> Assessor:
        return new_assessor(self.acoustic)


def _factory(acoustic: str | None) -> Callable[[], Assessor]:
    return new_assessor if acoustic is None else _Chosen(acoustic)


# --- what goes in ----------------------------------------------------------------------------------------


def _inputs(
    audio: str, text: str | None, text_file: str | None, pronunciations: str | None
) -> tuple[Script, Audio]:
    """Script and recording; checked before the models are loaded."""
    from elocute.audio import load_audio
    from elocute.text import read_script

    if (text is None) == (text_file is None):
        _fail("Say what should have been read: give either --text or --text-file.")
    if text is None:
        text = _read(text_file or "", "--text-file")
    script = read_script(text, None if pronunciations is None else _pronunciations(pronunciations))
    with _silent_decoder():
        return script, load_audio(audio)


def _pronunciations(path: str) -> dict[str, Any]:
    try:
        found = json.loads(_read(path, "--pronunciations"))
    except ValueError as error:
        _fail(f'{path!r} is not JSON ({error}); write {{"tomato": "T AH0 M EY1 T OW0"}}.')
    if not isinstance(found, dict) or not all(isinstance(given, str | list) for given in found.values()):
        _fail(f'{path!r} is not an object of pronunciations; write {{"tomato": "T AH0 M EY1 T OW0"}}.')
    return found


def _read(path: str, option: str) -> str:
    def read() -> str:
        with open(path, encoding="utf-8") as file:
            return file.read(MOST_CHARACTERS)

    return _with_file(path, option, read)


@contextmanager
def _silent_decoder() -> Iterator[None]:
    """The MP3 decoder writes remarks on damaged files to the process's standard error, past Python's."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


# --- what comes out --------------------------------------------------------------------------------------


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _write(text: str, path: str | None) -> None:
    if path is None:
        typer.echo(text, nl=False, color=True)  # colour codes are there only if wanted
    else:
        _with_file(path, "--output", lambda: Path(path).write_text(text, encoding="utf-8", newline=""))


def _check_writable(path: str) -> None:
    _with_file(path, "a file to write", lambda: Path(path).open("a").close())


def _colored() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _say(message: str) -> None:
    """One line on standard error, whatever the message holds (file names may hold anything)."""
    line = " ".join(message.split())
    typer.echo(f"elocute: {''.join(c if c.isprintable() else '?' for c in line)}", err=True)


def _fail(message: str) -> NoReturn:
    raise ElocuteError(message)


def _with_file(path: str, option: str, act: Callable[[], T]) -> T:
    try:
        return act()
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a name no file can have
        reason = getattr(error, "strerror", None) or error
        _fail(f"Cannot use {path!r} ({reason}); check {option}.")
