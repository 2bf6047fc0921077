"""Writes the tape of a training step, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

from archcalc.analysis import Analysis
from archcalc.graph import Graph
from archcalc.layers.effect import Extra
from archcalc.layers.operator import Gradient, Operator, Order, Taken, Tensor
from archcalc.memory_use.autocast import CAST, OF_VIEWS, WITHIN_ENTRY, Types
from archcalc.memory_use.held_gradient import AxisOrder
from archcalc.memory_use.losses import Target
from archcalc.memory_use.recorded import LOSS, Argument, Recorded, Tape
from archcalc.memory_use.sections import Saving, sections


class Taping:
    """Writes a tape, layer by layer."""

    def __init__(self, analysis: Analysis, types: Types) -> None:
        self._analysis = analysis
        self._types = types
        inputs, size = analysis.graph.inputs, analysis.map_bytes
        self._bytes: dict[str, int] = {name: size[name] for name in inputs}
        # Bytes per value, of what is floating.
        self._each = {name: types.bytes_each for name, x in inputs.items() if x.dtype is None}
        self._integers = {name: x.bytes_each(0) for name, x in inputs.items() if x.dtype}
        self._cached: dict[str, str] = {}  # what autocast has cast of what is learned
        self._given = [*inputs]
        self._lying: dict[str, AxisOrder] = {}  # of what does not lie in its own order
        self._same: dict[str, str] = {}  # of layers that run nothing: what they hand on
        self._once: set[str] = set()  # what is there once, whatever the batch
        self._parameters: set[str] = set()
        self._lies_in_parameters: set[str] = set()  # they, and views of them
        self._learns: set[str] = set()  # what is learned, and what comes from something that is
        self._operators: list[Recorded] = []
        self._saving: list[Saving] = []
        self._held: list[Sequence[str]] = []  # by the caller, while each of them runs
        # Of those that no gradient comes back to, the number and what they keep.
        self._dead_ends: list[tuple[int, tuple[str, ...]]] = []

    def parameter(self, name: str, values: int, *, learns: bool) -> str:
        """Notes that a tensor is a parameter, which is frozen where it does not learn; its name."""
        self._parameters.add(name)
        self._lies_in_parameters.add(name)
        self._once.add(name)
        if learns:
            self._learns.add(name)
        self._each[name] = self._types.bytes_each
        self._bytes[name] = values * self._each[name]
        return name

    def given(self, name: str, target: Target) -> str:
        """Notes that whoever trains has a tensor; its name."""
        self._given.append(name)
        if target.bytes_each is None:
            self._each[name] = self._types.bytes_each
        bytes_each = target.bytes_each or self._types.bytes_each
        self._bytes[name] = target.values * self._analysis.batch * bytes_each
        return name

    def write(
        self,
        layer: str,
        operators: Sequence[Operator],
        taken: Sequence[str],
        *,
        named: Mapping[str, str] | None = None,
        has_gradient: bool = True,
        lying: AxisOrder = None,
    ) -> None:
        """Writes what a layer runs.

        Args:
            layer: its name, or `LOSS`.
            operators: in order.
            taken: the names of what it takes; its caller holds that while it runs.
            named: what else its operators take, and the names of that: what it learns.
            has_gradient: whether a gradient comes back to it.
            lying: how the axes of its output lie; what it makes on the way lies so too.
        """
        taken = [self._same.get(name, name) for name in taken]
        if not operators:
            self._same[layer] = taken[0] if taken else next(iter((named or {}).values()))
        names: dict[Tensor | None, str] = {**dict(enumerate(taken))}
        names.update(named or {})
        casts: dict[Tensor | None, str] = {}
        for number, operator in enumerate(operators):
            takes = [one.tensor for one in operator.takes]  # held where it runs on casts of it too
            held = [*taken, *[names[tensor] for tensor in (*takes, *operator.holds)]]
            if operator.name not in WITHIN_ENTRY:
                casts = self._cast(layer, operators, number, names, held)
            as_it_was = {tensor: names[tensor] for tensor in casts}
            names |= casts  # no copy: a layer may run thousands of operators
            names[None] = f"{layer} ({operator.makes})" if operator.makes else layer
            names |= {made.name: f"{layer} ({made.name})" for made in operator.also}
            made = self._write(layer, operator, names, [*held, *casts.values()], has_gradient)
            if lying is not None:
                self._lying |= dict.fromkeys(made, lying)
            names |= as_it_was
            names[operator.makes] = names[None]

    def _write(
        self,
        layer: str,
        operator: Operator,
        names: dict[Tensor | None, str],
        held: Sequence[str],
        returns: bool,
    ) -> Sequence[str]:
        """Writes one operator; `names` has those of the tensors that it speaks of.

        Returns the names of what it makes.
        """
        output, images = names[None], self._analysis.batch if operator.per_image else 1
        outputs = {output: operator.values}
        outputs |= {names[made.name]: made.values for made in operator.also}
        taken, first = self._each_of(operator, names), names.get(0, "")
        if not taken and first in self._each:
            taken = [self._each[first]]
        if operator.integer_bytes:
            each = operator.integer_bytes
            self._integers |= dict.fromkeys(outputs, each)
        elif taken:
            # What lies where something lies already has that type, whatever is added to it.
            each = taken[0] if operator.view else self._types.made_by(operator.name, taken)
            self._each |= dict.fromkeys(outputs, each)
        else:  # integers are moved
            taken = [self._integers[first]]
            each = taken[0]
            self._integers |= dict.fromkeys(outputs, each)
        if not operator.per_image:
            self._once.update(outputs)
        self._bytes |= {name: values * images * each for name, values in outputs.items()}
        made_kept = [self._make(layer, x, operator, names, taken) for x in operator.beside_kept]
        arguments = [self._argument(operator, one, names, images) for one in operator.takes]
        learns = any(argument.gradient is not None for argument in arguments)
        if learns:
            self._learns.update(outputs)
        made = [self._make(layer, x, operator, names, taken) for x in operator.beside]
        kept = [
            names[one.tensor]
            for one in operator.kept
            if one.towards is None or names[one.towards] in self._learns
        ]
        saved_itself = bool(made_kept) or not outputs.keys().isdisjoint(kept)
        saving = Saving(layer, learns and bool(kept or made_kept), learns and saved_itself)
        self._saving.append(saving)
        if operator.view and arguments[0].tensor in self._lies_in_parameters:
            self._lies_in_parameters.update(outputs)
        own = tuple([name for name in (*kept, *made_kept) if name not in self._lies_in_parameters])
        recorded = learns and returns
        if learns and not returns:
            self._dead_ends.append((len(self._operators), own))
        self._held.append(held)
        self._operators.append(
            Recorded(
                layer=layer,
                name=operator.name,
                arguments=tuple(arguments),
                outputs=tuple(outputs),
                view_of=arguments[0].tensor if operator.view else None,
                beside=(*made_kept, *made),
                kept=own if recorded else (),
                released=(),
                recorded=recorded,
                needs_kept=recorded and saving.anything,
                into_view=operator.into_view,
                reshapes=operator.reshapes,
                merges=operator.merges,
                contiguous=operator.contiguous,
                images=images,
            )
        )
        return (*outputs, *made_kept)

    def _argument(
        self, operator: Operator, taken: Taken, names: Mapping[Tensor | None, str], images: int
    ) -> Argument:
        """What is taken by an operator that makes its output for so many `images`."""
        name, output = names[taken.tensor], names[None]
        has_none = name not in self._learns or taken.gradient is Gradient.NONE
        if has_none and not taken.always:
            return Argument(name, None, Order.OWN, ())
        gradients, summed = self._gradients(operator.name, taken.gradient, name, output, images)
        if has_none:
            return Argument(name, None, Order.OWN, gradients[:1])
        scratch = tuple([self._scratch(x, images, self._each[output]) for x in taken.scratch])
        kept = [one.tensor for one in operator.kept if one.towards in (None, taken.tensor)]
        kept += [extra.what for extra in operator.beside_kept]
        beside = [names[one] for one in kept if self._bytes[names[one]] == self._bytes[output]]
        beside = beside[:1] if taken.order is Order.KEPT else []
        return Argument(
            name,
            taken.gradient,
            taken.order,
            scratch,
            gradients,
            summed,
            taken.viewed,
            taken.by_view,
            taken.part,
            taken.turn,
            taken.reduced,
            tuple(beside),
        )

    def _scratch(self, made: int | Extra, images: int, each: int) -> int:
        """The bytes of what is made on the way to a gradient, whose values have `each`."""
        if not isinstance(made, Extra):
            return made * images * each
        return made.values * (images if made.per_image else 1) * (made.bytes_each or each)

    def _make(
        self,
        layer: str,
        extra: Extra,
        operator: Operator,
        names: dict[Tensor | None, str],
        taken: Sequence[int],
    ) -> str:
        """What an operator makes beside its output, by name; `taken`: as `Types` takes it."""
        name = names[extra.what] = self._unused(f"{layer} ({extra.what})")
        each = extra.bytes_each
        if each is None:
            statistics = extra.what == "statistics"
            each = self._types.statistics_of(operator.name, taken) if statistics else taken[0]
            each = self._each[name] = max(each, extra.least_bytes)
        self._bytes[name] = extra.bytes_for(self._analysis.batch, each)
        return name

    def _unused(self, name: str) -> str:
        while name in self._bytes:
            name += "*"
        return name

    # ----- types -----

    def _each_of(self, operator: Operator, names: Mapping[Tensor | None, str]) -> list[int]:
        """The bytes per value of what an operator takes, of what is floating."""
        taken = [names[one.tensor] for one in operator.takes]
        return [self._each[name] for name in taken if name in self._each]

    def _gradients(
        self, operator: str, how: Gradient, name: str, output: str, images: int
    ) -> tuple[tuple[int, ...], bool]:
        """The sizes of the gradient of what an operator takes, and `summed`, as `Argument`'s."""
        if name not in self._each or output not in self._each:  # of integers
            return (), False
        own, size = self._each[name], self._bytes[name]
        each = self._types.gradient_made_by(operator, own, self._each[output])
        of_output = self._bytes[output] // self._each[output] * each
        found = [size // own * each]
        if (
            how is Gradient.PART and name in self._once and images > 1
        ):  # it was spread over the images
            return (size // own * each * images, size), True
        larger = of_output != found[0]
        always = how in (Gradient.SUMMED, Gradient.REDUCED)
        summed = always or (larger and how in (Gradient.SAME, Gradient.FITTED))
        if summed:
            found.insert(0, of_output)
        return (*found, size) if each != own else tuple(found), summed

    def casts(self, operator: str, name: str) -> bool:
        """Whether autocast casts a tensor for an operator that takes that first."""
        each = self._each.get(self._same.get(name, name))
        return each is not None and self._types.cast_to(operator, [each]) not in (None, each)

    def _cast(
        self,
        layer: str,
        operators: Sequence[Operator],
        number: int,
        names: Mapping[Tensor | None, str],
        held: Sequence[str],
    ) -> dict[Tensor | None, str]:
        """Writes the casts of what autocast has operator `number` take in another type.

        Of what the next take too, as far as they run within its entry. From the last to the first:
        so the compiler that torch is built with evaluates arguments. Returns their names.
        """
        if not self._types.autocast:
            return {}
        first = operators[number]
        to = self._types.cast_to(first.name, self._each_of(first, names))
        if to is None:
            return {}
        cached = first.name not in OF_VIEWS
        within = takewhile(lambda one: one.name in WITHIN_ENTRY, operators[number + 1 :])
        takes = [one for operator in (first, *within) for one in operator.takes]
        found: dict[Tensor | None, str] = {}
        for one in reversed(takes):
            name = names.get(one.tensor, "")
            if self._each.get(name, to) != to:
                found[one.tensor] = self._cached.get(name) or self._cast_one(
                    layer, name, to, held, cached
                )
        return found

    def _cast_one(self, layer: str, name: str, to: int, held: Sequence[str], cached: bool) -> str:
        cast = self._unused(f"{name}, cast")
        values, learns = self._bytes[name] // self._each[name], name in self._learns
        if cached and learns and name in self._parameters:  # not so a frozen one
            self._cached[name] = cast
        self._each[cast], self._bytes[cast] = to, values * to
        how = Gradient.OWN if learns else None
        if learns:
            self._learns.add(cast)
        self._held.append(held)
        self._saving.append(Saving(layer, anything=False, what_it_makes=False))
        self._operators.append(
            Recorded(
                layer=layer,
                name=CAST,
                arguments=(Argument(name, how, Order.KEPT, (), (self._bytes[name],)),),
                outputs=(cast,),
                view_of=None,
                beside=(),
                kept=(),
                released=(),
                recorded=learns,
                needs_kept=False,
                into_view=False,
                reshapes=False,
                merges=0,
                contiguous=False,
                images=1 if name in self._once else self._analysis.batch,
            )
        )
        return cast

    def _lengthen(self, last: dict[str, int]) -> None:
        """Lets what is kept in vain, where no gradient comes back, live as long as torch holds it.

        That is as long as any output that has come about by it.
        """
        until: dict[str, int] = {}
        for number, kept in reversed(self._dead_ends):
            operator = self._operators[number]
            end = max(max(last[name], until.get(name, 0)) for name in operator.outputs)
            for argument in operator.arguments:
                until[argument.tensor] = max(until.get(argument.tensor, 0), end)
            last |= {name: max(last[name], end) for name in kept}

    def tape(self, graph: Graph) -> Tape:
        """All that was written, of a network."""
        found = sections(graph, self._saving, self._same)
        last: dict[str, int] = {}
        for number, (operator, held) in enumerate(zip(self._operators, self._held, strict=True)):
            used = [argument.tensor for argument in operator.arguments]
            last |= dict.fromkeys([*used, *held, *operator.outputs, *operator.beside], number)
        last |= dict.fromkeys(self._cached.values(), len(self._operators) - 1)
        for section in found:  # its caller holds what enters it
            last |= {name: max(last.get(name, 0), section.end - 1) for name in section.enters}
        self._lengthen(last)
        released: dict[int, list[str]] = {}
        for name, number in last.items():
            if name != LOSS and name not in self._parameters:
                released.setdefault(number, []).append(name)
        operators = [
            operator._replace(released=tuple(released.get(number, ())))
            for number, operator in enumerate(self._operators)
        ]
        return Tape(
            operators=tuple(operators),
            bytes=self._bytes,
            lying=self._lying,
            learned=frozenset(self._parameters & self._learns),
            parameters=frozenset(self._parameters),
            given=tuple(self._given),
            batch=self._analysis.batch,
            sections=found,
        )
