"""Derivations as text, as Markdown with LaTeX math, and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from archcalc.analysis import Analysis
from archcalc.explaining.layers import QUANTITIES, Derivation, LayerDerivation, Value
from archcalc.explaining.totals import Breakdown, Part
from archcalc.figures.of_layer import SUMMED
from archcalc.layers.layer import setting_text
from archcalc.quantity.arithmetic import plain
from archcalc.render import escape, notation
from archcalc.render.columns import columns_named
from archcalc.render.numbers import exact, percent
from archcalc.render.output import Table, written
from archcalc.render.rows import Row
from archcalc.render.table import (
    MARKDOWN,
    caption,
    conditions,
    layer_table,
    tabulate_rows,
    whole_label,
)

WIDTH = 80


# ----- a layer -----


def layer_text(analysis: Analysis, found: LayerDerivation) -> str:
    """Every figure on a line of its own, or on several where it is long."""
    title, *inputs = _header(analysis, found)
    lines = [*_wrapped(title), *inputs, ""]
    givens = _givens(found, "{} = {}", str, exact)
    if givens:
        lines += [*_wrapped(", ".join(givens), "with "), ""]
    titles = [QUANTITIES[derivation.quantity][0] for derivation in found.derivations]
    width = max(map(len, titles), default=0)
    for title, derivation in zip(titles, found.derivations, strict=True):
        lines += _equation(f"{title:{width}}  ", derivation)
    return "\n".join(lines)


def layer_markdown(analysis: Analysis, found: LayerDerivation) -> str:
    """A table with an equation in LaTeX for each figure."""
    title, *inputs = map(escape.markdown, _header(analysis, found))
    lines = [f"**{title}**", "", *[f"- {line}" for line in inputs], ""]
    givens = _givens(found, "${} = {}$", notation.latex_name, notation.latex_number)
    lines += [f"With {', '.join(givens)}:", ""] if givens else []
    lines += ["| figure | derivation |", "|:--|:--|"]
    for derivation in found.derivations:
        title = QUANTITIES[derivation.quantity][0]
        steps = _steps(derivation, notation.latex, _latex_value)
        if steps and title != derivation.symbol:
            steps.insert(0, notation.latex_name(derivation.symbol))
        equation = f"${' = '.join(steps)}$" if steps else ""
        note = escape.markdown(derivation.note)
        lines.append(f"| {title} | {' '.join(filter(None, (equation, note)))} |")
    return "\n".join(lines)


def layer_record(analysis: Analysis, found: LayerDerivation) -> dict[str, object]:
    """The derivations under fixed keys, in types that JSON knows."""
    return {
        **analysis.identity.record("network"),
        "layer": found.layer.name,
        "kind": found.layer.kind,
        "inputs": [{"name": name, "shape": plain(x.shape)} for name, x in found.inputs],
        "output": plain(found.layer.output.shape),
        "given": [
            {"symbol": name.symbol, "value": name.value, "meaning": meaning}
            for name, meaning in found.givens()
        ],
        "derivations": [_derivation_record(derivation) for derivation in found.derivations],
    }


def _derivation_record(derivation: Derivation) -> dict[str, object]:
    form = derivation.form
    return {
        "quantity": derivation.quantity,
        "symbol": derivation.symbol,
        "value": plain(derivation.value),
        "formula": None if form is None else notation.text(form),
        "with_values": None if form is None else notation.text(form, values=True),
        "latex": None if form is None else notation.latex(form),
        "note": derivation.note,
    }


def _header(analysis: Analysis, found: LayerDerivation) -> list[str]:
    """The layer, then what goes into it, one input a line, and what comes out."""
    layer = found.layer
    given = [f"{key}={setting_text(value)}" for key, value in layer.node.layer.given().items()]
    lines = [f"{analysis.identity}, {layer.name}: {' '.join([layer.kind, *given])}"]
    output = f"-> {layer.output}; batch {analysis.batch}, {analysis.dtype}"
    if len(found.inputs) == 1:
        ((name, shape),) = found.inputs
        lines.append(f"{name} {shape} {output}")
    else:
        lines += [f"{n}: {name} {shape}" for n, (name, shape) in enumerate(found.inputs, 1)]
        lines.append(output)
    return [escape.one_line(line) for line in lines]


def _givens(
    found: LayerDerivation, form: str, name: Callable[[str], str], number: Callable[[int], str]
) -> list[str]:
    """`o_1 = -7, o_2 = -15 (first pixel that an input sees)`: by what they stand for."""
    by_meaning: dict[str, list[str]] = {}
    for given, meaning in found.givens():
        shown = form.format(name(given.symbol), number(given.value))
        by_meaning.setdefault(meaning, []).append(shown)
    return [f"{', '.join(shown)} ({meaning})" for meaning, shown in by_meaning.items()]


def _equation(lead: str, derivation: Derivation) -> Iterator[str]:
    """`output size  m = (n - k + 2*p)/s + 1 = (227 - 11 + 2*0)/4 + 1 = 55`, in lines that fit."""
    if QUANTITIES[derivation.quantity][0] != derivation.symbol:
        lead += f"{derivation.symbol} = "
    steps = _steps(derivation, notation.text, exact)
    whole = lead + " ".join(filter(None, [" = ".join(steps), derivation.note]))
    if len(whole) <= WIDTH or len(steps) < 2:
        yield whole.rstrip()
        return
    indent = " " * (len(lead) - 2)
    first, *others = steps
    if len(others) == 2 and len(indent) + len("= ") + len(" = ".join(others)) <= WIDTH:
        others = [" = ".join(others)]
    yield from _wrapped(first, lead)
    for step in others:
        yield from _wrapped(step, f"{indent}= ")


def _wrapped(text: str, lead: str = "") -> list[str]:
    """`text` behind `lead`, in lines that fit; what stands around a `=` stays together."""
    lines = textwrap.wrap(
        text.replace(" = ", "\0=\0"), WIDTH, initial_indent=lead,
        subsequent_indent=" " * (len(lead) or 2), break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return [line.replace("\0", " ") for line in lines]


def _steps(
    derivation: Derivation, write: Callable[..., str], number: Callable[[Value], str]
) -> list[str]:
    """The rule, the values put in, the result; each only where it says something new."""
    steps = []
    if derivation.form is not None:
        steps = [write(derivation.form), write(derivation.form, values=True)]
    if derivation.value not in (None, "all", "nothing"):  # of words, the note says it
        steps.append(number(derivation.value))
    return list(dict.fromkeys(steps))


def _latex_value(value: Value) -> str:
    if isinstance(value, Fraction):
        return rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
    return notation.latex_number(value) if isinstance(value, int) else str(value)


# ----- a block -----


def block_text(analysis: Analysis, block: str, parts: Sequence[Part]) -> str:
    """The figures of a block as sums over its parts."""
    rows = _rows(block, parts)
    table = written(_block_table(rows, tree=True, width=WIDTH), "text")
    return "\n".join([*_block_title(analysis, block, parts), "", table])


def block_markdown(analysis: Analysis, block: str, parts: Sequence[Part]) -> str:
    """As `block_text`, in Markdown."""
    rows = _rows(block, parts)
    table = written(_block_table(rows, label=whole_label(analysis)), "markdown")
    title, *notes = map(escape.markdown, _block_title(analysis, block, parts))
    return "\n".join([f"**{title}**", "", *notes, "", table])


def block_record(analysis: Analysis, block: str, parts: Sequence[Part]) -> dict[str, object]:
    """The parts of a block and their sums under fixed keys, in types that JSON knows."""
    layers = [layer for part in parts for layer in part.layers]
    whole = Part(block, analysis.graph.blocks[block], tuple(layers))
    return {
        **analysis.identity.record("network"),
        "block": block,
        "kind": whole.kind,
        "output": plain(layers[-1].output.shape),
        "parts": [{"name": part.name, "kind": part.kind, **_sums(part)} for part in parts],
        "sums": _sums(whole),
    }


_COLUMNS = columns_named(
    ["name", "kind", "output", "params", "macs", "other_ops", "activation_bytes"]
)


def _block_table(rows: Sequence[Row], **settings: Any) -> Table:
    return layer_table(rows, _COLUMNS, training_too=True, in_full=True, **settings)


def _block_title(analysis: Analysis, block: str, parts: Sequence[Part]) -> list[str]:
    kind, count = analysis.graph.blocks[block], sum(len(part.layers) for part in parts)
    lines = [
        f"{analysis.identity}, {block}: {kind}; {conditions(analysis)}",
        f"sums over {count} layers; explain derives those of each, by its name",
    ]
    return [escape.one_line(line) for line in lines]


def _rows(block: str, parts: Sequence[Part]) -> list[Row]:
    return [Row(part.name, part.kind, part.layers, 0, f"{block}.") for part in parts]


def _sums(part: Part) -> dict[str, object]:
    return {key: plain(part.total(key)) for key, figure in SUMMED.items() if figure.in_tables}


# ----- the totals -----


def totals_text(analysis: Analysis, breakdowns: Sequence[Breakdown]) -> str:
    """Which parts make up most of each total."""
    folded = any(found.depth is not None for found in breakdowns)
    hint = ["", "--depth ranks the blocks of another level, or all layers"] if folded else []
    return "\n".join([*caption(analysis), *_breakdowns(breakdowns, "text"), *hint])


def totals_markdown(analysis: Analysis, breakdowns: Sequence[Breakdown]) -> str:
    """As `totals_text`, in Markdown."""
    title, *notes = map(escape.markdown, caption(analysis))
    return "\n".join([f"**{title}**", "", *notes, *_breakdowns(breakdowns, MARKDOWN)])


def totals_record(analysis: Analysis, breakdowns: Sequence[Breakdown]) -> dict[str, object]:
    """Which parts make up most of each total, under fixed keys, in types that JSON knows."""
    return {
        **analysis.identity.record("network"),
        "totals": [
            {
                "quantity": found.quantity,
                "total": found.total,
                "among": found.among,
                "depth": found.depth,
                "parts": [
                    {"name": part.name, "kind": part.kind, "layers": len(part.layers),
                     "figure": figure, "share": float(share), "together": float(together)}
                    for part, figure, share, together in found.shares()
                ],
            }
            for found in breakdowns
        ],
    }  # fmt: skip


def _breakdowns(breakdowns: Sequence[Breakdown], form: str) -> Iterator[str]:
    for found in breakdowns:
        title = QUANTITIES[found.quantity][0]
        folded = found.depth is not None
        what = f"blocks and layers at depth {found.depth}" if folded else "layers"
        yield ""
        yield f"{title}: {found.total:,}, 90% of it in {len(found.parts)} of {found.among} {what}"
        yield ""
        rows = [
            [part.name, part.kind, f"{figure:,}", percent(share), percent(together)]
            for part, figure, share, together in found.shares()
        ]
        headings = ["part" if folded else "layer", "kind", title, "share", "together"]
        align = ["left", "left", "right", "right", "right"]
        if found.total:
            yield tabulate_rows(headings, rows, form, align)
