"""What the walk finds out: the figures of each layer, their sums, the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from archcalc.errors import LayerError, UsageError, did_you_mean, require_extra
from archcalc.feature_map import FeatureMap
from archcalc.graph import INPUT, Graph, Node, names_meant, with_ends
from archcalc.identity import Identity
from archcalc.layers import Effect
from archcalc.layers.state import State
from archcalc.quantity.arithmetic import Quantity, plain
from archcalc.receptive_field.field import AxisField, Field, PhasedField
from archcalc.record import Record
from archcalc.window import Reach

if TYPE_CHECKING:
    from fractions import Fraction

    import pandas

DTYPES: dict[str, int] = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2, "int8": 1}

# One number for each spatial axis of the network's input, None where it is unknown.
PerAxis: TypeAlias = "tuple[Quantity | Fraction | str | None, ...] | str | None"


class LayerAnalysis(Record):
    """The figures of one layer, for a batch of images.

    Attributes:
        node: the layer in its place: name, inputs, whose weights it shares.
        effect: what its rule answered, per image.
        field: what its units see, along each spatial axis of the network's input.
        local_field: the same without gates and normalization; see `archcalc.receptive_field.seen`.
        batch: number of images that `macs`, `flops`, `other_ops` and `activation_…` are for.
        bytes_each: bytes per value.
        used: whether some output of the network depends on it.
        owns_weights: whether its learned values count here, and not with a layer that shares them.
    """

    node: Node
    effect: Effect
    field: tuple[AxisField, ...]
    local_field: tuple[AxisField, ...]
    batch: int = 1
    bytes_each: int = 4
    used: bool = True
    owns_weights: bool = True

    def __repr__(self) -> str:
        figures = f"{self.params} params, {self.macs} MACs"
        return f"<{self.name}: {self.kind}, output {self.output}, {figures}>"

    @property
    def name(self) -> str:
        """Unique; dots separate the blocks that the layer stands in."""
        return self.node.name

    @property
    def kind(self) -> str:
        """The layer kind, as in the spec language."""
        return self.node.layer.kind

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the layers whose outputs it takes; `input` is the network's."""
        return self.node.inputs

    @property
    def output(self) -> FeatureMap:
        """The shape of its output, per image."""
        return self.effect.output

    @property
    def training_only(self) -> bool:
        """Whether it exists in training only: it leads to heads for training, and nowhere else."""
        return self.node.training_only

    @property
    def parameters(self) -> State:
        """The tensors that it learns; () where they are another layer's, which has them."""
        return self.effect.parameters if self.owns_weights else ()

    @property
    def weights(self) -> Quantity:
        """Learned weights; 0 where they are another layer's, which counts them."""
        return self.effect.weights if self.owns_weights else 0

    @property
    def biases(self) -> Quantity:
        """Learned biases; 0 where they are another layer's, which counts them."""
        return self.effect.biases if self.owns_weights else 0

    @property
    def params(self) -> Quantity:
        """Learned values: weights + biases."""
        return self.weights + self.biases

    @property
    def buffers(self) -> Quantity:
        """Values that are kept but not learned, such as running statistics."""
        return self.effect.buffers if self.owns_weights else 0

    @property
    def macs(self) -> Quantity:
        """Multiply-accumulates, for the batch."""
        return self.effect.macs * self.batch

    @property
    def flops(self) -> Quantity:
        """2 x MACs."""
        return 2 * self.macs

    @property
    def other_ops(self) -> Quantity:
        """All arithmetic operations beside the MACs, for the batch."""
        return self.effect.other_ops * self.batch

    @property
    def activation_values(self) -> Quantity:
        """Values of the output, for the batch."""
        return self.effect.output.values * self.batch

    @property
    def activation_bytes(self) -> Quantity:
        """Bytes of the output, for the batch."""
        return self.activation_values * self.bytes_each

    @property
    def receptive_field(self) -> PerAxis:
        """Input pixels that a unit can see, along each axis; "all"; None where unknown."""
        return _folded([_reach(f) if isinstance(f, Reach) else f.size for f in self.field])

    @property
    def local_receptive_field(self) -> PerAxis:
        """Input pixels that a unit sees by convolutions and pools alone, along each axis.

        As `receptive_field`, and the same unless a gate or a norm stands before: see
        `archcalc.receptive_field.seen`.
        """
        return _folded([_reach(f) if isinstance(f, Reach) else f.size for f in self.local_field])

    @property
    def jump(self) -> PerAxis:
        """Input pixels from what one unit sees to what the next sees, along each axis.

        Of the local receptive field: a gate leaves it as it is. An average where it differs from
        unit to unit.
        """
        return _folded([None if isinstance(f, Reach) else f.jump for f in self.local_field])

    @property
    def offset(self) -> PerAxis:
        """The first input pixel that unit 0 sees, along each axis; negative in the padding.

        Of the local receptive field, as `jump`; "nothing" where that unit sees nothing.
        """
        return _folded([None if isinstance(f, Reach) else _offset(f) for f in self.local_field])

    def record(self) -> dict[str, object]:
        """All of it under the keys of the JSON contract, in plain types that JSON knows."""
        return {
            "name": self.name,
            "kind": self.kind,
            "inputs": list(self.inputs),
            "output": plain(self.output.shape),
            "weights": plain(self.weights),
            "biases": plain(self.biases),
            "params": plain(self.params),
            "buffers": plain(self.buffers),
            "macs": plain(self.macs),
            "flops": plain(self.flops),
            "other_ops": plain(self.other_ops),
            "activation_values": plain(self.activation_values),
            "activation_bytes": plain(self.activation_bytes),
            "receptive_field": plain(self.receptive_field),
            "local_receptive_field": plain(self.local_receptive_field),
            "jump": plain(self.jump),
            "offset": plain(self.offset),
            "training_only": self.training_only,
            "used": self.used,
        }


