"""Experiments as TOML: what is read, and that nothing wrong is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from elocute.training.config import (
    AcousticConfig,
    ConfigError,
    ScorerConfig,
    read_acoustic_config,
    read_config,
)

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
NEEDED = 'name = "a"\nversion = "1"\nencoder = "e"\nnative = "n"\n'


def acoustic(tmp_path: Path, text: str) -> AcousticConfig:
    (tmp_path / "a.toml").write_text(text)
    return read_config(AcousticConfig, tmp_path / "a.toml", "acoustic")


def scorer(tmp_path: Path, text: str) -> ScorerConfig:
    (tmp_path / "s.toml").write_text('[score]\nname = "s"\nversion = "1"\nacoustic = "a.toml"\n' + text)
    return read_config(ScorerConfig, tmp_path / "s.toml", "score")


def test_what_is_not_given_keeps_its_default(tmp_path: Path) -> None:
    found = acoustic(tmp_path, f"[acoustic]\n{NEEDED}")
    assert found == AcousticConfig("a", "1", "e", "n")
    assert scorer(tmp_path, "") == ScorerConfig("s", "1", "a.toml")


def test_options_at_every_depth(tmp_path: Path) -> None:
    found = acoustic(
        tmp_path,
        f"""
        [acoustic]
        {NEEDED}
        rounds = 3
        align = {{ floor = 6, silence_penalty = 1.5 }}
        [acoustic.options]
        epochs = 7
        batch = {{ frames = 100, copied = 0.5 }}
        """,
    )
    assert (found.rounds, found.align.floor, found.align.silence_penalty) == (3, 6, 1.5)
    assert (found.options.epochs, found.options.batch.frames, found.options.batch.copied) == (7, 100, 0.5)
    default = AcousticConfig("a", "1", "e", "n")
    assert found.native_options == default.native_options
    assert found.align.silence_floor == default.align.silence_floor
    assert found.options.batch.masked == default.options.batch.masked


def test_lists_become_tuples(tmp_path: Path) -> None:
    found = scorer(tmp_path, "seeds = [1, 2]\nnetwork = { depths = [1, 2, 3] }")
    assert found.seeds == (1, 2)
    assert found.network.depths == (1, 2, 3)


def test_whole_numbers_are_taken_for_fractions_but_not_the_reverse(tmp_path: Path) -> None:
    found = scorer(tmp_path, "on_script = 1\noptions = { weights = [1, 2, 3] }")
    assert (found.on_script, type(found.on_script)) == (1.0, float)
    assert found.options.weights == (1.0, 2.0, 3.0)
    with pytest.raises(ConfigError, match="rounds"):
        acoustic(tmp_path, f"[acoustic]\n{NEEDED}rounds = 2.0")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("dropout = 0.1", "dropout"),
        ("options = { epoch = 1 }", "epoch"),
        ("options = { batch = { frame = 1 } }", "frame"),
        ("align = { floors = 1 }", "floors"),
    ],
)
def test_an_unknown_key_is_named(tmp_path: Path, line: str, named: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown {named};"):
        acoustic(tmp_path, f"[acoustic]\n{NEEDED}{line}")


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ('rounds = "two"', "acoustic.rounds"),
        ("rounds = true", "acoustic.rounds"),
        ('native_share = "0.2"', "acoustic.native_share"),
        ("native_share = true", "acoustic.native_share"),
        ("options = { epochs = [1] }", "acoustic.options.epochs"),
        ("options = 3", "acoustic.options"),
        ('options = "epochs"', "acoustic.options"),
        ("align = []", "acoustic.align"),
    ],
)
def test_a_value_of_the_wrong_kind(tmp_path: Path, line: str, where: str) -> None:
    with pytest.raises(ConfigError, match=where):
        acoustic(tmp_path, f"[acoustic]\n{NEEDED}{line}")


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("seeds = 3", "score.seeds"),
        ('seeds = "22"', "score.seeds"),
        ('seeds = ["a"]', "score.seeds"),
        ("network = { depths = [3, 1] }", "score.network.depths"),
        ("options = { weights = [1.0, 1.0, true] }", "score.options.weights"),
    ],
)
def test_a_list_of_the_wrong_kind(tmp_path: Path, line: str, where: str) -> None:
    with pytest.raises(ConfigError, match=where):
        scorer(tmp_path, line)


def test_a_key_that_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="native"):
        acoustic(tmp_path, '[acoustic]\nname = "a"\nversion = "1"\nencoder = "e"\n')


@pytest.mark.parametrize("text", ["", "[score]\n", "[acoustic", "acoustic = 3", "[[acoustic]]\n"])
def test_a_missing_table(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="acoustic"):
        acoustic(tmp_path, text)


def test_a_file_that_is_missing_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml"):
        read_config(AcousticConfig, tmp_path / "none.toml", "acoustic")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"binary\.toml"):
        read_config(AcousticConfig, tmp_path / "binary.toml", "acoustic")


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.name)
def test_the_configurations_that_ship(path: Path) -> None:
    text = path.read_text()
    if "[acoustic]" in text:
        assert read_acoustic_config(path).name == path.stem
    if "[score]" in text:
        found = read_config(ScorerConfig, path, "score")
        assert read_acoustic_config(path.parent / found.acoustic)
    assert "[acoustic]" in text or "[score]" in text or "[grid]" in text


def test_some_configurations_ship() -> None:
    assert {"phonetic-encoder.toml", "scorer.toml"} <= {path.name for path in CONFIGS.glob("*.toml")}
