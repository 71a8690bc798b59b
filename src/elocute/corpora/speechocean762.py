"""speechocean762: 5,000 English sentences of Mandarin speakers, scored by five experts.

Source: Zhang et al., "speechocean762", Interspeech 2021, https://github.com/jimbozhang/speechocean762.
Official layout: ``WAVE/``; ``train/`` and ``test/`` in Kaldi's style; ``resource/scores.json`` and
``resource/text-phone``.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from elocute.corpora.folds import speaker_folds
from elocute.corpora.types import Utterance, UtteranceLabels, WordLabels
from elocute.errors import CorpusError
from elocute.phones import is_phone
from elocute.text.script import Pronunciation, Script, ScriptWord

FOLDS = 5
SPLITS = ("train", "test", *(f"fold:{k}" for k in range(FOLDS)))
_PHONES_FILE = "resource/text-phone"
_SCORES_FILE = "resource/scores.json"
_RESTORE = "restore it from the official release"


def load(corpus_dir: str | Path, split: str) -> tuple[Utterance, ...]:
    """The utterances of a split, in the order of its ``wav.scp``.

    Args:
        corpus_dir: the corpus in its official layout.
        split: ``"train"``, ``"test"``, or ``"fold:K"`` with K from 0 to 4: fold K of the training half.

    The script holds the pronunciations of ``resource/text-phone``, which the experts scored (source
    ``"corpus"``): one per word, stress digits where given.
    Labels are ``None`` where ``resource/scores.json`` does not list the utterance.

    Raises:
        CorpusError: an unknown split, a missing file, or files that contradict each other.
    """
    if split not in SPLITS:
        raise CorpusError(f"no split {split!r}: use train, test or fold:0 to fold:{FOLDS - 1}")
    half, _, fold = split.partition(":")
    utterances = _load_half(Path(corpus_dir), "train" if fold else half)
    if not fold:
        return utterances
    folds = speaker_folds(utterances, FOLDS)
    return tuple(utterance for utterance in utterances if folds[utterance.speaker] == int(fold))


def validate(corpus_dir: str | Path) -> dict[str, int]:
    """Check the whole corpus; the number of utterances of each half.

    Raises:
        CorpusError: as :func:`load`; also speakers in both halves, a training utterance without labels,
            labels of an unknown utterance, or a recording that is not a WAV file.
    """
    corpus = Path(corpus_dir)
    halves = {half: _load_half(corpus, half) for half in ("train", "test")}
    speakers = [{utterance.speaker for utterance in utterances} for utterances in halves.values()]
    if shared := set.intersection(*speakers):
        raise CorpusError(f"{corpus}: speaker {min(shared)} is in train and test: keep the halves apart")
    unlabelled = [utterance.id for utterance in halves["train"] if utterance.labels is None]
    if unlabelled:
        raise CorpusError(f"{corpus / _SCORES_FILE}: no scores for {unlabelled[0]} of train: {_RESTORE}")
    known = {utterance.id for utterances in halves.values() for utterance in utterances}
    if unknown := set(_read_scores(corpus)) - known:
        raise CorpusError(f"{corpus / _SCORES_FILE}: {min(unknown)} is in neither half: {_RESTORE}")
    for utterances in halves.values():
        for utterance in utterances:
            _check_wave(utterance.audio)
    return {half: len(utterances) for half, utterances in halves.items()}


def _load_half(corpus: Path, half: str) -> tuple[Utterance, ...]:
    waves = _read_table(corpus / half / "wav.scp")
    speakers = _read_table(corpus / half / "utt2spk")
    texts = _read_table(corpus / half / "text")
    ages = _read_table(corpus / half / "spk2age")
    phones = _read_table(corpus / _PHONES_FILE)
    scores = _read_scores(corpus)
    utterances = []
    for key, wave in waves.items():
        speaker = _find(speakers, key, corpus / half / "utt2spk")
        text = _find(texts, key, corpus / half / "text")
        script = _read_script(corpus, key, text, phones)
        utterances.append(
            Utterance(
                id=key,
                speaker=speaker,
                text=text,
                audio=_find_wave(corpus, half, wave),
                script=script,
                age=_read_age(ages.get(speaker), speaker, corpus / half / "spk2age"),
                labels=_read_labels(corpus, key, script, scores[key]) if key in scores else None,
            )
        )
    return tuple(utterances)


def _read_table(path: Path) -> dict[str, str]:
    """A Kaldi table: an id, white space, and the rest of the line."""
    table: dict[str, str] = {}
    for number, line in enumerate(_read_text(path).splitlines(), start=1):
        fields = line.split(None, 1)
        if len(fields) != 2:
            raise CorpusError(f"{path}:{number}: expected an id and a value: {_RESTORE}")
        key, value = fields
        if key in table:
            raise CorpusError(f"{path}:{number}: {key} is listed twice: remove one")
        table[key] = value.strip()
    if not table:
        raise CorpusError(f"{path} is empty: {_RESTORE}")
    return table


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CorpusError(f"{path} is missing: give the folder of the official release") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} cannot be read ({error}): {_RESTORE}") from error


def _read_scores(corpus: Path) -> dict[str, Any]:
    path = corpus / _SCORES_FILE
    try:
        scores = json.loads(_read_text(path))
    except json.JSONDecodeError as error:
        raise CorpusError(f"{path} is not JSON ({error}): {_RESTORE}") from error
    if not isinstance(scores, dict):
        raise CorpusError(f"{path} is not an object of utterances: {_RESTORE}")
    return scores


def _find(table: dict[str, str], key: str, path: Path) -> str:
    try:
        return table[key]
    except KeyError:
        raise CorpusError(f"{path}: no line for {key}: {_RESTORE}") from None


def _find_wave(corpus: Path, half: str, wave: str) -> Path:
    path = corpus / wave
    if not path.is_file():
        raise CorpusError(f"{corpus / half / 'wav.scp'}: {path} is not a file: {_RESTORE}")
    return path


def _check_wave(path: Path) -> None:
    with path.open("rb") as file:
        header = file.read(12)
    if header[:4] != b"RIFF" or header[8:] != b"WAVE":
        raise CorpusError(f"{path} is not a WAV file: {_RESTORE}")


def _read_age(age: str | None, speaker: str, path: Path) -> int | None:
    if age is not None and not age.isdecimal():
        raise CorpusError(f"{path}: the age of {speaker} is {age!r}, not a number of years: {_RESTORE}")
    return None if age is None else int(age)


def _read_script(corpus: Path, key: str, text: str, phones: dict[str, str]) -> Script:
    path = corpus / _PHONES_FILE
    written = text.split()
    words = []
    for index, word in enumerate(written):
        pronunciation = _find(phones, f"{key}.{index}", path)
        plain = tuple(_strip_position(phone) for phone in pronunciation.split())
        wrong = [phone for phone in plain if not is_phone(phone)]
        if wrong:
            raise CorpusError(f"{path}: {key}.{index} has {wrong[0]!r}, not an ARPAbet phone: {_RESTORE}")
        words.append(ScriptWord(word.lower(), word, (Pronunciation(plain, "corpus"),)))
    if f"{key}.{len(written)}" in phones:
        raise CorpusError(f"{path}: {key} has more words than its text {text!r}: {_RESTORE}")
    return Script(text, tuple(words))


def _strip_position(phone: str) -> str:
    """``"AO0_I" -> "AO0"``: Kaldi marks begin, inside, end and single."""
    return phone[:-2] if phone[-2:] in ("_B", "_I", "_E", "_S") else phone


def _read_labels(corpus: Path, key: str, script: Script, entry: Any) -> UtteranceLabels:
    path = corpus / _SCORES_FILE
    try:
        words = tuple(_read_word(word) for word in entry["words"])
        spoken = [word["phones"] for word in entry["words"]]
        labels = UtteranceLabels(
            accuracy=_score(entry["accuracy"], 10),
            completeness=_score(entry["completeness"], 10),
            fluency=_score(entry["fluency"], 10),
            prosodic=_score(entry["prosodic"], 10),
            total=_score(entry["total"], 10),
            words=words,
        )
    except KeyError as error:
        raise CorpusError(f"{path}: {key} lacks {error}: {_RESTORE}") from None
    except (TypeError, ValueError) as error:
        raise CorpusError(f"{path}: {key}: {error}: {_RESTORE}") from None
    if [word.text for word in words] != [word.written for word in script.words]:
        raise CorpusError(f"{path}: the words of {key} are not those of its text {script.text!r}: {_RESTORE}")
    for index, (phones, label, word) in enumerate(zip(spoken, words, script.words, strict=True)):
        # The official documentation writes the phones as one string, the release as a list.
        scored = tuple(phones.split() if isinstance(phones, str) else phones)
        if scored != word.pronunciations[0].phones or len(label.phones) != len(scored):
            raise CorpusError(f"{path}: phones of {key}.{index} differ from {_PHONES_FILE}: {_RESTORE}")
    return labels


def _read_word(word: Any) -> WordLabels:
    return WordLabels(
        text=word["text"],
        accuracy=_score(word["accuracy"], 10),
        stress=_score(word["stress"], 10),
        total=_score(word["total"], 10),
        phones=tuple(_score(phone, 2) for phone in word["phones-accuracy"]),
    )


def _score(value: Any, top: float) -> float:
    score = float(value)
    if not (math.isfinite(score) and 0 <= score <= top):
        raise ValueError(f"the score {value} is not between 0 and {top}")
    return score
