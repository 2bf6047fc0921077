"""Drawings as Mermaid, which GitHub and many editors draw (https://mermaid.js.org)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archcalc.render import escape
from archcalc.render.drawing import Arrow, Drawing, Group, Item
from archcalc.render.plots import GREY, ROLE_COLORS

MOST_ARROWS = 500  # that Mermaid draws, unless the page that shows it allows for more
_SHAPES = {"terminal": ('(["', '"])'), "sign": ('(("', '"))'), "join": ('{{"', '"}}')}
_BOX = ('("', '")')
_INDENT = "    "
_HEAD = """\
---
config:
  flowchart:
    wrappingWidth: 400
---
flowchart TD"""


def mermaid_text(drawing: Drawing) -> str:
    """The drawing as a flowchart of Mermaid, from top to bottom."""
    lines = [_HEAD, f"{_INDENT}accTitle: {escape.mermaid(drawing.title)}"]
    lines += [_INDENT + line for line in _item_lines(drawing.items)]
    lines += [_INDENT + _arrow_line(arrow) for arrow in drawing.arrows]
    lines += [_INDENT + line for line in _style_lines(drawing)]
    return "\n".join(lines) + "\n"


def _item_lines(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Group):
            yield f'subgraph {item.id}["{_aside(item.title)}"]'
            yield from (_INDENT + line for line in _item_lines(item.members))
            yield "end"
        else:
            left, right = _SHAPES.get(item.role, _BOX)
            yield f"{item.id}{left}{'<br>'.join(map(escape.mermaid, item.lines))}{right}"


def _aside(title: str) -> str:
    """A title with wide spaces behind it, which push it aside from the arrow into the group."""
    return escape.mermaid(title) + "#8195;" * (len(title) // 2 + 2)


def _arrow_line(arrow: Arrow) -> str:
    line = "-.->" if arrow.training_only else "-->"
    return f'{arrow.tail} {line}|"{escape.mermaid(arrow.label)}"| {arrow.head}'


def _style_lines(drawing: Drawing) -> Iterator[str]:
    """A class for each role, with colours that light and dark pages carry; dashes for heads."""
    boxes = drawing.boxes
    for role, (fill, stroke, text) in ROLE_COLORS.items():
        members = [box.id for box in boxes if box.role == role]
        if members:
            yield f"classDef {role} fill:{fill},stroke:{stroke},color:{text}"
            yield f"class {','.join(members)} {role}"
    dashed = [box.id for box in boxes if box.training_only]
    if dashed:
        yield "classDef training stroke-dasharray:4 3"
        yield f"class {','.join(dashed)} training"
    for group in drawing.groups:
        dashes = ",stroke-dasharray:4 3" if group.training_only else ""
        yield f"style {group.id} fill:none,stroke:{GREY}{dashes}"
