"""Drawings in DOT, the language of Graphviz, and what its `dot` makes of them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence

from archcalc.errors import UsageError
from archcalc.render import escape
from archcalc.render.drawing import Arrow, Box, Drawing, Group, Item
from archcalc.render.plots import GREY, ROLE_COLORS

MOST_SECONDS = 120  # that `dot` may take
_SHAPES = {
    "terminal": "shape=ellipse, width=0.9, margin=0.02",
    "sign": "shape=circle, width=0.3, margin=0.02, fontsize=14",
    "join": "shape=hexagon, width=0.9, margin=0.02",
}
_FONT = 'fontname="Helvetica,Arial,sans-serif"'


def dot_text(drawing: Drawing) -> str:
    """The drawing in DOT, from top to bottom, on a transparent ground."""
    lines = [
        "digraph network {",
        f"  graph [label={_quoted([drawing.title])}, labelloc=t, bgcolor=transparent, "
        f'fontcolor="{GREY}", fontsize=16, ranksep=0.35, {_FONT}]',
        '  node [shape=box, style="rounded,filled", fontsize=11, width=1.5, margin="0.14,0.06", '
        f"{_FONT}]",
        f'  edge [color="{GREY}", fontcolor="{GREY}", fontsize=10, arrowsize=0.7, {_FONT}]',
        *(f"  {line}" for line in _item_lines(drawing.items)),
        *(f"  {_arrow_line(arrow)}" for arrow in drawing.arrows),
        "}",
    ]
    return "\n".join(lines) + "\n"


def picture(drawing: Drawing, form: str) -> bytes:
    """The drawing as `svg` or `png`, by Graphviz's `dot`.

    Raises:
        UsageError: `dot` is not installed, or fails.
    """
    program = shutil.which("dot")
    if program is None:
        raise UsageError(
            f"a drawing as .{form} needs Graphviz's `dot`, which is not installed "
            "(https://graphviz.org/download); .mmd and .dot need nothing"
        )
    try:
        done = subprocess.run(
            [program, f"-T{form}", "-Gdpi=96" if form == "png" else "-Gdpi=72"],
            input=dot_text(drawing).encode(), capture_output=True, check=True, timeout=MOST_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"Graphviz's `dot` takes more than {MOST_SECONDS} seconds; fold more with --depth"
        ) from None
    except subprocess.CalledProcessError as error:
        raise UsageError(f"Graphviz's `dot` fails: {error.stderr.decode()[:200]}") from None
    return done.stdout


def _item_lines(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Group):
            yield from _group_lines(item)
        else:
            yield _box_line(item)


def _group_lines(group: Group) -> Iterator[str]:
    style = "rounded,dashed" if group.training_only else "rounded"
    yield f'subgraph "cluster_{group.id}" {{'
    yield (
        f'  label={_quoted([group.title])}; labeljust=l; margin=12; style="{style}"; '
        f'color="{GREY}"; fontsize=11'
    )
    yield from (f"  {line}" for line in _item_lines(group.members))
    yield "}"


def _box_line(box: Box) -> str:
    fill, stroke, text = ROLE_COLORS[box.role]
    parts = [f"label={_quoted(box.lines)}"]
    if box.role in _SHAPES:
        parts.append(_SHAPES[box.role])
    parts.append(f'fillcolor="{fill}", color="{stroke}", fontcolor="{text}"')
    if box.training_only:
        parts.append('style="rounded,filled,dashed"')
    return f"{box.id} [{', '.join(parts)}]"


def _arrow_line(arrow: Arrow) -> str:
    drawn = "style=dashed" if arrow.training_only else "weight=8"  # keeps the main path straight
    return f"{arrow.tail} -> {arrow.head} [label={_quoted([' ' + arrow.label])}, {drawn}]"


def _quoted(lines: Sequence[str]) -> str:
    r"""Lines as a string of DOT, centred, with `\n` between them."""
    return '"' + r"\n".join(map(escape.dot, lines)) + '"'
