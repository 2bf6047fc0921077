"""Networks as one HTML file whose figures follow what one changes in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from archcalc.errors import UsageError, refused_by_system, require_extra
from archcalc.loading import Input, Spec, load
from archcalc.spec.values import Value

_HEIGHT = 720  # pixels, in a notebook


class Page:
    """Networks in one HTML file, which needs no other; a notebook shows it in a frame.

    Attributes:
        names: the networks.
        html: the file.
    """

    def __init__(self, names: Sequence[str], html: str) -> None:
        self.names = tuple(names)
        self.html = html

    def __str__(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"<Page of {' and '.join(self.names)}: {len(self.html.encode()):,} bytes>"

    def _repr_html_(self) -> str:
        style = f"width: 100%; height: {_HEIGHT}px; border: 0"
        title = escape(" and ".join(self.names))
        # What the page runs is its own; of the notebook around it nothing is in reach.
        return (
            f'<iframe sandbox="allow-scripts" title="{title}" style="{style}" '
            f'srcdoc="{escape(self.html)}"></iframe>'
        )

    def save(self, path: str | Path) -> None:
        """Writes it to a file.

        Raises:
            UsageError: it cannot be written.
        """
        with refused_by_system(path):
            Path(path).write_bytes(self.html.encode())


def page(
    *networks: Spec,
    input: Input | None = None,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Page:
    """Networks as one HTML file: sizes, batch, data type and parameters are changed in it.

    Every figure follows there, computed from closed forms that are derived here: of a network with
    some hundred layers that takes seconds.

    Args:
        networks: one or more; of a network with other settings give what `load` returns.
        input, parameters, others: as for `load`, of all of them.

    Raises:
        UsageError: no network; and as `load`.
        LayerError, SpecError: as `analyze`.
        MissingExtraError: sympy is not installed.
    """
    require_extra("page()", "sympy", "symbols")
    from archcalc.pages import making

    if not networks:
        raise UsageError("a page takes one network or more")
    graphs = [load(what, input=input, parameters=parameters, **others) for what in networks]
    return Page([graph.name for graph in graphs], making.page(graphs))
