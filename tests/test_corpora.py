"""Corpora: a tiny speechocean762, every way it can contradict itself, native speech, and speaker folds."""

from __future__ import annotations

import json
import sys
import types
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elocute.corpora import native, speechocean762
from elocute.corpora.folds import speaker_folds
from elocute.corpora.types import Utterance, UtteranceLabels
from elocute.errors import CorpusError, TextError
from elocute.text.script import Pronunciation, Script, ScriptWord

SCRIPT = Script("go", (ScriptWord("go", "GO", (Pronunciation(("G", "OW0"), "corpus"),)),))
PHONES = {"GO": "G_B OW0_E", "AGAIN": "AH0_B G_I EH1_I N_E", "I": "AY0_S"}


def word_entry(text: str) -> dict[str, Any]:
    phones = [phone[:-2] for phone in PHONES[text].split()]
    scores = [2 - 0.2 * index for index in range(len(phones))]
    return {
        "text": text, "accuracy": 9, "stress": 10, "total": 8, "phones": phones, "phones-accuracy": scores,
    }  # fmt: skip


def write_table(path: Path, rows: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{key}\t{value}\n" for key, value in rows.items()))


def edit_scores(corpus: Path, change: Any) -> None:
    path = corpus / "resource" / "scores.json"
    scores = json.loads(path.read_text())
    change(scores)
    path.write_text(json.dumps(scores))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Five training speakers and one test speaker, two utterances each; the test half has no labels."""
    text, phones, scores = "GO AGAIN I", {}, {}
    for half, speakers in {"train": ["05", "01", "02", "03", "04"], "test": ["06"]}.items():
        keys = {f"{speaker}00{number}": speaker for speaker in speakers for number in (2, 1)}
        write_table(tmp_path / half / "utt2spk", dict(sorted(keys.items())))
        write_table(tmp_path / half / "text", dict.fromkeys(sorted(keys), text))
        write_table(tmp_path / half / "spk2age", {speaker: str(8 + int(speaker)) for speaker in speakers})
        write_table(
            tmp_path / half / "wav.scp", {key: f"WAVE/S{owner}/{key}.WAV" for key, owner in keys.items()}
        )
        for key, owner in keys.items():
            wave = tmp_path / "WAVE" / f"S{owner}" / f"{key}.WAV"
            wave.parent.mkdir(parents=True, exist_ok=True)
            wave.write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")
            phones |= {f"{key}.{index}": PHONES[word] for index, word in enumerate(text.split())}
            if half == "train":
                scores[key] = {
                    "text": text, "accuracy": 8, "completeness": 10, "fluency": 7.5, "prosodic": 7,
                    "total": int(owner), "words": [word_entry(word) for word in text.split()],
                }  # fmt: skip
    write_table(tmp_path / "resource" / "text-phone", phones)
    (tmp_path / "resource" / "scores.json").write_text(json.dumps(scores))
    return tmp_path


def test_load_follows_wav_scp_and_reads_everything(corpus: Path) -> None:
    utterances = speechocean762.load(corpus, "train")
    assert [item.id for item in utterances[:3]] == ["05002", "05001", "01002"]
    first = utterances[0]
    assert (first.speaker, first.age, first.text) == ("05", 13, "GO AGAIN I")
    assert first.audio == corpus / "WAVE/S05/05002.WAV"
    assert first.script.words[1] == ScriptWord(
        "again", "AGAIN", (Pronunciation(("AH0", "G", "EH1", "N"), "corpus"),)
    )
    assert first.labels is not None
    assert (first.labels.fluency, first.labels.total) == (7.5, 5.0)
    assert first.labels.words[1].phones == (2.0, 1.8, 1.6, pytest.approx(1.4))


def test_test_half_has_no_labels(corpus: Path) -> None:
    assert [item.labels for item in speechocean762.load(corpus, "test")] == [None, None]


def test_folds_partition_the_training_half(corpus: Path) -> None:
    folds = [speechocean762.load(corpus, f"fold:{k}") for k in range(5)]
    assert [len({item.speaker for item in fold}) for fold in folds] == [1] * 5
    assert {item for fold in folds for item in fold} == set(speechocean762.load(corpus, "train"))


def test_phones_of_labels_may_be_one_string(corpus: Path) -> None:
    before = speechocean762.load(corpus, "train")
    edit_scores(corpus, lambda scores: scores["01001"]["words"][0].update(phones="G OW0"))
    assert speechocean762.load(corpus, "train") == before


def test_validate_counts_both_halves(corpus: Path) -> None:
    assert speechocean762.validate(corpus) == {"train": 10, "test": 2}


@pytest.mark.parametrize("split", ["dev", "fold:5", "fold:", "fold", "train:1", ""])
def test_unknown_split(corpus: Path, split: str) -> None:
    with pytest.raises(CorpusError, match="use train, test or fold:0"):
        speechocean762.load(corpus, split)


DAMAGES = {
    "missing file": (lambda c: (c / "train/text").unlink(), "text is missing"),
    "empty file": (lambda c: (c / "train/wav.scp").write_text(""), "wav.scp is empty"),
    "no value": (lambda c: edit(c / "train/text", "01001\tGO AGAIN I", "01001"), "text:1: expected"),
    "doubled id": (lambda c: edit(c / "train/utt2spk", "01002", "01001"), "utt2spk:2: 01001 is listed twice"),
    "no speaker": (lambda c: edit(c / "train/utt2spk", "01001", "99999"), "utt2spk: no line for 01001"),
    "no recording": (lambda c: (c / "WAVE/S01/01001.WAV").unlink(), "01001.WAV is not a file"),
    "odd age": (lambda c: edit(c / "train/spk2age", "\t9", "\tnine"), "spk2age: the age of 01 is 'nine'"),
    "word without phones": (
        lambda c: edit(c / "resource/text-phone", "01001.2\tAY0_S\n", ""),
        "text-phone: no line for 01001.2",
    ),
    "too many words": (
        lambda c: edit(c / "resource/text-phone", "01001.2\t", "01001.3\tAY0_S\n01001.2\t"),
        "01001 has more words",
    ),
    "unknown phone": (
        lambda c: edit(c / "resource/text-phone", "01001.2\tAY0_S", "01001.2\tAY9"),
        "01001.2 has 'AY9', not an ARPAbet phone",
    ),
    "not JSON": (lambda c: (c / "resource/scores.json").write_text("{"), "scores.json is not JSON"),
    "not an object": (lambda c: (c / "resource/scores.json").write_text("[]"), "is not an object"),
    "no fluency": (lambda c: edit_scores(c, lambda s: s["01001"].pop("fluency")), "01001 lacks 'fluency'"),
    "entry not an object": (lambda c: edit_scores(c, lambda s: s.update({"01001": 3})), "scores.json: 01001"),
    "score too high": (lambda c: edit_scores(c, lambda s: s["01001"].update(total=11)), "11 is not between"),
    "score NaN": (lambda c: edit_scores(c, lambda s: s["01001"].update(total=float("nan"))), "not between"),
    "other words": (lambda c: edit_scores(c, lambda s: s["01001"]["words"].pop()), "words of 01001 are not"),
    "other phones": (
        lambda c: edit_scores(c, lambda s: s["01001"]["words"][0].update(phones=["G", "UW0"])),
        "phones of 01001.0 differ from resource/text-phone",
    ),
    "scores and phones differ in number": (
        lambda c: edit_scores(c, lambda s: s["01001"]["words"][0]["phones-accuracy"].pop()),
        "phones of 01001.0 differ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_contradictions_name_the_file(corpus: Path, damage: str) -> None:
    break_it, message = DAMAGES[damage]
    break_it(corpus)
    with pytest.raises(CorpusError) as caught:
        speechocean762.load(corpus, "train")
    assert message in str(caught.value)
    assert str(corpus) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_validate_finds_what_a_split_cannot(corpus: Path) -> None:
    for path, old, new in (("utt2spk", "\t06", "\t01"), ("spk2age", "06", "01")):
        edit(corpus / "test" / path, old, new)
    with pytest.raises(CorpusError, match="speaker 01 is in train and test"):
        speechocean762.validate(corpus)


def test_validate_wants_labels_and_waves(corpus: Path) -> None:
    (corpus / "WAVE/S06/06001.WAV").write_bytes(b"ID3")
    with pytest.raises(CorpusError, match=r"06001\.WAV is not a WAV file"):
        speechocean762.validate(corpus)
    edit_scores(corpus, lambda scores: scores.update({"77777": scores["01001"]}))
    with pytest.raises(CorpusError, match="77777 is in neither half"):
        speechocean762.validate(corpus)
    edit_scores(corpus, lambda scores: scores.pop("01001"))
    with pytest.raises(CorpusError, match="no scores for 01001"):
        speechocean762.validate(corpus)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script reader that cannot read digits."""

    def read_script(text: str) -> Script:
        if text.isdigit():
            raise TextError("digits")
        return SCRIPT

    module = types.ModuleType("elocute.text")
    module.read_script = read_script  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "elocute.text", module)


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    rows = ["id\tspeaker\tsubset\ttext", 'a\ts1\tclean\tsay "go', "b\ts1\tclean\t12", "c\ts2\tclean\tGO"]
    (tmp_path / "text.tsv").write_text("\n".join(rows) + "\n")
    for name in ("a.mp3", "b.flac", "c.flac"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.usefixtures("reader")
def test_native_counts_unreadable_texts(speech: Path) -> None:
    loaded = native.load(speech)
    assert loaded.skipped == 1
    assert [(item.id, item.audio.name, item.text) for item in loaded.utterances] == [
        ("a", "a.mp3", 'say "go'),
        ("c", "c.flac", "GO"),
    ]
    assert all(item.age is None and item.labels is None for item in loaded.utterances)


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("c\ts2", "a\ts2", "a is listed twice"), ("c\ts2", "d\ts2", "d.flac or .mp3 is missing"),
     ("12", "12\textra", "text.tsv:3: expected the columns"), ("id\t", "key\t", "expected the columns"),
     ("\tclean\t12", "", "text.tsv:3: expected the columns")],
)  # fmt: skip
def test_native_contradictions(speech: Path, old: str, new: str, message: str) -> None:
    edit(speech / "text.tsv", old, new)
    with pytest.raises(CorpusError, match=message):
        native.load(speech)


