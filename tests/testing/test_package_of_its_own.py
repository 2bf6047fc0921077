"""The worked example in docs/examples: a layer kind from a package that archcalc knows nothing of.

Its entry point is simulated: what an installer would write of its `pyproject.toml` lies in a folder
on the path.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from archcalc.layers.registry import GROUP, KINDS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "archcalc_logit"


def archcalc(*words: str, paths: list[Path]) -> subprocess.CompletedProcess[str]:
    """The command line in the folder of the example, with these folders on the path."""
    path = os.pathsep.join(map(str, [ROOT, *paths]))
    return subprocess.run(
        [sys.executable, "-B", "-m", "archcalc", *words],
        cwd=EXAMPLE, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture
def installed(tmp_path: Path) -> list[Path]:
    """The folders that an installed package would add to the path."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    written = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    written.mkdir()
    (written / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\n")
    entries = [f"{name} = {at}\n" for name, at in project["entry-points"][GROUP].items()]
    (written / "entry_points.txt").write_text(f"[{GROUP}]\n{''.join(entries)}")
    return [EXAMPLE, tmp_path]


def test_a_spec_finds_the_kind_of_an_installed_package(installed: list[Path]) -> None:
    table = archcalc("table", "network.yaml", "--wide", paths=installed)
    assert table.stderr == ""
    assert "logit1            logit            16x32x32" in table.stdout
    source = archcalc("export", "network.yaml", paths=installed)
    assert "torch.logit(self.conv1(x), 0.001)" in source.stdout


def test_the_schema_has_the_kind_of_an_installed_package(installed: list[Path]) -> None:
    assert '"kind_logit"' in archcalc("schema", paths=installed).stdout
    assert '"kind_logit"' not in archcalc("schema", paths=[EXAMPLE]).stdout


def test_without_the_package_the_kind_is_unknown() -> None:
    table = archcalc("table", "network.yaml", paths=[EXAMPLE])
    assert (table.returncode, table.stdout) == (2, "")
    assert "network.yaml:5:5: unknown layer kind 'logit'" in table.stderr


def test_the_package_passes_its_own_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLE)
    test = import_module("test_logit")
    try:
        test.test_logit_is_what_torch_does()
    finally:
        del KINDS["logit"]
