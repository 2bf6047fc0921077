"""Memory: per layer, at inference over time, and in a training step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.generation import Generation, generation
from archcalc.memory_use.moments import Direction
from archcalc.memory_use.options import AUTO
from archcalc.memory_use.report import MemoryReport
from archcalc.memory_use.totals import activation_bytes
from archcalc.quantity.arithmetic import plain
from archcalc.render.numbers import binary_bytes, exact, short, short_bytes
from archcalc.render.output import Data, Document, Part, Table
from archcalc.render.rows import ALL_LEVELS, depth_that_fits, rows_at_depth
from archcalc.render.table import LECTURE, caption, with_network
from archcalc.render.training import (
    Budget,
    budget_lines,
    cut_in_words,
    labelled,
    training_lines,
    training_record,
)

# Of a layer: bytes put out, of parameters, kept and why, the most that is alive while it runs in
# each direction; MACs backward; whether an output needs it.
_KEYS = (
    "name", "output_bytes", "param_bytes", "kept_bytes", "kept", "forward_bytes", "backward_bytes",
    "backward_macs", "used",
)  # fmt: skip
_HEADINGS = (
    "layer", "output", "params", "kept", "kept for the backward pass", "forward", "backward",
    "backward MACs",
)  # fmt: skip
# What fits a screen: parameters are in every table, and the sum of the MACs stands below.
_TREE_HEADINGS = ("layer", "output", "kept", "forward", "backward", "keeps")
_MOST_NAMED = 4  # stretches that run again
_LEGEND = (
    "forward, backward: the most that is alive while the layer runs in training",
    "keeps: for the backward pass; in parentheses what is kept already",
)


class MemoryDocument(Document):
    """What a network needs at inference, and in a training step.

    Attributes:
        depth: the level of nesting below which blocks are folded; for people what fits a screen
            if None, for programs all layers by themselves.
        in_full: all digits in place of `12.85MB`.
        budget: what to say the largest batch of, in text and JSON.
    """

    report: MemoryReport
    depth: int | None = None
    in_full: bool = False
    budget: Budget | None = None

    def record(self) -> dict[str, object]:
        """All of it."""
        report, analysis = self.report, self.report.analysis
        generating = generation(analysis)
        found: dict[str, object] = {
            **analysis.identity.record(),
            **analysis.ends_record(),
            "batch": analysis.batch,
            "dtype": report.training.options.dtype,
            "layers": [
                {
                    "name": layer.name,
                    "output_bytes": plain(report.outputs[layer.name]),
                    "param_bytes": plain(report.parameters[layer.name]),
                    "kept_bytes": plain(report.saved[layer.name]),
                    "kept": report.reasons[layer.name],
                    "forward_bytes": report.most_alive.get((layer.name, Direction.FORWARD)),
                    "backward_bytes": report.most_alive.get((layer.name, Direction.BACKWARD)),
                    "backward_macs": {
                        "weights": plain(report.backward[layer.name].weights),
                        "inputs": plain(report.backward[layer.name].inputs),
                        "again": plain(report.backward[layer.name].again),
                    },
                    "used": layer.used,
                }
                for layer in analysis.layers
            ],
            "inference": [
                {
                    "policy": run.policy,
                    "peak_bytes": run.peak.bytes,
                    "at": run.peak.layer,
                    "cut_short": run.cut_short,
                    "alive": [{"name": name, "bytes": size} for name, size in run.peak.alive],
                }
                for run in report.inference
            ],
            **({"generation": generating.record()} if generating else {}),
            "training": training_record(report.training),
            "checkpointed": [stretch.name for stretch in analysis.graph.stretches],
            "macs": {
                "forward": sum(layer.macs for layer in analysis.used_layers),
                "backward": sum(macs.total for macs in report.backward.values()),
                "again": sum(macs.again for macs in report.backward.values()),
            },
        }
        if self.budget is not None:
            fitting = self.budget.fitting
            found["largest_batch"] = fitting.batch if fitting else 0
        return found

    def data(self) -> Data:
        """A row for each layer or folded block."""
        rows = rows_at_depth(self.report.analysis, self.depth or ALL_LEVELS)
        cells = [
            [row.name, *_figures(self.report, row.counted), row.counted[-1].used]
            for row in rows
            if row.layers
        ]
        return Data(_KEYS, cells).of(self.report.analysis.identity)

    def parts(self, form: str) -> Iterator[Part]:
        """As text a tree of layers, and below it inference and a training step in words."""
        report = self.report
        if form != "text":
            yield self._table(form)
            return
        yield caption(report.analysis)
        yield self._table(form)
        yield [*_LEGEND]
        notes = memory_lines(report, in_full=self.in_full)
        if self.budget is not None:
            notes += budget_lines(self.budget)
        yield notes

    def _table(self, form: str) -> Table:
        """As text a tree, as wide as a screen; elsewhere rows have their whole names."""
        report, tree = self.report, form == "text"
        count, size = (exact, exact) if self.in_full else (short, short_bytes)
        cells = []
        depth = self.depth or depth_that_fits(report.analysis)
        for row in rows_at_depth(report.analysis, depth):
            if row.layers:
                found = _figures(report, row.counted)
                why = found.why if row.counted[-1].used else "(unused: no output needs it)"
                output, params, kept = size(found.output), size(found.params), size(found.kept)
                most = ["" if n is None else size(n) for n in (found.forward, found.backward)]
                if tree:
                    keeps = why.replace("its ", "").replace(": kept already", "")
                    cells.append([row.label, output, kept, *most, keeps])
                else:
                    macs = count(found.macs)
                    cells.append([row.name, output, params, kept, why, *most, macs])
            elif tree:
                cells.append([row.label, *[""] * (len(_TREE_HEADINGS) - 1)])
        headings, align = (_TREE_HEADINGS, "lrrrrl") if tree else (_HEADINGS, "lrrrlrrr")
        return Table(with_network(report.analysis, headings, form), cells, align, room=0)


class _Figures(NamedTuple):
    """The figures of a layer or block: bytes, of a single layer what it keeps, MACs backward."""

    output: int
    params: int
    kept: int
    why: str
    forward: int | None
    backward: int | None
    macs: int


def _figures(report: MemoryReport, layers: Sequence[LayerAnalysis]) -> _Figures:
    names = [layer.name for layer in layers]
    kept = sum(report.saved[name] for name in names)
    why = ", ".join(report.reasons[names[0]]) if len(names) == 1 else ""
    if why and not kept:
        why = f"({why}: kept already)"

    def most_alive(direction: Direction) -> int | None:
        found = [report.most_alive.get((name, direction)) for name in names]
        return max([size for size in found if size is not None], default=None)

    return _Figures(
        output=sum(report.outputs[name] for name in names),
        params=sum(report.parameters[name] for name in names),
        kept=kept,
        why=why,
        forward=most_alive(Direction.FORWARD),
        backward=most_alive(Direction.BACKWARD),
        macs=sum(report.backward[name].total for name in names),
    )


def memory_lines(report: MemoryReport, *, in_full: bool) -> list[str]:
    """What stands under the table: inference, and what a training step needs."""
    count, size = (exact, exact) if in_full else (short, short_bytes)
    analysis = report.analysis
    totals = activation_bytes(analysis)
    written = report.inference[0]
    lines = [
        f"inference, batch {analysis.batch}, {analysis.dtype}",
        f"  activations  lecture {size(totals.lecture)}, all {size(totals.all)}",
        f"               {LECTURE}",
        f"  peak         {size(written.peak.bytes)} while {written.peak.layer} runs:",
        *[
            f"               {size(number)} {name}"
            for name, number in sorted(written.peak.alive, key=lambda item: -item[1])
        ],
    ]
    for run in report.inference[1:]:
        saved = written.peak.bytes - run.peak.bytes
        change = f"saves {saved / written.peak.bytes:.0%}" if saved > 0 else (
            "saves nothing" if saved == 0 else f"costs {-saved / written.peak.bytes:.0%}"
        )  # fmt: skip
        limit = "; the search was cut short" if run.cut_short else ""
        lines.append(f"    {run.policy:<26}{size(run.peak.bytes)}, {change}{limit}")
    lines += _generation_lines(analysis, in_full)
    forward = sum(layer.macs for layer in analysis.used_layers)
    backward = sum(macs.total for macs in report.backward.values())
    lines += [
        "",
        *training_lines(report.training, in_full=in_full),
        f"  MACs         {count(forward)} forward + {count(backward)} backward "
        f"= {count(forward + backward)}",
        *_runs_again(report, in_full),
    ]
    return lines


def _generation_lines(analysis: Analysis, in_full: bool) -> list[str]:
    """What generating takes, of a network that does it token by token."""
    found = generation(analysis)
    if found is None:
        return []
    count, size = (exact, exact) if in_full else (short, short_bytes)
    cache = found.kv_cache_bytes
    in_binary = f" = {binary_bytes(cache)}" if isinstance(cache, int) else ""
    once = f", {count(found.once_macs)} of them not again" if found.once_macs else ""
    kept = found.kv_cache_bytes_once
    of_others = [f"               {size(kept)} of it of what is computed once"] if kept else []
    return [
        "",
        f"generation, batch {analysis.batch}, {analysis.dtype}",
        f"  KV cache     {size(cache)}{in_binary} of {exact(found.context)} tokens, "
        f"{size(found.kv_cache_bytes_per_token)} each",
        *of_others,
        f"  next token   {count(found.token_macs)} MACs, the last, with all before it cached",
        f"  prompt       {count(found.prompt_macs)} MACs, all tokens at once{once}",
        *labelled("assumed", _assumed(found, analysis)),
    ]


def _assumed(found: Generation, analysis: Analysis) -> str:
    """What of a network is kept from token to token, and what is not computed again."""
    text = f"each layer that attends keeps keys and values of its own, in {analysis.dtype}"
    others = [name for name in analysis.graph.inputs if name != found.tokens]
    if not others:
        return text
    given = f"the whole of {' and '.join(others)}"
    return f"{text}; what does not depend on {found.tokens} is computed once, of {given}"


def _runs_again(report: MemoryReport, in_full: bool) -> list[str]:
    """What is checkpointed, what that costs, and how it was found."""
    lines = []
    if names := [stretch.name for stretch in report.analysis.graph.stretches]:
        again = (exact if in_full else short)(sum(macs.again for macs in report.backward.values()))
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        text = f"{again} of these for what runs again: {', '.join(names[:_MOST_NAMED])}{more}"
        lines += labelled("", text)
    if (cut := report.training.cut) is not None:
        lines += labelled("checkpoint", cut_in_words(cut, in_full=in_full))
    elif AUTO in report.training.options.checkpoint:
        lines += labelled("checkpoint", "as given: auto cuts no network that has stretches already")
    return lines
