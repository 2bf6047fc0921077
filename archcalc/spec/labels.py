"""How users call a number of a network: `alpha`, `depths`, `depths[2]`, `H`, `tokens[0]`.

Formulas, the ways to scale a network and a spec's `scaling` all take these labels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from archcalc.errors import suggestion
from archcalc.record import Record
from archcalc.spec.conversions import shown
from archcalc.spec.values import ExpressionError, Value

# What the sizes of an input are called, by their number; C is its channels.
_SIZES = ((), ("L",), ("H", "W"), ("D", "H", "W"))
_LABEL = re.compile(r"(?P<name>[^\W\d]\w*)(\[(?P<item>0|[1-9][0-9]{0,2})\])?")


class Labelled(Record):
    """What a label stands for.

    Attributes:
        parameter: the name of the parameter; None for a size of an input.
        number: of the item in the parameter's list, or of the size in the input, where 0 is the
            channels; None for a parameter as a whole.
        input: the name of the input; None for a parameter.
    """

    parameter: str | None
    number: int | None
    input: str | None = None


def size_labels(count: int) -> tuple[str, ...]:
    """What the sizes of an input with so many spatial axes are called."""
    return _SIZES[count]


def find_labelled(
    label: str,
    network: str,
    parameters: Mapping[str, Value],
    inputs: Mapping[str, int],
    others: Sequence[str] = (),
) -> Labelled:
    """What a label stands for in a network. A parameter hides a size of the same name.

    `H` is a size of the first input; those of any are `image[2]`, `tokens[0]` as well.

    Args:
        network: its name, for the message.
        inputs: how many sizes each input has, its channels among them, by name.
        others: what else may be given there.

    Raises:
        ExpressionError: there is no such parameter, item or size, or it is not a number; with a
            guess.
    """
    match = _LABEL.fullmatch(label)
    if match is None:
        raise ExpressionError(
            f"{label[:40]!r} is not a name; expected one such as H, classes or depths[0]"
        )
    name, item = match["name"], None if match["item"] is None else int(match["item"])
    if name in parameters:
        _require_number(label, name, item, parameters[name])
        return Labelled(name, item)
    first, axes = next(iter(inputs)), next(iter(inputs.values())) - 1
    sizes = {"C": 0} | {size: number for number, size in enumerate(size_labels(axes), 1)}
    if name in sizes and item is None:
        return Labelled(None, sizes[name], first)
    if item is not None and item < inputs.get(name, 0):
        return Labelled(None, item, name)
    known = [*others, *parameters, *sizes]
    if len(inputs) > 1:
        known += [f"{name}[{number}]" for name, count in inputs.items() for number in range(count)]
    guess = suggestion(name, known)
    raise ExpressionError(f"{network} has no {label!r}{guess}")


def _require_number(label: str, name: str, item: int | None, value: Value) -> None:
    if item is not None:
        if not isinstance(value, list) or item >= len(value):
            raise ExpressionError(f"{name} is {shown(value)}, and has no item {item}")
        value = value[item]
        if isinstance(value, list):
            raise ExpressionError(f"{label} is {shown(value)}, not a number")
    if value is None:
        raise ExpressionError(f"{label} is {shown(value)}; set it to a number")
    items = value if isinstance(value, list) else [value]
    if not items or any(isinstance(n, (bool, str, list)) for n in items):
        raise ExpressionError(f"{label} is {shown(value)}, not a number")
