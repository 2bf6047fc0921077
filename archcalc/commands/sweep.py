"""`archcalc sweep`: the figures of a network at many settings, and the best of them."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from archcalc.api.progress import watched
from archcalc.commands.arguments import (
    add_batch,
    add_changes,
    add_exact,
    add_format,
    add_network,
    graph_of,
    positive,
)
from archcalc.commands.printing import form_of, give
from archcalc.errors import UsageError, require_extra
from archcalc.loading import listed
from archcalc.parametric.axes import Axis, read_axes
from archcalc.render.sweep import SweepDocument
from archcalc.walk import require_dtype

if TYPE_CHECKING:
    from archcalc.parametric.choosing.space import Draws

FIGURES = "params,macs,peak_bytes"
EXAMPLES = (
    "archcalc sweep mobilenet_v1 --over alpha=0.25:1:0.25 --over resolution=128,224",
    "archcalc sweep resnet50 --over 'depths[2]=2..36' --where 'macs <= 4G' --top 3",
    "archcalc sweep vgg16 --over H=32..512:log --sample 1e4 --pareto=-macs,params",
)
NOTES = (
    "-o FILE.parquet writes all settings there, however many, a chunk at a time:",
    "called again, it goes on where it was stopped; without reasons, which take a",
    "walk each",
    "values of --over are a list, or a range, or a list of these:",
    "  128,160,192       numbers, words, or lists such as [2,2,2,2]",
    "  2..36             whole numbers, both ends included",
    "  0.25:1:0.05       from, to and step, both ends included; exact decimals",
    "  16:1024:*2        from, to and factor",
    "  0.25:1            every number between, for --sample; 2..36 too",
    "  0.25:1:log        drawn with equal chances for equal ratios; 2..36:log too",
    "on the front of --pareto is what no other setting beats: as good in all, and",
    "better in one; of settings that are equal in all of them each is there",
    "what begins with a minus stands behind a =, as in --sort=-macs",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    several = "one network or more, of which each has a row a setting; 'NAME KEY=VALUE' sets "
    several += "a parameter of one of them"
    add_network(parser, "names", several, nargs="+")
    parser.add_argument(
        "--over", metavar="KEY=VALUES", action="append", default=[], required=True,
        help="what takes which values: a parameter, an item of one (depths[2]), or a size of the "
        "input (H); again for more, all of whose combinations are settings",
    )  # fmt: skip
    parser.add_argument(
        "--figures", type=listed, default=FIGURES, metavar="A,B,…",
        help=f"as in claims (default {FIGURES})",
    )  # fmt: skip
    parser.add_argument(
        "--where", metavar="CONDITIONS",
        help="only settings at which they hold: 'macs <= 150M and params < 3M', or '… or …'",
    )  # fmt: skip
    parser.add_argument(
        "--pareto", type=listed, metavar="A,B,…",
        help="only settings that no other beats in these figures: less is better, and more of -A",
    )  # fmt: skip
    parser.add_argument(
        "--sort", type=listed, metavar="A,B,…", help="in order of these; of -A the largest first"
    )
    parser.add_argument("--top", type=positive, metavar="N", help="only the first N")
    parser.add_argument(
        "--sample", type=count, metavar="N",
        help="draw N settings at random, such as 1000 or 1e6, in place of all combinations",
    )  # fmt: skip
    parser.add_argument("--seed", type=seed, metavar="S", help="of what is drawn (default 0)")
    parser.add_argument(
        "--latin", action="store_true",
        help="draw a Latin hypercube: of N equal parts of each axis, each once",
    )  # fmt: skip
    add_changes(parser)
    add_batch(parser)
    add_exact(parser)
    add_format(parser)
    parser.add_argument(
        "--workers", type=positive, metavar="N", help="processes that compute chunks (default 1)"
    )
    parser.add_argument(
        "--scheduler", type=scheduler, metavar="tcp://HOST:PORT",
        help="of a Dask cluster, whose workers compute the chunks",
    )  # fmt: skip


def count(text: str) -> int:
    """A number of settings, such as 1000 or 1e6, for argparse."""
    match = re.fullmatch(r"([1-9][0-9]*)e([0-9])", text)
    return int(match[1]) * 10 ** int(match[2]) if match else positive(text)


def seed(text: str) -> int:
    """A seed: a whole number from 0, for argparse."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError(
            f"expected a whole number of up to 9 digits, found {text!r}"
        )
    return int(text)


def scheduler(text: str) -> str:
    """The address of a Dask scheduler, for argparse."""
    if not re.fullmatch(r"tcp://[^\s/]+:[0-9]{1,5}", text):
        raise argparse.ArgumentTypeError(f"expected tcp://HOST:PORT, found {text[:60]!r}")
    return text


def run(arguments: argparse.Namespace) -> int:
    """Prints a row for each setting that is asked for."""
    require_extra("sweep", "numpy", "arrays")
    from archcalc.parametric.choosing.columns import Figures
    from archcalc.parametric.choosing.selection import choose
    from archcalc.parametric.choosing.space import Draws, settings_of, swept

    require_dtype(arguments.dtype)
    axes, draws = read_axes(arguments.over), None
    if arguments.sample is not None:
        draws = Draws(arguments.sample, arguments.seed or 0, arguments.latin)
    else:
        for option in ("seed", "latin"):
            if getattr(arguments, option):
                raise UsageError("of what --sample draws, which is not asked for", option)
    if arguments.output is not None and form_of(arguments) == "parquet":
        return write_all(arguments, tuple(axes), draws)
    for option in ("workers", "scheduler"):
        if getattr(arguments, option) is not None:
            raise UsageError("of what -o writes, which is not asked for", option)
    settings = settings_of(axes, draws)
    graphs = [graph_of(arguments, name) for name in arguments.names]
    figures = Figures(
        [swept(graph, settings, batch=arguments.batch, dtype=arguments.dtype) for graph in graphs],
        watched,
        settings,
    )
    quantities = tuple(dict.fromkeys(q for q in arguments.figures if q not in figures.labels))
    chosen = choose(
        figures, quantities, where=arguments.where, pareto=arguments.pareto or (),
        sort=arguments.sort or (), top=arguments.top,
    )  # fmt: skip
    give(SweepDocument(chosen, quantities, arguments.exact), arguments)
    return 0


_AT_ONCE = ("pareto", "sort", "top", "latin")


def write_all(arguments: argparse.Namespace, axes: tuple[Axis, ...], draws: Draws | None) -> int:
    """Writes all settings to a file, chunk by chunk."""
    from archcalc import __version__
    from archcalc.commands.streams import write_stream
    from archcalc.parametric.choosing import streaming

    require_extra("a Parquet file", "pyarrow", "parquet")
    if arguments.scheduler is not None:
        require_extra("--scheduler", "distributed", "dask")
        if arguments.workers is not None:
            raise UsageError("a cluster has its own, as --scheduler says", "workers")
    target = Path(arguments.output)
    if arguments.force:
        target.unlink(missing_ok=True)
    for option in _AT_ONCE:
        if getattr(arguments, option):
            raise UsageError(
                "looks at all settings at once, and a file is written in chunks", option
            )
    labels = [axis.label for axis in axes]
    stream = streaming.Stream(
        tuple(graph_of(arguments, name) for name in arguments.names), axes, draws,
        tuple(dict.fromkeys(q for q in arguments.figures if q not in labels)),
        arguments.where, arguments.batch, arguments.dtype, streaming.CHUNK,
    )  # fmt: skip
    write_stream(
        stream, target, __version__,
        workers=arguments.workers or 1, scheduler=arguments.scheduler,
    )  # fmt: skip
    return 0
