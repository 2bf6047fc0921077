"""The peak of a training step as a formula of the batch: a case for each place where it lies."""

from __future__ import annotations

from typing import Any, cast

import sympy

from archcalc.graph import Graph
from archcalc.memory_use.batches import Peaks, Piece
from archcalc.parametric.formulas.formula import Case, Formula, Formulas
from archcalc.quantity.arithmetic import symbol

QUANTITY = "training_peak"


def peak_formula(graph: Graph, peaks: Peaks, label: str = "n") -> Formulas:
    """The peak of a training step of a network.

    Args:
        peaks: as `peaks_over_batches` finds them for the network.
        label: what the number of images is called.
    """
    n = cast(Any, symbol(label))
    cases = tuple(
        [
            Case(_condition(n, piece, peaks.least), (piece.each * n + piece.always,))
            for piece in peaks.pieces
        ]
    )
    return Formulas(
        graph=graph,
        formulas=(Formula(QUANTITY, is_list=False, cases=cases, symbols=(n,)),),
        assumptions=(),
        first={label: peaks.least} if peaks.least > 1 else {},
        last={},
        equal=(),
        settings=0,
    )


def _condition(n: Any, piece: Piece, least: int) -> Any:
    """For which batches a piece is the peak, of those that torch trains on."""
    if piece.first == piece.last:
        return sympy.Eq(n, piece.first)
    lower = sympy.true if piece.first == least else n >= piece.first
    upper = sympy.true if piece.last is None else n <= piece.last
    return sympy.And(lower, upper)