class Totals(Record):
    """Sums over layers, for a batch of images.

    Attributes:
        params: learned values, weights + biases.
        buffers: values that are kept but not learned.
        flops: 2 x macs.
        param_bytes: bytes of the parameters, without the buffers.
    """

    params: Quantity
    weights: Quantity
    biases: Quantity
    buffers: Quantity
    macs: Quantity
    flops: Quantity
    other_ops: Quantity
    param_bytes: Quantity


def _sum_of(key: str) -> property:
    def value(analysis: Analysis) -> Quantity:
        figure: Quantity = getattr(analysis.totals, key)
        return figure

    return property(value, doc=f"`totals.{key}`: the sum over the layers that run at inference.")


class Analysis(Record):
    """A network with all its figures.

    Its sums are those of `totals`: `analysis.params`. Iteration goes over the layers, and
    `analysis["conv1"]` is one of them; `to_frame`, `to_markdown` and a notebook show them.

    Attributes:
        graph: the network.
        batch: number of images that the figures are for.
        dtype: of parameters and activations; see `DTYPES`.
        layers: the figures of each layer, in order of execution.
        error: why the walk ended early, in a partial analysis; else None.
    """

    graph: Graph
    batch: int
    dtype: str
    layers: tuple[LayerAnalysis, ...]
    error: AnalysisStopped | None = None

    def __repr__(self) -> str:
        totals = self.totals
        return (
            f"<Analysis of {self.identity}: input {self.input}, batch {self.batch}, {self.dtype}; "
            f"{len(self.layers)} layers, {totals.params} params, {totals.macs} MACs>"
        )

    params = _sum_of("params")
    weights = _sum_of("weights")
    biases = _sum_of("biases")
    buffers = _sum_of("buffers")
    macs = _sum_of("macs")
    flops = _sum_of("flops")
    other_ops = _sum_of("other_ops")
    param_bytes = _sum_of("param_bytes")

    def __iter__(self) -> Iterator[LayerAnalysis]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, name: str) -> LayerAnalysis:
        return self.layer(name)

    def __contains__(self, name: object) -> bool:
        return any(layer.name == name for layer in self.layers)

    @property
    def name(self) -> str:
        """The name of the network."""
        return self.graph.name

    @property
    def identity(self) -> Identity:
        """The name with what was changed: of parameters, and of the input."""
        return self.graph.identity

    @property
    def input(self) -> FeatureMap:
        """The shape of an input image."""
        return self.graph.input

    @property
    def bytes_each(self) -> int:
        """Bytes per value."""
        return DTYPES[self.dtype]

    @property
    def maps(self) -> dict[str, FeatureMap]:
        """The shape of every layer's output, per image, and of the network's input, by name."""
        return {INPUT: self.input} | {layer.name: layer.output for layer in self.layers}

    @property
    def inference_layers(self) -> tuple[LayerAnalysis, ...]:
        """The layers that run at inference: those that an output depends on which exists there."""
        return tuple(layer for layer in self.used_layers if not layer.training_only)

    @property
    def used_layers(self) -> tuple[LayerAnalysis, ...]:
        """The layers that some output depends on, in training at the least."""
        return tuple(layer for layer in self.layers if layer.used)

    @property
    def training_only_layers(self) -> tuple[LayerAnalysis, ...]:
        """The layers that run in training only."""
        return tuple(layer for layer in self.used_layers if layer.training_only)

    @property
    def unused_layers(self) -> tuple[LayerAnalysis, ...]:
        """The layers that no output depends on: they are part of no figure of the network."""
        return tuple(layer for layer in self.layers if not layer.used)

    @property
    def totals(self) -> Totals:
        """Sums over the layers that run at inference."""
        return total(self.inference_layers, self.bytes_each)

    @property
    def training_only_totals(self) -> Totals:
        """Sums over the layers that run in training only."""
        return total(self.training_only_layers, self.bytes_each)

    @property
    def unused_totals(self) -> Totals:
        """Sums over the layers that no output depends on."""
        return total(self.unused_layers, self.bytes_each)

    def layer(self, name: str) -> LayerAnalysis:
        """The layer called `name`; the end of its dotted name will do where it is unique.

        Raises:
            UsageError: no layer has that name, or several have; with a guess. Of a block it says
                which layer its output is.
        """
        if not isinstance(name, str):
            raise UsageError(
                f"a layer is asked for by its name, such as {self.layers[0].name!r}, and not by "
                f"{name!r}; `layers` has them in order"
            )
        by_name = {layer.name: layer for layer in self.layers}
        matches = names_meant(name, by_name)
        if len(matches) == 1:
            return by_name[matches[0]]
        if matches:
            several = ", ".join(matches[:4])
            raise UsageError(f"{len(matches)} layers of {self.name} are called {name!r}: {several}")
        blocks = names_meant(name, self.graph.blocks)
        last = self._last_of(blocks[0]) if len(blocks) == 1 else None
        if last is not None:
            raise UsageError(
                f"{name!r} is a block ({self.graph.blocks[blocks[0]]}) of {self.name}, not a "
                f"layer; its output is that of {last!r}"
            )
        guess = did_you_mean(name, with_ends([*by_name, *self.graph.blocks]))
        raise UsageError(f"{self.name} has no layer {name!r}{guess}")

    def _last_of(self, block: str) -> str | None:
        """The layer whose output leaves a block; None for an empty block."""
        blocks, inside = self.graph.blocks, block + "."
        for layer in reversed(self.layers):
            around = self.graph.blocks_around(layer.name)
            deeper = [name for name in around if name.startswith(inside)]
            if layer.name.startswith(inside) and "head" not in map(blocks.get, deeper):
                return layer.name
        return None

    def to_frame(self) -> pandas.DataFrame:
        """The layers as a pandas DataFrame, whose columns are the keys of the JSON contract.

        The last, `network`, has the name with what was changed.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        require_extra("to_frame()", "pandas", "pandas")
        import pandas

        frame = pandas.DataFrame([layer.record() for layer in self.layers])
        return frame.assign(network=str(self.identity))

    def to_markdown(self, *, columns: Sequence[str] | None = None, depth: int | None = None) -> str:
        """The layers as a Markdown table, as `archcalc table` writes it.

        Args:
            columns: their names, such as `name`, `output` and `macs`; the usual ones if None.
            depth: the level of nesting below which blocks are folded; what fits a screen if None.

        Raises:
            UsageError: there is no such column; with a guess.
        """
        return _written(self, "markdown", columns=columns, depth=depth)

    def _repr_html_(self) -> str:
        return _written(self, "html")

    def record(self) -> dict[str, object]:
        """The layers and what they are of, under the keys of the JSON contract."""
        identity = self.identity
        return {
            "name": self.name,
            "parameters": {key: plain(value) for key, value in identity.parameters.items()},
            "changed": identity.record()["changed"],
            "input": plain(self.input.shape),
            "batch": self.batch,
            "dtype": self.dtype,
            "layers": [layer.record() for layer in self.layers],
        }


class AnalysisStopped(LayerError):
    """A layer in its place refuses its input.

    Attributes:
        partial: the analysis of all layers before it.
    """

    def __init__(
        self, message: str, graph: Graph, batch: int, dtype: str, layers: tuple[LayerAnalysis, ...]
    ) -> None:
        super().__init__(message)
        self.partial = Analysis(graph, batch, dtype, layers, error=self)


def _written(analysis: Analysis, form: str, **options: Any) -> str:
    # By its name, as the door itself: what shows an analysis stands above it.
    table = import_module("archcalc.render.table").TableDocument(analysis, **options)
    text: str = import_module("archcalc.render.output").write(table, form)
    return text


def require_numbers(analysis: Analysis) -> None:
    """Raises UsageError where there are free sizes, or arrays, among the network's figures."""
    figures: list[Quantity] = [*analysis.input.shape]
    for layer in analysis.layers:
        figures += [*layer.output.shape, layer.params, layer.macs, layer.activation_bytes]
    if not all(isinstance(figure, int) for figure in figures):
        raise UsageError(f"{analysis.name} has free sizes; give plain numbers as input")


