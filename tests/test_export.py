"""Every writer on a small hand-made assessment."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elocute.acoustics.alignment import Alignment, PhoneSegment, SilenceSegment, WordSegment
from elocute.export import WRITERS, azure, table, textgrid
from elocute.export.alignment import alignment_to_dict
from elocute.export.reading import band, heard_instead, points
from elocute.result import (
    Assessment,
    FeatureValue,
    HeardPhone,
    ModelInfo,
    Notice,
    Pause,
    PhoneResult,
    Pitch,
    UtteranceScores,
    WordResult,
)

THIN = WordResult(
    "thin", 0.3, 0.9, 55.0, 100.0, 58.5, "mispronounced", "lexicon",
    (
        PhoneResult("TH", "θ", 0.3, 0.5, 30.0, (HeardPhone("S", 0.82), HeardPhone("TH", 0.1))),
        PhoneResult("IH1", "ɪ", 0.5, 0.7, 70.0, (HeardPhone("IH", 0.9),)),
        PhoneResult("N", "n", 0.7, 0.9, 95.25, ()),
    ),
)  # fmt: skip
ICE = WordResult(
    "ice", 1.4, 1.6, None, None, None, "omitted", "lexicon",
    (PhoneResult("AY1", "aɪ", 1.4, 1.5, None, ()), PhoneResult("S", "s", 1.5, 1.6, None, ())),
)  # fmt: skip
ASSESSMENT = Assessment(
    status="incomplete",
    warnings=(Notice("omitted", "1 word was not read."),),
    text="Thin ice!",
    duration=2.0,
    scores=UtteranceScores(accuracy=60.0, completeness=50.0, fluency=80.0, prosody=70.0, total=62.5),
    words=(THIN, ICE),
    pauses=(Pause(0.0, 0.3, -1), Pause(0.9, 1.4, 0)),
    features={
        "speech_rate": FeatureValue(2.25, "syllables/s", 40.0, -1.5),
        "f0_mean": FeatureValue(None, "Hz"),
    },
    model=ModelInfo("elocute-base", "0.1.0", "abcdef0123456789"),
)
ALIGNMENT = Alignment(
    words=(
        WordSegment("a", "g2p", (PhoneSegment("AH0", 0.25, 0.5),)),
        WordSegment("go", "lexicon", (PhoneSegment("G", 0.75, 0.875), PhoneSegment("OW1", 0.875, 1.5))),
    ),
    silences=(SilenceSegment(0.0, 0.25, -1), SilenceSegment(0.5, 0.75, 0)),
    duration=1.5,
)
HOSTILE = "<script>alert(\"1\")</script> & 'x' \x1b[31m"


def hostile() -> Assessment:
    """Hostile text wherever text can be."""
    word = replace(
        THIN, text=HOSTILE, phones=(replace(THIN.phones[0], ipa=HOSTILE, phone=HOSTILE, heard=()),)
    )
    return replace(
        ASSESSMENT,
        text=HOSTILE,
        words=(word,),
        pauses=(),
        warnings=(Notice(HOSTILE, HOSTILE),),
        features={HOSTILE: FeatureValue(1.0, HOSTILE)},
        model=ModelInfo(HOSTILE, HOSTILE, HOSTILE),
    )


BARE = replace(
    ASSESSMENT, status="no_speech", words=(), pauses=(), features={}, warnings=(),
    scores=UtteranceScores(None, None, None, None, None),
)  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("assessment", [ASSESSMENT, BARE], ids=["full", "bare"])
def test_every_writer_repeats_itself(name: str, assessment: Assessment) -> None:
    text = WRITERS[name](assessment)
    assert text == WRITERS[name](Assessment.from_dict(assessment.to_dict()))
    assert text.endswith("\n")


def test_importing_the_registry_loads_no_writer() -> None:
    code = "import sys, elocute.export; print([m for m in sys.modules if m == 'rich' or 'export.' in m])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_json_reads_back() -> None:
    text = WRITERS["json"](ASSESSMENT)
    assert Assessment.from_dict(json.loads(text)) == ASSESSMENT
    assert "θ" in text
    with pytest.raises(ValueError, match="JSON"):
        WRITERS["json"](replace(ASSESSMENT, duration=float("nan")))


def test_json_keeps_a_contour_on_one_line() -> None:
    text = "a list: [\n  1,\n  2\n]"
    assessment = replace(ASSESSMENT, text=text, pitch=Pitch(0.02, (None, 120.5, 1e-05)))
    written = WRITERS["json"](assessment)
    assert '"f0": [ null, 120.5, 1e-05 ]' in written
    assert Assessment.from_dict(json.loads(written)) == assessment


def test_csv_has_a_row_for_every_unit() -> None:
    rows = list(csv.DictReader(io.StringIO(WRITERS["csv"](ASSESSMENT))))
    assert [(row["level"], row["word"], row["phone"]) for row in rows] == [
        ("utterance", "", ""),
        ("word", "0", ""), ("phone", "0", "0"), ("phone", "0", "1"), ("phone", "0", "2"),
        ("word", "1", ""), ("phone", "1", "0"), ("phone", "1", "1"),
    ]  # fmt: skip
    assert (rows[0]["text"], rows[0]["verdict"], rows[0]["prosody"]) == ("Thin ice!", "incomplete", "70.0")
    assert (rows[2]["text"], rows[2]["heard"], rows[2]["heard_probability"]) == ("TH", "S", "0.82")
    assert (rows[5]["verdict"], rows[5]["accuracy"]) == ("omitted", "")


def azure_of(assessment: Assessment) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(WRITERS["azure"](assessment))
    return answer


def test_azure_golden_fields() -> None:
    answer = azure_of(ASSESSMENT)
    assert {key: answer[key] for key in ("RecognitionStatus", "Offset", "Duration", "DisplayText")} == {
        "RecognitionStatus": "Success", "Offset": 3_000_000, "Duration": 6_000_000,
        "DisplayText": "Thin ice!",
    }  # fmt: skip
    best = answer["NBest"][0]
    assert {key: value for key, value in best.items() if key.endswith("Score")} == {
        "AccuracyScore": 60.0, "FluencyScore": 80.0, "CompletenessScore": 50.0, "ProsodyScore": 70.0,
        "PronScore": 62.0,
    }  # fmt: skip
    assert (best["Lexical"], best["Display"]) == ("thin ice", "Thin ice!")
    thin, ice = best["Words"]
    assert {key: thin[key] for key in list(thin)[:5]} == {
        "Word": "thin", "Offset": 3_000_000, "Duration": 6_000_000, "AccuracyScore": 55.0,
        "ErrorType": "Mispronunciation",
    }  # fmt: skip
    assert thin["Phonemes"][0] == {
        "Phoneme": "θ", "Offset": 3_000_000, "Duration": 2_000_000, "AccuracyScore": 30.0,
        "NBestPhonemes": [{"Phoneme": "s", "Score": 82.0}, {"Phoneme": "θ", "Score": 10.0}],
    }  # fmt: skip
    assert ice["ErrorType"] == "Omission"
    assert ice["Phonemes"] == []
    assert "AccuracyScore" not in ice


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("ok", "Success"),
        ("incomplete", "Success"),
        ("no_speech", "InitialSilenceTimeout"),
        ("off_script", "NoMatch"),
    ],
)
def test_azure_status(status: Any, expected: str) -> None:
    answer = azure_of(replace(ASSESSMENT, status=status))
    assert answer["RecognitionStatus"] == expected
    assert ("NBest" in answer) == (expected == "Success")
    if expected != "Success":
        assert (answer["Offset"], answer["Duration"]) == (0, 20_000_000)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (UtteranceScores(90, 100, 80, 70, None), 0.4 * 70 + 0.2 * (80 + 90 + 100)),
        (UtteranceScores(90, 100, 80, None, None), 0.6 * 80 + 0.2 * (90 + 100)),
        (UtteranceScores(None, 100, 80, 70, None), None),
        (UtteranceScores(0, 0, 0, 0, 0), 0.0),
    ],
)
def test_pron_score(scores: UtteranceScores, expected: float | None) -> None:
    assert azure.pron_score(scores) == (None if expected is None else pytest.approx(expected))


def parse_grid(text: str) -> tuple[float, dict[str, list[tuple[float, float, str]]]]:
    """A reader of the long format, apart from the writer."""
    tiers = {}
    head, *items = re.split(r"    item \[\d+\]:\n", text)
    for item in items:
        name = re.search(r'name = "(.*)"', item)
        intervals = re.findall(r'xmin = (\S+)\n +xmax = (\S+)\n +text = "((?:[^"]|"")*)"\n', item)
        size = re.search(r"intervals: size = (\d+)", item)
        assert name
        assert size
        assert int(size[1]) == len(intervals)
        tiers[name[1]] = [(float(a), float(b), label.replace('""', '"')) for a, b, label in intervals]
    end = re.search(r"^xmax = (\S+)$", head, re.MULTILINE)
    assert end
    return float(end[1]), tiers


def test_textgrid_of_an_assessment() -> None:
    end, tiers = parse_grid(WRITERS["textgrid"](ASSESSMENT))
    assert end == 2.0
    assert tiers["words"] == [
        (0, 0.3, ""), (0.3, 0.9, "thin"), (0.9, 1.4, ""), (1.4, 1.6, "ice"), (1.6, 2.0, ""),
    ]  # fmt: skip
    assert [label for _, _, label in tiers["phones"]] == ["", "TH", "IH1", "N", "", "AY1", "S", ""]


def test_textgrid_of_an_alignment() -> None:
    end, tiers = parse_grid(textgrid.write_alignment(ALIGNMENT))
    assert end == 1.5
    assert tiers["words"] == [(0, 0.25, ""), (0.25, 0.5, "a"), (0.5, 0.75, ""), (0.75, 1.5, "go")]
    assert tiers["phones"][-2:] == [(0.75, 0.875, "G"), (0.875, 1.5, "OW1")]


times = st.floats(0, 30)


@given(st.lists(st.tuples(times, times, st.text(alphabet='a"é', max_size=3))), st.floats(0.1, 20))
def test_textgrid_covers_the_recording_without_gaps(
    segments: list[tuple[float, float, str]], end: float
) -> None:
    words = tuple(
        WordSegment(label, "user", (PhoneSegment("AH0", start, stop),))
        for start, stop, label in sorted(segments)
    )
    found, tiers = parse_grid(textgrid.write_alignment(Alignment(words, (), end)))
    assert found == pytest.approx(end, abs=1e-6)
    for intervals in tiers.values():
        assert intervals[0][0] == 0
        assert intervals[-1][1] == found
        assert all(start < stop for start, stop, _ in intervals)
        assert all(left[1] == right[0] for left, right in pairwise(intervals))


def test_alignment_to_dict() -> None:
    data = alignment_to_dict(ALIGNMENT)
    assert json.loads(json.dumps(data)) == data
    assert data["words"][0] == {
        "text": "a", "start": 0.25, "end": 0.5, "confidence": 1.0, "pronunciation_source": "g2p",
        "phones": [{"phone": "AH0", "ipa": "ə", "start": 0.25, "end": 0.5}],
    }  # fmt: skip
    assert data["pauses"] == [
        {"start": 0.0, "end": 0.25, "after_word": -1}, {"start": 0.5, "end": 0.75, "after_word": 0},
    ]  # fmt: skip
    assert data["duration"] == 1.5


def test_table_marks_weak_phones_without_colour() -> None:
    text = table.write(ASSESSMENT)
    lines = text.splitlines()
    thin = next(line for line in lines if line.startswith("thin"))
    assert "!θ→s ɪ n" in thin
    assert thin.endswith("mispronounced")
    assert "0.30–0.90" in thin
    assert table.LEGEND in text
    assert "0.30 s at the start, 0.50 s after “thin”" in text
    assert "! 1 word was not read." in lines
    scores = lines[lines.index(next(line for line in lines if "completeness" in line)) + 1]
    assert scores.split() == ["62", "60", "50", "80", "70"]


def test_table_colours_only_when_asked() -> None:
    assert "\x1b[1;31m!θ→s" in table.write(ASSESSMENT, color=True)
    assert "\x1b" not in table.write(ASSESSMENT)


def test_table_lets_no_text_steer_the_terminal() -> None:
    text = table.write(hostile(), width=300)
    assert "\x1b" not in text
    assert "<script>" in text
    markup = "[red]x[/nonsense]"
    text = table.write(replace(ASSESSMENT, text=markup, words=(replace(THIN, text=markup),), pauses=()))
    assert text.count(markup) == 2


@pytest.mark.parametrize(
    ("score", "name"),
    [
        (100.0, "good"),
        (80.0, "good"),
        (79.9, "fair"),
        (60.0, "fair"),
        (59.9, "weak"),
        (0.0, "weak"),
        (None, "unknown"),
    ],
)
def test_bands(score: float | None, name: str) -> None:
    assert band(score) == name


def test_reading() -> None:
    assert (points(None), points(79.6), points(0.0)) == ("–", "80", "0")
    assert heard_instead(THIN.phones[0]) == "s"
    assert heard_instead(THIN.phones[1]) is None
    assert heard_instead(THIN.phones[2]) is None
