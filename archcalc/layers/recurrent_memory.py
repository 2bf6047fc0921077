"""What torch keeps, and makes on the way, where it runs a recurrent layer on the CPU in float32.

An LSTM without a projection is one kernel of oneDNN for each layer and direction. All else is
written out step by step: a product of all inputs, then for each step one of the state, and the
gates, partly in place. Sources: torch, aten/src/ATen/native/RNN.cpp and mkldnn/RNN.cpp; oneDNN,
`rnn_utils::set_offsets` and `get_good_ld` (src/cpu/rnn/rnn_utils.cpp).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archcalc.errors import UsageError
from archcalc.layers.effect import Extra, Saved, Towards
from archcalc.layers.operator import Taking
from archcalc.quantity.arithmetic import (
    Quantity,
    ceil_div,
    floor_div,
    largest,
    largest_of,
    smallest,
)
from archcalc.quantity.conditions import is_symbol

FLOAT32 = 4  # bytes per value
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
    found: list[Saved | Extra] = []
    if of.by_one_kernel:
        found.append(Saved.INPUT)
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
        found.append(Saved.INPUT_FOR_WEIGHTS)
        each, for_weights = kept_by_cell(of)
        passes = of.layers * of.directions
        found.append(Extra("intermediate", passes * each))
        for_weights = passes * (for_weights + of.output) + between  # with the first states
        found.append(Extra("intermediate", for_weights, towards=Towards.WEIGHTS))
    if of.dropout and of.layers > 1:
        found += [dropout_mask(of)] * (of.layers - 1)
    return tuple(found)


def kept_by_cell(of: Recurrence) -> tuple[Quantity, Quantity]:
    """What the steps of one layer in one direction keep, where they are written out.

    The gates after their functions and what they are multiplied with; for the gradient of the
    weights, which is the second, of each state but the last what the next step multiplies, and of
    each what is projected.
    """
    if of.cell == "rnn":
        return of.steps * of.width, 0
    if of.cell == "gru":
        return of.steps * 6 * of.width, (of.steps - 1) * of.width
    # The gates, what the last of them multiplies, and the cells from the first one on.
    return of.steps * 6 * of.width, of.steps * of.width + (of.steps - 1) * of.output


def dropout_mask(of: Recurrence) -> Extra:
    """The mask of a dropout between two layers; at p = 1 torch multiplies by a single zero."""
    if of.dropout == 1:
        return Extra("mask", 1, per_image=False)
    return Extra("mask", of.sequence)


def stand_ins(of: Recurrence, one: Pass) -> list[Extra]:
    """The zeros that stand for the biases of a kernel, each as large as a matrix of weights."""
    rows = of.gates * of.width
    each = (rows * of.width, rows * one.inputs)
    return [Extra("intermediate", values, per_image=False) for values in each]


def onednn_workspace(of: Recurrence, one: Pass) -> list[Extra]:
    """What oneDNN keeps of one layer in one direction: gates, states, and room for gradients."""
    rows = 2 * (of.steps + 1)  # of the layer and before it, of each step and before the first
    widest = rows * _row(largest(one.inputs, of.width))
    parts = [of.steps * _row(4 * of.width), of.steps * _row(of.width), *[widest] * 3]
    parts += [rows * of.width] * 2  # of the cells, whose rows have no gaps
    return [OfKernel("intermediate", values, multiple=_PAGE) for values in parts]


def _row(values: Quantity) -> Quantity:
    """How far apart oneDNN lays rows: whole lines, but no multiple of 256 values."""
    lines = ceil_div(values, _LINE)
    beyond = lines - _LINE * floor_div(lines, _LINE)
    return _LINE * (lines + 1 - smallest(1, beyond))


# ----- what it makes at inference -----


class OfKernel(Extra):
    """What oneDNN's kernel takes, which is known in float32 alone.

    In half precision it depends on the CPU whether torch has such a kernel, and what that takes.
    """

    def bytes_for(self, images: Quantity, floating: int) -> Quantity:
        # Of any type the formula is that of float32: memory counts as unknown in the others.
        if not is_symbol(floating) and floating != FLOAT32:
            raise UsageError(
                "what an lstm without a projection takes in half precision depends on the CPU; "
                "take float32"
            )
        return super().bytes_for(images, floating)


class MostOf(OfKernel):
    """The most of what is alive at several moments, at some of them with what is there once.

    Attributes:
        values: of an image, at the moments at which there is nothing else; those of all items.
        of_one: as `values`, of one item.
        moments: others: the values of an image, of one item, and those that are there in all.
    """

    of_one: Quantity = 1
    moments: tuple[tuple[Quantity, Quantity], ...] = ()

    def bytes_for(self, images: Quantity, floating: int) -> Quantity:
        whole = super().bytes_for(images, floating)
        images = images * floor_div(self.values, self.of_one)
        others = [(values * images + once) * floating for values, once in self.moments]
        return largest_of([whole, *others])


def made_at_inference(of: Recurrence) -> Extra:
    """The most that lives at once inside it at inference, beside its input and its output."""
    values = values_at_inference(of)
    if not of.by_one_kernel:
        return Extra("intermediate", values)
    if of.bias:
        return OfKernel("intermediate", values)
    output = of.directions * of.output if of.last else of.sequence
    moments = []
    for number, one in enumerate(of.passes(), 1):
        if one.reverse or of.directions == 1:  # as much is alive before, or more
            each = of.states + number * (of.output + of.width) + _within_kernel(of, one)
            zeros = sum([extra.values for extra in stand_ins(of, one)])
            moments.append((each - output, zeros))
    return MostOf("intermediate", values, of_one=values, moments=tuple(moments))


def _within_kernel(of: Recurrence, one: Pass) -> Quantity:
    """What is alive of outputs while a kernel runs, the last one of a layer.

    Those of both directions of the layer before live on when they have become one tensor.
    """
    if of.directions == 1:
        return of.sequence * (2 if one.layer else 1)
    return of.sequence + (of.sequence + of.steps * of.output if one.layer else 0)


def values_at_inference(of: Recurrence, how: Taking = Taking.AS_IT_LIES) -> Quantity:
    """The most values that live at once inside it at inference, beside its input and its output.

    Stand-ins of biases do not count. Where a kernel takes a copy of the input, that comes on top.
    """
    output = of.directions * of.output if of.last else of.sequence
    finally_ = 3 * of.states + of.sequence  # the first states, the last, and those as one tensor
    found = [finally_, *(_of_kernels(of) if of.by_one_kernel else _of_cells(of, how))]
    return largest_of(found) - output


def _of_kernels(of: Recurrence) -> Iterator[Quantity]:
    one = of.steps * of.output
    if of.directions == 2:
        yield 3 * of.states + 2 * of.sequence  # at the end what went into the last concatenation
        if of.layers > 1:
            yield 2 * of.states + 3 * of.sequence
    elif of.layers > 1:
        yield 2 * of.states + 2 * one


def _of_cells(of: Recurrence, how: Taking) -> Iterator[Quantity]:
    yield from _of_layer(of, of.layers - 1, how if of.layers == 1 else Taking.AS_IT_LIES)
    if how is not Taking.AS_IT_LIES and of.layers > 1:
        yield from _of_layer(of, 0, how)


def _of_layer(of: Recurrence, layer: int, how: Taking) -> Iterator[Quantity]:
    """While one layer runs, which takes what it takes in such a way."""
    cell = of.width if of.cell == "lstm" else 0
    before = layer * of.directions * (of.output + cell) + (of.sequence if layer else 0)
    alive = of.states + before
    products = of.gates * of.steps * of.width
    one = of.steps * of.output
    start = products
    if how is not Taking.AS_IT_LIES:
        copy = of.steps * of.inputs if how is Taking.COPIED else 0
        start = products + largest(copy, products if of.bias else 0)
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
