"""Mermaid itself, under node: it reads diagrams, or says what is wrong with them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

# A folder in which `.ci/diagrams` has installed mermaid and jsdom.
_FOLDER = Path(os.environ.get("MERMAID_FOLDER", "."))
_PARSE = """
import { JSDOM } from "jsdom";
import fs from "node:fs";
globalThis.window = new JSDOM("").window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");
const refused = {};
for (const [name, text] of Object.entries(JSON.parse(fs.readFileSync(process.argv[2], "utf8")))) {
  await mermaid.parse(text).catch((error) => { refused[name] = error.message; });
}
console.log(JSON.stringify(refused));
"""

needs_mermaid = pytest.mark.skipif(
    shutil.which("node") is None or not (_FOLDER / "node_modules" / "mermaid").is_dir(),
    reason="MERMAID_FOLDER has no mermaid, or node is not installed",
)


def refused_by_mermaid(charts: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What Mermaid says of the charts that it cannot read, by name; they are put into `folder`."""
    path = folder / "charts.json"
    path.write_text(json.dumps(charts), encoding="utf-8")
    command = ["node", "--input-type=module", "-", str(path)]
    done = subprocess.run(
        command, input=_PARSE, cwd=_FOLDER, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    refused: dict[str, str] = json.loads(done.stdout)
    return refused
