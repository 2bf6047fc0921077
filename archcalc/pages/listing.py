"""The list of networks that have pages, with their main figures: one HTML file with links."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import prod
from typing import Any

from archcalc.analysis import Analysis
from archcalc.comparing.key_figures import KeyFigures, key_figures
from archcalc.figures.of_network import OF_NETWORK
from archcalc.pages.html import list_html
from archcalc.quantity.arithmetic import plain
from archcalc.record import Record
from archcalc.render.numbers import in_unit, shape

HOME = "index.html"
_SHOWN = (
    "weight_layers", "params", "macs", "lecture_bytes", "peak_bytes", "training_bytes",
    "receptive_field",
)  # fmt: skip


class Listed(Record):
    """A network in the list.

    Attributes:
        name: of the network, and of the file of its page.
        title: what the literature calls it.
        input: the shape of its input.
        layers: how many it has.
        figures: its main figures.
    """

    name: str
    title: str
    year: int | None
    input: tuple[Any, ...]
    layers: int
    figures: KeyFigures

    @property
    def file(self) -> str:
        """Its page, beside the list."""
        return f"{self.name}.html"


def listed(analysis: Analysis) -> Listed:
    """What the list says of a network."""
    about = analysis.graph.about
    return Listed(
        analysis.name, about.title or analysis.name, about.year, analysis.input.shape,
        len(analysis.layers), key_figures(analysis),
    )  # fmt: skip


def list_of(networks: Sequence[Listed]) -> str:
    """The list, in the order that is given."""
    names = ["network", "year", "input", "layers", *[OF_NETWORK[key].short for key in _SHOWN]]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    about = (
        "Each page computes its figures anew as its sizes, batch, data type and parameters are "
        "changed. Here they are for one input in float32."
    )
    return list_html("Networks and their figures", about, head, "\n".join(map(_row, networks)))


def _row(one: Listed) -> str:
    name = "" if one.title == one.name else f" <span>{escape(one.name)}</span>"
    link = f'<a href="{escape(one.file)}">{escape(one.title)}</a>{name}'
    cells = [
        _cell(one.title.lower(), link),
        _cell(one.year, str(one.year or "")),
        _cell(_product(one.input), escape(shape(one.input))),
        _cell(one.layers, str(one.layers)),
    ]
    for key in _SHOWN:
        value = getattr(one.figures, key)
        cells.append(_cell(_along(value), escape(in_unit(value, OF_NETWORK[key].unit))))
    return f"<tr>{''.join(cells)}</tr>"


def _cell(order: object, markup: str) -> str:
    """A cell: by what it is sorted, and what it shows."""
    text = "" if order is None else escape(str(order))
    return f'<td data-value="{text}">{markup}</td>'


def _along(value: object) -> object:
    """A figure by which networks are put in order: along several axes the product; None of none."""
    found = plain(value)
    if isinstance(found, list):
        return _product(found)
    return found if isinstance(found, (int, float)) else None


def _product(sizes: Sequence[Any]) -> object:
    return prod(sizes) if all(isinstance(size, int) for size in sizes) else None
