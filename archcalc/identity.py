"""Which network figures are about: the one that its spec describes, or one that was changed.

A network whose parameters or input were changed is no longer the published one: wherever its name
stands, what was changed stands beside it, and what was published about the other is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archcalc.feature_map import FeatureMap
from archcalc.quantity.arithmetic import plain
from archcalc.quantity.conditions import is_symbol
from archcalc.record import Record
from archcalc.spec.values import Value


class Identity(Record):
    """A network, told apart from those that differ in parameters or input.

    `str()` of it is `resnet50 (classes=10, input 3x256x256)`.

    Attributes:
        name: of the network in its spec.
        parameters: the value of each parameter.
        changed: those that are not the spec's own.
        inputs: by name those that are not the ones that the spec has with these parameters.
        of_several: whether the network has other inputs beside.
    """

    name: str
    parameters: Mapping[str, Value]
    changed: Mapping[str, Value]
    inputs: Mapping[str, FeatureMap]
    of_several: bool = False

    def __str__(self) -> str:
        return self.called(self.name)

    @property
    def is_changed(self) -> bool:
        """Whether it is another network than the one that the spec describes."""
        return bool(self.changed) or bool(self.inputs)

    def called(self, name: str) -> str:
        """The same under another name, such as that of its file."""
        changes = [f"{key}={value_text(value)}" for key, value in self.changed.items()]
        changes += [
            f"input {name} {shape}" if self.of_several else f"input {shape}"
            for name, shape in self.inputs.items()
        ]
        return f"{name} ({', '.join(changes)})" if changes else name

    def record(self, key: str = "name") -> dict[str, object]:
        """The name under `key`, and what was changed, in types that JSON knows."""
        changed = {name: plain(value) for name, value in self.changed.items()}
        if self.inputs:  # which no parameter is called
            shapes = {name: plain(shape.shape) for name, shape in self.inputs.items()}
            changed["input"] = shapes if self.of_several else next(iter(shapes.values()))
        return {key: self.name, "changed": changed}


def identify(
    name: str,
    own: Mapping[str, Value],
    parameters: Mapping[str, Value],
    own_inputs: Mapping[str, FeatureMap],
    inputs: Mapping[str, FeatureMap],
) -> Identity:
    """The identity of a network.

    Args:
        own: the parameters of the spec.
        own_inputs: what the spec has as inputs with `parameters`, by name, where it has some.
    """
    changed = {key: value for key, value in parameters.items() if not _same(value, own[key])}
    others = {key: shape for key, shape in inputs.items() if shape != own_inputs.get(key)}
    return Identity(name, parameters, changed, others, len(inputs) > 1)


def _same(a: Value, b: Value) -> bool:
    """Whether two values are the same: 1 is not true, and an array nothing but itself."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return a is b or (not hasattr(a, "dtype") and not hasattr(b, "dtype") and bool(a == b))


def value_text(value: Any) -> str:
    """A value as `KEY=VALUE` takes it: `0.75`, `[3,4,6,3]`, `true`."""
    if isinstance(value, list):
        return f"[{','.join(map(value_text, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if hasattr(value, "numerator") and not isinstance(value, int) and not is_symbol(value):
        decimal = repr(float(value))
        return decimal if type(value)(decimal) == value else str(value)
    return str(value)
