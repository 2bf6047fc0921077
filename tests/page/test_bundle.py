"""The script and the style of pages are what their sources in `page` make, byte by byte."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES, BUILT = ROOT / "page", ROOT / "archcalc" / "pages"
FILES = ("bundle.js", "page.css", "licenses.txt")
MOST_LINES = 400


@pytest.mark.skipif(
    shutil.which("node") is None or not (SOURCES / "node_modules").is_dir(),
    reason="page/node_modules is not there: .ci/page installs it",
)
def test_they_are_what_the_sources_make(tmp_path: Path) -> None:
    command = ["node", "build.js", str(tmp_path)]
    done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    changed = [n for n in FILES if (tmp_path / n).read_bytes() != (BUILT / n).read_bytes()]
    assert changed == [], "run `npm run build` in page"


def test_the_license_of_each_package_in_the_bundle_is_there() -> None:
    lock = json.loads((SOURCES / "package-lock.json").read_text(encoding="utf-8"))
    licenses = (BUILT / "licenses.txt").read_text(encoding="utf-8")
    banner = (BUILT / "bundle.js").read_text(encoding="utf-8").partition("\n")[0]
    for path, package in lock["packages"].items():
        if path and not package.get("dev"):
            named = f"{path.removeprefix('node_modules/')} {package['version']}"
            assert named in licenses and named in banner
            assert package["license"] == "MIT"


def test_versions_are_pinned_and_no_registry_is_named() -> None:
    package = json.loads((SOURCES / "package.json").read_text(encoding="utf-8"))
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert all(version[0].isdigit() for version in versions)
    assert "resolved" not in (SOURCES / "package-lock.json").read_text(encoding="utf-8")


def test_no_source_writes_markup_or_runs_text() -> None:
    for path in (SOURCES / "src").glob("*.js"):
        text = path.read_text(encoding="utf-8")
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "style=",
        ):
            assert word not in text, (path.name, word)


def test_no_source_is_too_long() -> None:
    lengths = {
        p.name: len(p.read_text("utf-8").splitlines()) for p in (SOURCES / "src").glob("*.js")
    }
    assert len(lengths) > 10
    assert {name: n for name, n in lengths.items() if n > MOST_LINES} == {}
