"""What a figure is. Tables, JSON, its schema, claims, formulas and comparisons select from these.

A function, or the getter of a property, becomes a figure by what stands above it:

    @property
    @OF_LAYER.figure(Unit.COUNT, "MACs")
    def macs(self) -> Quantity:
        \"\"\"Multiply-accumulates, for the batch.\"\"\"

Its name is the key under which JSON, claims and options have it, and the first paragraph of its
docstring what users read that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, TypeVar

from archcalc.record import Record

Function = TypeVar("Function", bound=Callable[..., Any])


class Unit(Enum):
    """What a figure is in. In this order stand the columns of a table of layers."""

    NAME = "a name"
    NAMES = "names"
    TEXT = "a text"
    SHAPE = "channels, then sizes"
    FIELD = "input pixels, along each axis"
    STEP = "input pixels along each axis; none where the field is not bounded"
    COUNT = "a count"
    BYTES = "bytes"
    FLAG = "true or false"


class Figure(Record):
    """A figure of a layer, or of a network.

    Attributes:
        key: its name in JSON, claims and options.
        unit: what it is in.
        of: what it is of a layer or network.
        meaning: one line.
        heading: what stands beside it, in words.
        short: the same where there is little space, as above a column.
        made_of: the keys of the figures that it is computed from, and from nothing else: of sums
            it is the same function.
        shown_by: the keys of those that its derivation is written with, where it has others too.
        in_tables: whether tables of layers and their JSON have it.
        may_be_open: whether a part of it may be unknown (`archcalc.quantity.at_least`), that of
            layers that are opaque.
        product: the key of a figure and a number of a layer, of which it is the product: where the
            number is the same, the sum over layers is that number times the sum of the figure.
    """

    key: str
    unit: Unit
    of: Callable[[Any], Any]
    meaning: str
    heading: str
    short: str
    made_of: tuple[str, ...] = ()
    shown_by: tuple[str, ...] = ()
    in_tables: bool = True
    may_be_open: bool = False
    product: tuple[str, Callable[[Any], int]] | None = None

    @property
    def is_summed(self) -> bool:
        """Whether a block and a network have the sum over their layers."""
        return self.unit in (Unit.COUNT, Unit.BYTES)

    def total(self, layers: Iterable[Any]) -> Any:
        """The sum over layers."""
        return sum(map(self.of, layers))


class Figures(dict[str, Figure]):
    """Figures by their keys."""

    def figure(
        self,
        unit: Unit,
        heading: str = "",
        *,
        short: str = "",
        of: Callable[[Any], Any] | None = None,
        made_of: tuple[str, ...] = (),
        shown_by: tuple[str, ...] = (),
        in_tables: bool = True,
        may_be_open: bool = False,
        product: tuple[str, Callable[[Any], int]] | None = None,
    ) -> Callable[[Function], Function]:
        """Enters a function as a figure, under its name; the arguments are those of `Figure`.

        It is `of` unless given, its name the heading, and that the short one.
        """

        def enter(function: Function) -> Function:
            key: str = function.__name__
            meaning = " ".join((function.__doc__ or "").partition("\n\n")[0].split())
            words = heading or key.replace("_", " ")
            self[key] = Figure(
                key,
                unit,
                of or function,
                meaning,
                words,
                short or words,
                made_of,
                shown_by or made_of,
                in_tables,
                may_be_open,
                product,
            )
            return function

        return enter
