"""The totals that other tools print, beside archcalc's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from archcalc.analysis import Analysis
from archcalc.other_tools import Convention
from archcalc.quantity.arithmetic import Quantity, plain
from archcalc.quantity.at_least import is_open
from archcalc.render.numbers import exact
from archcalc.render.opaque import opaque_lines, opaque_record, unknown_beside
from archcalc.render.output import WIDTH, Data, Document, Part, Table
from archcalc.render.table import conditions, with_network

_HEADINGS = ("convention", "prints", "total", "in fact", "x MACs")


class ConventionsDocument(Document):
    """What other tools print for a network, by their names here, and by which rules."""

    analysis: Analysis
    totals: Mapping[str, Quantity]
    conventions: Sequence[Convention]

    def record(self) -> dict[str, object]:
        """Each convention with its total, for one image; null where opaque layers have a part."""
        return {
            **self.analysis.identity.record(),
            **opaque_record(self.analysis),
            "macs": plain(self.analysis.macs),
            "conventions": [
                {**_said_of(each), "total": plain(self.totals[each.name])}
                for each in self.conventions
            ],
        }

    def data(self) -> Data:
        """A row for each convention."""
        keys = [*_said_of(self.conventions[0]), "total"]
        rows = [[*_said_of(each).values(), self.totals[each.name]] for each in self.conventions]
        return Data(keys, rows).of(self.analysis.identity)

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each, then the rules in words."""
        analysis, macs = self.analysis, self.analysis.macs
        if form == "text":
            yield [
                f"{analysis.identity}: {conditions(analysis)}",
                *opaque_lines(analysis),
                f"MACs {exact(macs)}{unknown_beside(macs)}, by archcalc's own rules",
                "Of the others, the totals that they print for the network that archcalc exports.",
            ]
        rows = [
            [each.name, each.prints, exact(total), each.unit, self._beside_macs(each, total)]
            for each, total in zip(self.conventions, self.totals.values(), strict=True)
        ]
        yield Table(with_network(analysis, _HEADINGS, form), rows, "llrlr")
        if form == "text":
            indent = max(len(each.name) for each in self.conventions) + 2
            yield [line for each in self.conventions for line in _rule_lines(each, indent)]
            tools = ", ".join(dict.fromkeys([each.tool for each in self.conventions]))
            yield wrap(f"Proven by running, or by what was published of, {tools}.", WIDTH)
        else:
            rules = [[each.name, each.tool, each.call, _rule(each)] for each in self.conventions]
            yield Table(("convention", "tool", "call", "counts"), rules)

    def _beside_macs(self, convention: Convention, total: Quantity) -> str:
        """How many times archcalc's MACs a total of operations is."""
        macs = self.analysis.macs
        if not convention.is_of_operations or not macs:
            return ""
        return "?" if is_open(total) or is_open(macs) else f"{total / macs:.3f}"


def _rule(convention: Convention) -> str:
    return ". ".join(filter(None, [convention.rule, convention.wrong])) + "."


def _rule_lines(convention: Convention, indent: int) -> list[str]:
    text = f"{convention.name:<{indent}}{_rule(convention)}"
    return wrap(text, WIDTH, subsequent_indent=" " * indent)


def _said_of(convention: Convention) -> dict[str, object]:
    return {
        "name": convention.name,
        "tool": convention.tool,
        "call": convention.call,
        "prints": convention.prints,
        "unit": convention.unit,
        "rule": convention.rule,
        "wrong": convention.wrong,
    }
