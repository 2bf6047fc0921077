"""What torch runs for a layer in training: the operators that autograd records, one by one."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, TypeAlias

from archcalc.layers.effect import Extra
from archcalc.quantity.arithmetic import Quantity, certainly_one
from archcalc.record import Record, replace

# What an operator works on: an input of the layer, by its number; a tensor that the layer learns,
# or that an operator before it has made, by its name.
Tensor: TypeAlias = "int | str"


class Taking(Enum):
    """How a layer that runs `steps_first` takes an input for a product with weights."""

    AS_IT_LIES = "images within steps, without gaps"
    APART = "with gaps, so that the bias is added to a product, in a tensor of its own"
    COPIED = "a copy, since it cannot be seen as a matrix; and the bias as with gaps"
    APART_IN_ORDER = "as with gaps where there are several steps and images, else as it lies"
    COPIED_IN_ORDER = "a copy where there are several steps and images, else as it lies"


class Circumstances(NamedTuple):
    """What it depends on, beside the layer and its inputs, which operators run.

    Attributes:
        on_gpu: whether torch runs it there.
        in_half: whether it may run in half precision: the types do, or autocast has it so.
        behind_gaps: whether the values of its (first) input lie apart; of one that runs
            `steps_first`, in the order in which it takes them.
        copied: the values of an image that it copies for that reason before it does anything; 0
            where it takes its input as it lies.
        copied_inputs: the numbers of the inputs that it copies, of one that `reshapes_inputs`.
        taking: how it takes its inputs, each with its number, of one that runs `steps_first` and
            has several: those that it does not take as they lie.
        same: of each input the number of the first that is the same tensor in torch; None where it
            is not known which is.
        hands_on_indices: of a max pool, whether an unpooling takes its indices.
        images: how many there are.
        learns: whether it, or anything before it, learns.
        frozen: whether its own parameters do not learn.
        learning: the numbers of the inputs that are learned, or come from something that is.
        once: the numbers of the inputs that are there once, whatever the batch.
        scattered: the numbers of the inputs whose values may lie apart along the last axis, or
            stand for several.
        turned: the numbers of the inputs whose axes may lie in another order than their own. Of
            these and of what is scattered `memory_is_known` alone is told.
    """

    on_gpu: bool = False
    in_half: bool = False
    behind_gaps: bool = False
    copied: int = 0
    copied_inputs: tuple[int, ...] = ()
    taking: tuple[tuple[int, Taking], ...] = ()
    same: tuple[int | None, ...] = ()
    hands_on_indices: bool = False
    images: int = 1
    learns: bool = True
    frozen: bool = False
    learning: tuple[int, ...] = ()
    once: tuple[int, ...] = ()
    scattered: tuple[int, ...] = ()
    turned: tuple[int, ...] = ()

    @property
    def several_images(self) -> bool:
        """Whether there is more than one image."""
        return not certainly_one(self.images)


USUAL = Circumstances()


# Operators by which a layer computes in another type than that of its input.
TO_FLOAT32, FROM_FLOAT32 = "to_float32", "from_float32"


class Gradient(Enum):
    """How the gradient of what an operator takes comes about in the backward pass."""

    OWN = "own"  # a tensor of its own, of the size of what it is the gradient of
    SUMMED = "summed"  # first as large as the output, and then summed up to one of its own
    FITTED = "fitted"  # so where the output is larger, else one of its own
    SAME = "same"  # the gradient of the output itself, summed up to one of its own if larger
    REDUCED = "reduced"  # the gradient of the output itself, and then summed up to one of its own
    PART = "part"  # a view of a part of it
    SPREAD = "spread"  # a view of a single value
    NONE = "none"  # none comes back: the output is of integers
    REPEATED = "repeated"  # a view of each value, repeated along the axes that were reduced


class Order(Enum):
    """In which order the axes of a gradient lie in memory, where it is no view of the output's."""

    OWN = "own"  # one behind the other, as those of what it is the gradient of are counted
    # As those of the gradient of the output; as far as one value stands there for many, as those
    # of what the operator has kept.
    KEPT = "kept"
    ALONE = "alone"  # as those of the gradient of the output, whatever is kept
    GIVEN = "given"  # as those of what it is the gradient of lie
    CHANGED = "changed"  # in another: also of a view


class Part(NamedTuple):
    """How a part of the gradient of the output lies, within an image.

    Attributes:
        gaps: whether there are any, where the axes of the whole lie in their own order.
        permuted_gaps: and where they lie in another, the channels last.
        one_order: whether its axes have no other order, having one channel or one position.
        rows: whether it is a part along the last of several axes, some values of each row.
    """

    gaps: bool = False
    permuted_gaps: bool = True
    one_order: bool = False
    rows: bool = False


class Turn(NamedTuple):
    """How the axes of a tensor are taken apart into factors, and these put together in another way.

    Factors of one value, and axes of such, are left out. Factors are numbered in the order of the
    tensor's axes.

    Attributes:
        split: the factors of each axis of the tensor.
        joined: those of each axis of the output.
        items: whether the first axis of the tensor is that of its items; and that of the output.
    """

    split: tuple[tuple[int, ...], ...]
    joined: tuple[tuple[int, ...], ...]
    items: tuple[bool, bool]


