"""The table of a network, in every text format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archcalc.analysis import Analysis
from archcalc.figures.figure import Unit
from archcalc.figures.of_layer import LayerAnalysis, Totals, counted
from archcalc.graph import inputs_text
from archcalc.quantity.arithmetic import plain
from archcalc.render import escape
from archcalc.render.columns import (
    COLUMNS,
    DEFAULT_COLUMNS,
    Column,
    columns_named,
    convention_column,
)
from archcalc.render.numbers import exact, share, short, short_bytes, things
from archcalc.render.opaque import opaque_lines, opaque_text, unknown_beside
from archcalc.render.output import Data, Document, Folded, Part, Table, Title
from archcalc.render.rows import ALL_LEVELS, Row, depth_that_fits, folded_line, rows_at_depth


def caption(analysis: Analysis) -> list[str]:
    """What the table is of, and what its figures hold for."""
    about = analysis.graph.about
    origin = ", ".join(
        part for part in (first_authors(about.authors), str(about.year or "")) if part
    )
    title = f"{analysis.identity}: {about.title}" if about.title else str(analysis.identity)
    units = "MACs: multiply-accumulates; MB: 10^6 bytes"
    hold_for = f"{conditions(analysis)}; {units}"
    lines = (
        f"{title}, {origin}" if origin else title,
        *([hold_for] if len(analysis.graph.inputs) == 1 else [conditions(analysis), units]),
    )
    return [*[escape.one_line(line) for line in lines], *opaque_lines(analysis)]


def first_authors(authors: str) -> str:
    """One or two authors as they are; of more, the first and "et al."."""
    names = authors.split(", ")
    return authors if len(names) < 3 else f"{names[0]} et al."


def conditions(analysis: Analysis) -> str:
    """The inputs, batch and dtype that the figures hold for."""
    return f"{inputs_text(analysis.graph.inputs)}, batch {analysis.batch}, {analysis.dtype}"


def total_label(analysis: Analysis) -> str:
    """What stands before the sums; a partial analysis has no total."""
    return "total" if analysis.error is None else "up to here"


def whole_label(analysis: Analysis) -> str:
    """What stands before the sums of a table without a title: also what they are of."""
    of = f" of {analysis.identity}" if analysis.identity.is_changed else ""
    holds_for = "; ".join(filter(None, (conditions(analysis), opaque_text(analysis))))
    return f"{total_label(analysis)}{of} ({holds_for})"


class TableDocument(Document):
    """The layers of a network, or of one up to where it fails, blocks folded.

    Attributes:
        columns: their names; for people the usual ones if None, for programs all.
        depth: the level of nesting below which blocks are folded; for people what fits a
            screen if None, for programs all layers by themselves.
        in_full: all digits in place of `138.36M`, for people.
        conventions: of other tools, by name: what each counts for a layer is a further column.
        by: `kind` for a row for each layer kind, or None.
        sort: the column by which rows stand, the largest first; in the order of the layers if
            None, or by MACs where it is ranked in another way.
        top: of how many rows it is; of all if None.
    """

    analysis: Analysis
    columns: Sequence[str] | None = None
    depth: int | None = None
    in_full: bool = False
    conventions: Sequence[str] = ()
    by: str | None = None
    sort: str | None = None
    top: int | None = None

    @property
    def is_ranked(self) -> bool:
        """Whether rows stand in another order than that of the layers."""
        return any(asked is not None for asked in (self.by, self.sort, self.top))

    def record(self) -> dict[str, object]:
        """The JSON contract."""
        from archcalc.render.contract import to_contract

        return to_contract(self.analysis, self.conventions)

    def json(self) -> str:
        """The contract, one layer a line."""
        from archcalc.render.contract import to_json

        return to_json(self.analysis, self.conventions)

    def data(self) -> Data:
        """A row for each layer or folded block, no total."""
        analysis = self.analysis
        rows = self._rows(self.depth or ALL_LEVELS)
        columns = [*self._columns(() if self.by else COLUMNS), *self._of_conventions()]
        cells = [[_plain(column, row) for column in columns] for row in rows if row.layers]
        return Data([self.by if self.by == c.heading else c.name for c in columns], cells).of(
            analysis.identity
        )

    def parts(self, form: str) -> Iterator[Part]:
        """As text a tree, with a title and the totals in words."""
        analysis, in_full = self.analysis, self.in_full
        columns = [*self._columns(columns_named(DEFAULT_COLUMNS)), *self._of_conventions()]
        ranked = self.is_ranked
        rows = self._rows(self.depth or (ALL_LEVELS if ranked else depth_that_fits(analysis)))
        if form != "text":
            yield from self._tables(rows, columns, form)
            return
        yield caption(analysis)
        label, whole = total_label(analysis), analysis.layers
        if not whole:
            return
        yield layer_table(rows, columns, label=label, in_full=in_full, tree=True, whole=whole)
        if ranked:
            if len(rows) == self.top:
                of_all = f"{len(whole)} {things(len(whole), 'layer')}"
                yield [f"the first {len(rows)}; the total is of all {of_all}"]
            return
        notes = summary(analysis, in_full=in_full) if analysis.error is None else []
        notes += folded_line(rows, analysis)
        of_fields = any(column.figure.unit in (Unit.FIELD, Unit.STEP) for column in columns)
        if of_fields and len(analysis.graph.inputs) > 1:
            notes.append(f"field        of the input {analysis.graph.first_input}, the first")
        notes += field_legend(rows, columns)
        yield notes

    def _tables(self, rows: list[Row], columns: Sequence[Column], form: str) -> Iterator[Part]:
        """A table alone; in HTML its title, and behind blocks that are folded every layer."""
        analysis, in_full, label = self.analysis, self.in_full, whole_label(self.analysis)
        found = layer_table(rows, columns, label=label, in_full=in_full, whole=analysis.layers)
        if form != "html":
            yield found
            return
        title, *notes = caption(analysis)
        yield Title(title, notes)
        yield found
        if self.depth is None and not self.is_ranked and any(len(row.layers) > 1 for row in rows):
            every = rows_at_depth(analysis, ALL_LEVELS)
            whole = layer_table(every, columns, label=label, in_full=in_full, whole=analysis.layers)
            yield Folded(f"all {len(analysis.layers)} layers", whole)

    def _rows(self, depth: int) -> list[Row]:
        if not self.is_ranked:
            return rows_at_depth(self.analysis, depth)
        from archcalc.render.ranking import rows_ranked

        return rows_ranked(self.analysis, depth, self.by, self.sort, self.top)

    def _columns(self, usual: Sequence[Column]) -> Sequence[Column]:
        if self.by is None:
            return columns_named(self.columns, self.analysis) if self.columns else usual
        from archcalc.render.ranking import columns_by_kind

        return columns_by_kind(self.columns, self.analysis)

    def _of_conventions(self) -> list[Column]:
        return [convention_column(name, self.analysis) for name in self.conventions]


def layer_table(
    rows: Sequence[Row],
    columns: Sequence[Column],
    *,
    label: str = "total",
    training_too: bool = False,
    in_full: bool,
    tree: bool = False,
    whole: Sequence[LayerAnalysis] | None = None,
) -> Table:
    """A row for each layer or folded block, and their sums.

    Args:
        label: what stands before the sums.
        training_too: whether layers that exist in training only are part of the sums.
        in_full: all digits in place of `138.36M`.
        tree: whether blocks stand over their rows, which are indented; else names are whole.
        whole: the layers that the sums are of; those of the rows if None.
    """
    cells = [
        [
            row.label if tree and column.name == "name" else column.text(row, in_full=in_full)
            for column in columns
        ]
        for row in rows
        if tree or row.layers
    ]
    sides = {"name": "w", "kind": "w", "inputs": "l", "window": "l"} if tree else {}
    align = [sides.get(c.name, "r" if tree or c.summed else "l") for c in columns]
    layers = counted([layer for row in rows for layer in row.layers] if whole is None else whole)
    everything = Row(label, "", tuple(x for x in layers if training_too or not x.training_only))
    total = [
        label if column.name == "name" else column.total(everything, in_full=in_full)
        for column in columns
    ]
    headings = [column.heading for column in columns]

    def bars() -> list[list[float | None]]:
        from archcalc.render.bars import in_columns

        shown = [row for row in rows if tree or row.layers]
        return in_columns([c.value(row) if c.summed else None for row in shown] for c in columns)

    return Table(headings, cells, "".join(align), total, room=0, bars=bars)


def with_network(analysis: Analysis, headings: Sequence[str], form: str) -> list[str]:
    """The headings, the first with the network where it was changed: a table alone has no title."""
    first, *others = headings
    if form != "text" and analysis.identity.is_changed:
        first = f"{first} of {analysis.identity}"
    return [first, *others]


LECTURE = "lecture: the input and outputs of conv, pool and linear layers"


def summary(analysis: Analysis, *, in_full: bool) -> list[str]:
    """The totals in words, for under a table."""
    from archcalc.memory_use.totals import activation_bytes, training_only_bytes, unused_bytes

    count, size = (exact, exact) if in_full else (short, short_bytes)
    totals, memory = analysis.totals, activation_bytes(analysis)
    lines = [
        f"params       {exact(totals.params)} "
        f"= {exact(totals.weights)} {things(totals.weights, 'weight')} "
        f"+ {exact(totals.biases)} {things(totals.biases, 'bias', 'es')}, "
        f"{size(totals.param_bytes)}",
        *_frozen(totals),
        *_without_embeddings(analysis, totals),
        f"buffers      {exact(totals.buffers)}",
        f"MACs         {exact(totals.macs)}{unknown_beside(totals.macs)}",
        f"FLOPs        {exact(totals.flops)} = 2 x MACs; other ops {count(totals.other_ops)}"
        f"{unknown_beside(totals.other_ops)}",
        f"activations  lecture {size(memory.lecture)}, all {size(memory.all)}, "
        f"peak {size(memory.peak)}, training {size(memory.training)}",
        f"             {LECTURE}",
        *([f"             {memory.unknown}"] if memory.unknown else []),
        *_generation(analysis, in_full),
        *_most(analysis, totals, in_full),
    ]
    groups = (
        ("for training only", analysis.training_only_layers,
         analysis.training_only_totals, training_only_bytes),
        ("unused, since no output needs them", analysis.unused_layers,
         analysis.unused_totals, unused_bytes),
    )  # fmt: skip
    for what, layers, apart, kept in groups:
        if layers:
            lines.append(
                f"not in these totals, {what}: params {count(apart.params)}, "
                f"MACs {count(apart.macs)}, activations {size(kept(analysis).all)}"
            )
    return lines


def _frozen(totals: Totals) -> list[str]:
    """How many parameters learn, where some are frozen."""
    frozen = totals.params - totals.trainable_params
    if isinstance(frozen, int) and not frozen:
        return []
    return [f"             trainable {exact(totals.trainable_params)}, frozen {exact(frozen)}"]


def _without_embeddings(analysis: Analysis, totals: Totals) -> list[str]:
    """How many parameters are no embeddings, where some are."""
    if not analysis.graph.takes_integers:
        return []
    from archcalc.figures.of_network import embedding_params

    of_tables = embedding_params(analysis)
    if isinstance(of_tables, int) and not of_tables:
        return []
    return [f"             without embeddings {exact(totals.params - of_tables)}"]


def _generation(analysis: Analysis, in_full: bool) -> list[str]:
    """What one more token takes, of a network that generates."""
    if not analysis.graph.takes_integers:
        return []
    from archcalc.generation import generation

    found = generation(analysis)
    if found is None:
        return []
    count, size = (exact, exact) if in_full else (short, short_bytes)
    return [
        f"generation   {count(found.token_macs)} MACs for token {exact(found.context)}; KV cache "
        f"{size(found.kv_cache_bytes)}, {size(found.kv_cache_bytes_per_token)} a token"
    ]


def field_legend(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    """What `all (7)` and `?` stand for, where they stand."""
    two = any(column.beside(row) for column in columns for row in rows)
    fields = [
        row.layers[-1].receptive_field
        for row in rows
        if row.layers and any(column.name == "receptive_field" for column in columns)
    ]
    none = any(field is None or (isinstance(field, tuple) and None in field) for field in fields)
    return [
        *["field        of all that is seen; in parentheses by convolutions and pools alone"] * two,
        *["field ?      open, or no one interval; `archcalc field NAME LAYER` tells of each unit"]
        * none,
    ]


def _most(analysis: Analysis, totals: Totals, in_full: bool) -> list[str]:
    """Where most of the memory and most of the parameters sit, if they are plain numbers."""
    layers = analysis.inference_layers
    memory = {layer.name: layer.activation_bytes for layer in layers}
    params = {layer.name: layer.params for layer in layers}
    figures = map(plain, (*memory.values(), *params.values()))
    if not layers or not all(isinstance(figure, int) for figure in figures):
        return []
    count, size = (exact, exact) if in_full else (short, short_bytes)
    widest, heaviest = max(memory, key=memory.__getitem__), max(params, key=params.__getitem__)
    return [
        f"most memory  {widest}, {size(memory[widest])} "
        f"({share(memory[widest], totals.activation_bytes)}); "
        f"most params {heaviest}, {count(params[heaviest])} "
        f"({share(params[heaviest], totals.params) or '0%'})",
    ]


def _plain(column: Column, row: Row) -> object:
    value = column.value(row)
    return " ".join(value) if column.name == "inputs" and isinstance(value, list) else value
