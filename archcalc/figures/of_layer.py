"""The figures of a layer, and their sums."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import attrgetter
from types import SimpleNamespace
from typing import TYPE_CHECKING

from archcalc.feature_map import FeatureMap
from archcalc.figures.figure import Figure, Figures, Unit
from archcalc.graph import Node
from archcalc.layers import Effect
from archcalc.layers.state import Role, State, values_of
from archcalc.quantity.arithmetic import Quantity, plain
from archcalc.receptive_field import per_axis
from archcalc.receptive_field.field import AxisField
from archcalc.receptive_field.origins import Origins
from archcalc.receptive_field.per_axis import PerAxis
from archcalc.record import Record

OF_LAYER = Figures()  # the figures of a layer, in the order of the JSON contract


def _value_bytes(layer: LayerAnalysis) -> int:
    """Bytes of each value that a layer puts out."""
    return layer.effect.output.bytes_each(layer.bytes_each)


class LayerAnalysis(Record):
    """The figures of one layer, for a batch of images.

    Attributes:
        node: the layer in its place: name, inputs, whose weights it shares.
        effect: what its rule answered, per image.
        field: what its units see, along each spatial axis of the network's input.
        local_field: the same without gates and normalization; see `archcalc.receptive_field.seen`.
        origins: which axes of the network's input the axes of its output run along.
        batch: number of images that `macs`, `flops`, `other_ops` and `activation_…` are for.
        bytes_each: bytes per value.
        is_of_images: whether it depends on the network's inputs. What comes from learned or
            constant tensors alone is there once, whatever the batch.
        used: whether some output of the network depends on it.
        shared: the names of its tensors that count with another layer.
    """

    node: Node
    effect: Effect
    field: tuple[AxisField, ...]
    local_field: tuple[AxisField, ...]
    origins: Origins
    batch: int = 1
    bytes_each: int = 4
    is_of_images: bool = True
    used: bool = True
    shared: tuple[str, ...] = ()

    def __repr__(self) -> str:
        figures = f"{self.params} params, {self.macs} MACs"
        return f"<{self.name}: {self.kind}, output {self.output}, {figures}>"

    @property
    @OF_LAYER.figure(Unit.NAME, "layer")
    def name(self) -> str:
        """Unique; dots separate the blocks that the layer stands in."""
        return self.node.name

    @property
    @OF_LAYER.figure(Unit.NAME)
    def kind(self) -> str:
        """The layer kind, as in the spec language."""
        return self.node.layer.kind

    @property
    @OF_LAYER.figure(Unit.NAMES)
    def inputs(self) -> tuple[str, ...]:
        """Names of the layers whose outputs it takes; `input` is the network's."""
        return self.node.inputs

    @property
    @OF_LAYER.figure(Unit.SHAPE, of=attrgetter("output.shape"))
    def output(self) -> FeatureMap:
        """The shape of its output, per image."""
        return self.effect.output

    @property
    def unit_axes(self) -> tuple[int, ...]:
        """The axes along which its units stand: of a map its sizes, of tokens the first."""
        found = tuple([n for n, origin in enumerate(self.origins.axes) if origin is not None])
        return found or tuple(range(bool(self.output.sizes), self.output.rank))

    @property
    def own_state(self) -> State:
        """The tensors that count here, and not with a layer that shares them."""
        state = self.effect.state
        return tuple([t for t in state if t.name not in self.shared]) if self.shared else state

    @property
    def parameters(self) -> State:
        """The tensors that it learns; () where they are another layer's, which has them."""
        return tuple([tensor for tensor in self.own_state if tensor.role is not Role.BUFFER])

    @property
    @OF_LAYER.figure(Unit.COUNT)
    def weights(self) -> Quantity:
        """Learned weights; shared ones count with the layer that owns them."""
        return values_of(self.own_state, Role.WEIGHT) if self.shared else self.effect.weights

    @property
    @OF_LAYER.figure(Unit.COUNT)
    def biases(self) -> Quantity:
        """Learned biases; shared ones count with the layer that owns them."""
        return values_of(self.own_state, Role.BIAS) if self.shared else self.effect.biases

    @property
    @OF_LAYER.figure(Unit.COUNT, made_of=("weights", "biases"))
    def params(self) -> Quantity:
        """Learned values: weights + biases."""
        return self.weights + self.biases

    @property
    def learns(self) -> bool:
        """Whether it has parameters, its own or another's, that are not frozen."""
        return self.node.trainable and bool(self.effect.parameters)

    @property
    @OF_LAYER.figure(Unit.COUNT, in_tables=False)
    def trainable_params(self) -> Quantity:
        """Learned values that are not frozen: those that have gradients."""
        return self.params if self.node.trainable else 0

    @property
    @OF_LAYER.figure(Unit.COUNT)
    def buffers(self) -> Quantity:
        """Values that are kept but not learned, such as running statistics."""
        return values_of(self.own_state, Role.BUFFER) if self.shared else self.effect.buffers

    @property
    @OF_LAYER.figure(Unit.BYTES, in_tables=False)
    def buffer_bytes(self) -> Quantity:
        """Bytes of what is kept but not learned: counts take 8 whatever the dtype."""
        return sum(
            [
                tensor.values * (tensor.bytes_each or self.bytes_each)
                for tensor in self.own_state
                if tensor.role is Role.BUFFER
            ]
        )

    @property
    @OF_LAYER.figure(Unit.COUNT, "MACs", may_be_open=True)
    def macs(self) -> Quantity:
        """Multiply-accumulates, for the batch."""
        return self.effect.macs * self.batch

    @property
    @OF_LAYER.figure(
        Unit.COUNT, "FLOPs (2 x MACs)", short="FLOPs", made_of=("macs",), may_be_open=True
    )
    def flops(self) -> Quantity:
        """Floating-point operations: 2 x MACs."""
        return 2 * self.macs

    @property
    @OF_LAYER.figure(Unit.COUNT, may_be_open=True)
    def other_ops(self) -> Quantity:
        """All arithmetic operations beside the MACs, for the batch."""
        return self.effect.other_ops * self.batch

    @property
    @OF_LAYER.figure(Unit.BYTES, made_of=("params",), in_tables=False)
    def param_bytes(self) -> Quantity:
        """Bytes of the parameters, without the buffers."""
        return self.params * self.bytes_each

    @property
    @OF_LAYER.figure(Unit.COUNT, short="values")
    def activation_values(self) -> Quantity:
        """Values that are put out, for the batch; what is learned is none of them."""
        return 0 if self.node.layer.is_source else self.effect.output.values * self.batch

    @property
    @OF_LAYER.figure(
        Unit.BYTES, short="memory", shown_by=("activation_values",),
        product=("activation_values", _value_bytes),
    )  # fmt: skip
    def activation_bytes(self) -> Quantity:
        """Bytes that are put out, for the batch."""
        return self.activation_values * _value_bytes(self)

    @property
    @OF_LAYER.figure(Unit.FIELD, short="field")
    def receptive_field(self) -> PerAxis:
        """Input pixels that a unit can see, along each axis; "all"; None where unknown."""
        return per_axis.sizes(self.field)

    @property
    @OF_LAYER.figure(Unit.FIELD, short="local field")
    def local_receptive_field(self) -> PerAxis:
        """Input pixels that a unit sees by convolutions and pools alone, along each axis.

        As `receptive_field`, and the same unless a gate or a norm stands before: see
        `archcalc.receptive_field.seen`.
        """
        return per_axis.sizes(self.local_field)

    @property
    @OF_LAYER.figure(Unit.STEP)
    def jump(self) -> PerAxis:
        """Input pixels from what one unit sees to what the next sees, along each axis.

        Of the local receptive field: a gate leaves it as it is. An average where it differs from
        unit to unit.
        """
        return per_axis.jumps(self.local_field)

    @property
    @OF_LAYER.figure(Unit.STEP)
    def offset(self) -> PerAxis:
        """The first input pixel that unit 0 sees, along each axis; "nothing" where it sees none.

        Of the local receptive field, as `jump`; negative in the padding.
        """
        return per_axis.offsets(self.local_field)

    @property
    @OF_LAYER.figure(Unit.FLAG)
    def training_only(self) -> bool:
        """Whether it exists in training only: it leads to heads for training, and nowhere else."""
        return self.node.training_only

    def record(self) -> dict[str, object]:
        """All of it under the keys of the JSON contract, in plain types that JSON knows."""
        found = (figure for figure in OF_LAYER.values() if figure.in_tables)
        return {figure.key: plain(figure.of(self)) for figure in found}