@pytest.mark.usefixtures("reader")
def test_native_without_table(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"text\.tsv is missing"):
        native.load(tmp_path)


def make(speaker: str, number: int, age: int | None, total: float | None) -> Utterance:
    labels = None if total is None else UtteranceLabels(5, 10, 5, 5, total, ())
    return Utterance(f"{speaker}-{number}", speaker, "go", Path("x.wav"), SCRIPT, age, labels)


speakers = st.dictionaries(
    st.integers(0, 999).map(str),
    st.tuples(
        st.none() | st.integers(5, 40),
        st.lists(st.none() | st.floats(0, 10, allow_subnormal=False), min_size=1, max_size=3),
    ),
    min_size=5,
    max_size=40,
)


@given(speakers, st.integers(1, 5), st.randoms())
def test_folds_are_balanced_and_blind_to_order(
    people: dict[str, tuple[int | None, list[float | None]]], k: int, random: Any
) -> None:
    items = [
        make(name, n, age, total) for name, (age, totals) in people.items() for n, total in enumerate(totals)
    ]
    folds = speaker_folds(items, k)
    assert set(folds) == set(people)
    assert set(folds.values()) <= set(range(k))
    sizes = Counter(folds.values())
    assert max(sizes.values()) - min(sizes[fold] for fold in range(k)) <= 1
    children = Counter(folds[name] for name, (age, _) in people.items() if age is not None and age <= 12)
    assert max(children.values(), default=0) - min(children[fold] for fold in range(k)) <= 2
    random.shuffle(items)
    assert speaker_folds(items, k) == folds


