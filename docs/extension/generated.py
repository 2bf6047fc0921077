"""What the site takes from elsewhere as it is built: the reference from the code, the README.

In a page, a line `<!-- generated: NAME -->` is replaced by what the function of that name in
`reference` makes, as Markdown.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import reference

_PLACE = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)


def replace(app: Any, name: str, source: list[str]) -> None:
    """Puts into a page what is generated."""
    text = _PLACE.sub(lambda place: getattr(reference, place[1])(), source[0])
    source[0] = _flow(text).replace("](../CONTRIBUTING.md)", "](contributing.md)")


def _flow(text: str) -> str:
    """Charts of Mermaid, which would take a script of elsewhere, as boxes in order."""

    def boxes(chart: re.Match[str]) -> str:
        units = re.findall(r'p\d+\["(.*?)"\]', chart[1])
        items = "".join(f"<li>{unit}</li>" for unit in units)
        return f'<ol class="order">{items}</ol>\n'

    return re.sub(r"^```mermaid\n(.*?)^```\n", boxes, text, flags=re.MULTILINE | re.DOTALL)


def write_schemas(app: Any, error: Exception | None) -> None:
    """Puts the JSON Schemas beside the pages, for editors and programs."""
    if error is None and app.builder.format == "html":
        folder = Path(app.outdir) / "schemas"
        folder.mkdir(exist_ok=True)
        for name, schema in reference.schemas().items():
            text = json.dumps(schema, indent=1, ensure_ascii=False)
            (folder / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("source-read", replace)
    app.connect("build-finished", write_schemas)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
