"""How figures come about: derivations of layers, sums of blocks, and what makes up the totals."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from archcalc.analysis import Analysis
from archcalc.explaining.layers import QUANTITIES, Derivation, LayerDerivation, Value
from archcalc.explaining.totals import Breakdown
from archcalc.explaining.totals import Part as BlockPart
from archcalc.figures.of_layer import SUMMED
from archcalc.layers.setting_text import settings_of
from archcalc.quantity.arithmetic import plain
from archcalc.quantity.at_least import is_open
from archcalc.render import escape, notation
from archcalc.render.columns import columns_named
from archcalc.render.escape import Markup
from archcalc.render.numbers import counted, exact, in_full, percent
from archcalc.render.opaque import opaque_record, unknown_beside
from archcalc.render.output import WIDTH, Data, Document, Part, Table, Title
from archcalc.render.rows import Row
from archcalc.render.table import caption, conditions, layer_table, whole_label

_DERIVATION_KEYS = ("quantity", "symbol", "value", "formula", "with_values", "latex", "note")


# ----- a layer -----


class LayerDocument(Document):
    """How each figure of a layer comes about."""

    analysis: Analysis
    found: LayerDerivation

    def record(self) -> dict[str, object]:
        """The layer, what is given, and the derivations."""
        return {
            **self.analysis.identity.record("network"),
            "layer": self.found.layer.name,
            "kind": self.found.layer.kind,
            "inputs": [{"name": name, "shape": plain(x.shape)} for name, x in self.found.inputs],
            "output": plain(self.found.layer.output.shape),
            "given": [
                {"symbol": name.symbol, "value": name.value, "meaning": meaning}
                for name, meaning in self.found.givens()
            ],
            "derivations": [
                _derivation_record(derivation) for derivation in self.found.derivations
            ],
        }

    def data(self) -> Data:
        """A row for each figure."""
        records = list(map(_derivation_record, self.found.derivations))
        rows = [[self.found.layer.name, *record.values()] for record in records]
        return Data(["name", *_DERIVATION_KEYS], rows).of(self.analysis.identity)

    def parts(self, form: str) -> Iterator[Part]:
        """As text equations, each on as many lines as it takes; else a table of them."""
        found = self.found
        title, *inputs = _header(self.analysis, found)
        if form == "text":
            yield [*_wrapped(title), *inputs]
            if givens := _givens(found, "{} = {}", str, exact):
                yield _wrapped(", ".join(givens), "with ")
            yield list(_equations(found))
            return
        yield Title(title)
        cells = [_cells(derivation, form) for derivation in found.derivations]
        if form == "html":
            givens = _givens(found, "{} = {}", str, exact)
        else:
            givens = _givens(found, "${} = {}$", notation.latex_name, notation.latex_number)
        given = [Markup(f"With {', '.join(givens)}:")] if givens else []
        if form == "markdown":
            yield [Markup(f"- {escape.markdown(line)}") for line in inputs]
            yield given
            rows = [Markup(f"| {name} | {equation} |") for name, equation in cells]
            yield [Markup("| figure | derivation |"), Markup("|:--|:--|"), *rows]
        else:
            yield inputs
            yield given
            yield Table(["figure", "derivation"], cells)


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


def _equations(found: LayerDerivation) -> Iterator[str]:
    titles = [QUANTITIES[derivation.quantity][0] for derivation in found.derivations]
    width = max(map(len, titles), default=0)
    for title, derivation in zip(titles, found.derivations, strict=True):
        yield from _equation(f"{title:{width}}  ", derivation)


def _cells(derivation: Derivation, form: str) -> list[str]:
    """A figure and its equation, in LaTeX where that is shown."""
    title, note = QUANTITIES[derivation.quantity][0], derivation.note
    if form == "html":
        shown = " = ".join(_named_steps(title, derivation, notation.text, exact, str))
        return [title, " ".join(filter(None, (shown, note)))]
    steps = _named_steps(title, derivation, notation.latex, _latex_value, notation.latex_name)
    shown = f"${' = '.join(steps)}$" if steps else ""
    return [title, Markup(" ".join(filter(None, (shown, escape.line(note, form)))))]


def _named_steps(
    title: str,
    derivation: Derivation,
    write: Callable[..., str],
    number: Callable[[Value], str],
    name: Callable[[str], str],
) -> list[str]:
    """The steps behind the symbol of what they are of, unless that is its title."""
    steps = _steps(derivation, write, number)
    named = steps and title != derivation.symbol
    return [name(derivation.symbol), *steps] if named else steps


def _header(analysis: Analysis, found: LayerDerivation) -> list[str]:
    """The layer, then what goes into it, one input a line, and what comes out."""
    layer = found.layer
    given = [f"{key}={text}" for key, text in settings_of(layer.node.layer).items()]
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


class BlockDocument(Document):
    """The figures of a block as sums over the parts that it is divided `among`."""

    analysis: Analysis
    block: str
    among: Sequence[BlockPart]

    def record(self) -> dict[str, object]:
        """The parts of the block, and their sums."""
        analysis, block = self.analysis, self.block
        layers = [layer for part in self.among for layer in part.layers]
        whole = BlockPart(block, analysis.graph.blocks[block], tuple(layers))
        return {
            **analysis.identity.record("network"),
            **opaque_record(analysis),
            "block": block,
            "kind": whole.kind,
            "output": plain(layers[-1].output.shape),
            "parts": self._part_records(),
            "sums": _sums(whole),
        }

    def data(self) -> Data:
        """A row for each part."""
        records = self._part_records()
        rows = [list(record.values()) for record in records]
        return Data(list(records[0]), rows).of(self.analysis.identity)

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each part, and their sums."""
        analysis, block = self.analysis, self.block
        kind, count = analysis.graph.blocks[block], sum(len(part.layers) for part in self.among)
        yield Title(
            f"{analysis.identity}, {block}: {kind}; {conditions(analysis)}",
            [f"sums over {counted(count, 'layer')}; explain derives those of each, by its name"],
        )
        is_text = form == "text"
        yield layer_table(
            [Row(part.name, part.kind, part.layers, 0, f"{block}.") for part in self.among],
            _COLUMNS,
            label="total" if is_text else whole_label(analysis),
            training_too=True,
            in_full=True,
            tree=is_text,
        )

    def _part_records(self) -> list[dict[str, object]]:
        return [{"name": part.name, "kind": part.kind, **_sums(part)} for part in self.among]


