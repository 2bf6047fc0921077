"""A section of a cfg file while it is read: what it takes, and what it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archcalc.errors import SpecError, suggestion
from archcalc.importing.builder import Builder, Value
from archcalc.importing.darknet.cfg import Section

# Each function of darknet as layers one after the other; from its activations.h.
ACTIVATIONS: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]] = {
    "elu": (("elu", {}),),
    "hardtan": (("hard_tanh", {}),),
    "leaky": (("leaky_relu", {"slope": 0.1}),),
    "linear": (),
    "loggy": (("sigmoid", {}), ("scale", {"factor": 2.0, "shift": -1.0})),
    "logistic": (("sigmoid", {}),),
    "mish": (("mish", {}),),
    "ramp": (("leaky_relu", {"slope": round(1 / 11, 9)}), ("scale", {"factor": 1.1})),
    "relie": (("leaky_relu", {"slope": 0.01}),),
    "relu": (("relu", {}),),
    "relu6": (("relu6", {}),),
    "selu": (("selu", {}),),
    "swish": (("silu", {}),),
    "tanh": (("tanh", {}),),
}


class Reading:
    """A section, with what comes before it.

    Attributes:
        section: its options.
        index: its number from 0, by which others name it.
        x: what it takes.
        outputs: those of all sections before it.
        inputs: of the network, to which it may add its state.
    """

    def __init__(
        self,
        section: Section,
        x: Value,
        outputs: Sequence[Value],
        inputs: dict[str, tuple[int, ...]],
        builder: Builder,
    ) -> None:
        self.section = section
        self.index = len(outputs)
        self.x = x
        self.outputs = outputs
        self.inputs = inputs
        self._builder = builder

    def error(self, fact: str, option: str | None = None) -> SpecError:
        """`fact`, at an option or at the section."""
        return self.section.error(fact, option)

    def note(self, fact: str) -> None:
        """Tells whoever sees the figures."""
        self._builder.note(fact, self.section.line, f"[{self.section.type}]")

    def note_line(self, fact: str, line: int, option: str) -> None:
        """The same, of one of its options."""
        self._builder.note(fact, line, f"[{self.section.type}] {option}")

    def add(
        self,
        kind: str,
        word: str,
        inputs: Sequence[Value],
        shape: Sequence[int],
        fields: Mapping[str, Any] | None = None,
        owner: int | None = None,
    ) -> Value:
        """A layer that is called by a word behind the number of the section.

        Args:
            owner: the number of the section whose weights it has, where they are not its own.
        """
        weights = None if owner is None else f"{owner}.{word}"
        return self._builder.add(kind, f"{self.index}.{word}", inputs, shape, fields, weights)

    def state(self, shape: tuple[int, ...]) -> Value:
        """What it keeps from the step before: an input of one step."""
        value = Value(self._builder.name(f"{self.index}.state"), shape)
        self.inputs[value.name] = shape
        return value

    def map(self) -> Value:
        """What it takes, as a map of channels with positions."""
        if len(self.x.shape) == 3:
            return self.x
        shape = (self.x.shape[0], 1, 1)
        return self.add("reshape", "map", (self.x,), shape, {"shape": list(shape)})

    def flat(self) -> Value:
        """What it takes, as a vector."""
        return self.flattened(self.x, "flatten")

    def flattened(self, value: Value, word: str) -> Value:
        """A vector of the values of another."""
        if len(value.shape) == 1:
            return value
        count = value.shape[0] * value.shape[1] * value.shape[2]
        return self.add("flatten", word, (value,), (count,))

    def finished(
        self,
        value: Value,
        default: str,
        normalized: bool = False,
        prefix: str = "",
        owner: int | None = None,
    ) -> Value:
        """`value`, normalized where that is wanted, and behind the activation."""
        if normalized:
            value = self.add("batch_norm", f"{prefix}bn", (value,), value.shape, None, owner)
        name = self.section.text("activation", default)
        if name not in ACTIVATIONS:
            raise self.error(
                f"activation: archcalc does not read {name[:40]!r}{suggestion(name, ACTIVATIONS)}",
                "activation",
            )
        for kind, fields in ACTIVATIONS[name]:
            word = name if kind != "scale" else f"{name}_scale"
            value = self.add(kind, f"{prefix}{word}", (value,), value.shape, fields)
        return value

    def earlier(self, number: int, option: str) -> Value:
        """The output of a section: a number below 0 counts from this one."""
        return self.outputs[self.number_of(number, option)]

    def number_of(self, number: int, option: str) -> int:
        """A section before this one: a number below 0 counts from here."""
        index = self.index + number if number < 0 else number
        if not 0 <= index < self.index:
            raise self.error(
                f"{option}: {number} is none of the {self.index} sections before", option
            )
        return index