def counted(layers: Sequence[LayerAnalysis]) -> Sequence[LayerAnalysis]:
    """Of a group of layers those that its sums are over: the used ones, where there are any."""
    return [layer for layer in layers if layer.used] or layers


def total(layers: Iterable[LayerAnalysis], bytes_each: int) -> Totals:
    """The sums over `layers`."""
    weights = biases = buffers = macs = other_ops = 0
    for layer in layers:
        weights = weights + layer.weights
        biases = biases + layer.biases
        buffers = buffers + layer.buffers
        macs = macs + layer.macs
        other_ops = other_ops + layer.other_ops
    return Totals(
        params=weights + biases,
        weights=weights,
        biases=biases,
        buffers=buffers,
        macs=macs,
        flops=2 * macs,
        other_ops=other_ops,
        param_bytes=(weights + biases) * bytes_each,
    )


def _reach(reach: Reach) -> str | None:
    return "all" if reach is Reach.ALL else None


def _offset(field: Field | PhasedField) -> Quantity | str:
    return "nothing" if field.offset is None else field.offset


def _folded(axes: Sequence[Quantity | Fraction | str | None]) -> PerAxis:
    """One word where all axes say the same word."""
    for word in (None, "all", "nothing"):
        if axes and all(axis == word for axis in axes):
            return word
    return tuple(axes)
