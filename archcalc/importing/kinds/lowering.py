"""Operations as layers: what is known while they are gone through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from archcalc.feature_map import INTEGERS, FeatureMap
from archcalc.importing.kinds.axes import (
    Axes,
    Axis,
    Factor,
    Sizes,
    axis_of,
    batch_axis,
    factor,
    factors_of,
    regrouped,
    replaced,
    size_of,
    without_batch,
)
from archcalc.importing.kinds.drafts import Draft, NotCoveredError, Value, map_after, settled
from archcalc.importing.kinds.rearranging import Copy, move, sizes_of
from archcalc.importing.trace import PARAMETER, Operation, Ref, Tensor, Trace

# Of the first tensor that they are given, these take nothing but the shape.
_OF_SHAPES = frozenset(
    (
        "new_zeros", "new_ones", "new_full", "new_empty", "new_tensor", "zeros_like",
        "ones_like", "full_like", "empty_like", "rand_like", "randn_like", "zero", "fill", "copy",
    )
)  # fmt: skip
_AXES = {1: "c", 2: "nc", 3: "chw", 4: "cthw"}


class Taken:
    """An input of a layer: the values of a tensor, in the order in which the layer takes them.

    Attributes:
        draft: the layer that puts them out.
        value: the tensor.
        batch: which of its axes the batch is in; None where it is in none.
        apart: factors of that axis which the layer has as axes of their own.
    """

    def __init__(self, draft: Draft, value: Value, batch: int | None, apart: Axis = ()) -> None:
        self.draft, self.value, self.batch, self.apart = draft, value, batch, apart

    def axis(self, number: int) -> int:
        """The number of an axis of the tensor, as the layer numbers it.

        Raises:
            NotCoveredError: it is that of the batch.
        """
        number %= len(self.value.axes)
        if self.batch is None:
            return number
        if number == self.batch:
            raise NotCoveredError("works along the batch")
        return number if number < self.batch else number - 1 + len(self.apart)

    def last_or(self, number: int) -> int:
        """As `axis`, but the last one as -1."""
        found = self.axis(number)
        return -1 if 0 < found == self.rank - 1 else found

    @property
    def rank(self) -> int:
        """The number of axes that the layer takes."""
        return self.map.rank

    @property
    def map(self) -> FeatureMap:
        """The shape that the layer takes."""
        assert self.draft.map is not None
        return self.draft.map


class Lowering:
    """The layers of a trace, as far as its operations have been gone through."""

    def __init__(self, trace: Trace, lower: Callable[[Operation, Lowering], None]) -> None:
        """For a trace; `lower` makes layers of an operation."""
        self.trace = trace
        self.lower: Callable[[Operation], None] = lambda operation: lower(operation, self)
        self.waiting: dict[int, Operation] = {}  # by each of its outputs
        self.batch = Factor(0, trace.batches, is_batch=True)
        self.one_image = trace.batches == (1,)  # where what is done differs with the batch
        self.drafts: list[Draft] = []
        self.values: dict[int, Value] = {}
        self.of_images = {*trace.inputs.values()}
        self.learned = {n for n, held in trace.held.items() if held.role == PARAMETER}
        self.owners: dict[int, Draft] = {}  # of the tensors that the model holds
        self.left: list[int] = []  # the tensors that operations took which gave no value
        self.notes: dict[str, list[str]] = {}  # what they say, and of what
        self.users: dict[int, list[Operation]] = {}  # of each tensor, the operations that take it
        self.makers: dict[int, Operation] = {}  # of each tensor, the operation that made it
        self.depend_on_images(trace.operations)

    def depend_on_images(self, operations: Sequence[Operation]) -> None:
        """Finds which tensors of some operations depend on an input, and which on what learns."""
        for operation in operations:
            self.makers |= dict.fromkeys(operation.outputs, operation)
            taken = {*tensors_in(operation.arguments)}
            for number in taken:
                self.users.setdefault(number, []).append(operation)
            if operation.operator in _OF_SHAPES:
                taken = {*tensors_in({**operation.arguments, "input": None})}
            for kind in (self.of_images, self.learned):
                if not taken.isdisjoint(kind):
                    kind.update(operation.outputs)

    # ----- tensors -----

    def sizes(self, number: int) -> list[Sizes]:
        """The size of each axis of a tensor, in each run."""
        return [*zip(*self.trace.tensors[number].shapes, strict=True)]

    def is_empty(self, number: int) -> bool:
        """Whether nothing is in a tensor, such as where nothing was found in an image."""
        return 0 in self.trace.tensors[number].shapes[0]

    def value(self, number: int) -> Value:
        """What a tensor is. What does not depend on an input is made of the model now, if ever."""
        if number in self.waiting:
            operation = self.waiting[number]
            for output in operation.outputs:
                del self.waiting[output]
            self.lower(operation)
        if number not in self.values:
            if self.is_empty(number):
                raise NotCoveredError("takes a tensor of no values")
            self.values[number] = self._source(number)
        return self.values[number]

    def _source(self, number: int) -> Value:
        held = self.trace.held.get(number)
        draft = Draft("parameter")
        draft.learned = held is not None and held.role == PARAMETER
        if held is not None:
            draft.name = held.name
            draft.held = {"weight": number} if draft.learned else {}
        if number in self.owners and draft.learned:
            raise NotCoveredError("takes a parameter as it is that a layer holds")
        sizes = self.sizes(number)
        if any(len({*each}) > 1 for each in sizes):
            axes = self._axes_with_batch(number, None)
            base: Axes = ((), *[without_batch(axis) for axis in axes])
            return Value(draft, base, axes, of_images=False)
        axes = tuple([axis_of(each) for each in sizes])
        return Value(draft, ((), *axes), axes, of_images=False)

    def _axes_with_batch(self, number: int, like: Axis | None) -> Axes:
        """Axes of a tensor of images; where only one batch was run, the batch is as in `like`."""
        sizes = self.sizes(number)
        varying = [n for n, each in enumerate(sizes) if len({*each}) > 1]
        if len(varying) != 1:
            raise NotCoveredError(f"has the batch in {len(varying)} axes")
        (found,) = varying
        return tuple(
            [
                self.axis_with_batch(each, like) if n == found else axis_of(each)
                for n, each in enumerate(sizes)
            ]
        )

    def axis_with_batch(self, sizes: Sizes, like: Axis | None) -> Axis:
        """An axis that the batch is in; with factors as those of `like`, where these fit."""
        folded = {
            n // b if n % b == 0 else 0 for n, b in zip(sizes, self.trace.batches, strict=True)
        }
        if len(folded) != 1 or 0 in folded:
            raise NotCoveredError("does not have a size that is the batch's, or a multiple")
        (items,) = folded
        if like is not None and size_of(like) == items:
            return tuple([each if each.is_batch else factor(each.sizes) for each in like])
        return (self.batch, *axis_of((items,) * len(sizes)))

    # ----- inputs of layers -----

    def node(
        self, value: Value, target: Axes, operation: Operation | None, copy: Copy = "needed"
    ) -> Draft:
        """The layer that puts out the values of a tensor as a map of some axes, items first.

        `copy`: which of them it copies; by default a view wherever there can be one.
        """
        base = value.base
        if value.draft.kind == "parameter" and value.draft.map is None:
            if [*factors_of(base)] == [*factors_of(target)]:
                return self._placed(value.draft, sizes_of(target[1:]), operation)
            self._placed(value.draft, [n for n in sizes_of(base[1:]) if n != 1] or [1], operation)
        if value.draft.kind == "parameter":
            assert value.draft.map is not None
            sizes = [(n,) * len(self.trace.batches) for n in value.draft.map.shape]
            found = regrouped(base, sizes)
            if found is None:
                raise NotCoveredError("takes a parameter in two ways")
            base, target = ((), *replaced(found[0], found[1])), replaced(target, found[1])
        if base == target:
            return value.draft
        moved = move(base, target, value.draft.axes, copy)
        text = f"{moved.kind} {moved.fields}"
        if text not in value.draft.views:
            made = self.add(moved.kind, (value.draft,), moved.fields, value.by or operation)
            made.axes = moved.axes
            value.draft.views[text] = made
        return value.draft.views[text]

    def _placed(self, draft: Draft, shape: Sequence[int], operation: Operation | None) -> Draft:
        draft.fields = {"shape": [*shape]} | ({} if draft.learned else {"learned": False})
        draft.map = FeatureMap(shape[0], tuple(shape[1:]))
        draft.operation = operation
        draft.axes = tuple(_AXES.get(len(shape), ""))
        self.drafts.append(draft)
        for number in draft.held.values():
            self.owners[number] = draft
        return draft

    def take(
        self,
        value: Value,
        operation: Operation | None,
        *,
        apart: bool = False,
        first: bool = False,
    ) -> Taken:
        """A tensor as the input of a layer: without the batch, what is folded into it as items.

        Args:
            apart: whether the layer does the same with these items as axes of their own, so that
                they may be that where it takes no rearrangement.
            first: whether the layer's operator takes the batch as its first axis, and so of a
                source an axis of one value.
        """
        along = batch_axis(value.axes)
        if along is None:
            if value.of_images and not self.one_image:
                raise NotCoveredError("has lost its batch")
            axes = value.axes[1:] if first and value.axes[:1] == ((),) else value.axes
            return Taken(self.node(value, ((), *(axes or ((),))), operation), value, None)
        items = without_batch(value.axes[along])
        others = value.axes[:along] + value.axes[along + 1 :]
        if apart and items:
            target: Axes = (
                (), *value.axes[:along], *[(each,) for each in items], *value.axes[along + 1 :]
            )  # fmt: skip
            if target == value.base:
                return Taken(self.node(value, target, operation), value, along, items)
        target = (items, *(others or ((),)))
        return Taken(self.node(value, target, operation), value, along)

    # ----- layers -----

    def add(
        self,
        kind: str,
        inputs: tuple[Draft, ...],
        fields: Mapping[str, Any],
        operation: Operation | None,
    ) -> Draft:
        """A layer.

        Raises:
            NotCoveredError: its kind refuses its inputs.
        """
        draft = Draft(kind, inputs, settled(kind, fields), operation=operation)
        maps = [each.map for each in inputs if each.map is not None]
        draft.map = map_after(kind, fields, maps)
        draft.axes = self._called(draft)
        self.drafts.append(draft)
        return draft

    def _called(self, draft: Draft) -> tuple[str, ...]:
        assert draft.map is not None
        rank = draft.map.rank
        for each in draft.inputs[:1]:
            if len(each.axes) == rank:
                return each.axes
        return tuple(_AXES.get(rank, ""))

    def give(
        self,
        draft: Draft,
        number: int,
        *,
        of_images: bool,
        batch: int | None = None,
        like: Axis | None = None,
        apart: Axis = (),
    ) -> Value:
        """Says that a tensor is the output of a layer, and checks its sizes.

        Args:
            batch: the axis that the batch is in, where only one batch was run.
            like: the axis that the batch is in, in what the layer takes.
            apart: the factors of that axis which the layer has as axes of their own.

        Raises:
            NotCoveredError: the layer makes other sizes of its inputs.
        """
        sizes = self.sizes(number)
        if of_images or any(len({*each}) > 1 for each in sizes):
            axes = self.axes_of_output(number, batch, like)
        else:
            axes = tuple([axis_of(each) for each in sizes])
        along = batch_axis(axes)
        if along is None:
            base: Axes = ((), *(axes or ((),)))
        else:
            items, others = without_batch(axes[along]), axes[:along] + axes[along + 1 :]
            base = (items, *(others or ((),)))
            if apart and len(items) == len(apart):
                spread = tuple([(each,) for each in items])
                base = ((), *axes[:along], *spread, *axes[along + 1 :])
        assert draft.map is not None
        made = [draft.map.items, *draft.map.shape]
        if along is None and len(base) > len(made) and not base[1]:
            base = ((), *base[2:])  # a source was taken without the axis that would be the batch's
        if made != sizes_of(base):
            raise NotCoveredError(f"makes {draft.map} and not {sizes_of(base)}")
        self.values[number] = Value(draft, base, axes, of_images)
        return self.values[number]

    def axes_of_output(self, number: int, batch: int | None, like: Axis | None) -> Axes:
        """The axes of a tensor of images that an operator makes; arguments as for `give`."""
        sizes = self.sizes(number)
        if len(self.trace.batches) > 1:
            return self._axes_with_batch(number, like)
        if batch is None or batch >= len(sizes):
            if self.one_image:
                return tuple([axis_of(each) for each in sizes])
            raise NotCoveredError("has no batch that could be found")
        return tuple(
            [
                self.axis_with_batch(each, like) if n == batch else axis_of(each)
                for n, each in enumerate(sizes)
            ]
        )

    def hold(self, draft: Draft, held: Mapping[str, int]) -> None:
        """Says which tensors of the model a layer holds, by their names in torch; they may be
        another layer's already, whose weights it then shares.

        Raises:
            NotCoveredError: they are of several layers, or taken as they are.
        """
        draft.held = dict(held)
        own = {number: self.owners[number] for number in held.values() if number in self.owners}
        owners = {id(owner): owner for owner in own.values()}
        if not owners:
            self.owners |= dict.fromkeys(held.values(), draft)
            return
        (owner, *more) = owners.values()
        if more or owner.kind == "parameter" or "weight" not in owner.held:
            raise NotCoveredError("shares parameters in a way that no spec can say")
        alike = owner.kind == draft.kind and {*owner.held.values()} == {*held.values()}
        weight = owner.held["weight"] == held.get("weight") and len(own) == 1
        if not alike and not (weight and owner.kind != draft.kind):
            raise NotCoveredError("shares parameters in a way that no spec can say")
        draft.weights = owner
        self.owners |= {number: draft for number in held.values() if number not in own}

    def note(self, text: str, what: str) -> None:
        """What whoever sees the figures should know, and of what: a layer, or a parameter."""
        self.notes.setdefault(text, []).append(what)

    def told(self) -> tuple[str, ...]:
        """All notes, a sentence each."""
        return tuple([f"{text}: {_some(what)}" for text, what in self.notes.items()])

    def dtype(self, number: int) -> str | None:
        """The dtype of integers, as a spec has it; None of floats."""
        name = self.tensor(number).dtype
        return name if name in INTEGERS else None

    def tensor(self, number: int) -> Tensor:
        """A tensor as it was seen."""
        return self.trace.tensors[number]


def _some(names: Sequence[str]) -> str:
    """Up to three of some names, and how many more there are."""
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def tensors_in(arguments: Any) -> Iterator[int]:
    """The numbers of the tensors in some arguments."""
    if isinstance(arguments, Ref):
        yield arguments.tensor
    elif isinstance(arguments, Mapping):
        for each in arguments.values():
            yield from tensors_in(each)
    elif isinstance(arguments, (list, tuple)):
        for each in arguments:
            yield from tensors_in(each)
    elif isinstance(arguments, slice):
        yield from tensors_in((arguments.start, arguments.stop, arguments.step))
