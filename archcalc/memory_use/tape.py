"""The tape of a training step: every operator that torch runs forward, in order, and the loss.

What a layer runs, its kind says (`archcalc.layers.operator`). Here the layers' operators are put
one behind the other, with the storages that tensors lie in, what is kept for the backward pass,
and after which operator the forward pass lets go of a tensor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from archcalc.analysis import Analysis
from archcalc.graph import INPUT
from archcalc.layers.effect import Extra
from archcalc.layers.operator import Circumstances, Gradient, Operator, Taken, Tensor
from archcalc.memory_use.layout import layout
from archcalc.memory_use.liveness import extra_bytes, unpooled
from archcalc.memory_use.losses import Target, loss_of
from archcalc.record import replace

LOSS = "loss"


class Argument(NamedTuple):
    """What an operator takes.

    Attributes:
        tensor: its name.
        gradient: how its gradient comes about; None where it has none.
        scratch: bytes of each tensor that is made on the way and freed.
    """

    tensor: str
    gradient: Gradient | None
    scratch: tuple[int, ...]


class Recorded(NamedTuple):
    """An operator on the tape.

    Attributes:
        layer: the layer that it is of, or `LOSS`.
        name: as an `Operator`'s.
        arguments: what it takes.
        output: the name of what it makes.
        view_of: the tensor whose storage that lies in; None where it has its own.
        beside: what it makes beside its output.
        kept: the tensors that it keeps for the backward pass, parameters not counted; none
            unless it is recorded.
        released: what the forward pass lets go of once it has run.
        recorded: whether a gradient goes through it.
        merges, contiguous: as an `Operator`'s.
    """

    layer: str
    name: str
    arguments: tuple[Argument, ...]
    output: str
    view_of: str | None
    beside: tuple[str, ...]
    kept: tuple[str, ...]
    released: tuple[str, ...]
    recorded: bool
    merges: bool
    contiguous: bool


class Tape(NamedTuple):
    """What runs forward in a training step.

    Attributes:
        operators: in order.
        bytes: the size of each tensor, of the learned ones too.
        learned: the tensors that are learned; what is frozen is not among them.
        given: the images, and what the loss compares the outputs with: there all the time.
        batch: the number of images.
    """

    operators: tuple[Recorded, ...]
    bytes: dict[str, int]
    learned: frozenset[str]
    given: tuple[str, ...]
    batch: int


def tape(analysis: Analysis, *, on_gpu: bool = False, loss: str = "sum") -> Tape:
    """The tape of a network whose sizes are plain numbers; layers that nobody needs do not run.

    Args:
        loss: one of `losses.LOSSES`.
    """
    found = _Taping(analysis)
    where = layout(analysis, at_inference=False)
    owners, handed_on = analysis.graph.weight_owners(), unpooled(analysis)
    maps, with_gradient = analysis.maps, analysis.graph.with_gradient()
    for layer in analysis.used_layers:
        name, node = layer.name, layer.node
        copied = where.copies.get(name)
        operators = node.layer.operators(
            layer.effect,
            *[maps[source] for source in node.inputs],
            at=Circumstances(
                on_gpu=on_gpu,
                behind_gaps=name in where.behind_gaps,
                copied=copied.values if copied else 0,
                hands_on_indices=name in handed_on,
            ),
        )
        if where.of[name] == name and len(operators) == 1:  # it may be a view, and cannot
            operators = (replace(operators[0], view=False),)
        found.write(
            name,
            operators,
            node.taken,
            named={
                tensor.name: found.parameter(
                    f"{owners[name]}.{tensor.name}", tensor.values, learns=node.trainable
                )
                for tensor in layer.effect.parameters
            },
            has_gradient=name in with_gradient,
        )
    outputs = analysis.graph.outputs
    last = loss_of(loss, [maps[name] for name in outputs])
    given = {
        target.tensor: found.given(f"target of {name}", target)
        for name, target in zip(outputs, last.targets, strict=False)  # a loss may have none
    }
    found.write(LOSS, last.operators, outputs, named=given)
    return found.tape()


class _Taping:
    """Writes a tape, layer by layer."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._bytes: dict[str, int] = {INPUT: analysis.map_bytes[INPUT]}
        self._given = [INPUT]
        self._same: dict[str, str] = {}  # of layers that run nothing: what they hand on
        self._parameters: set[str] = set()
        self._learns: set[str] = set()  # what is learned, and what comes from something that is
        self._operators: list[Recorded] = []
        self._held: list[Sequence[str]] = []  # by the caller, while each of them runs

    def parameter(self, name: str, values: int, *, learns: bool) -> str:
        """Notes that a tensor is a parameter, which is frozen where it does not learn; its name."""
        self._parameters.add(name)
        if learns:
            self._learns.add(name)
        self._bytes[name] = values * self._analysis.bytes_each
        return name

    def given(self, name: str, target: Target) -> str:
        """Notes that whoever trains has a tensor; its name."""
        bytes_each = target.bytes_each or self._analysis.bytes_each
        self._given.append(name)
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
    ) -> None:
        """Writes what a layer runs.

        Args:
            layer: its name, or `LOSS`.
            operators: in order.
            taken: the names of what it takes; its caller holds that while it runs.
            named: what else its operators take, and the names of that: what it learns.
            has_gradient: whether a gradient comes back to it.
        """
        taken = [self._same.get(name, name) for name in taken]
        if not operators:
            self._same[layer] = taken[0]
        names: dict[Tensor | None, str] = {**dict(enumerate(taken))}
        names.update(named or {})
        for operator in operators:
            names[None] = f"{layer} ({operator.makes})" if operator.makes else layer
            self._write(layer, operator, names, has_gradient)
            self._held.append([*taken, *[names[made] for made in operator.holds]])
            names[operator.makes] = names[None]

    def _write(
        self, layer: str, operator: Operator, names: dict[Tensor | None, str], returns: bool
    ) -> None:
        """Writes one operator; `names` has those of the tensors that it speaks of."""
        output, each = names[None], self._bytes_of(1, operator.per_image)
        arguments = [self._argument(one, names[one.tensor], each) for one in operator.takes]
        learns = any(argument.gradient is not None for argument in arguments)
        if learns:
            self._learns.add(output)
        self._bytes[output] = operator.values * each
        made_kept = [self._make(layer, extra, names) for extra in operator.beside_kept]
        made = [self._make(layer, extra, names) for extra in operator.beside]
        kept = [
            names[one.tensor]
            for one in operator.kept
            if one.towards is None or names[one.towards] in self._learns
        ]
        recorded = learns and returns
        self._operators.append(
            Recorded(
                layer=layer,
                name=operator.name,
                arguments=tuple(arguments),
                output=output,
                view_of=arguments[0].tensor if operator.view else None,
                beside=(*made_kept, *made),
                kept=tuple([name for name in (*kept, *made_kept) if name not in self._parameters])
                if recorded
                else (),
                released=(),
                recorded=recorded,
                merges=operator.merges,
                contiguous=operator.contiguous,
            )
        )

    def _argument(self, taken: Taken, name: str, each: int) -> Argument:
        """What is taken, called `name`; `each`: the bytes of a value of all images."""
        scratch = tuple([values * each for values in taken.scratch])
        if name in self._learns:
            return Argument(name, taken.gradient, scratch)
        return Argument(name, None, (self._bytes[name],) if taken.always else ())

    def _make(self, layer: str, extra: Extra, names: dict[Tensor | None, str]) -> str:
        """What an operator makes beside its output, by name."""
        name = f"{layer} ({extra.what})"
        while name in self._bytes:
            name += "*"
        self._bytes[name] = extra_bytes(extra, self._analysis)
        names[extra.what] = name
        return name

    def _bytes_of(self, values: int, per_image: bool) -> int:
        images = self._analysis.batch if per_image else 1
        return values * images * self._analysis.bytes_each

    def tape(self) -> Tape:
        """All that was written."""
        last: dict[str, int] = {}
        for number, (operator, held) in enumerate(zip(self._operators, self._held, strict=True)):
            used = [argument.tensor for argument in operator.arguments]
            last |= dict.fromkeys([*used, *held, operator.output, *operator.beside], number)
        released: dict[int, list[str]] = {}
        for name, number in last.items():
            if name != LOSS and name not in self._parameters:
                released.setdefault(number, []).append(name)
        operators = [
            operator._replace(released=tuple(released.get(number, ())))
            for number, operator in enumerate(self._operators)
        ]
        learned, given = frozenset(self._parameters & self._learns), tuple(self._given)
        return Tape(tuple(operators), self._bytes, learned, given, self._analysis.batch)
