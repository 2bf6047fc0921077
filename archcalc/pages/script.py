"""The closed forms of networks as a script: `archcalcEvaluate`, which a page asks for figures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import sympy

from archcalc.analysis import DTYPES
from archcalc.pages.live import Live
from archcalc.pages.offering import Offer, number
from archcalc.pages.runtime import NO_FORM, runtime
from archcalc.parametric.formulas.every_figure import BYTES, EveryFigure
from archcalc.parametric.formulas.tracing import Fork, Leaf, Refusal, pieces
from archcalc.quantity.conditions import is_symbol
from archcalc.render.formula.as_javascript import JavaScriptWriter

_EXACT = 2**53
_WORTH_A_NAME = 9  # characters of what stands in several places


def script(networks: Sequence[tuple[Live, dict[int, int]]]) -> str:
    """A script that defines `archcalcEvaluate`, one function for each network.

    Args:
        networks: each with the number of the graph of each of its leaves, by the leaf's `id`.
    """
    functions = ",\n".join(_Function(live, graphs).text() for live, graphs in networks)
    return f'"use strict";\n{runtime()}globalThis.archcalcEvaluate = [\n{functions}\n];\n'


class _Function:
    """Writes what evaluates one network."""

    def __init__(self, live: Live, graphs: dict[int, int]) -> None:
        self._live = live
        self._graphs = graphs
        self._of = live.traces.definitions.of
        self._names: dict[Any, tuple[str, str | None]] = {}
        self._writer = JavaScriptWriter(self._names.__getitem__)
        self._symbols: dict[Any, list[Any]] = {}
        self._lines: list[str] = []

    def text(self) -> str:
        """The function."""
        for place, offer in enumerate((*self._live.offers, *self._live.fixed)):
            self._read(offer, f"v{place}", place < len(self._live.offers))
        sizes = json.dumps(DTYPES, separators=(",", ":"))
        self._lines.append('const dtype=values.dtype??"float32";')
        self._lines.append(f"const vb=BigInt({sizes}[dtype]);")
        self._names[BYTES] = ("vb", None)
        for place, symbol in enumerate(self._of):
            self._names[symbol] = (f"a{place}", None if symbol.is_integer else f"b{place}")
        self._tree(self._live.traces.root, set(self._names) - set(self._of))
        body = "\n".join(self._lines)
        return f"$c((values)=>{{\n{body}\n}})"

    def _read(self, offer: Offer, name: str, is_free: bool) -> None:
        own, default = Fraction(offer.own), json.dumps(number(offer.own))
        is_whole = bool(offer.symbol.is_integer)
        self._names[offer.symbol] = (name, None if is_whole else f"{name}d")
        label = json.dumps(offer.label)
        parts = [("$n", name, own.numerator), ("$d", f"{name}d", own.denominator)]
        for function, shown, each in parts[:1] if is_whole else parts:
            given = f"{function}(values[{label}]??{default})" if is_free else f"{each}n"
            self._lines.append(f"const {shown}={given};")

    def _tree(self, tree: Any, known: set[Any]) -> None:
        """Writes conditions one below the other, where one answer ends it; else both sides."""
        while isinstance(tree, Fork):
            yes, no = tree.side(True), tree.side(False)
            self._define([tree.condition], known)
            condition = self._writer.condition(tree.condition)
            if isinstance(no, (Refusal, type(None))):
                self._end(f"if(!({condition}))", no, known)
                tree = yes
            elif isinstance(yes, (Refusal, type(None))):
                self._end(f"if({condition})", yes, known)
                tree = no
            else:
                self._lines.append(f"if({condition}){{")
                self._tree(yes, set(known))
                self._lines.append("}else{")
                self._tree(no, set(known))
                self._lines.append("}")
                return
        if isinstance(tree, Leaf):
            self._leaf(tree, known)
        else:
            self._end("", tree, known)

    def _end(self, lead: str, end: Refusal | None, known: set[Any]) -> None:
        if end is None or (end.because is None and end.text is None):
            said = json.dumps(NO_FORM)
        elif end.because is None:
            said = json.dumps(end.text)
        else:
            parts = pieces(end.because)
            inner = set(known)  # defined where it is needed alone
            before = len(self._lines)
            self._define([part for part in parts if not isinstance(part, str)], inner)
            defined, self._lines[before:] = "".join(self._lines[before:]), []
            said = "+".join(self._shown(part) for part in parts if part != "") or '""'
            self._lines.append(f"{lead}{{{defined}return $p({said});}}")
            return
        self._lines.append(f"{lead}return $p({said});")

    def _shown(self, part: Any) -> str:
        if isinstance(part, str):
            return json.dumps(part)
        written = self._writer.write(part)
        if written.under is None:
            return f"({written.over})"
        return f"$s($t({written.over},{written.under}))"

    def _define(self, expressions: Iterable[Any], known: set[Any]) -> None:
        """Writes what the symbols in some expressions stand for, if that is not done."""
        found: list[str] = []
        waiting = [e for e in expressions if is_symbol(e)]
        while waiting:
            expression = waiting.pop()
            if not expression.is_Symbol:
                waiting += [symbol for symbol in self._within(expression) if symbol not in known]
                continue
            if expression in known:
                continue
            definition = sympy.sympify(self._of[expression])
            missing = [symbol for symbol in self._within(definition) if symbol not in known]
            if missing:
                waiting += [expression, *missing]
                continue
            known.add(expression)
            over, under = self._names[expression]
            if under is None:
                found.append(f"{over}={self._writer.whole(definition)}")
            else:
                written = self._writer.write(definition)
                found.append(f"{over}={written.over},{under}={written.under or '1n'}")
        if found:
            self._lines.append(f"const {','.join(found)};")

    def _within(self, expression: Any) -> list[Any]:
        """The symbols of an expression, always in one order."""
        found = self._symbols.get(expression)
        if found is None:
            found = self._symbols[expression] = sorted(expression.free_symbols, key=str)
        return found

    def _leaf(self, leaf: Leaf, known: set[Any]) -> None:
        figures: EveryFigure = leaf.found
        self._define(figures.expressions(), known)
        shapes = [[self._value(size) for size in shape] for shape in figures.shapes]
        layers = {key: [*map(self._value, values)] for key, values in figures.layers.items()}
        steps = [*map(self._value, figures.steps)]
        counts = Counter(code for values in (*layers.values(), steps) for code in values)
        names = {
            code: f"x{place}"
            for place, (code, count) in enumerate(counts.items())
            if count > 1 and len(code) >= _WORTH_A_NAME
        }
        if names:
            each = ",".join(f"{name}={code}" for code, name in names.items())
            self._lines.append(f"const {each};")

        def listed(values: Iterable[str]) -> str:
            return f"[{','.join(names.get(code, code) for code in values)}]"

        is_known = f"!{json.dumps([*figures.open_dtypes])}.includes(dtype)"
        every = ",".join(f"{key}:{listed(values)}" for key, values in layers.items())
        totals = ",".join(f"{key}:{self._total(figures, key)}" for key in figures.totals)
        shown = f"[{','.join(listed(shape) for shape in shapes)}]"
        nodes = figures.graph.nodes
        rounded = [n for n, node in enumerate(nodes) if node.layer.convolves]
        start = f"$L(values,{self._graphs[id(leaf)]},{is_known},{_listed(rounded)}"
        self._lines.append(
            f"return {start},{shown},\n{{{every}}},\n{{{totals}}},\n{listed(steps)});"
        )

    def _total(self, figures: EveryFigure, key: str) -> str:
        total = figures.totals[key]
        of = "1" if total.of_steps else "0" if total.key is None else json.dumps(total.key)
        which = _listed(total.layers)
        memory = ",1" if total.of_memory else ""
        return f"[{self._value(total.plus)},{of},{which},{self._value(total.per)}{memory}]"

    def _value(self, value: Any) -> str:
        """A figure: a number, a BigInt, a text or null."""
        if value is None or isinstance(value, str):
            return json.dumps(value)
        if not is_symbol(value) or value.is_Rational:
            exact = Fraction(int(value.p), int(value.q)) if is_symbol(value) else Fraction(value)
            if exact.denominator > 1:
                return json.dumps(str(exact))
            return str(exact) if abs(exact) < _EXACT else f"{exact}n"
        written = self._writer.write(value)
        if written.under is None:
            return written.over
        return f"$q({written.over},{written.under})"


def _listed(places: Sequence[int]) -> str:
    return json.dumps(places, separators=(",", ":"))
