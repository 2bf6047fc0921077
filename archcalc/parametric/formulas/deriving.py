"""Network -> formulas of its quantities in some of its parameters and sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sympy.polys.polyerrors import BasePolynomialError

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.expansion import build_graph
from archcalc.explaining.totals import block_called
from archcalc.graph import Graph
from archcalc.loading import Input, input_shapes, sizes_given
from archcalc.parametric.formulas.assumptions import read_assumption
from archcalc.parametric.formulas.derivation import Derivation, free_symbols
from archcalc.parametric.formulas.formula import Formulas
from archcalc.parametric.formulas.subjects import variables
from archcalc.parametric.formulas.walking import Walker
from archcalc.spec.labels import size_labels
from archcalc.spec.syntax import Network
from archcalc.spec.values import Value
from archcalc.walk import require_dtype, walk, whole_batch

# What sympy may end in on an expression that it cannot handle.
_BEYOND_SYMPY = (BasePolynomialError, ZeroDivisionError, NotImplementedError, RecursionError)


def derive_formulas(
    network: Network,
    quantities: Sequence[str],
    symbols: Sequence[str] | None = None,
    *,
    layer: str | None = None,
    input: Input | None = None,
    batch: int = 1,
    dtype: str = "float32",
    assume: Sequence[str] = (),
    parameters: Mapping[str, Value] | None = None,
) -> Formulas:
    """The closed form of `quantities` in `symbols`.

    A symbol is a real number, unless there is a network for whole or for positive ones only.
    Formulas are compared with the walk at 20 settings or more, before they are returned.

    Args:
        quantities: in the language of `archcalc.figures.language`.
        symbols: parameters (`classes`, `depths[0]`) and sizes (`H`, `W`, of fewer or more axes
            `L` or `D`; `C` for the channels; of other inputs `tokens[0]`); None for all of the
            first input, unless `input` is given; those that are free in it are free whether they
            are named or not.
        layer: the layer or block whose quantities they are; None for the network's.
        assume: such as `H%32==0` and `alpha>=0.25`.
        input, parameters: as for `archcalc.load`.

    Raises:
        UsageError: a symbol, a quantity or an assumption is malformed; there is no closed form;
            or the one that was found is not what the walk says.
        SpecError, LayerError: as `archcalc.analyze`, at the network's own values.
    """
    require_dtype(dtype)
    batch = whole_batch(batch)
    given = input_shapes(sizes_given(network, input))
    graph = build_graph(network, input=given, parameters=parameters)
    if layer is not None:
        whose = _whose(walk(graph, batch, dtype), layer)
        quantities = [f"{whose}.{quantity}" for quantity in quantities]
    free = {str(symbol): symbol for symbol in free_symbols(graph.input_sizes)}
    for label in symbols or ():
        if label in free and label in graph.parameters:
            raise UsageError(
                f"{label} is a parameter and a size; give the size another name", "symbols"
            )
    if symbols is None:
        symbols = [] if free or given else size_labels(len(graph.input.sizes))
    found = variables([label for label in symbols if label not in free], graph)
    try:
        walker = Walker(graph, quantities, batch, dtype)
        derivation = Derivation(walker, quantities, found, [read_assumption(a) for a in assume])
        return derivation.compared(tuple(assume))
    except _BEYOND_SYMPY as error:
        raise UsageError(
            f"no formula of {', '.join(quantities)}: sympy cannot handle what becomes of "
            f"{', '.join([*free, *symbols])} ({type(error).__name__}); "
            "set some of its symbols to numbers"
        ) from None


def _whose(analysis: Analysis, layer: str) -> str:
    """`layers[NAME]` or `blocks[NAME]`."""
    block = block_called(analysis, layer)
    return f"layers[{analysis.layer(layer).name}]" if block is None else f"blocks[{block}]"


def parts_of(graph: Graph, quantity: str) -> dict[str, str]:
    """The blocks and layers at the top level by their quantity, whose sum is the network's."""
    found, live = {}, graph.live()
    for node in graph.nodes:
        if node.name in live and not node.training_only:
            block = next(iter(graph.blocks_around(node.name)), None)
            part = f"layers[{node.name}]" if block is None else f"blocks[{block}]"
            found[f"{part}.{quantity}"] = block or node.name
    return found
