"""What a layer answers about an input: its effect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from functools import cached_property

from archcalc.feature_map import FeatureMap
from archcalc.layers.state import Role, State, values_of
from archcalc.quantity.arithmetic import Quantity, ceil_div, largest
from archcalc.record import Record, replace
from archcalc.window import Reach, Windows

COPY = "copy of its input"  # an `Extra`


class Saved(Enum):
    """A tensor that the layer shares with its neighbours and keeps for the backward pass."""

    INPUT = "input"
    INPUT_FOR_ITS_GRADIENT = "input, where that has a gradient"
    INPUT_FOR_WEIGHTS = "input, where the weights have a gradient"
    OUTPUT = "output"


class Towards(Enum):
    """The gradients for which something is kept: it is not where there are none of these."""

    ANY = "any"
    INPUTS = "inputs"
    WEIGHTS = "weights"


class Extra(Record):
    """A tensor that the layer makes beside its output.

    Attributes:
        what: "indices", "mask", "statistics", "random state", "intermediate", "weight" or "copy of
            its input".
        values: how many values; per image, or in all where not `per_image`.
        bytes_each: bytes per value; None where they have the dtype of the activations.
        per_image: whether there is one such tensor for each image of the batch.
        least_bytes: bytes per value that it has at the least, whatever the dtype.
        towards: the gradients for which it is kept, where it is.
        multiple: bytes, to a multiple of which a library rounds it up for the whole batch.
    """

    what: str
    values: Quantity
    bytes_each: int | None = None
    per_image: bool = True
    least_bytes: int = 1
    towards: Towards = Towards.ANY
    multiple: int = 1

    def bytes_for(self, images: Quantity, floating: int) -> Quantity:
        """Its bytes for so many images, where activations have `floating` bytes a value."""
        each = self.bytes_each or largest(floating, self.least_bytes)
        exactly = self.values * (images if self.per_image else 1) * each
        return exactly if self.multiple == 1 else ceil_div(exactly, self.multiple) * self.multiple


class Operands(Record):
    """What is kept of inputs that are combined two at a time, and of what each two make.

    A factor is kept towards the gradient of the one that it meets, and so only where that one, or
    anything before it, learns; a divisor also towards its own.

    Attributes:
        order: numbers of the inputs, in the order in which they are combined.
        made: what the first two make, what that and the third make, and so on without the last.
        towards_own: whether the first of each two is kept also towards its own gradient, and
            whether the second is.
    """

    order: tuple[int, ...]
    made: tuple[Extra, ...]
    towards_own: tuple[bool, bool] = (False, False)

    def kept(self, learns: Sequence[bool]) -> Iterator[int | Extra]:
        """The operands that are kept: numbers of inputs, and what others have made.

        `learns` says of each input, by its number, whether it or anything before it learns.
        """
        so_far: int | Extra = self.order[0]
        learned = learns[self.order[0]]
        first, second = self.towards_own
        for place, number in enumerate(self.order[1:]):
            if learns[number] or (first and learned):
                yield so_far
            if learned or (second and learns[number]):
                yield number
            learned = learned or learns[number]
            if place < len(self.made):
                so_far = self.made[place]


class Storage(Enum):
    """Whether the output has memory of its own."""

    OWN = "own"
    SHARED = "shared"  # always a view of the (first) input
    SHARED_AT_INFERENCE = "shared at inference"  # does nothing at inference: dropout


class Effect(Record):
    """All that a layer answers about one input. No field has a default: a zero is written.

    Attributes:
        output: shape of the output, per image.
        windows: what it slides along each spatial axis of its input, or how far it reaches.
        state: the tensors that it keeps between images: those that it learns, and its buffers.
        macs: multiply-accumulates of convolutions and matrix products, per image.
        other_ops: all other arithmetic operations, per image, at inference: one for each
            addition, multiplication, comparison or elementary function.
        saved: what autograd keeps for the backward pass in training, as torch does it.
        workspace: the most that lives at once inside the layer at inference, beside its inputs
            and its output, as torch does it; freed when the layer is done.
        storage: whether the output has memory of its own.
    """

    output: FeatureMap
    windows: Windows
    state: State
    macs: Quantity
    other_ops: Quantity
    saved: tuple[Saved | Extra | Operands, ...]
    workspace: tuple[Extra, ...]
    storage: Storage

    @cached_property
    def parameters(self) -> State:
        """The tensors of the state that are learned."""
        return tuple([tensor for tensor in self.state if tensor.role is not Role.BUFFER])

    @cached_property
    def weights(self) -> Quantity:
        """The number of learned weights."""
        return values_of(self.state, Role.WEIGHT)

    @cached_property
    def biases(self) -> Quantity:
        """The number of learned biases."""
        return values_of(self.state, Role.BIAS)

    @cached_property
    def buffers(self) -> Quantity:
        """The number of values that are kept and not learned."""
        return values_of(self.state, Role.BUFFER)


def multiplied(effect: Effect, items: Quantity) -> Effect:
    """The effect on so many items, each with the same weights, from that on one."""

    def of_items(extra: Extra) -> Extra:
        return replace(extra, values=extra.values * items) if extra.per_image else extra

    saved: list[Saved | Extra | Operands] = []
    for one in effect.saved:
        if isinstance(one, Operands):
            saved.append(replace(one, made=tuple(map(of_items, one.made))))
        else:
            saved.append(of_items(one) if isinstance(one, Extra) else one)
    return replace(
        effect,
        output=replace(effect.output, items=items),
        macs=effect.macs * items,
        other_ops=effect.other_ops * items,
        saved=tuple(saved),
        workspace=tuple([of_items(extra) for extra in effect.workspace]),
    )


def pointwise(
    x: FeatureMap,
    *,
    ops_each: Quantity,
    saved: tuple[Saved | Extra | Operands, ...],
    state: State = (),
    workspace: tuple[Extra, ...] = (),
    storage: Storage = Storage.OWN,
    output: FeatureMap | None = None,
) -> Effect:
    """The effect of a layer without MACs whose units see their own position alone.

    Args:
        ops_each: arithmetic operations for each value of the output.
        output: the shape of the output where it is not that of the input.
    """
    out = output or x
    return Effect(
        output=out,
        windows=Reach.SAME,
        state=state,
        macs=0,
        other_ops=ops_each * out.values if ops_each else 0,
        saved=saved,
        workspace=workspace,
        storage=storage,
    )


def without_parameters(
    output: FeatureMap,
    windows: Windows,
    *,
    ops: Quantity = 0,
    saved: tuple[Saved | Extra, ...] = (),
    workspace: tuple[Extra, ...] = (),
    storage: Storage = Storage.OWN,
) -> Effect:
    """The effect of a layer that slides `windows` and learns nothing, with `ops` operations."""
    return Effect(
        output=output,
        windows=windows,
        state=(),
        macs=0,
        other_ops=ops,
        saved=saved,
        workspace=workspace,
        storage=storage,
    )
