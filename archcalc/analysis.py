"""Graph -> Analysis: one walk over the layers, which answers for each what its rule says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast, overload

from archcalc.errors import LayerError, UsageError, did_you_mean, require_extra
from archcalc.feature_map import FeatureMap
from archcalc.graph import INPUT, Graph, Node, build_graph
from archcalc.layers import Effect
from archcalc.quantity import LARGEST_INT64, Quantity, is_array, is_symbol, plain, require_at_least
from archcalc.receptive_field import PIXEL, AxisField, PhasedField, fields_after
from archcalc.spec.expression import ExpressionError, Value
from archcalc.spec.fields import whole
from archcalc.spec.library import find_network
from archcalc.window import Reach, Windows

if TYPE_CHECKING:
    from fractions import Fraction

    import pandas
    from numpy.typing import NDArray

    from archcalc.sweep import Sweep

MOST_SHOWN = 4  # inputs of a layer in a message
MOST_PHASE_WORK = 1_000_000  # intervals; beyond it, fields with phases count as unknown
LONGEST_FORMULA = 100  # operations; each layer wraps another floor around a free size

DTYPES: dict[str, int] = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2, "int8": 1}

# One number for each spatial axis of the network's input, None where it is unknown.
PerAxis: TypeAlias = "tuple[Quantity | Fraction | str | None, ...] | str | None"


@dataclass(frozen=True, slots=True)
class LayerAnalysis:
    """The figures of one layer, for a batch of images.

    Attributes:
        node: the layer in its place: name, inputs, whose weights it shares.
        effect: what its rule answered, per image.
        field: what its units see, along each spatial axis of the network's input.
        batch: number of images that `macs`, `flops`, `other_ops` and `activation_…` are for.
        bytes_each: bytes per value.
    """

    node: Node
    effect: Effect
    field: tuple[AxisField, ...]
    batch: int = 1
    bytes_each: int = 4

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
        """Whether it belongs to a side output that exists in training only."""
        return self.node.training_only

    @property
    def weights(self) -> Quantity:
        """Learned weights; 0 where they are another layer's, which counts them."""
        return 0 if self.node.weights else self.effect.weights

    @property
    def biases(self) -> Quantity:
        """Learned biases; 0 where they are another layer's, which counts them."""
        return 0 if self.node.weights else self.effect.biases

    @property
    def params(self) -> Quantity:
        """Learned values: weights + biases."""
        return self.weights + self.biases

    @property
    def buffers(self) -> Quantity:
        """Values that are kept but not learned, such as running statistics."""
        return 0 if self.node.weights else self.effect.buffers

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
    def jump(self) -> PerAxis:
        """Input pixels from what one unit sees to what the next sees, along each axis."""
        return _folded([None if isinstance(f, Reach) else f.jump for f in self.field])

    @property
    def offset(self) -> PerAxis:
        """The first input pixel that unit 0 sees, along each axis; negative in the padding."""
        return _folded([None if isinstance(f, Reach) else f.offset for f in self.field])

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
            "jump": plain(self.jump),
            "offset": plain(self.offset),
            "training_only": self.training_only,
        }


@dataclass(frozen=True, slots=True)
class Totals:
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


@dataclass(frozen=True, slots=True)
class Analysis:
    """A network with all its figures.

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
    error: LayerError | None = None

    def __repr__(self) -> str:
        totals = self.totals
        return (
            f"<Analysis of {self.name}: input {self.input}, batch {self.batch}, {self.dtype}; "
            f"{len(self.layers)} layers, {totals.params} params, {totals.macs} MACs>"
        )

    @property
    def name(self) -> str:
        """The name of the network."""
        return self.graph.name

    @property
    def input(self) -> FeatureMap:
        """The shape of an input image."""
        return self.graph.input

    @property
    def bytes_each(self) -> int:
        """Bytes per value."""
        return DTYPES[self.dtype]

    @property
    def totals(self) -> Totals:
        """Sums over all layers but those that exist in training only."""
        return total([layer for layer in self.layers if not layer.training_only], self.bytes_each)

    @property
    def training_only_totals(self) -> Totals:
        """Sums over the layers that exist in training only."""
        return total([layer for layer in self.layers if layer.training_only], self.bytes_each)

    def layer(self, name: str) -> LayerAnalysis:
        """The layer called `name`; the end of its dotted name will do where it is unique.

        Raises:
            UsageError: no layer is called so, or several; with a guess.
        """
        ending = "." + name
        matches = [layer for layer in self.layers if layer.name == name] or [
            layer for layer in self.layers if layer.name.endswith(ending)
        ]
        if len(matches) == 1:
            return matches[0]
        if matches:
            several = ", ".join(layer.name for layer in matches[:4])
            raise UsageError(f"{len(matches)} layers of {self.name} are called {name!r}: {several}")
        names = [layer.name for layer in self.layers]
        guess = did_you_mean(name, [*names, *(n.rpartition(".")[2] for n in names)])
        raise UsageError(f"{self.name} has no layer {name!r}{guess}")

    def to_frame(self) -> pandas.DataFrame:
        """The layers as a pandas DataFrame; its columns are the keys of the JSON contract.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        require_extra("to_frame()", "pandas", "pandas")
        import pandas

        return pandas.DataFrame([layer.record() for layer in self.layers])


