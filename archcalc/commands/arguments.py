"""Arguments that several commands share, and what they mean."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any

from archcalc.analysis import DTYPES, Analysis, AnalysisStopped
from archcalc.errors import UsageError
from archcalc.expansion import ExpansionStopped
from archcalc.graph import Graph
from archcalc.loading import Input, load
from archcalc.noticing import Note, notes_on
from archcalc.quantity.arithmetic import symbol
from archcalc.render.output import FORMS, require_form
from archcalc.render.rows import ALL_LEVELS
from archcalc.spec.conversions import whole
from archcalc.spec.expression import parse_with_symbols
from archcalc.spec.settings import read_setting, split_settings
from archcalc.spec.values import ExpressionError, Value
from archcalc.walk import require_dtype, walk

NETWORK = "network"  # what tells shells that an argument is one: its attribute `complete`


def add_network(
    parser: argparse.ArgumentParser,
    name: str = "name",
    meaning: str = "a network (see `archcalc list`), FILE, FILE#VARIANT, REV:FILE of git, "
    "PACKAGE:FACTORY, or - for a spec on standard input; 'NAME KEY=VALUE' is NAME with --set",
    nargs: str | None = None,
) -> None:
    """A positional argument for a network, or for several, which shells complete."""
    action: Any = parser.add_argument(
        name, metavar=name.removesuffix("s").upper(), nargs=nargs, help=meaning
    )
    action.complete = NETWORK


def add_networks(parser: argparse.ArgumentParser, otherwise: str = "") -> None:
    """The argument for one network or more; `otherwise` says what is meant where there is none."""
    meaning = "networks (see `archcalc list`), FILE, FILE#VARIANT or PACKAGE:FACTORY"
    if otherwise:
        meaning += f" (default: {otherwise})"
    add_network(parser, "names", meaning, nargs="*" if otherwise else "+")


def add_changes(parser: argparse.ArgumentParser, only: str = "", *, notes: bool = True) -> None:
    """--set and --input, which change a network; `only` says which. --quiet and --strict."""
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help=f"{only}another value for a parameter (again for more of them)",
    )
    parser.add_argument(
        "--input",
        metavar="CxHxW",
        action="append",
        default=[],
        help=f"{only}another input, such as 3x256x256 or 3x32hx32w; one of several as tokens=77 "
        "(again for more of them)",
    )
    if notes:
        parser.add_argument("--quiet", action="store_true", help="no notes on standard error")
        parser.add_argument("--strict", action="store_true", help="exit with 1 if there is a note")


def add_batch(parser: argparse.ArgumentParser, dtypes: Sequence[str] = tuple(DTYPES)) -> None:
    """--batch and --dtype, one of `dtypes`, which the figures hold for."""
    parser.add_argument(
        "--batch", type=positive, default=1, metavar="N", help="batch size (default 1)"
    )
    parser.add_argument(
        "--dtype", default="float32", metavar="TYPE",
        help=f"of parameters and activations: {', '.join(dtypes)} (default float32)",
    )  # fmt: skip


def add_format(
    parser: argparse.ArgumentParser,
    forms: Sequence[str] = FORMS,
    group: argparse._ActionsContainer | None = None,
) -> None:
    """--format: in which of `forms` to print; -o, --force and --wide.

    Args:
        group: where --format belongs, if not to the parser itself.
    """

    def form(text: str) -> str:
        try:
            return require_form(text, forms)
        except UsageError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    (group or parser).add_argument(
        "--format", type=form, choices=forms, metavar="FORMAT",
        help=f"{', '.join(forms)} (default: by the ending of FILE, else text)",
    )  # fmt: skip
    add_output(parser)
    parser.add_argument(
        "--wide", action="store_true",
        help="lines as long as they get; without it none is wider than the terminal, or than "
        "COLUMNS or 80 where there is none",
    )  # fmt: skip


def add_output(
    parser: argparse.ArgumentParser, file: str = "FILE", otherwise: str | None = None
) -> None:
    """-o, where to write the result, and --force.

    Args:
        file: what is written.
        otherwise: where it is written without -o; None for standard output.
    """
    parser.add_argument(
        "-o", "--output", type=output_path, metavar=file, default=otherwise,
        help=f"write it there (default: {otherwise or 'standard output'})",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def add_depth(
    parser: argparse.ArgumentParser,
    meaning: str = "fold blocks below this level of nesting, or `all` "
    "(default: what fits a screen)",
) -> None:
    """--depth: down to which level of nesting blocks are shown."""
    parser.add_argument("--depth", type=depth, metavar="N", help=meaning)


def add_exact(parser: argparse.ArgumentParser, *, always: bool = False) -> None:
    """--exact, of what prints numbers.

    Args:
        always: whether they have all their digits anyway; who asks for them is not refused.
    """
    what = (
        "all digits, which these figures always have"
        if always
        else ("all digits in place of 138.36M and 12.85MB")
    )
    parser.add_argument("--exact", action="store_true", help=what)


def add_plot(parser: argparse.ArgumentParser, meaning: str) -> None:
    """--plot: where to draw what."""
    parser.add_argument(
        "--plot", type=output_path, metavar="FILE.svg", help=f"{meaning}: as .svg, .png or .pdf"
    )


def positive(text: str) -> int:
    """A whole number from 1 to 999,999,999, for argparse."""
    if re.fullmatch(r"0*[1-9][0-9]{9,}", text):
        raise argparse.ArgumentTypeError(f"expected at most 999,999,999, found {text[:40]!r}")
    if not re.fullmatch(r"[0-9]+", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number, at least 1, found {text!r}")
    return int(text)


def output_path(text: str) -> str:
    """The name of a file to write."""
    if text in ("", "-"):
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a file")
    return text


def depth(text: str) -> int:
    """A level of nesting, or `all`, for argparse."""
    return ALL_LEVELS if text == "all" else positive(text)


def parameters(arguments: argparse.Namespace) -> dict[str, Value]:
    """What --set gave, as values of parameters.

    Raises:
        UsageError: a setting is no KEY=VALUE, or its value cannot be read.
    """
    try:
        settings = list(map(read_setting, arguments.set))
    except UsageError as error:
        raise UsageError(str(error), "set") from None
    names = [name for name, _ in settings]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{name} is given {names.count(name)} times", "set")
    return dict(settings)


def graph_of(arguments: argparse.Namespace, network: str | None = None) -> Graph:
    """The network that NAME, --set and --input describe.

    Args:
        network: `NAME` or `NAME KEY=VALUE …` in place of the argument NAME.

    Raises:
        UsageError: there is no such network or parameter, or a value cannot be read.
        SpecError: the spec is wrong.
    """
    try:
        graph = _loaded(arguments, network)
    except ExpansionStopped as stopped:
        graph = walk(stopped.graph, 1, "float32").graph  # which stops, with all up to there
    return noted(arguments, graph)


def noted(arguments: argparse.Namespace, graph: Graph) -> Graph:
    """A network, walked for what is to be noted of it, which is told.

    Raises:
        AnalysisStopped: a layer refuses its input, of a network with heads for training.
    """
    analysis = None
    if any(node.training_only for node in graph.nodes):
        analysis = walk(graph, 1, "float32")
        graph = analysis.graph  # without the heads for training that do not fit
    elif all(type(size) is int for size in graph.input_sizes):  # what rules look at
        try:
            analysis = walk(graph, 1, "float32")
        except AnalysisStopped as stopped:  # which is for the command to say
            analysis = stopped.partial
    tell_notes(arguments, graph, analysis)
    return graph


def analysis_of(arguments: argparse.Namespace, network: str | None = None) -> Analysis:
    """What the network comes to that NAME, --set and --input describe, for --batch and --dtype.

    Args:
        network: as for `graph_of`.

    Raises:
        UsageError, SpecError: as `graph_of`.
        AnalysisStopped: a layer refuses its input.
    """
    batch, dtype = getattr(arguments, "batch", 1), getattr(arguments, "dtype", "float32")
    require_dtype(dtype)
    try:
        analysis = walk(_loaded(arguments, network), batch, dtype)
    except ExpansionStopped as stopped:
        analysis = walk(stopped.graph, batch, dtype)  # which stops, with all up to there
    except AnalysisStopped as stopped:
        tell_notes(arguments, stopped.partial.graph, stopped.partial)
        raise
    tell_notes(arguments, analysis.graph, analysis)
    return analysis


def _loaded(arguments: argparse.Namespace, network: str | None) -> Graph:
    name, settings = split_settings(arguments.name if network is None else network)
    sizes = input_sizes(arguments)
    return load(name, input=sizes, parameters=parameters(arguments) | settings)


def tell_notes(
    arguments: argparse.Namespace, graph: Graph, analysis: Analysis | None = None
) -> None:
    """As `tell`, what is to be noted of a network.

    Args:
        analysis: of the graph, where somebody has walked it.
    """
    tell(arguments, notes_on(graph) if analysis is None else analysis.notes)


def tell(arguments: argparse.Namespace, notes: Sequence[Note]) -> None:
    """Says notes on stderr, unless --quiet; and counts them, for --strict."""
    arguments.noted = getattr(arguments, "noted", 0) + len(notes)
    if not getattr(arguments, "quiet", False):
        for note in notes:
            print(f"archcalc: note: {note.text}", file=sys.stderr)


def input_sizes(arguments: argparse.Namespace) -> Input | None:
    """What --input gave: channels and sizes, with names standing for free sizes.

    Of several inputs, those of each that was given, by its name.

    Raises:
        UsageError: it is not a list of sizes; an input is given twice.
    """
    named = [text.rpartition("=") for text in arguments.input]
    names = [name for name, _, _ in named]
    if not named:
        return None
    for name in names:
        if names.count(name) > 1:
            what = f"{name} is given" if name else "given"
            raise UsageError(f"{what} {names.count(name)} times", "input")
    if names == [""]:
        return _sizes(arguments.input[0])
    if "" in names:
        raise UsageError("where several are given, each is NAME=SIZES, such as tokens=77", "input")
    return {name: _sizes(sizes) for name, _, sizes in named}


def _sizes(text: str) -> list[Value]:
    """`3x32hx32w` as channels and sizes."""
    sizes = []
    for part in re.split(r"[xX×,]", text):
        try:
            expression = parse_with_symbols(part)
            known = {name: symbol(name) for name in expression.names}
            sizes.append(whole(expression.evaluate(known)))
        except ExpressionError:
            raise UsageError(
                f"{part!r} is not a size; expected sizes with an x between, "
                "such as 3x224x224 or 3x32hx32w",
                "input",
            ) from None
    return sizes
