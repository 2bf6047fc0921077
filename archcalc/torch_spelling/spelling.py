"""The words for how a layer is written: a call of a module, with arguments, or an expression."""

from __future__ import annotations

from enum import Enum

from archcalc.record import Record

REQUIRED = object()  # the default of an argument that has none

_WIDTHS = ("in_channels", "channels", "groups", "in_features", "features", "before", "after")


class Weight(Enum):
    """How much of a line of code a layer is worth."""

    MAIN = "main"  # begins a line: a convolution, a pool, a block
    LIGHT = "light"  # stands on the line of the layer before it: a norm, an activation
    JOIN = "join"  # brings lines together


class Argument(Record):
    """An argument of a module's constructor, or a figure that its call mentions.

    Attributes:
        name: its keyword.
        role: what a class of ours calls it where it is a parameter there.
        default: it is left out where its value is this.
        positional: whether it is given by its place.
        in_call: whether it stands in `Spelling.call`, and not in the construction.
    """

    name: str
    value: object
    role: str
    default: object = REQUIRED
    positional: bool = False
    in_call: bool = False

    @property
    def family(self) -> str:
        """Arguments of one family may stand for each other where their values agree."""
        return "width" if self.role.startswith(_WIDTHS) else self.role


class Spelling(Record):
    """A layer as code.

    Attributes:
        callee: the class of the module; None where the layer is an expression alone.
        call: its use in `forward`; `{module}` is the module, `{0}` … the inputs, `{name}` an
            argument that is `in_call`.
        inline: a use in `forward` that needs no module; None where there is none.
        operator: of a `call` that is an operation, "+" or "*", by how tightly it binds.
        weight: how much of a line it is worth.
    """

    callee: str | None
    arguments: tuple[Argument, ...] = ()
    call: str = "{module}({0})"
    inline: str | None = None
    operator: str = ""
    weight: Weight = Weight.LIGHT
