"""A folder to call commands in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.calling import BROKEN, TINY


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A current folder of the test's own, with a right spec and one that fails midway."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(TINY)
    Path("broken.yaml").write_text(BROKEN)
