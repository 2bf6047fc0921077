"""Follows a training step operator by operator, as torch's engine runs it."""

from __future__ import annotations

from collections import Counter

from archcalc.layers.operator import Gradient, Order
from archcalc.memory_use.checkpointing import Checkpointing
from archcalc.memory_use.held_gradient import (
    AxisOrder,
    CopiedError,
    HeldGradient,
    order_by_value,
    part_of,
    repeated,
    spread_out,
    turned,
)
from archcalc.memory_use.moments import (
    OPTIMIZER,
    Alive,
    Course,
    Direction,
    Moment,
    Parts,
    Purpose,
)
from archcalc.memory_use.optimizers import gradient_of
from archcalc.memory_use.recorded import LOSS, Argument, Recorded


class Stopped(Exception):
    """As many tensors have been made as were to be."""


class Replay(Checkpointing):
    """Follows a step.

    Attributes:
        moments: of the layers so far.
        live_at: the bytes that were alive when each tensor had been made, in order.
        moment_of: the number of the moment in which it was.
    """

    def __init__(self, course: Course, *, stop: int | None = None) -> None:
        """`stop`: raises `Stopped` when so many tensors have been made."""
        super().__init__(course.tape)
        self.moments: list[Moment] = []
        self.live_at: list[int] = []
        self.moment_of: list[int] = []
        self._course = course
        self._tape = course.tape
        self._stop = stop
        self._parts: Parts = dict.fromkeys(Purpose, 0) | dict(course.constant)
        self._live = sum(self._parts.values())
        self._most = -1  # at once, while the present layer runs
        # Of each storage, by number: what it is, its size, how many hold it, and how many of these
        # for the backward pass; and what it is for where nobody does.
        self._name: list[str] = []
        self._size: list[int] = []
        self._holders: list[int] = []
        self._keepers: list[int] = []
        self._purpose: list[Purpose] = []
        self._of: dict[str, int] = {}  # the storage of each tensor that the forward pass holds
        self._arrived: dict[str, HeldGradient] = {}
        self._grads: dict[str, int] = {}  # what `.grad` of each learned tensor holds, by its name
        self._images = 1  # that the present operator, backward, is about
        self._added: list[int] = []  # gradients of the present operator, to others
        # How many gradients are still to come to each learned tensor.
        self._awaited = Counter(
            [
                argument.tensor
                for operator in course.tape.operators
                if operator.recorded
                for argument in operator.arguments
                if argument.gradient is not None and argument.tensor in course.tape.learned
            ]
        )

    def run(self) -> None:
        """The step."""
        tape = self._tape
        self._begin(tape.operators[0].layer, Direction.FORWARD)
        if self._course.adds:
            for name in self._awaited:
                grad = self._new(gradient_of(name), tape.bytes[name], Purpose.GRADIENTS)
                self._grads[gradient_of(name)] = grad
        given = [self._new(name, tape.bytes[name]) for name in tape.given]
        self._of |= {
            name: self._hold(storage) for name, storage in zip(tape.given, given, strict=True)
        }
        for number, operator in enumerate(tape.operators):
            self._forward(operator, number)
        loss = self._of[LOSS]
        self._begin(LOSS, Direction.BACKWARD)
        if tape.operators[-1].recorded:
            ones = self._new("gradient of the loss", tape.bytes[LOSS], Purpose.ACTIVATION_GRADIENTS)
            self._arrived[LOSS] = HeldGradient(self._hold(ones), tape.bytes[LOSS])
            for number, operator in reversed([*enumerate(tape.operators)]):
                if any(output in self._arrived for output in operator.outputs):
                    self._backward(operator, number)
            self._drop(ones)
            self._step()
        for storage in (loss, *given):
            self._drop(storage)

    def alive(self) -> list[Alive]:
        """The tensors that are alive now."""
        return [
            Alive(name, size, self._purpose_of(number))
            for number, (name, size) in enumerate(zip(self._name, self._size, strict=True))
            if self._holders[number]
        ]

    def _step(self) -> None:
        """The optimizer steps."""
        self._begin(OPTIMIZER, Direction.STEP)
        made = dict(self._grads)
        for each in self._course.made:
            casts = any(name in self._grads for name in each.freed)
            purpose = Purpose.GRADIENTS if casts else Purpose.OTHER
            made[each.name] = self._new(each.name, each.bytes, purpose)
            for name in each.freed:
                self._drop(made.pop(name))
        for storage in made.values():
            self._drop(storage)

    # ----- storages -----

    def _begin(self, layer: str, direction: Direction) -> None:
        """From now on `layer` runs."""
        before = self.moments[-1] if self.moments else None
        if before is None or (before.layer, before.direction) != (layer, direction):
            self.moments.append(Moment(layer, direction, dict(self._parts), len(self._name)))
            self._most = self._live

    def _new(self, name: str, size: int, purpose: Purpose = Purpose.OTHER) -> int:
        """A new storage, held once."""
        self._name.append(name)
        self._size.append(size)
        self._holders.append(1)
        self._keepers.append(0)
        self._purpose.append(purpose)
        self._parts[purpose] += size
        self._live += size
        self.live_at.append(self._live)
        self.moment_of.append(len(self.moments) - 1)
        if self._live > self._most:
            self._most = self._live
            layer, direction, _, _ = self.moments[-1]
            self.moments[-1] = Moment(layer, direction, dict(self._parts), len(self._name))
        if len(self._name) == self._stop:
            raise Stopped
        return len(self._name) - 1

    def _hold(self, storage: int) -> int:
        self._holders[storage] += 1
        return storage

    def _drop(self, storage: int) -> None:
        self._holders[storage] -= 1
        if not self._holders[storage]:
            self._parts[self._purpose_of(storage)] -= self._size[storage]
            self._live -= self._size[storage]

    def _purpose_of(self, storage: int) -> Purpose:
        return Purpose.KEPT if self._keepers[storage] else self._purpose[storage]

    def _keep(self, storage: int) -> int:
        """Holds for the backward pass."""
        if not self._keepers[storage]:
            self._parts[self._purpose[storage]] -= self._size[storage]
            self._parts[Purpose.KEPT] += self._size[storage]
        self._keepers[storage] += 1
        return self._hold(storage)

    def _drop_kept(self, storage: int) -> None:
        self._keepers[storage] -= 1
        if not self._keepers[storage]:
            self._parts[Purpose.KEPT] -= self._size[storage]
            self._parts[self._purpose[storage]] += self._size[storage]
        self._drop(storage)

    # ----- forward -----

    def _forward(self, operator: Recorded, number: int) -> None:
        """Runs an operator, which has a number on the tape."""
        of = self._of
        self._begin(operator.layer, Direction.FORWARD)
        self._enter_stretches(number, of)
        self._make(operator, of)
        self._keep_for_backward(number, of)
        for name in operator.released:
            self._drop(of.pop(name))
        self._leave_stretches(number)

    def _new_of(self, tensor: str) -> int:
        """A storage for a tensor, held once."""
        return self._new(tensor, self._tape.bytes[tensor])

    def _make(self, operator: Recorded, of: dict[str, int]) -> None:
        """Makes what an operator puts out, and beside."""
        lies_in = None if operator.view_of is None else of.get(operator.view_of)
        for output in operator.outputs:
            if operator.view_of is None:
                of[output] = self._new_of(output)
            else:  # parameters lie elsewhere
                of[output] = self._new(output, 0) if lies_in is None else self._hold(lies_in)
        for name in operator.beside:
            of[name] = self._new_of(name)

    # ----- backward -----

    def _backward(self, operator: Recorded, number: int) -> None:
        """Runs an operator backward, with the gradients of its outputs and what it has kept."""
        self._begin(operator.layer, Direction.BACKWARD)
        self._images = operator.images
        arrived = [output for output in operator.outputs if output in self._arrived]
        copies = [self._copied(output) for output in arrived * 2 if operator.into_view]
        kept = self._kept_by(number)
        unneeded: list[int] = []
        received = [self._received(operator, output, unneeded) for output in arrived]
        if operator.view_of is not None:
            unneeded += [self._zeros(x) for x in operator.outputs if x not in arrived]
        made = [self._gradient(one, received[0], unneeded) for one in reversed(operator.arguments)]
        made.reverse()
        for storage in (*copies, *unneeded):
            self._drop(storage)
        self._has_read(number, kept)
        made = [
            one and self._summed(one, argument)
            for one, argument in zip(made, operator.arguments, strict=True)
        ]
        for each in received:
            self._drop(each.storage)
        for storage in kept:
            self._drop_kept(storage)
        self._has_used(number)
        arriving = [*zip(operator.arguments, made, strict=True)]
        for argument, gradient in arriving:
            if gradient is not None and not argument.by_view:
                self._arrive(argument, gradient)
        self._let_go_of_added()
        for argument, gradient in reversed(arriving):  # a view was made for each, one by one
            if gradient is not None and argument.by_view:
                self._arrive(argument, gradient)
                self._let_go_of_added()

    def _received(self, operator: Recorded, output: str, copies: list[int]) -> HeldGradient:
        """The gradient of an output; copies of it for while the operator runs join `copies`."""
        came = self._arrived[output]
        merged = operator.merges
        several = merged > 1 or self._images > 1
        in_one = came.has_in_one(merged, self._images)
        crossing = (came.apart and not came.in_rows) or (several and not in_one)
        crossing = crossing or came.repeats_across(merged, self._images)
        in_order = not came.permuted and (merged or all(came.repeated))
        reordered = (operator.reshapes and not in_order) or (merged and crossing)
        if reordered and not came.spread:  # one value for all has any shape
            copy = self._copied(output)
            self._drop(came.storage)
            came = HeldGradient(copy, came.bytes)
        elif operator.contiguous and not came.contiguous:
            copies.append(self._copied(output))
        del self._arrived[output]
        return came

    def _zeros(self, output: str) -> int:
        """What stands for the gradient of an output to which none has come."""
        purpose = Purpose.ACTIVATION_GRADIENTS
        return self._new(gradient_of(output), self._tape.bytes[output], purpose)

    def _copied(self, output: str) -> int:
        """A copy of the gradient of an output."""
        name, size = f"gradient of {output}, copied", self._arrived[output].bytes
        return self._new(name, size, Purpose.ACTIVATION_GRADIENTS)

    def _gradient(
        self, argument: Argument, came: HeldGradient, unneeded: list[int]
    ) -> HeldGradient | None:
        """The gradient of what an operator takes, as the operator makes it.

        One that nothing needs is added to `unneeded`: what lives until the operator has made all.
        """
        how = argument.gradient
        size = argument.gradients[0] if how is not None else 0
        if how in (Gradient.SAME, Gradient.REDUCED):
            seen = self._seen(argument, came)
            if seen is not None:
                return seen
        if how is Gradient.SPREAD:
            storage = self._hold(came.storage)
            wider = size > came.bytes
            return HeldGradient(storage, size, spread=wider, viewed=True, still=not wider)
        if how is Gradient.REPEATED:
            return repeated(came._replace(storage=self._hold(came.storage)), argument.reduced, size)
        if how is Gradient.PART:
            self._hold(came.storage)
            return part_of(came, argument.part, size, self._images)
        made_on_the_way = [self._new("made on the way", each) for each in argument.scratch]
        if how is None:
            unneeded += made_on_the_way
            return None
        own = self._new(gradient_of(argument.tensor), size, self._purpose_for(argument))
        for each in made_on_the_way:
            self._drop(each)
        order: AxisOrder = None
        if argument.order in (Order.KEPT, Order.ALONE):
            kept = [self._tape.lying.get(name) for name in argument.beside]
            order = order_by_value(came, *[HeldGradient(-1, 0, order=each) for each in kept])
        elif argument.order is Order.GIVEN:
            order = self._tape.lying.get(argument.tensor)
        if argument.reduced:
            order = spread_out(came.order, argument.reduced, like_own=bool(argument.scratch))
        if argument.order is Order.CHANGED and argument.turn is None:
            order = "channels last"
        return HeldGradient(own, size, order=order)

    def _seen(self, argument: Argument, came: HeldGradient) -> HeldGradient | None:
        """The gradient of an output as that of what it is made of; None where it is copied."""
        order, again = None if came.spread else came.order, came.repeated
        if argument.order is Order.CHANGED and not came.spread:
            try:
                order, again = turned(order, again, argument.turn, self._images)
            except CopiedError:
                return None
        in_rows = came.in_rows and not argument.viewed
        held = self._hold(came.storage)
        return came._replace(storage=held, order=order, repeated=again, in_rows=in_rows)

    def _summed(self, gradient: HeldGradient, argument: Argument) -> HeldGradient:
        """A gradient as the engine hands it on: summed up, and cast, where it has to be."""
        for size in argument.gradients[1:]:
            own = self._new(gradient_of(argument.tensor), size, self._purpose_for(argument))
            self._drop(gradient.storage)
            order = None if argument.summed else gradient.order
            still = gradient.still and not argument.summed  # a cast keeps the strides
            gradient = HeldGradient(own, size, order=order, still=still)
        return gradient._replace(viewed=True) if argument.viewed else gradient

    def _arrive(self, argument: Argument, gradient: HeldGradient) -> None:
        """A gradient comes to its tensor, where it waits for others, or for what made that."""
        tensor = argument.tensor
        before = self._arrived.get(tensor)
        self._arrived[tensor] = (
            gradient if before is None else self._sum(before, gradient, argument)
        )
        if tensor in self._awaited:
            self._awaited[tensor] -= 1
            if not self._awaited[tensor]:
                self._accumulate(argument)

    def _sum(
        self, before: HeldGradient, gradient: HeldGradient, argument: Argument
    ) -> HeldGradient:
        """The sum of two gradients of a tensor.

        The second is let go of when all gradients have come that the operator hands on at once.
        """
        self._added.append(gradient.storage)
        if not self._course.sums_apart and self._is_alone(before):
            return before
        name, purpose = gradient_of(argument.tensor), self._purpose_for(argument)
        total = self._new(name, gradient.bytes, purpose)
        self._drop(before.storage)
        return HeldGradient(total, gradient.bytes, order=order_by_value(before, gradient))

    def _let_go_of_added(self) -> None:
        for storage in self._added:
            self._drop(storage)
        self._added.clear()

    def _is_alone(self, gradient: HeldGradient) -> bool:
        """Whether another can be added to it in place: nothing else has it, nor what lies there."""
        has_more = gradient.spread or gradient.apart or gradient.viewed
        return not has_more and self._holders[gradient.storage] == 1

    def _accumulate(self, argument: Argument) -> None:
        """All of the gradient of a learned tensor has come: it is now `.grad`, or added to that."""
        gradient, name = self._arrived.pop(argument.tensor), gradient_of(argument.tensor)
        if self._course.adds:
            self._drop(gradient.storage)
        elif self._becomes_grad(gradient):
            self._grads[name] = gradient.storage
        else:
            self._grads[name] = self._new(name, gradient.bytes, self._purpose_for(argument))
            self._drop(gradient.storage)

    def _becomes_grad(self, gradient: HeldGradient) -> bool:
        """Whether torch takes it for `.grad` as it lies, and makes no copy."""
        alone = gradient.viewed or self._holders[gradient.storage] == 1
        return alone and gradient.contiguous and not gradient.still

    def _purpose_for(self, argument: Argument) -> Purpose:
        learned = argument.tensor in self._tape.learned
        return Purpose.GRADIENTS if learned else Purpose.ACTIVATION_GRADIENTS
