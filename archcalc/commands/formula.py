"""`archcalc formula`: the closed form of a quantity in a network's parameters and sizes."""

from __future__ import annotations

import argparse
from typing import Any

from archcalc.commands.arguments import (
    add_batch,
    add_changes,
    add_network,
    add_output,
    input_sizes,
    noted,
    parameters,
)
from archcalc.commands.printing import show
from archcalc.errors import require_extra
from archcalc.figures.of_layer import SUMMED
from archcalc.loading import changes, listed, load

SCREEN = 24  # lines; of what takes more, the parts are shown as well
DEFAULT_QUANTITIES = ("params", "macs", "activation_values")


EXAMPLES = (
    "archcalc formula vgg16 --quantity macs --assume H%32==0 --assume W%32==0",
    "archcalc formula stack_3x3x3 --symbols C --quantity params --python",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    parser.add_argument(
        "--symbols", type=listed, metavar="A,B,…",
        help="parameters such as classes or depths[0], and sizes of the input: H, W, C "
        "(default: its sizes)",
    )  # fmt: skip
    parser.add_argument(
        "--quantity", type=listed, metavar="A,B,…",
        help="as in claims: params, macs, peak_bytes, layers[fc].params … "
        f"(default: {','.join(DEFAULT_QUANTITIES)})",
    )  # fmt: skip
    parser.add_argument("--layer", metavar="LAYER", help="the quantities of this layer or block")
    parser.add_argument(
        "--assume", metavar="CONDITION", action="append", default=[],
        help="such as H%%32==0 or alpha>=0.25, to be rid of floors (again for more of them)",
    )  # fmt: skip
    add_changes(parser)
    add_batch(parser)
    add_output(parser)
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--latex", action="store_true", help="as LaTeX")
    forms.add_argument("--python", action="store_true", help="as functions that need nothing")
    forms.add_argument(
        "--javascript", action="store_true",
        help="the same in JavaScript, of BigInts and {n, d} for fractions",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Prints the formulas."""
    require_extra("formula", "sympy", "symbols")
    from archcalc.parametric.formulas.deriving import derive_formulas, parts_of
    from archcalc.render import formula as render

    network, sizes, changed = changes(
        arguments.name, input_sizes(arguments), None, parameters(arguments)
    )
    settings: dict[str, Any] = {
        "symbols": arguments.symbols,
        "input": sizes,
        "batch": arguments.batch,
        "dtype": arguments.dtype,
        "assume": arguments.assume,
        "parameters": changed,
    }
    quantities = arguments.quantity or DEFAULT_QUANTITIES
    found = derive_formulas(network, quantities, layer=arguments.layer, **settings)
    noted(arguments, load(network, input=sizes, parameters=changed))
    for form in ("latex", "python", "javascript"):
        if getattr(arguments, form):
            show(getattr(render, form)(found), arguments)
            return 0
    shown = [render.text(found)]
    for formula in found.formulas:
        if formula.quantity in SUMMED and render.line_count(formula) > SCREEN:
            names = parts_of(found.graph, formula.quantity)
            parts = derive_formulas(network, [*names], **settings).without_zeros()
            shown += [f"{formula.quantity} by part:", render.text_by_part(parts, names)]
    show("\n\n".join(shown), arguments)
    return 0
