"""The words for how torch writes a layer: a call of a module, with arguments, or an expression."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import singledispatch

from archcalc.errors import UsageError
from archcalc.feature_map import FeatureMap
from archcalc.layers import Layer
from archcalc.layers.along_axes import AxisNumbers
from archcalc.layers.layer import Axes, Axis
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


class Built(Record):
    """A class of `archcalc.torch_backend.modules`, and what it is made with.

    Attributes:
        options: its arguments by keyword.
        around: whether it is made around the module of the callee, its first argument.
    """

    name: str
    options: Mapping[str, object]
    around: bool = False


class Spelling(Record):
    """A layer as code.

    `archcalc export` prints it; `archcalc.build` makes the callee with the arguments, or runs the
    expression.

    Attributes:
        callee: the class of the module: `nn.Name` of torch's; `Name` of archcalc's own; or
            `package.module.Name` of another package, whose source, made of `nn`, `F`, `torch`,
            `Tensor` and `math` alone, is written into the file. None where the layer is an
            expression alone.
        call: its use in `forward`; `{module}` is the module, `{0}` … the inputs, `{name}` an
            argument that is `in_call`.
        inline: a use in `forward` that needs no module; None where there is none.
        operator: of a `call` that is an operation, "+" or "*", by how tightly it binds.
        weight: how much of a line it is worth.
        parametrized: a function of `torch.nn.utils.parametrizations` that the module is handed to.
        built: what `archcalc.build` makes in its place, where the code that reads best takes
            other memory than the rule says, accepts what the rule refuses, or calls the module on
            more than the inputs.
    """

    callee: str | None
    arguments: tuple[Argument, ...] = ()
    call: str = "{module}({0})"
    inline: str | None = None
    operator: str = ""
    weight: Weight = Weight.LIGHT
    parametrized: str = ""
    built: Built | None = None


class Setting(Record):
    """What the spelling of a layer depends on beside the layer.

    Attributes:
        inputs: shapes of its inputs.
        keeps_indices: whether it is a max pool that is unpooled later.
        once: the numbers of the inputs that are there once, whatever the batch.
        uneven_same: whether a convolution of the network has `same` padding that differs
            between two sides; all with `same` then find their padding when they run.
    """

    inputs: tuple[FeatureMap, ...]
    keeps_indices: bool = False
    uneven_same: bool = False
    once: tuple[int, ...] = ()

    @property
    def x(self) -> FeatureMap:
        """The shape of the first input."""
        return self.inputs[0]

    @property
    def axes(self) -> int:
        """Number of spatial axes of the first input."""
        return len(self.x.sizes)


@singledispatch
def spell(layer: Layer, at: Setting) -> Spelling:
    """How torch writes `layer`; each kind registers its own: `@spell.register`.

    A layer may be one that its rule refuses: torch is to judge it too.

    Raises:
        UsageError: no spelling is registered for its kind.
    """
    raise UsageError(f"the layer kind {layer.kind!r} has no torch spelling, to build or export it")


def given(name: str, value: object, role: str = "") -> Argument:
    """An argument that is given by its place."""
    return Argument(name, value, role or name, positional=True)


def named(name: str, value: object, default: object = REQUIRED, role: str = "") -> Argument:
    """An argument that is given by its keyword, where its value is not the default."""
    return Argument(name, value, role or name, default)


def in_call(name: str, value: object) -> Argument:
    """A figure that the call of the layer mentions."""
    return Argument(name, value, name, in_call=True)


def dimension(axis: Axis) -> int:
    """The number that torch has for an axis, with the batch before it."""
    return axis + 1 if axis >= 0 else axis


def dimensions(axes: AxisNumbers) -> int | tuple[int, ...]:
    """As `dimension`, of one axis or of several."""
    return tuple(map(dimension, axes)) if isinstance(axes, tuple) else dimension(axes)


def tidy(value: Axes) -> object:
    """One number where it is the same along all axes."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        return value[0]
    return value
