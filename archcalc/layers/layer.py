"""What a layer kind is.

A kind is one class: its fields are the keys of the spec language with their defaults, and
`effect_on` answers everything that is asked of a layer, in one record.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, ClassVar, TypeAlias, dataclass_transform

from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Extra, Saved, Storage
from archcalc.layers.integers import Integers
from archcalc.layers.moves import Moved
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Kept, Operator, Order, Taken
from archcalc.layers.state import Role
from archcalc.layers.strides import Strides, strides_after
from archcalc.quantity.arithmetic import Quantity, require_at_least, require_multiple
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow, reached, read
from archcalc.window import Reach, Windows

# The vocabulary of field types, beside bool, float, str and int. `archcalc.spec.fields` reads each
# from YAML and describes it in the JSON Schema.
Axes: TypeAlias = "Quantity | tuple[Quantity, ...]"  # one value for all axes, or one for each
Sides: TypeAlias = "Quantity | tuple[Quantity | tuple[Quantity, Quantity], ...]"  # (before, after)
Padding: TypeAlias = "Sides | str"  # Sides, or "same", or "valid"
Axis: TypeAlias = int  # the number of an axis, 0 of the channels, -1 of the last; a plain number
Ratios: TypeAlias = "Axes"  # as Axes, but each may be a fraction
Notation: TypeAlias = str  # of `archcalc.layers.notation`
NamedSizes: TypeAlias = "tuple[tuple[str, Quantity], ...]"  # by names that the user chooses
Ceil: TypeAlias = "bool | str"  # whether to round up; or "caffe", as Caffe does
ALONG_AXES = ("Axes", "Axes | None", "Ratios | None", "Sides", "Padding")  # a value for each axis


class Category(Enum):
    """What a kind is: how it is drawn, and what it can become from one network to another."""

    CONVOLUTION = "convolution"
    LINEAR = "linear"
    ATTENTION = "attention"
    POOLING = "pooling"
    RESAMPLING = "resampling"
    NORMALIZATION = "normalization"
    ACTIVATION = "activation"
    REGULARIZATION = "regularization"
    RESHAPING = "reshaping"
    JOINING = "joining"
    OPAQUE = "opaque"


ANY_WEIGHT = "any"  # of a tensor that stands for itself, and can be any layer's
REQUIRED: Any = object()  # stands for the default of a field that has none


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Layer(ABC):
    """A layer kind. Either abstract, or final and registered (`archcalc.register`).

    A frozen record: its annotated attributes are its fields, all given by keyword. It is no
    `dataclass`, whose decorator takes half a millisecond for each of the kinds, more than the
    rest of the start-up together.

    The docstring of each kind gives its shapes (C channels, n positions along an axis), its
    formula and its source. Class attributes:
        kind: its name in specs and tables.
        category: what it is (`Category`).
        pointwise: whether, at inference, each value of its output is computed from the values at
            its own place alone (a join: of its branches), so that a compiler computes it in the
            kernel of the layer before.
        in_place: whether torch can write its output where its (first) input lies.
        moves_axes: whether the axes of its output may run along others than those of its input.
        spreads: whether a size of 1 in an input is spread over a larger one of the output.
        is_source: whether it has no input: what it puts out is its own, and no activation.
        takes_items: whether its rule is about items too; else it is asked about one of them.
        closes_gaps: whether torch works on a copy of its input where the values of that lie apart.
        keeps_order: whether what it makes of a map that lies channels last lies so in torch too.
        leaves_gaps: whether its output is a view of some values of its input, with gaps between.
        reshapes_inputs: whether torch sees its inputs under other shapes, and copies those that do
            not lie so (`copied_inputs`).
        steps_first: whether torch runs it, and leaves its output, with axis 0 before the images
            (`archcalc.layers.steps_first`).
        is_weight_layer: whether it counts where depth is counted: a matrix product with weights.
        in_lecture_total: whether its output counts in the activation total "lecture"
            (what lectures list by hand: convolutions, pools and linear layers).
        weight_is: what its tensor `weight` is, where layers of other kinds that have one may share
            it: the `matrix` of a linear map, the `kernel` of a convolution, or `ANY_WEIGHT`.
        gradient: how the gradients of its inputs come about, where torch runs one operator for it.
        keeps_for_weights: whether what it keeps for the backward pass is kept for the gradient of
            its weights alone, so that it keeps nothing where they do not learn.
        gradient_order: how the axes of these lie in memory.
        integers: what it does with maps of integers (`Integers`).
        has_twin: whether torch has a module that does the same, so that it can be built and run.
        convolves: whether torch does it by cuDNN's convolutions, which on a GPU round the factors
            of float32 to TF32 unless told otherwise.
        defaults: the default of each field, by name; `REQUIRED` where there is none.
        types: the annotation of each field, by name.
    """

    kind: ClassVar[str]
    category: ClassVar[Category]
    pointwise: ClassVar[bool] = False
    in_place: ClassVar[bool] = False
    closes_gaps: ClassVar[bool] = False
    keeps_order: ClassVar[bool] = False
    leaves_gaps: ClassVar[bool] = False
    moves_axes: ClassVar[bool] = False
    takes_items: ClassVar[bool] = False
    spreads: ClassVar[bool] = False
    is_source: ClassVar[bool] = False
    reshapes_inputs: ClassVar[bool] = False
    steps_first: ClassVar[bool] = False
    is_weight_layer: ClassVar[bool] = False
    in_lecture_total: ClassVar[bool] = False
    weight_is: ClassVar[str] = ""
    gradient: ClassVar[Gradient] = Gradient.OWN
    keeps_for_weights: ClassVar[bool] = False
    gradient_order: ClassVar[Order] = Order.OWN
    integers: ClassVar[Integers] = Integers.REFUSED
    has_twin: ClassVar[bool] = True
    convolves: ClassVar[bool] = False
    defaults: ClassVar[dict[str, Any]] = {}
    types: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls) -> None:
        annotations: dict[str, str] = cls.__annotations__
        if not all(isinstance(text, str) for text in annotations.values()):
            raise TypeError(f"{cls.__module__}: write `from __future__ import annotations` above")
        own = {name: text for name, text in annotations.items() if not text.startswith("ClassVar")}
        cls.types = cls.types | own
        cls.defaults = cls.defaults | {name: cls.__dict__.get(name, REQUIRED) for name in own}

    def __init__(self, **values: Any) -> None:
        fields = vars(self)
        fields.update(self.defaults)
        fields.update(values)
        if len(fields) > len(self.defaults):
            unknown = ", ".join(sorted(values.keys() - self.defaults.keys()))
            raise TypeError(f"{type(self).__name__} has no field {unknown}")
        for name, value in fields.items():
            if value is REQUIRED:
                raise TypeError(f"{type(self).__name__} needs {name}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({fields})"

    def given(self) -> dict[str, Any]:
        """The fields that are not at their default, by name."""
        return {n: value for n, value in vars(self).items() if value != self.defaults[n]}

    @abstractmethod
    def effect_on(self, x: FeatureMap, /) -> Effect:
        """What the layer does to an input of shape `x`.

        Raises:
            LayerError: the layer refuses such an input; the message states the local fact.
        """

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        """What torch runs for the layer in training, in order.

        One operator that keeps what the effect says, unless a kind says otherwise. None where
        its output is its input itself.

        Args:
            effect: what the layer has answered about its inputs.
            inputs: their shapes.
            at: what it depends on beside its inputs.
        """
        extras = tuple([saved for saved in effect.saved if isinstance(saved, Extra)])
        (x, *_) = inputs
        one_order = x.channels == 1 or x.positions == 1
        given = Taken(0, self.gradient, Order.OWN if one_order else self.gradient_order)
        takes = [given._replace(tensor=number) for number in range(len(inputs))]
        return (
            Operator(
                self.kind,
                (*takes, *[Taken(tensor.name) for tensor in effect.parameters]),
                effect.output.values,
                kept=tuple(self._kept(effect, len(inputs))),
                beside=tuple([extra for extra in effect.workspace if extra not in extras]),
                beside_kept=extras,
                view=effect.storage is Storage.SHARED,
            ),
        )

    def _kept(self, effect: Effect, inputs: int) -> Iterator[Kept]:
        for saved in effect.saved:
            if saved is Saved.OUTPUT:
                yield Kept(None)
            elif saved is Saved.INPUT:
                yield from [Kept(number) for number in range(inputs)]
        yield from [Kept(tensor.name) for tensor in effect.state if tensor.role is Role.WEIGHT]

    def indices_below(self) -> int | None:
        """Of a kind that takes integers as indices, what they have to be below; None of others."""
        return None

    def params_read(self, effect: Effect, batch: Quantity) -> Quantity:
        """How many learned values it reads, each once: all, unless the input says which."""
        return effect.weights + effect.biases

    def view_strides(
        self, before: Sequence[int], strides: Strides, after: Sequence[int], x: FeatureMap
    ) -> Strides | None:
        """How far apart the values of its output lie, where that is a view of its input.

        Args:
            before, strides: the shape of the input, the batch included, and how it lies.
            after, x: the shape of the output, with the batch; and that of the input, without.
        """
        return strides_after(before, strides, after) if self.moves_axes else strides

    @property
    def may_leave_gaps(self) -> bool:
        """Whether it leaves gaps as it is set, where that is no fact of its kind."""
        return self.leaves_gaps

    @property
    def minds_gaps(self) -> bool:
        """Whether it copies its input, or not, by how the values of that lie."""
        return self.steps_first or self.closes_gaps

    def can_stay(self, x: FeatureMap) -> bool:
        """Whether its output, of which its effect says that it may be a view, is one of `x`."""
        return True

    def cached_values(self, effect: Effect, *inputs: FeatureMap) -> Quantity:
        """The keys and values, of all positions, that stay for later ones to be computed alone."""
        return 0

    def macs_of_cached(self, effect: Effect, *inputs: FeatureMap) -> Quantity:
        """The MACs of these, which are not computed again where they are of another input."""
        return 0

    def macs_of_weights(self, effect: Effect, inputs: Sequence[FeatureMap]) -> Quantity:
        """The MACs of its products with weights: as many as the gradients of these take."""
        return effect.macs

    def macs_backward(
        self, effect: Effect, inputs: Sequence[FeatureMap], learning: Sequence[bool]
    ) -> Quantity:
        """The MACs of all other gradients: of its inputs, as far as they have one, and on the way.

        `learning` says of each input whether it learns, or comes from something that does.
        """
        return effect.macs if any(learning) else 0

    def copied_inputs(
        self, shapes: Sequence[tuple[int, ...]], strides: Sequence[Strides]
    ) -> Iterator[tuple[int, int]]:
        """Of one that `reshapes_inputs`, which of them, all images of a batch, torch copies where
        they lie so: their numbers, and the values of the copies."""
        yield from ()

    def workspace_on_gpu(self, effect: Effect, in_half: bool) -> tuple[Extra, ...]:
        """The `workspace` of its effect, where torch runs it on a GPU, maybe in half precision."""
        return effect.workspace

    def in_half(self, effect: Effect) -> Effect:
        """Its effect where a CPU computes in half precision, which torch may do in float32."""
        return effect

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        """Whether it is known what torch makes and keeps in `dtype`; `at` has no gaps or copies."""
        return True

    def orders_as_input(self, x: FeatureMap) -> bool:
        """Whether the axes of a new output lie as those of its input do: of a pointwise join, as
        those of all inputs; else as those of the first, `x`."""
        return self.pointwise

    def scatters(self, x: FeatureMap) -> bool:
        """Of a view of `x`, whether its values lie apart along the last axis, or stand for several.

        So they cannot be told to lie in rows, one value behind the other.
        """
        return False

    @property
    def weight_form(self) -> object:
        """What a layer whose weights are to be all of this one's has in common with it."""
        return type(self)

    @classmethod
    def may_share_with(cls, other: type[Layer]) -> bool:
        """Whether a layer of its kind may have the weights, or the weight, of one of another."""
        if cls is other:
            return True
        both = {cls.weight_is, other.weight_is}
        return "" not in both and (len(both) == 1 or ANY_WEIGHT in both)

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        """The fields that say how many channels its output has."""
        return ()

    def follows(self, x: FeatureMap) -> tuple[str, ...]:
        """The fields that have to grow with the channels of its input, beside its widths."""
        return ()

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        """Layers, one behind the other, by which a unit answers to all that it sees.

        They are linear and, with weights of one and without biases, have nothing negative:
        `archcalc.torch_backend.probe` measures receptive fields by them. A layer that is like that
        probes itself; one that is pointwise lets everything pass.
        """
        return () if self.pointwise else (self,)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        """What it slides along the channels of `x`, or a vector's features: by default nothing."""
        return Reach.SAME

    def windows_along(
        self, number: int, inputs: Sequence[FeatureMap], windows: Windows
    ) -> tuple[ChannelWindow, ...]:
        """What the layer slides along each axis of the input `number`, the first included.

        Args:
            inputs: the shape of each input.
            windows: of the layer's effect.
        """
        x = inputs[number]
        if isinstance(windows, tuple):
            return (self.channel_window(x), *windows)
        of_all = windows is Reach.STATISTICS or (windows is not Reach.SAME and not x.sizes)
        first: ChannelWindow = windows if of_all else self.channel_window(x)
        return (first, *[windows] * len(x.sizes))

    def axes_from(
        self, number: int, inputs: Sequence[FeatureMap], output: FeatureMap
    ) -> Moved | tuple[int | None, ...] | None:
        """For each axis of the output the axis of the input `number` that it runs along.

        None of an axis that runs along none of it; and in all, where axes are taken apart or put
        together in a way that is not followed.
        """
        return tuple(range(output.rank)) if inputs[number].rank == output.rank else None

    def reaches(
        self, channels: int, x: FeatureMap, output: FeatureMap, window: ChannelWindow
    ) -> int:
        """The channels of the output that are computed from any of some channels of `x`.

        Raises:
            NotFollowedError: it is unknown, or takes too long to find.
        """
        return reached(window, channels, output.channels)

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        """Which values of its inputs some values of its output are computed from.

        Args:
            patch: of the output.
            inputs: the shape of each input.
            windows: of the layer's effect.

        Yields:
            The number of the input, from 0, and a patch of it.

        Raises:
            NotFollowedError: it is unknown, or takes too long to find.
        """
        (x,) = inputs
        each = windows if isinstance(windows, tuple) else (windows,) * len(x.sizes)
        channels = read(self.channel_window(x), patch.channels, x.channels)
        yield 0, Patch(channels, tuple(map(read, each, patch.positions, x.sizes)))


def require_positive(value: Quantity, what: str) -> None:
    """Raises LayerError unless value >= 1."""
    require_at_least(value, 1, "{1} {0}", what, value)


def require_divisible(
    channels: Quantity, parts: Quantity, what: str = "channels", into: str = "groups"
) -> None:
    """Raises LayerError unless `channels` divide into so many parts."""
    require_multiple(channels, parts, "{} {} do not divide into {} {}", channels, what, parts, into)
