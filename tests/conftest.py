"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes import write_corpus


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings beside the repository; tests that need it are skipped without it."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no folder ../shared/data (real recordings) beside the repository")
    return folder


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See :func:`fakes.write_corpus`; read only."""
    return write_corpus(tmp_path_factory.mktemp("corpus"))