def test_folds_are_alike_in_proficiency() -> None:
    items = [make(f"{n:03}", 0, 8 if n % 2 else 30, n / 10) for n in range(100)]
    folds = speaker_folds(items)
    means = [sum(n / 10 for n in range(100) if folds[f"{n:03}"] == fold) / 20 for fold in range(5)]
    assert max(means) - min(means) < 0.2


def test_folds_share_the_children_whatever_their_scores() -> None:
    """Ranked by score alone, every child of this corpus would be dealt to fold 0."""
    items = [make(f"{n:03}", 0, 8 if n % 10 in (0, 9) else 30, n / 10) for n in range(100)]
    folds = speaker_folds(items)
    assert Counter(folds[item.speaker] for item in items if item.is_child) == dict.fromkeys(range(5), 4)


def test_equal_means_are_ties_in_any_order() -> None:
    """0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1 when rounded after every step."""
    items = [make("a", n, 9, total) for n, total in enumerate((0.1, 0.2, 0.3))]
    items += [make("b", n, 9, total) for n, total in enumerate((0.3, 0.2, 0.1))]
    assert speaker_folds(items, 2) == speaker_folds(items[::-1], 2) == {"a": 0, "b": 1}


def test_too_few_speakers() -> None:
    with pytest.raises(CorpusError, match="2 speakers cannot fill 5 folds"):
        speaker_folds([make("a", 0, 9, 3.0), make("b", 0, 9, 3.0)])
    with pytest.raises(ValueError, match="at least 1"):
        speaker_folds([make("a", 0, 9, 3.0)], 0)
