"""How figures grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap

from archcalc.analysis import Analysis
from archcalc.figures.figure import Unit
from archcalc.figures.language import heading_of, is_of_bytes
from archcalc.parametric.scale import Growth, Growths, Way
from archcalc.render import escape
from archcalc.render.numbers import in_unit
from archcalc.render.output import WIDTH, Data, Document, Part, Table
from archcalc.render.table import caption, with_network

NOTE = (
    "each: the ratio after doubling, the exponent that it amounts to, and behind the arrow the one "
    "that it approaches for large factors; ? where that is none"
)


class ScaleDocument(Document):
    """How the figures of a network grow.

    Attributes:
        now: the quantities.
        grown: how each of them grows in each way.
        left_out: quantities that are not known, and why.
        in_full: all digits of what they are now, for people.
    """

    analysis: Analysis
    now: Mapping[str, int]
    grown: Growths
    left_out: Mapping[str, str] = {}
    in_full: bool = False

    def record(self) -> dict[str, object]:
        """The growth in each way; ratios exact, as texts."""
        return {
            **self.analysis.identity.record("network"),
            "now": dict(self.now),
            **({"left_out": dict(self.left_out)} if self.left_out else {}),
            "ways": [
                {
                    "by": way.name,
                    "change": way.change,
                    "guess": way.is_guess,
                    "growth": {
                        quantity: {
                            "ratio": None if growth.ratio is None else str(growth.ratio),
                            "exponent": growth.exponent,
                            "degree": growth.degree,
                        }
                        for quantity, growth in growths.items()
                    },
                }
                for way, growths in self.grown.items()
            ],
        }

    def data(self) -> Data:
        """A row for each quantity, with the ratio, the exponent and the degree of each way."""
        keys = [f"{way.name}.{k}" for way in self.grown for k in ("ratio", "exponent", "degree")]
        rows = []
        for quantity, value in self.now.items():
            cells: list[object] = [quantity, value]
            for growth in [growths[quantity] for growths in self.grown.values()]:
                ratio = None if growth.ratio is None else float(growth.ratio)
                cells += [ratio, growth.exponent, growth.degree]
            rows.append(cells)
        return Data(["quantity", "now", *keys], rows).of(self.analysis.identity)

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each quantity, a column for each way."""
        ways = self.grown
        headings = ["quantity", "now", *[way.name for way in ways]]
        table = Table(
            with_network(self.analysis, headings, form),
            growth_rows(self.now, ways, in_full=self.in_full),
            f"lr{'l' * len(ways)}",
        )
        if form != "text":
            yield table
            return
        yield caption(self.analysis)
        changes = [f"twice the {way.name}: {change_text(way)}" for way in ways]
        yield [line for text in changes for line in wrap(text, WIDTH, subsequent_indent="  ")]
        yield table
        yield wrap(NOTE, WIDTH)
        left_out = [f"left out: {escape.one_line(why)}" for why in self.left_out.values()]
        yield [line for text in left_out for line in wrap(text, WIDTH, subsequent_indent="  ")]


def change_text(way: Way) -> str:
    """What doubling changes, in words, and whether that is a guess."""
    guess = "; a guess: the spec does not say (`scaling`)" if way.is_guess else ""
    return f"{way.change}{guess}"


def growth_rows(
    now: Mapping[str, int], grown: Growths, *, in_full: bool = False
) -> list[list[str]]:
    """For each quantity its heading, what it is now, and how it grows in each way."""
    return [
        [
            heading_of(q),
            in_unit(value, Unit.BYTES if is_of_bytes(q) else Unit.COUNT, in_full=in_full),
            *[growth_text(growth[q]) for growth in grown.values()],
        ]
        for q, value in now.items()
    ]


def growth_text(growth: Growth) -> str:
    """`x3.969  1.99 -> 2`."""
    if growth.ratio is None:
        return "-"
    ratio = f"x{float(growth.ratio):.4g}"
    if growth.exponent is None:
        return ratio
    if growth.degree is None:
        return f"{ratio:6} {growth.exponent:.2f} -> ?"
    if abs(growth.exponent - growth.degree) < 0.005:
        return f"{ratio:6} {growth.degree}"
    return f"{ratio:6} {growth.exponent:.2f} -> {growth.degree}"
