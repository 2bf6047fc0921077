"""Folders to call commands in, one of them with a space that is written in many chunks."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.cli import main
from tests.commands.calling import BROKEN, TINY
from tests.commands.small_sweeps import DRAWN
from tests.commands.small_sweeps import TINY as SWEPT

SIZE = 20  # settings of a chunk, of which `DRAWN` has 13


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A current folder of the test's own, with a right spec and one that fails midway."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(TINY)
    Path("broken.yaml").write_text(BROKEN)


@pytest.fixture
def many_chunks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder with the network, and chunks of few settings."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(SWEPT)
    monkeypatch.setattr("archcalc.parametric.choosing.streaming.CHUNK", SIZE)


@pytest.fixture(scope="session")
def drawn_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What one process writes of `DRAWN` where nothing fails."""
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path_factory.mktemp("whole"))
        Path("tiny.yaml").write_text(SWEPT)
        patched.setattr("archcalc.parametric.choosing.streaming.CHUNK", SIZE)
        assert main([*DRAWN, "-o", "a.parquet"]) == 0
        return Path("a.parquet").read_bytes()
