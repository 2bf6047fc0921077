"""The claims in the specs, as typed records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from yaml.nodes import Node, ScalarNode

from archcalc.claims.printed import Printed, PrintedError, Verdict, parse_printed
from archcalc.errors import Place, Source, SpecError, did_you_mean
from archcalc.spec.fields import read_literal
from archcalc.spec.keys import CLAIM_KEYS, VERDICT_WORDS
from archcalc.spec.library import spec_sources
from archcalc.spec.reader import (
    compose,
    entries,
    items,
    place_of,
    text_of,
    unknown_key,
)
from archcalc.spec.syntax import Family
from archcalc.spec.values import Value

VERDICTS = dict(zip(VERDICT_WORDS, Verdict, strict=True))


class Claim(NamedTuple):
    """A published figure.

    Attributes:
        id: short and unique, to refer to it.
        network: the name of the network that it is about.
        parameters: what is changed of its parameters.
        input: another input, or None.
        quantity: what the figure is, in the language of `archcalc.claims.quantities`.
        printed: the figure.
        source: who printed it, and where.
        convention: what was counted, where the source says so or it is known.
        recorded: the verdict that is expected, so that a change in a rule or spec shows.
        shown_by: why the figure differs: a quantity that agrees with the printed figure, or a
            condition that is true; empty where unknown.
        because: the same in words. A claim that agrees may carry a remark here.
        place: where it stands.
    """

    id: str
    network: str
    parameters: dict[str, Value]
    input: list[Value] | None
    quantity: str
    printed: Printed
    source: str
    convention: str
    recorded: Verdict
    shown_by: str
    because: str
    place: Place


def claims_of(family: Family) -> list[Claim]:
    """The claims in a family's spec, in their order.

    Raises:
        SpecError: one is malformed.
    """
    if family.claims is None:
        return []
    default = next(iter(family.networks)) if len(family.networks) == 1 else None
    return [_claim(node, family.source, default) for node in _items(family.claims, family.source)]


def comparisons() -> list[Claim]:
    """The claims that come with archcalc and compare networks of several families."""
    return [
        _claim(node, source, None)
        for source in spec_sources("claims")
        for node in _items(compose(source), source)
    ]


def _items(node: Node, source: Source) -> Iterator[Node]:
    yield from items(node, source, "claims")


def _claim(node: Node, source: Source, default: str | None) -> Claim:
    found: dict[str, Node] = {}
    for key, key_node, value in entries(node, source, "a claim"):
        if key not in CLAIM_KEYS:
            raise unknown_key(key, CLAIM_KEYS, key_node, source, "a claim")
        found[key] = value
    for key in ("quantity", "value", "source", *(() if default else ("variant",))):
        if key not in found:
            raise SpecError(f"a claim needs `{key}`", place_of(node, source))

    def text(key: str) -> str:
        return text_of(found[key], source, key) if key in found else ""

    return Claim(
        id=text("id"),
        network=text("variant") or str(default),
        parameters=_settings(found.get("set"), source),
        input=_sizes(found.get("input"), source),
        quantity=text("quantity"),
        printed=_printed(found["value"], source),
        source=text("source"),
        convention=text("convention"),
        recorded=_recorded(found.get("verdict"), source),
        shown_by=text("shown_by"),
        because=text("because"),
        place=place_of(node, source),
    )


def _settings(node: Node | None, source: Source) -> dict[str, Value]:
    if node is None:
        return {}
    return {key: read_literal(value, source) for key, _, value in entries(node, source, "set")}


def _sizes(node: Node | None, source: Source) -> list[Value] | None:
    if node is None:
        return None
    return [read_literal(item, source) for item in items(node, source, "input")]


def _printed(node: Node, source: Source) -> Printed:
    text = text_of(node, source, "value") if isinstance(node, ScalarNode) else ""
    try:
        return parse_printed(text)
    except PrintedError as error:
        raise SpecError(str(error), place_of(node, source)) from None


def _recorded(node: Node | None, source: Source) -> Verdict:
    if node is None:
        return Verdict.AGREES
    text = text_of(node, source, "verdict")
    if text not in VERDICTS:
        guess = did_you_mean(text, VERDICTS) or f"; it is one of {', '.join(VERDICTS)}"
        raise SpecError(f"no verdict is called {text!r}{guess}", place_of(node, source))
    return VERDICTS[text]
