"""The arithmetic of a source: what its own figures make.

    arithmetic: size * size * channels * towers
    parts:
      size: [55, "AlexNet paper, figure 2"]
      channels: [48, "AlexNet paper, figure 2"]
      towers: [2, "AlexNet paper, figure 2"]

Each part is a figure that the work prints which prints the figure in question, as it stands there:
a number with its unit (`463Ki`, `3.06%`), or numbers that it multiplies or adds
(`28*28*64*1*1*256`). No figure of archcalc's goes in. So where the arithmetic contradicts the
figure, the work contradicts itself.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, NamedTuple

from yaml.nodes import Node

from archcalc.claims.printed import PrintedError, parse_printed
from archcalc.claims.works import printings
from archcalc.errors import Source, SpecError
from archcalc.spec.expression import parse
from archcalc.spec.reader import entries, items, place_of, text_of
from archcalc.spec.values import ExpressionError, Value

_OPERATORS = re.compile(r"[-+*/ ]")


class Part(NamedTuple):
    """A figure that a source prints.

    Attributes:
        name: what the arithmetic calls it.
        text: as the source prints it.
        source: where it is printed.
    """

    name: str
    text: str
    value: Value
    source: str


class Arithmetic(NamedTuple):
    """An expression over figures that a source prints."""

    expression: str
    parts: tuple[Part, ...]

    @property
    def value(self) -> Any:
        """What it comes to.

        Raises:
            ExpressionError: a name in it is not a part; the arithmetic fails.
        """
        return parse(self.expression).evaluate({part.name: part.value for part in self.parts})

    @property
    def written_out(self) -> str:
        """The expression with the figures in their places: `55 * 55 * 48 * 2`."""
        texts = {part.name: part.text for part in self.parts}
        only_sums = not set(self.expression) & set("*/(")

        def put(match: re.Match[str]) -> str:
            text = texts.get(match[0], match[0])
            return text if only_sums or not _OPERATORS.search(text) else f"({text})"

        return re.sub(r"[A-Za-z_]\w*", put, self.expression)


def read_arithmetic(
    expression: Node | None, parts: Node | None, printed_in: str, source: Source
) -> Arithmetic | None:
    """The arithmetic of a claim; None where it has none.

    Args:
        printed_in: the source of the claim.

    Raises:
        SpecError: it is malformed, or a part comes from a work that does not print the figure.
    """
    if expression is None:
        if parts is not None:
            raise SpecError("`parts` without an `arithmetic`", place_of(parts, source))
        return None
    if parts is None:
        raise SpecError("an `arithmetic` needs its `parts`", place_of(expression, source))
    found = tuple(
        _part(name, value, printed_in, source) for name, _, value in entries(parts, source, "parts")
    )
    return Arithmetic(" ".join(text_of(expression, source, "arithmetic").split()), found)


def _part(name: str, node: Node, printed_in: str, source: Source) -> Part:
    pair = items(node, source, "a part")
    if len(pair) != 2:
        raise SpecError(
            "a part is a figure and its source: [55, 'a paper']", place_of(node, source)
        )
    text, where = text_of(pair[0], source, "a figure"), text_of(pair[1], source, "a source")
    works = {printing.work for printing in printings(printed_in)}
    for printing in printings(where):
        if printing.work not in works:
            raise SpecError(
                f"{name} comes from {printing.work!r}, which does not print this figure",
                place_of(pair[1], source),
            )
    return Part(name, text, _figure(text, pair[0], source), where)


def _figure(text: str, node: Node, source: Source) -> Value:
    try:
        printed = parse_printed(text)
    except PrintedError:
        pass
    else:
        if isinstance(printed.number, Fraction) and not printed.relation:
            return printed.value
        raise SpecError(f"{text!r} is not a number", place_of(node, source))
    try:
        return parse(text).evaluate({})
    except ExpressionError as error:
        raise SpecError(str(error), place_of(node, source)) from None
