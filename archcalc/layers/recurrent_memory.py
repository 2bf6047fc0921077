"""What torch keeps, and makes on the way, where it runs a recurrent layer on the CPU in float32.

An LSTM without a projection is one kernel of oneDNN for each layer and direction. All else is
written out step by step: a product of all inputs, then for each step one of the state, and the
gates, partly in place. Sources: torch, aten/src/ATen/native/RNN.cpp and mkldnn/RNN.cpp; oneDNN,
`rnn_utils::set_offsets` and `get_good_ld` (src/cpu/rnn/rnn_utils.cpp).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archcalc.layers.effect import Extra, Saved
from archcalc.quantity.arithmetic import (
    Quantity,
    ceil_div,
    floor_div,
    largest,
    largest_of,
    smallest,
)

_PAGE = 4096  # bytes: oneDNN begins each part of its workspace on a new page
_LINE = 16  # values of float32 in a cache line, of which it makes each row a whole number


class Pass(NamedTuple):
    """One layer in one direction.

    Attributes:
        suffix: behind the names of its parameters, as torch has it.
        layer: its number, from 0.
        inputs: the features of what it takes.
        reverse: whether it goes from the last step to the first.
    """

    suffix: str
    layer: int
    inputs: Quantity
    reverse: bool


class Recurrence(NamedTuple):
    """A recurrent layer on a sequence: all that its memory depends on.

    Attributes:
        cell: "rnn", "gru" or "lstm".
        gates: how many times `width` the products of a step have.
        steps: of the sequence.
        inputs: features of each step.
        width: features of the state.
        output: features that a step puts out: fewer where the state is projected.
        layers, bias, dropout: as the layer's.
        directions: 1 or 2.
        last: whether it puts out the last state alone.
    """

    cell: str
    gates: int
    steps: Quantity
    inputs: Quantity
    width: Quantity
    output: Quantity
    layers: int
    directions: int
    bias: bool
    dropout: float
    last: bool
    projected: bool
    nonlinearity: str

    @property
    def by_one_kernel(self) -> bool:
        """Whether oneDNN runs each layer and direction as a whole."""
        return self.cell == "lstm" and not self.projected

    @property
    def states(self) -> Quantity:
        """The values of the states, of all layers and directions, at one step."""
        cell = self.width if self.cell == "lstm" else 0
        return self.layers * self.directions * (self.output + cell)

    @property
    def sequence(self) -> Quantity:
        """The values that a layer puts out."""
        return self.steps * self.directions * self.output

    def passes(self) -> Iterator[Pass]:
        """In the order in which they run."""
        for layer in range(self.layers):
            inputs = self.directions * self.output if layer else self.inputs
            for direction in range(self.directions):
                suffix = f"_l{layer}{'_reverse' if direction else ''}"
                yield Pass(suffix, layer, inputs, direction == 1)


# ----- what autograd keeps -----


def kept(of: Recurrence) -> tuple[Saved | Extra, ...]:
    """What it keeps for the backward pass beside its parameters."""
    between = (of.layers - 1) * of.sequence  # what all layers but the first take
    found: list[Saved | Extra] = [Saved.INPUT]
    if of.by_one_kernel:
        outputs = of.layers * of.sequence
        if of.directions == 1 and not of.last:
            found.append(Saved.OUTPUT)
            outputs = between
        taken = between if of.directions == 2 or of.dropout else 0
        found.append(Extra("intermediate", 2 * of.states + outputs + taken))
        for one in of.passes():
            found += onednn_workspace(of, one)
            if not of.bias:
                found += stand_ins(of, one)
    else:
        each = kept_by_cell(of)
        passes = of.layers * of.directions
        found.append(Extra("intermediate", of.states + passes * each + between))
    if of.dropout and of.layers > 1:
        found += [dropout_mask(of)] * (of.layers - 1)
    return tuple(found)


def kept_by_cell(of: Recurrence) -> Quantity:
    """What the steps of one layer in one direction keep, where they are written out.

    The gates after their functions and what they are multiplied with; of each state but the last
    what the next step multiplies.
    """
    if of.cell == "rnn":
        return of.steps * of.width
    if of.cell == "gru":
        return of.steps * 6 * of.width + (of.steps - 1) * of.width
    return of.steps * 6 * of.width + (of.steps - 1) * (of.width + of.output)


def dropout_mask(of: Recurrence) -> Extra:
    """The mask of a dropout between two layers; at p = 1 torch multiplies by a single zero."""
    if of.dropout == 1:
        return Extra("mask", 1, per_image=False)
    return Extra("mask", of.sequence)


def stand_ins(of: Recurrence, one: Pass) -> list[Extra]:
    """The zeros that stand for the biases of a kernel, each as large as a matrix of weights.

    At inference they are gone when a kernel is done: they count as if they were there when most
    is alive of all else.
    """
    rows = of.gates * of.width
    each = (rows * of.width, rows * one.inputs)
    return [Extra("intermediate", values, per_image=False) for values in each]


def onednn_workspace(of: Recurrence, one: Pass) -> list[Extra]:
    """What oneDNN keeps of one layer in one direction: gates, states, and room for gradients."""
    rows = 2 * (of.steps + 1)  # of the layer and before it, of each step and before the first
    widest = rows * _row(largest(one.inputs, of.width))
    parts = [of.steps * _row(4 * of.width), of.steps * _row(of.width), *[widest] * 3]
    parts += [rows * of.width] * 2  # of the cells, whose rows have no gaps
    return [Extra("intermediate", values, 4, multiple=_PAGE) for values in parts]


def _row(values: Quantity) -> Quantity:
    """How far apart oneDNN lays rows: whole lines, but no multiple of 256 values."""
    lines = ceil_div(values, _LINE)
    beyond = lines - _LINE * floor_div(lines, _LINE)
    return _LINE * (lines + 1 - smallest(1, beyond))


# ----- what it makes at inference -----


def made_at_inference(of: Recurrence, *, copied: bool = False) -> Quantity:
    """The most values that live at once inside it at inference, beside its input and its output.

    Args:
        copied: whether its input has to be copied, so that steps come before images.
    """
    output = of.directions * of.output if of.last else of.sequence
    finally_ = 3 * of.states + of.sequence  # the first states, the last, and those as one tensor
    found = [finally_, *(_of_kernels(of) if of.by_one_kernel else _of_cells(of, copied))]
    copy = of.steps * of.inputs if copied and of.by_one_kernel else 0
    return largest_of(found) + copy - output


def _of_kernels(of: Recurrence) -> Iterator[Quantity]:
    one = of.steps * of.output
    if of.directions == 2:
        yield 3 * of.states + 2 * of.sequence  # at the end what went into the last concatenation
        if of.layers > 1:
            yield 2 * of.states + 3 * of.sequence
    elif of.layers > 1:
        yield 2 * of.states + 2 * one


def _of_cells(of: Recurrence, copied: bool) -> Iterator[Quantity]:
    yield from _of_layer(of, of.layers - 1, copied and of.layers == 1)
    if copied and of.layers > 1:
        yield from _of_layer(of, 0, copied)


def _of_layer(of: Recurrence, layer: int, copied: bool) -> Iterator[Quantity]:
    """While one layer runs; `copied`: whether it takes a copy of the input of the whole."""
    cell = of.width if of.cell == "lstm" else 0
    before = layer * of.directions * (of.output + cell) + (of.sequence if layer else 0)
    alive = of.states + before
    products = of.gates * of.steps * of.width
    one = of.steps * of.output
    start = products
    if copied:
        start = products + largest(of.steps * of.inputs, products if of.bias else 0)
    if of.cell == "gru":
        within = (of.steps + 4) * of.width
    else:
        more = smallest(1, of.steps - 1)  # the cell of the step before, behind the first
        within = (of.steps - 1) * of.output + (7 + more) * of.width if cell else 0
    yield alive + start
    yield alive + products + within
    yield alive + products + 2 * one + cell  # the steps as one tensor
    if of.directions == 2:
        alive = alive + 2 * one + cell
        yield alive + products + start
        yield alive + products + within
        yield alive + products + 4 * one + cell  # both directions as one tensor