class Taken(NamedTuple):
    """A tensor that an operator takes.

    Attributes:
        tensor: which.
        gradient: how its gradient comes about.
        order: how the axes of that lie.
        scratch: each tensor that is made on the way and freed: the values of it, of an image, or
            an `Extra` where it has another type, or is one for all images.
        always: whether its gradient is made even where nothing needs it, and freed when the
            operator has made all.
        viewed: whether its gradient is a view of what the operator makes, or has come to it.
        by_view: whether the operator takes a view of it, whose own node hands the gradient on when
            those of the operator itself have arrived.
        part: how it lies, where it is a part of the gradient of the output.
        turn: of an order that is changed, and of a view under another shape, how; None where
            channels that come last are put first, or the other way round.
        reduced: of a reduction, for each axis of more than one value whether it is reduced.
    """

    tensor: Tensor
    gradient: Gradient = Gradient.OWN
    order: Order = Order.OWN
    scratch: tuple[Quantity | Extra, ...] = ()
    always: bool = False
    viewed: bool = False
    by_view: bool = False
    part: Part = Part()
    turn: Turn | None = None
    reduced: tuple[bool, ...] = ()


class Kept(NamedTuple):
    """A tensor that is kept for the backward pass.

    Attributes:
        tensor: which; None for the output.
        towards: the tensor whose gradient needs it: it is not kept where that one has none.
            None where it is kept whatever has a gradient.
    """

    tensor: Tensor | None
    towards: Tensor | None = None


class Made(NamedTuple):
    """What an operator puts out behind its first output.

    Attributes:
        name: what later operators call it.
        values: as an `Operator`'s.
    """

    name: str
    values: Quantity


class Operator(Record):
    """One operator that autograd records.

    Attributes:
        name: what it does, by which autocast tells in which type it runs (`memory_use.autocast`).
        takes: what it takes, in torch's order.
        values: of its output: of an image, or in all where not `per_image`.
        kept: what of its neighbours it keeps.
        beside: what it makes beside its output, freed at once.
        beside_kept: what it makes beside its output, and keeps.
        view: its output lies where the first that it takes lies.
        into_view: whether it writes into a view: then the gradient is copied, and so is the part
            of it that is written to, before it asks for what it has kept (torch's `CopySlices`).
        per_image: whether the output has `values` for each image.
        makes: what later operators call its output; "" where it is the layer's.
        also: what it puts out behind that, each a view where that is one: a split has several
            outputs, and so has a cell of a recurrent layer. Backward it runs once, with the
            gradients that have come to any of them; in the place of one of a view that has none
            it makes zeros.
        holds: what earlier operators have made, beside their output too, and its caller still
            holds while it runs.
        reshapes: whether the gradient is brought into another shape, so that it is copied first
            where its axes lie in another order.
        merges: with how many axes of more than one value, from the first on, images are one axis
            in that shape, as for a matrix product, so that it is copied too where images lie apart,
            or these axes in another order.
        contiguous: whether it works on a copy of a gradient that lies in any way but its own.
        integer_bytes: bytes per value of its output, of one that makes integers.
    """

    name: str
    takes: tuple[Taken, ...]
    values: Quantity
    kept: tuple[Kept, ...] = ()
    beside: tuple[Extra, ...] = ()
    beside_kept: tuple[Extra, ...] = ()
    view: bool = False
    into_view: bool = False
    per_image: bool = True
    makes: str = ""
    also: tuple[Made, ...] = ()
    holds: tuple[str, ...] = ()
    reshapes: bool = False
    merges: int = 0
    contiguous: bool = False
    integer_bytes: int = 0


def once(operator: Operator) -> Operator:
    """The operator, of a layer that is there once, whatever the batch."""
    return replace(
        operator,
        per_image=False,
        beside=tuple([replace(extra, per_image=False) for extra in operator.beside]),
        beside_kept=tuple([replace(extra, per_image=False) for extra in operator.beside_kept]),
    )


def as_often(operator: Operator, items: Quantity) -> Operator:
    """The operator, on so many items where it is said of one."""
    if not operator.per_image:
        return operator

    def of_items(extras: tuple[Extra, ...]) -> tuple[Extra, ...]:
        found = []
        for extra in extras:
            values = extra.values * items if extra.per_image else extra.values
            found.append(replace(extra, values=values))
        return tuple(found)

    takes: list[Taken] = []
    for one in operator.takes:
        scratch: list[Quantity | Extra] = []
        for each in one.scratch:
            scratch += of_items((each,)) if isinstance(each, Extra) else [each * items]
        takes.append(one._replace(scratch=tuple(scratch)))
    return replace(
        operator,
        takes=tuple(takes),
        values=operator.values * items,
        merges=operator.merges and operator.merges + 1,  # with the items, the first axis
        also=tuple([made._replace(values=made.values * items) for made in operator.also]),
        beside=of_items(operator.beside),
        beside_kept=of_items(operator.beside_kept),
    )


def on_a_copy(operator: Operator, values: Quantity) -> tuple[Operator, Operator]:
    """The operator, on a copy of the layer's input that has no gaps, which it keeps instead."""
    first, *others = operator.takes
    on_it = replace(
        operator,
        takes=(first._replace(tensor="copied"), *others),
        kept=tuple([Kept("copied" if one == 0 else one, to) for one, to in operator.kept]),
    )
    return Operator("clone", (Taken(0, Gradient.SAME),), values, makes="copied"), on_it


def on_a_padded_copy(operator: Operator, padded: Extra) -> tuple[Operator, Operator]:
    """The operator, on a padded copy of the layer's input, which it keeps."""
    first, *others = operator.takes
    on_it = replace(
        operator,
        takes=(first._replace(tensor="padded"), *others),
        kept=(Kept("padded"), *[one for one in operator.kept if isinstance(one.tensor, str)]),
        beside=tuple([extra for extra in operator.beside if extra != padded]),
        beside_kept=tuple([extra for extra in operator.beside_kept if extra != padded]),
    )
    return Operator("pad", (Taken(0),), padded.values, makes="padded"), on_it