_COLUMNS = columns_named(
    ["name", "kind", "output", "params", "macs", "other_ops", "activation_bytes"]
)


def _sums(part: BlockPart) -> dict[str, object]:
    return {key: plain(part.total(key)) for key, figure in SUMMED.items() if figure.in_tables}


# ----- the totals -----


class TotalsDocument(Document):
    """Which parts make up most of each total."""

    analysis: Analysis
    breakdowns: Sequence[Breakdown]

    def record(self) -> dict[str, object]:
        """The parts of each total, the largest first."""
        return {
            **self.analysis.identity.record("network"),
            **opaque_record(self.analysis),
            "totals": [
                {
                    "quantity": found.quantity,
                    "total": plain(found.total),
                    **({"at_least": found.total.known} if is_open(found.total) else {}),
                    "among": found.among,
                    "depth": found.depth,
                    "parts": _share_records(found),
                }
                for found in self.breakdowns
            ],
        }

    def data(self) -> Data:
        """A row for each part of each total."""
        rows = [
            [found.quantity, *record.values()]
            for found in self.breakdowns
            for record in _share_records(found)
        ]
        keys = ("quantity", "name", "kind", "layers", "figure", "share", "together")
        return Data(keys, rows).of(self.analysis.identity)

    def parts(self, form: str) -> Iterator[Part]:
        """A table for each total."""
        title, *notes = caption(self.analysis)
        yield Title(title, notes)
        for found in self.breakdowns:
            heading = QUANTITIES[found.quantity][0]
            folded = found.depth is not None
            what = f"blocks and layers at depth {found.depth}" if folded else "layers"
            it = "what is known of it" if is_open(found.total) else "it"
            most = f"90% of {it} in {len(found.parts)} of {found.among} {what}"
            yield [f"{heading}: {exact(found.total)}{unknown_beside(found.total)}, {most}"]
            rows = [
                [part.name, part.kind, in_full(figure), percent(share), percent(together)]
                for part, figure, share, together in found.shares()
            ]
            headings = ["part" if folded else "layer", "kind", heading, "share", "together"]
            if found.total:
                yield Table(headings, rows, "llrrr")
        if form == "text" and any(found.depth is not None for found in self.breakdowns):
            yield ["--depth ranks the blocks of another level, or all layers"]


def _share_records(found: Breakdown) -> list[dict[str, object]]:
    return [
        {"name": part.name, "kind": part.kind, "layers": len(part.layers), "figure": plain(figure),
         "share": float(share), "together": float(together)}
        for part, figure, share, together in found.shares()
    ]  # fmt: skip