OF_LAYER["used"] = Figure(
    "used", Unit.FLAG, attrgetter("used"), "Whether some output depends on it.", "used", "used"
)
SUMMED = {key: figure for key, figure in OF_LAYER.items() if figure.is_summed}


class Totals(Record):
    """Sums over layers, for a batch of images.

    Of each figure of a layer that is a count or bytes: `totals.params` is the sum of the layers'
    `params`.
    """

    __annotations__ = dict.fromkeys(SUMMED, "Quantity")

    if TYPE_CHECKING:

        def __init__(self, *sums: Quantity) -> None: ...

        def __getattr__(self, key: str) -> Quantity: ...


def counted(layers: Sequence[LayerAnalysis]) -> Sequence[LayerAnalysis]:
    """Of a group of layers those that its sums are over: the used ones, where there are any."""
    return [layer for layer in layers if layer.used] or layers


def total(layers: Collection[LayerAnalysis], bytes_each: int) -> Totals:
    """The sums over `layers`."""
    sums = SimpleNamespace(bytes_each=bytes_each)
    for key, figure in SUMMED.items():  # what is made of others is linear in them
        setattr(sums, key, figure.of(sums) if figure.made_of else _sum(figure, layers, sums))
    return Totals(*[getattr(sums, key) for key in SUMMED])


def _sum(figure: Figure, layers: Collection[LayerAnalysis], sums: SimpleNamespace) -> Quantity:
    """The sum of a figure, by the sums that are there; of arrays they are what takes time."""
    if figure.product is None:
        found: Quantity = figure.total(layers)
        return found
    key, number = figure.product
    alike: dict[int, list[LayerAnalysis]] = {}
    for layer in layers:
        alike.setdefault(number(layer), []).append(layer)
    if len(alike) == 1:
        (times,) = alike
        whole: Quantity = getattr(sums, key) * times
        return whole
    return sum([OF_LAYER[key].total(some) * times for times, some in alike.items()])
