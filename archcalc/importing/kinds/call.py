"""One operation, as what makes a layer of it sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, TypeAlias

from archcalc.importing.kinds.axes import Axes, batch_axis, without_batch
from archcalc.importing.kinds.drafts import Draft, NotCoveredError, Value
from archcalc.importing.kinds.lowering import Lowering, Taken
from archcalc.importing.trace import PARAMETER, Operation, Ref, Varying

Handler: TypeAlias = "Callable[[Call], None]"
HANDLERS: dict[str, Handler] = {}


def handles(*operators: str) -> Callable[[Handler], Handler]:
    """Says which operators a function makes layers of."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(operators, handler))
        return handler

    return register


def with_products(call: Call, handler: Handler, of: int, each: Sequence[int]) -> None:
    """Makes layers; where none does the same, its multiply-accumulates are known all the same.

    Args:
        of: a tensor, wherever its batch is.
        each: sizes whose product says in how many products each of its values is.
    """
    try:
        handler(call)
    except NotCoveredError as reason:
        images = call.lowering.trace.batches[0] if of in call.lowering.of_images else 1
        macs = prod(call.shape(of)) // images * prod(each)
        raise NotCoveredError(str(reason), macs) from None


class Call:
    """An operation, with its arguments by name and the layers so far.

    Attributes:
        operation: it.
        lowering: the layers.
    """

    def __init__(self, operation: Operation, lowering: Lowering) -> None:
        self.operation = operation
        self.lowering = lowering

    # ----- arguments -----

    def get(self, *names: str, default: Any = None) -> Any:
        """The argument that is given under the first of some names; a tensor of one value that is
        at hand as that value."""
        for name in names:
            given = self.operation.arguments.get(name)
            if isinstance(given, Varying):
                raise NotCoveredError(f"has a {name} that depends on the batch")
            if given is not None:
                return self.number(given)
        return default

    def number(self, given: Any) -> Any:
        """What is given; a constant of one value that is at hand as that value."""
        if isinstance(given, Ref) and given.tensor not in self.lowering.of_images:
            tensor = self.lowering.tensor(given.tensor)
            values = tensor.values
            while isinstance(values, (list, tuple)) and len(values) == 1:
                values = values[0]
            if isinstance(values, (int, float)) and given.tensor not in self.lowering.learned:
                return values
        return given

    def has(self, name: str) -> bool:
        """Whether an argument is given."""
        return self.operation.arguments.get(name) is not None

    def value(self, *names: str) -> Value:
        """The tensor that is given under the first of some names.

        Raises:
            NotCoveredError: none is.
        """
        for name in names:
            given = self.operation.arguments.get(name)
            if isinstance(given, Ref):
                return self.lowering.value(given.tensor)
        raise NotCoveredError(f"takes no tensor {names[0]}")

    def held(self, name: str, *, buffers: bool = False) -> int | None:
        """The number of the parameter that is given under a name, just as the model holds it."""
        given = self.operation.arguments.get(name)
        if not isinstance(given, Ref) or given.tensor not in self.lowering.trace.held:
            return None
        role = self.lowering.trace.held[given.tensor].role
        return given.tensor if role == PARAMETER or buffers else None

    def number_of(self, name: str) -> int:
        """The number of the tensor that is given under a name."""
        given = self.operation.arguments[name]
        assert isinstance(given, Ref)
        return given.tensor

    def shape(self, number: int) -> tuple[int, ...]:
        """The shape of a tensor, in the first run."""
        return self.lowering.tensor(number).shapes[0]

    @property
    def output(self) -> int:
        """The number of the first output."""
        return self.operation.outputs[0]

    # ----- layers -----

    def take(self, value: Value, *, apart: bool = False, first: bool = False) -> Taken:
        """A tensor as the input of a layer; the flags as for `Lowering.take`."""
        return self.lowering.take(value, self.operation, apart=apart, first=first)

    def add(
        self, kind: str, inputs: Sequence[Taken | Draft], fields: Mapping[str, Any] | None = None
    ) -> Draft:
        """A layer of this operation."""
        drafts = tuple([each.draft if isinstance(each, Taken) else each for each in inputs])
        return self.lowering.add(kind, drafts, fields or {}, self.operation)

    def give(self, draft: Draft, *inputs: Taken, output: int = 0) -> Value:
        """Says that an output of the operation is that of a layer with some inputs."""
        of_images = any(each.value.of_images for each in inputs)
        first = next((each for each in inputs if each.batch is not None), None)
        like = None if first is None or first.batch is None else first.value.axes[first.batch]
        return self.lowering.give(
            draft,
            self.operation.outputs[output],
            of_images=of_images,
            batch=None if first is None else first.batch,
            like=like,
            apart=() if first is None else first.apart,
        )

    def layer(
        self,
        kind: str,
        value: Value,
        fields: Mapping[str, Any] | None = None,
        held: Mapping[str, int | None] | None = None,
        *,
        apart: bool = False,
    ) -> Draft:
        """A layer of one input that makes the first output, with what it holds of the model."""
        taken = self.take(value, apart=apart, first=not apart)
        return self.of(kind, [taken], fields, held)

    def of(
        self,
        kind: str,
        inputs: Sequence[Taken],
        fields: Mapping[str, Any] | None = None,
        held: Mapping[str, int | None] | None = None,
    ) -> Draft:
        """A layer of some inputs that makes the first output, with what it holds of the model."""
        draft = self.add(kind, inputs, fields)
        self.give(draft, *inputs)
        if held:
            own = {name: number for name, number in held.items() if number is not None}
            self.lowering.hold(draft, own)
        return draft

    def moved(self, value: Value, axes: Axes, base: Axes | None = None, output: int = 0) -> None:
        """Says that an output has the values of a tensor, under other axes."""
        number = self.operation.outputs[output]
        self.lowering.values[number] = value._replace(
            axes=axes, base=value.base if base is None else base, by=self.operation
        )

    def same(self, value: Value, output: int = 0) -> None:
        """Says that an output is a tensor, just as it is."""
        self.lowering.values[self.operation.outputs[output]] = value

    def batched(self, value: Value) -> Value:
        """A tensor that an operator takes as images, such as regions of one: in the batch."""
        if not self.lowering.one_image or batch_axis(value.axes) is not None or not value.of_images:
            return value
        return value._replace(axes=((self.lowering.batch, *value.axes[0]), *value.axes[1:]))

    def unbatched(self, value: Value, dim: int) -> Value:
        """A tensor of one image of which an operator takes apart the axis that the batch is in."""
        if not self.lowering.one_image:
            return value
        axes = (*value.axes[:dim], without_batch(value.axes[dim]), *value.axes[dim + 1 :])
        return value._replace(axes=axes)

    def of_rank(self, value: Value, rank: int) -> Value:
        """A tensor with axes of size 1 in front, so that it has as many as that."""
        return value._replace(axes=((),) * (rank - len(value.axes)) + value.axes)

    def beside(self, value: Value, along: int | None) -> Taken:
        """A tensor as an input beside another, whose batch is in the axis `along`.

        Raises:
            NotCoveredError: its own batch is in another.
        """
        own = batch_axis(value.axes)
        if own is not None and own != along:  # of one image, an axis like another
            value = self.unbatched(value, own)
            own = batch_axis(value.axes)
        if own is None and along is not None:
            if value.axes[along]:
                raise NotCoveredError("has something else where another input has the batch")
            rest = value.axes[:along] + value.axes[along + 1 :]
            value = value._replace(axes=rest or ((),))
            return self.take(value)
        if own != along:
            raise NotCoveredError("has its batch in another axis than another input")
        return self.take(value)
