"""The claims in the specs, as typed records."""

from __future__ import annotations

from typing import NamedTuple

from yaml.nodes import MappingNode, Node, ScalarNode

from archcalc.claims.arithmetic import Arithmetic, read_arithmetic
from archcalc.claims.printed import Printed, PrintedError, Verdict, parse_printed
from archcalc.errors import Place, Source, SpecError, suggestion
from archcalc.spec.fields import read_literal
from archcalc.spec.files import spec_sources
from archcalc.spec.keys import CLAIM_KEYS, DIFFERENCES, VERDICT_WORDS
from archcalc.spec.reader import (
    compose,
    entries,
    items,
    mapping,
    place_of,
    text_of,
)
from archcalc.spec.syntax import Family
from archcalc.spec.values import Value

VERDICTS = dict(zip(VERDICT_WORDS, Verdict, strict=True))


class Claim(NamedTuple):
    """A published figure or statement.

    Attributes:
        id: short and unique, to refer to it.
        also: other ids under which the same figure is known.
        network: the name of the network that it is about.
        parameters: what is changed of its parameters.
        input: another input, or None; of several, some of them by name.
        quantity: what the figure is, in the language of `archcalc.figures.language`; empty where
            no figure of the layers can decide the statement.
        printed: the figure; None without a quantity.
        statement: what is said, where that is more than a figure; else empty.
        source: who printed it, and where; see `archcalc.claims.works`.
        convention: what was counted, where the source says so or it is known.
        recorded: the verdict that is expected, so that a change in a rule or spec shows.
        by: what the figure differs by, one of DIFFERENCES; empty unless it does.
        shown_by: why the figure differs: a quantity that agrees with the printed figure, or a
            condition that is true; empty where unknown.
        arithmetic: what the source's own figures make; where that contradicts the figure and
            archcalc computes the same, the figure is wrong.
        because: the reason in words, with quantities in braces; see `archcalc.claims.explaining`.
            A claim that agrees may carry a remark here.
        place: where it stands.
    """

    id: str
    also: tuple[str, ...]
    network: str
    parameters: dict[str, Value]
    input: list[Value] | dict[str, list[Value]] | None
    quantity: str
    printed: Printed | None
    statement: str
    source: str
    convention: str
    recorded: Verdict
    by: str
    shown_by: str
    arithmetic: Arithmetic | None
    because: str
    place: Place

    @property
    def said(self) -> str:
        """The statement, or the figure as printed."""
        return self.statement or (self.printed.text if self.printed else "")


def claims_of(family: Family) -> list[Claim]:
    """The claims in a family's spec, in their order.

    Raises:
        SpecError: one is malformed.
    """
    if family.claims is None:
        return []
    default = next(iter(family.networks)) if len(family.networks) == 1 else None
    nodes = items(family.claims, family.source, "claims")
    return [_claim(node, family.source, default) for node in nodes]


def comparisons() -> list[Claim]:
    """The claims that come with archcalc and compare networks of several families."""
    return [
        _claim(node, source, None)
        for source in spec_sources("claims")
        for node in items(compose(source), source, "claims")
    ]


def _claim(node: Node, source: Source, default: str | None) -> Claim:
    found = mapping(node, source, CLAIM_KEYS, "a claim")
    figure = () if "statement" in found and "quantity" not in found else ("quantity", "value")
    for key in (*figure, "source", *(() if default else ("variant",))):
        if key not in found:
            raise SpecError(f"a claim needs `{key}`", place_of(node, source))
    recorded = _recorded(found.get("verdict"), source, decidable=bool(figure))
    _check_reason(found, recorded, node, source)

    def text(key: str) -> str:
        return text_of(found[key], source, key) if key in found else ""

    return Claim(
        id=text("id"),
        also=_also(found.get("also"), source),
        network=text("variant") or str(default),
        parameters=_settings(found.get("set"), source),
        input=_input(found.get("input"), source),
        quantity=text("quantity"),
        printed=_printed(found["value"], source) if figure else None,
        statement=text("statement"),
        source=text("source"),
        convention=text("convention"),
        recorded=recorded,
        by=text("by"),
        shown_by=text("shown_by"),
        arithmetic=read_arithmetic(
            found.get("arithmetic"), found.get("parts"), text("source"), source
        ),
        because=text("because"),
        place=place_of(node, source),
    )


def _check_reason(found: dict[str, Node], recorded: Verdict, node: Node, source: Source) -> None:
    """A verdict that finds fault, or none at all, says why."""
    needs = {
        Verdict.WRONG: "arithmetic",
        Verdict.DIFFERS: "by",
        Verdict.UNDECIDABLE: "because",
    }.get(recorded)
    if needs and needs not in found:
        word = VERDICT_WORDS[list(Verdict).index(recorded)]
        raise SpecError(f"the verdict {word!r} needs `{needs}`", place_of(node, source))
    if "by" in found:
        by = text_of(found["by"], source, "by")
        if by not in DIFFERENCES:
            guess = suggestion(by, DIFFERENCES, "it is one of")
            raise SpecError(
                f"figures do not differ by {by!r}{guess}", place_of(found["by"], source)
            )
        if recorded is not Verdict.DIFFERS:
            raise SpecError("`by` is for a claim that differs", place_of(found["by"], source))


def _also(node: Node | None, source: Source) -> tuple[str, ...]:
    if node is None:
        return ()
    return tuple(text_of(item, source, "an id") for item in items(node, source, "also"))


def _settings(node: Node | None, source: Source) -> dict[str, Value]:
    if node is None:
        return {}
    return {key: read_literal(value, source) for key, _, value in entries(node, source, "set")}


def _input(node: Node | None, source: Source) -> list[Value] | dict[str, list[Value]] | None:
    if node is None:
        return None
    if isinstance(node, MappingNode):
        named = entries(node, source, "input")
        return {name: _sizes(value, name, source) for name, _, value in named}
    return _sizes(node, "input", source)


def _sizes(node: Node, what: str, source: Source) -> list[Value]:
    return [read_literal(item, source) for item in items(node, source, what)]


def _printed(node: Node, source: Source) -> Printed:
    text = text_of(node, source, "value") if isinstance(node, ScalarNode) else ""
    try:
        return parse_printed(text)
    except PrintedError as error:
        raise SpecError(str(error), place_of(node, source)) from None


def _recorded(node: Node | None, source: Source, *, decidable: bool) -> Verdict:
    if node is None:
        return Verdict.AGREES if decidable else Verdict.UNDECIDABLE
    text = text_of(node, source, "verdict")
    if text not in VERDICTS:
        guess = suggestion(text, VERDICTS, "it is one of")
        raise SpecError(f"no verdict is called {text!r}{guess}", place_of(node, source))
    return VERDICTS[text]