def load(name: str, /, *, input: Sequence[Value] | None = None, **parameters: Value) -> Graph:
    """The network called `name`, or of the spec file `FILE` or `FILE#VARIANT`.

    Args:
        input: [channels, size…] in place of the spec's own.
        parameters: values in place of the spec's own.

    Raises:
        UsageError: no such network, file or parameter.
        SpecError: the spec is wrong.
    """
    shape = None if input is None else input_shape(input)
    return build_graph(find_network(name), input=shape, parameters=parameters)


def input_shape(sizes: Sequence[Value]) -> FeatureMap:
    """[channels, size…] as the shape of an input.

    Raises:
        UsageError: a size below 1, or not one to four numbers.
    """
    if not 1 <= len(sizes) <= 4:
        raise UsageError(f"an input is channels and up to 3 sizes; {len(sizes)} numbers were given")
    try:
        channels, *spatial = [cast(Quantity, whole(size)) for size in sizes]
        for size in (channels, *spatial):
            require_at_least(size, 1, "an input of {}", "x".join(map(str, sizes)))
    except (ExpressionError, LayerError) as error:
        raise UsageError(str(error)) from None
    return FeatureMap(channels, tuple(spatial))


@overload
def analyze(  # type: ignore[overload-overlap]  # what makes it a Sweep is that there are arrays
    graph: Graph | str,
    /,
    *,
    input: Sequence[int] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    **parameters: int | float | str | Fraction | list[Any],
) -> Analysis: ...


@overload
def analyze(
    graph: Graph | str,
    /,
    *,
    input: Sequence[int | NDArray[Any]] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    **parameters: int | float | str | Fraction | list[Any] | NDArray[Any],
) -> Sweep: ...


def analyze(
    graph: Graph | str,
    /,
    *,
    input: Sequence[Value] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    **parameters: Value,
) -> Analysis | Sweep:
    """Every figure of a network.

    With numpy arrays among the parameters or the sizes of the input, which broadcast against each
    other, the figures at all their settings: a `Sweep`, whose `totals` are arrays.

    Args:
        graph: what `load` returned, or what it takes.
        input, parameters: as for `load`; a graph is then built anew with them.
        batch: number of images.
        dtype: of parameters and activations; see `DTYPES`.

    Raises:
        LayerError: a layer refuses its input; its `partial` is the analysis up to there. Of
            arrays none is raised: a `Sweep` marks the settings.
        UsageError: an unknown dtype, or a batch below 1; and as `load`.
        SpecError: as `load`.
    """
    if dtype not in DTYPES:
        guess = did_you_mean(dtype, DTYPES) or f"; known: {', '.join(DTYPES)}"
        raise UsageError(f"unknown dtype {dtype!r}{guess}")
    if batch < 1:
        raise UsageError(f"a batch of {batch}")
    if _has_arrays([*parameters.values(), input]):
        from archcalc.sweep import sweep

        network = find_network(graph) if isinstance(graph, str) else graph.network
        before = {} if isinstance(graph, str) else graph.parameters
        changed = before | parameters
        return sweep(network, input=input, parameters=changed, batch=batch, dtype=dtype)
    if isinstance(graph, str):
        graph = load(graph, input=input, **parameters)
    elif parameters or input is not None:
        shape = None if input is None else input_shape(input)
        changed = graph.parameters | parameters
        graph = build_graph(graph.network, input=shape, parameters=changed)
    return walk(graph, batch, dtype)


def _has_arrays(values: Iterable[Value]) -> bool:
    """Whether there are arrays among the values, or in lists among them."""
    return any(
        _has_arrays(value) if isinstance(value, (list, tuple))
        else is_array(value) or getattr(value, "ndim", 0) > 0
        for value in values
    )  # fmt: skip


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


