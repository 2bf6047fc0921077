"""How figures grow, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import fill

from archcalc.analysis import Analysis
from archcalc.figures.language import heading_of, is_of_bytes
from archcalc.parametric.scale import Growth, Growths, Way
from archcalc.render import escape
from archcalc.render.numbers import short, short_bytes
from archcalc.render.output import SEPARATORS, json_text
from archcalc.render.table import caption, separated_of, tabulate_rows, with_network

WIDTH = 80
NOTE = (
    "each: the ratio after doubling, the exponent that it amounts to, and behind the arrow the one "
    "that it approaches for large factors; ? where that is none"
)


def scaling_table(analysis: Analysis, now: Mapping[str, int], grown: Growths, form: str) -> str:
    """A row for each quantity, a column for each way, in any format of tables, or text or json.

    Args:
        now: the quantities.
        grown: how each of them grows in each way.

    Raises:
        UsageError: there is no such format.
    """
    if form == "json":
        return json_text(scaling_record(analysis, now, grown))
    if form in SEPARATORS:
        return separated_of(analysis, form, _plain_headings(grown), _plain_rows(now, grown))
    headings = with_network(analysis, ["quantity", "now", *[way.name for way in grown]], form)
    align = ["left", "right", *["left"] * len(grown)]
    table = tabulate_rows(headings, growth_rows(now, grown), form, align)
    if form != "text":
        return table
    changes = [f"twice the {way.name}: {change_text(way)}" for way in grown]
    return "\n".join(
        [
            *caption(analysis), "",
            *[fill(escape.one_line(change), WIDTH, subsequent_indent="  ") for change in changes],
            "", table, "", fill(NOTE, WIDTH),
        ]
    )  # fmt: skip


def change_text(way: Way) -> str:
    """What doubling changes, in words, and whether that is a guess."""
    guess = "; a guess: the spec does not say (`scaling`)" if way.is_guess else ""
    return f"{way.change}{guess}"


def growth_rows(now: Mapping[str, int], grown: Growths) -> list[list[str]]:
    """For each quantity its heading, what it is now, and how it grows in each way."""
    return [
        [
            heading_of(q),
            _figure(q, value),
            *[growth_text(growth[q]) for growth in grown.values()],
        ]
        for q, value in now.items()
    ]


def _plain_headings(grown: Growths) -> list[str]:
    keys = ("ratio", "exponent", "degree")
    return ["quantity", "now", *[f"{way.name}.{key}" for way in grown for key in keys]]


def _plain_rows(now: Mapping[str, int], grown: Growths) -> Iterator[list[object]]:
    """The figures under the keys of the JSON, in numbers that programs read."""
    for quantity, value in now.items():
        cells: list[object] = []
        for growth in [growth[quantity] for growth in grown.values()]:
            ratio = None if growth.ratio is None else float(growth.ratio)
            cells += [ratio, growth.exponent, growth.degree]
        yield [quantity, value, *cells]


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


def scaling_record(analysis: Analysis, now: Mapping[str, int], grown: Growths) -> dict[str, object]:
    """The growth under fixed keys, in types that JSON knows; ratios exact, as texts."""
    return {
        **analysis.identity.record("network"),
        "now": dict(now),
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
            for way, growths in grown.items()
        ],
    }


def _figure(quantity: str, value: int) -> str:
    return short_bytes(value) if is_of_bytes(quantity) else short(value)
