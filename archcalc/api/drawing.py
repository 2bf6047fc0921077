"""A network as a diagram."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from archcalc.errors import refused_by_system
from archcalc.loading import Input, Spec
from archcalc.render import drawing
from archcalc.render.graphviz import dot_text, picture
from archcalc.render.mermaid import mermaid_text
from archcalc.render.output import require_form
from archcalc.spec.values import Value
from archcalc.walk import analyze

FORMS = ("mmd", "dot", "svg", "png")


class Diagram:
    """A network as boxes and arrows; a notebook shows it, by Mermaid.

    Attributes:
        drawing: the boxes and arrows.
    """

    def __init__(self, drawn: drawing.Drawing) -> None:
        self.drawing = drawn

    def __str__(self) -> str:
        """As Mermaid."""
        return mermaid_text(self.drawing)

    def __repr__(self) -> str:
        boxes, arrows = len(self.drawing.boxes), len(self.drawing.arrows)
        return f"<Diagram of {self.drawing.title}: {boxes} boxes, {arrows} arrows>"

    def _repr_markdown_(self) -> str:
        return f"```mermaid\n{self}```"

    def written(self, form: str) -> bytes:
        """As a file: Mermaid (`mmd`), `dot`, `svg` or `png`; the last two take Graphviz's `dot`.

        Raises:
            UsageError: there is no such form; or `dot` is not installed, or fails.
        """
        require_form(form, FORMS)
        if form in ("svg", "png"):
            return picture(self.drawing, form)
        return (str(self) if form == "mmd" else dot_text(self.drawing)).encode()

    def save(self, path: str | Path, form: str | None = None) -> None:
        """Writes it to a file, in the form that its ending says.

        Raises:
            UsageError: it cannot be written; and as `written`.
        """
        data = self.written(form or Path(path).suffix[1:].lower())
        with refused_by_system(path):
            Path(path).write_bytes(data)


def draw(
    what: Spec,
    /,
    *,
    depth: int | None = None,
    full: bool = False,
    input: Input | None = None,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Diagram:
    """A network as a diagram.

    Args:
        what, input, parameters, others: as for `analyze`.
        depth: fold blocks at this level of nesting, from 1; the deepest that fits a page if None.
        full: a box for every layer.

    Raises:
        UsageError, LayerError, SpecError: as `analyze`.
    """
    analysis = analyze(what, input=input, parameters=parameters, **others)
    return Diagram(drawing.draw(analysis, depth, full=full))
