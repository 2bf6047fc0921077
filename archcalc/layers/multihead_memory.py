"""What torch keeps, and makes on the way, where it runs its module of attention on the CPU.

It puts positions before images, projects queries, keys and values by as few products as it can,
and puts these apart by a copy. It attends by its fused kernel, whose output lies as the queries do,
and so as a matrix for the last product; with dropout, in training, by two products and a softmax.
Source: torch, `multi_head_attention_forward` and `_in_projection_packed` (torch/nn/functional.py),
`_scaled_dot_product_attention_math` (aten/src/ATen/native/transformers/attention.cpp).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from archcalc.layers.effect import COPY, Extra, Saved, Towards
from archcalc.layers.operator import Taking
from archcalc.quantity.arithmetic import Quantity, floor_div, largest, largest_of, smallest

_LEAST_OF_STATISTICS = 4  # bytes per value


class Projection(NamedTuple):
    """A product with weights, of which queries, keys or values are made, or several of these.

    Attributes:
        makes: "q", "k", "v", several of them where they are parts of one product.
        of: those of them that are made of the same tensor, as torch sees it.
        number: that of the input that it is of.
        steps, features: of that input.
        outputs: the features of each that it makes.
    """

    makes: str
    of: str
    number: int
    steps: Quantity
    features: Quantity
    outputs: Quantity

    @property
    def values(self) -> Quantity:
        """Of all that it makes."""
        return len(self.makes) * self.steps * self.outputs


class Attending(NamedTuple):
    """All that the memory of an attention depends on.

    Attributes:
        queries, steps: how many queries there are, and how many keys.
        width: the features of a query, and of all that is projected.
        heads: as the layer's.
        bias: whether products have one.
        packed: whether the weights of all three are one tensor.
        causal, dropout: as the layer's.
        projections: in order.
    """

    queries: Quantity
    steps: Quantity
    width: Quantity
    heads: Quantity
    bias: bool
    packed: bool
    causal: bool
    dropout: float
    projections: tuple[Projection, ...]

    @property
    def output(self) -> Quantity:
        """The values of what attention makes, and of what it is projected to."""
        return self.queries * self.width

    @property
    def projected(self) -> Quantity:
        """The values of queries, keys and values together."""
        return sum([one.values for one in self.projections])

    @property
    def statistics(self) -> Extra:
        """What the kernel makes beside its output: a number for each query and head."""
        return Extra("statistics", self.heads * self.queries, least_bytes=_LEAST_OF_STATISTICS)

    @property
    def scores(self) -> Quantity:
        """How many numbers say how much a query attends to a key."""
        return self.heads * self.queries * self.steps

    @property
    def noise(self) -> Extra:
        """By what dropout multiplies the scores: at p = 1 by a single zero."""
        whole = self.dropout == 1
        return Extra("mask", 1 if whole else self.scores, per_image=not whole)


def kept(of: Attending) -> tuple[Saved | Extra, ...]:
    """What it keeps for the backward pass beside its parameters."""
    if of.dropout:
        (values,) = [one.values for one in of.projections if "v" in one.makes]
        scaled = of.output + of.steps * of.width  # queries and keys
        made = Extra("intermediate", scaled + 2 * of.scores + values)
        rows = Extra("intermediate", of.output, towards=Towards.WEIGHTS)
        return (Saved.INPUT_FOR_WEIGHTS, made, of.noise, rows)
    made = Extra("intermediate", of.projected + of.output)
    return (Saved.INPUT_FOR_WEIGHTS, made, of.statistics)


def copies_kept(of: Attending, taking: Mapping[int, Taking]) -> dict[int, Extra]:
    """What it keeps in the place of inputs, by their number: of each product a copy of its own."""
    found = {}
    for number, how in taking.items():
        if how in (Taking.COPIED, Taking.COPIED_IN_ORDER):
            each = [one.steps * one.features for one in of.projections if one.number == number]
            found[number] = Extra(COPY, sum(each))
    return found


def several(steps: Quantity) -> Quantity:
    """1 where there are several steps, else 0."""
    return smallest(1, steps - 1)


# ----- what it makes at inference -----


class Moment(NamedTuple):
    """What is alive inside at once, of an image.

    Attributes:
        values: in any case.
        in_order: beside that, where there are several images, and several steps: how many, too.
        apart: beside that, where there are several steps of any image: how many, too.
        statistics: those of the kernel.
    """

    values: Quantity
    in_order: tuple[tuple[Quantity, Quantity], ...] = ()
    apart: tuple[tuple[Quantity, Quantity], ...] = ()
    statistics: Quantity = 0


class Within(Extra):
    """The most of what is alive at several moments, beyond the most at others.

    Attributes:
        of_one: as `values`, of one item.
        moments, others: these moments.
    """

    of_one: Quantity = 1
    moments: tuple[Moment, ...] = ()
    others: tuple[Moment, ...] = ()

    def bytes_for(self, images: Quantity, floating: int) -> Quantity:
        images = images * floor_div(self.values, self.of_one)
        most, beyond = (
            largest_of([_bytes_at(moment, images, floating) for moment in moments])
            for moments in (self.moments, self.others)
        )
        return most - beyond


def _bytes_at(moment: Moment, images: Quantity, floating: int) -> Quantity:
    values = moment.values
    for more, steps in moment.in_order:
        values = values + more * several(steps) * several(images)
    for more, steps in moment.apart:
        values = values + more * several(steps * images)
    each = largest(floating, _LEAST_OF_STATISTICS)
    return images * (values * floating + moment.statistics * each)


def made_at_inference(of: Attending) -> Within:
    """The most that lives at once inside it at inference, beside its inputs and its output."""
    return Within(
        "intermediate", of.output, of_one=of.output, moments=tuple(_moments(of, {})),
        others=(Moment(of.output),),
    )  # fmt: skip


def made_by_taking(of: Attending, usual: Attending, taking: Mapping[int, Taking]) -> Within:
    """What it makes more than `usual`, the same with each input as it lies.

    `taking` says how it takes each input, by its number.
    """
    beyond = tuple(_moments(usual, {}))
    moments = tuple(_moments(of, taking))
    return Within("intermediate", of.output, of_one=of.output, moments=moments, others=beyond)


def _moments(of: Attending, taking: Mapping[int, Taking]) -> Iterator[Moment]:
    before: Quantity = 0
    for one in of.projections:
        how = taking.get(one.number, Taking.AS_IT_LIES)
        yield from _taken(one, how, before, of.bias)
        if len(one.makes) > 1:  # put apart
            yield Moment(before + one.values, apart=((one.values, one.steps),))
        before = before + one.values
    yield Moment(before + of.output, statistics=of.statistics.values)
    yield Moment(2 * of.output)


def _taken(one: Projection, how: Taking, before: Quantity, bias: bool) -> Iterator[Moment]:
    """While a product runs, and the bias is added to it."""
    values, copy = before + one.values, one.steps * one.features
    again = one.values if bias else 0
    if how in (Taking.COPIED_IN_ORDER, Taking.APART_IN_ORDER):
        copy = copy if how is Taking.COPIED_IN_ORDER else 0
        yield Moment(values, in_order=((copy, one.steps),))
        yield Moment(values, in_order=((again, one.steps),))
        return
    yield Moment(values + (copy if how is Taking.COPIED else 0))
    if how is not Taking.AS_IT_LIES:
        yield Moment(values + again)