def walk(graph: Graph, batch: int, dtype: str) -> Analysis:
    """Every figure of a graph, as `analyze`."""
    bytes_each = DTYPES[dtype]
    pixel = (PIXEL,) * len(graph.input.sizes)
    maps: dict[str, FeatureMap] = {INPUT: graph.input}
    fields: dict[str, tuple[AxisField, ...]] = {INPUT: pixel}
    done: dict[str, LayerAnalysis] = {}
    phase_work = 0
    for node in graph.nodes:
        inputs = [maps[name] for name in node.inputs]
        try:
            if node.indices is not None:
                inputs.append(maps[done[node.indices].inputs[0]])
            effect = node.layer.effect_on(*inputs)
            _check(node, effect, done)
            # Where an unpooling puts a value depends on all that its max pool has seen.
            seen_from = (*node.inputs, node.indices) if node.indices else node.inputs
            seen = fields_after([fields[name] for name in seen_from], effect.windows)
            _check_field(seen)
            phase_work += _phase_work(seen, effect.windows, len(seen_from))
            if phase_work > MOST_PHASE_WORK:
                seen = tuple([Reach.UNKNOWN if isinstance(f, PhasedField) else f for f in seen])
        except LayerError as refusal:
            error = LayerError(_located(node, [maps[name] for name in node.inputs], refusal))
            error.partial = Analysis(graph, batch, dtype, tuple(done.values()), error)
            raise error from None
        maps[node.name] = effect.output
        fields[node.name] = seen
        done[node.name] = LayerAnalysis(node, effect, seen, batch, bytes_each)
    return Analysis(graph, batch, dtype, tuple(done.values()))


def _check(node: Node, effect: Effect, done: dict[str, LayerAnalysis]) -> None:
    values = effect.output.values
    if type(values) is int and values > LARGEST_INT64:
        raise LayerError("an output of more than 2**63 - 1 values")
    for size in effect.output.sizes:
        if is_symbol(size) and cast(Any, size).count_ops() > LONGEST_FORMULA:
            raise LayerError(
                f"its output size takes more than {LONGEST_FORMULA} operations as a formula; "
                "try sizes such as 32h"
            )
    if node.weights is not None:
        owner = done[node.weights].effect
        if (owner.weight, owner.bias) != (effect.weight, effect.bias):
            raise LayerError(
                f"shares the weights of {node.weights}, of shape {_shape(owner)}; "
                f"here they would be {_shape(effect)}"
            )


def _check_field(seen: tuple[AxisField, ...]) -> None:
    """Without a bound, the numbers of a long chain of strides would fill the memory."""
    for axis in seen:
        jump = None if isinstance(axis, Reach) else axis.jump
        if getattr(jump, "numerator", 0) > LARGEST_INT64:  # of ints and fractions
            raise LayerError("a jump of more than 2**63 - 1 pixels")


def _phase_work(seen: tuple[AxisField, ...], windows: Windows, inputs: int) -> int:
    """How many intervals it took to find the phases in `seen`."""
    work = 0
    for number, axis in enumerate(seen):
        if isinstance(axis, PhasedField):
            window = windows[number] if isinstance(windows, tuple) else None
            each = inputs if window is None or isinstance(window, Reach) else window.kernel
            work += len(axis.phases) * min(each, 2 * len(axis.phases))
    return work


def _shape(effect: Effect) -> str:
    shapes = [effect.weight, effect.bias]
    return (
        " and ".join("x".join(map(str, shape)) for shape in shapes if shape is not None) or "none"
    )


def _located(node: Node, inputs: list[FeatureMap], refusal: LayerError) -> str:
    """`features.conv9 (conv kernel=99) on 16x16x16, specs/tiny.yaml:9:5: the local fact`."""
    layer = node.layer
    given = [f"{name}={_short(value)}" for name, value in layer.given().items()]
    what = " ".join([layer.kind, *given])
    met = " and ".join(str(x)[:60] for x in inputs[:MOST_SHOWN])
    met += f" and {len(inputs) - MOST_SHOWN} more" if len(inputs) > MOST_SHOWN else ""
    return f"{node.name} ({what}) on {met}, {node.place}: {refusal}"


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return "x".join(_short(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)[:40]


def _reach(reach: Reach) -> str | None:
    return "all" if reach is Reach.ALL else None


def _folded(axes: Sequence[Quantity | Fraction | str | None]) -> PerAxis:
    """One word where all axes say the same word."""
    for word in (None, "all"):
        if axes and all(axis == word for axis in axes):
            return word
    return tuple(axes)
