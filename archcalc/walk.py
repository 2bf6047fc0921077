"""Name -> Graph -> Analysis: one walk over the layers, which asks each what its rule says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias, cast, overload

from archcalc.analysis import DTYPES, Analysis, AnalysisStopped, LayerAnalysis
from archcalc.errors import LayerError, UsageError, suggestion
from archcalc.expansion import build_graph
from archcalc.feature_map import FeatureMap
from archcalc.graph import INPUT, Graph, LeftOut, Node
from archcalc.layers import Effect
from archcalc.layers.layer import setting_text
from archcalc.layers.pooling import put_back
from archcalc.quantity.arithmetic import LARGEST_INT64, Quantity, require_at_least, require_equal
from archcalc.quantity.conditions import is_array, is_symbol
from archcalc.receptive_field.by_channel import of_all
from archcalc.receptive_field.field import PhasedField, SteppedField
from archcalc.receptive_field.seen import Fields, Seen, Units, units_after, units_of_input, whole_of
from archcalc.spec.fields import whole
from archcalc.spec.library import find_network
from archcalc.spec.values import ExpressionError, Value, own
from archcalc.window import Reach, TransposedWindow, Window, Windows

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from archcalc.parametric.sweep import Sweep

    _Plain: TypeAlias = int | float | str | Fraction | list[Any]

MOST_SHOWN = 4  # inputs of a layer in a message
MOST_CHARACTERS = 60  # of one of them, or of a setting
MOST_PHASE_WORK = 500_000  # intervals; beyond it, fields with phases count as unknown
LONGEST_FORMULA = 100  # operations; each layer wraps another floor around a free size


def load(
    name: str | PathLike[str],
    /,
    *,
    input: Sequence[Value] | None = None,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Graph:
    """The network called `name`, or of the spec file `FILE` or `FILE#VARIANT`.

    Args:
        input: [channels, size…] in place of the spec's own.
        parameters, others: values in place of the spec's own, of parameters by their names: those
            called like an argument in a mapping, the others there or by themselves.

    Raises:
        UsageError: no such network, file or parameter.
        SpecError: the spec is wrong.
    """
    given = _sizes(input)
    shape = None if given is None else input_shape(given)
    changed = together(parameters, others)
    return build_graph(find_network(name), input=shape, parameters=changed)


def together(parameters: Mapping[str, Value] | None, others: dict[str, Value]) -> dict[str, Value]:
    """The parameters that were given in a mapping and by themselves.

    Raises:
        UsageError: one was given twice, or the mapping is none.
    """
    if parameters is None:
        return others
    if not isinstance(parameters, Mapping) or not all(isinstance(key, str) for key in parameters):
        raise UsageError(f"parameters is {parameters!r}; it is a mapping of names to values")
    for name in parameters.keys() & others.keys():
        raise UsageError(f"{name} is given twice, in `parameters` and by itself")
    return {**parameters, **others}


def input_shape(sizes: Sequence[Value]) -> FeatureMap:
    """[channels, size…] as the shape of an input.

    Raises:
        UsageError: a size below 1, or not one to four numbers.
    """
    if not 1 <= len(sizes) <= 4:
        raise UsageError(f"an input is channels and up to 3 sizes; {len(sizes)} numbers were given")
    try:
        channels, *spatial = [cast(Quantity, whole(own(size))) for size in sizes]
        for size in (channels, *spatial):
            require_at_least(size, 1, "an input of {}", "x".join(map(str, sizes)))
    except (ExpressionError, LayerError) as error:
        raise UsageError(str(error)) from None
    return FeatureMap(channels, tuple(spatial))


@overload
def analyze(  # type: ignore[overload-overlap]  # what makes it a Sweep is that there are arrays
    graph: Graph | str | PathLike[str],
    /,
    *,
    input: Sequence[int] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, _Plain] | None = None,
    **others: _Plain,
) -> Analysis: ...


@overload
def analyze(
    graph: Graph | str | PathLike[str],
    /,
    *,
    input: Sequence[int | NDArray[Any]] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, _Plain | NDArray[Any]] | None = None,
    **others: _Plain | NDArray[Any],
) -> Sweep: ...


def analyze(
    graph: Graph | str | PathLike[str],
    /,
    *,
    input: Sequence[Value] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Analysis | Sweep:
    """Every figure of a network.

    With numpy arrays among the parameters or the sizes of the input, which broadcast against each
    other, the figures at all their settings: a `Sweep`, whose `totals` are arrays.

    Args:
        graph: what `load` returned, or what it takes.
        input, parameters, others: as for `load`; a graph is then built anew with them.
        batch: number of images.
        dtype: of parameters and activations; see `DTYPES`.

    Raises:
        AnalysisStopped: a layer refuses its input; its `partial` is the analysis up to there. Of
            arrays none is raised: a `Sweep` marks the settings.
        UsageError: an unknown dtype, or a batch below 1; and as `load`.
        SpecError: as `load`.
    """
    require_dtype(dtype)
    batch = whole_batch(batch)
    input = _sizes(input)
    given = together(parameters, others)
    if _has_arrays([*given.values(), input]):
        from archcalc.parametric.sweep import sweep

        network = graph.network if isinstance(graph, Graph) else find_network(graph)
        before = graph.parameters if isinstance(graph, Graph) else {}
        changed = before | given
        return sweep(network, input=input, parameters=changed, batch=batch, dtype=dtype)
    if not isinstance(graph, Graph):
        graph = load(graph, input=input, parameters=given)
    elif given or input is not None:
        shape = None if input is None else input_shape(input)
        changed = graph.parameters | given
        graph = build_graph(graph.network, input=shape, parameters=changed)
    return walk(graph, batch, dtype)


def require_dtype(dtype: str) -> None:
    """Raises UsageError, with a guess, unless `dtype` is one of `DTYPES`."""
    if dtype not in DTYPES:
        guess = suggestion(str(dtype), DTYPES)
        raise UsageError(f"unknown dtype {dtype!r}{guess}")


def whole_batch(batch: object) -> int:
    """A number of images.

    Raises:
        UsageError: it is no whole number from 1 on.
    """
    images = own(batch)
    if type(images) is not int or images < 1:
        raise UsageError(f"a batch of {batch!r}; it is a whole number from 1 on")
    return images


def _sizes(input: Any) -> list[Value] | None:
    """The sizes of an input as a list; of an array, its elements.

    Raises:
        UsageError: it is no list.
    """
    if input is None:
        return None
    if isinstance(input, str) or not isinstance(input, Iterable) or is_array(input):
        raise UsageError(f"an input of {input!r}; it is a list, such as [3, 224, 224]")
    return [*input]


def _has_arrays(values: Iterable[Value]) -> bool:
    """Whether there are arrays among the values, or in lists among them."""
    return any(
        _has_arrays(value) if isinstance(value, (list, tuple))
        else is_array(value) or getattr(value, "ndim", 0) > 0
        for value in values
    )  # fmt: skip


def walk(graph: Graph, batch: int, dtype: str) -> Analysis:
    """Every figure of a graph, as `analyze`.

    A head for training that does not fit is left out, and the graph of the analysis says why.
    """
    bytes_each = DTYPES[dtype]
    live, owners = graph.live(), graph.weight_owners()
    missing: set[str] = set()
    refusals: list[LeftOut] = []
    maps: dict[str, FeatureMap] = {INPUT: graph.input}
    units = {INPUT: units_of_input(graph.input)}
    done: dict[str, LayerAnalysis] = {}
    phase_work = 0
    for node in graph.nodes:
        if not missing.isdisjoint((*node.inputs, node.indices)):
            missing.add(node.name)
            continue
        inputs = [maps[name] for name in node.inputs]
        try:
            if node.indices is not None:
                inputs.append(maps[done[node.indices].inputs[0]])
            effect = node.layer.effect_on(*inputs)
            if node.indices is not None:
                effect = replace(effect, windows=put_back(done[node.indices].effect.windows))
            _check(node, effect, done)
            # Where an unpooling puts a value depends on all that its max pool has seen.
            seen_from = (*node.inputs, node.indices) if node.indices else node.inputs
            found = units_after(
                node.layer,
                effect,
                [units[name] for name in seen_from],
                [maps[name] for name in seen_from],
                graph.input,
            )
            passed_on = found is units[seen_from[0]]  # as it was
            for _, seen in () if passed_on else found.seen.parts:
                _check_field(seen.local)
                phase_work += _phase_work(seen.local, effect.windows, len(seen_from))
            if phase_work > MOST_PHASE_WORK:
                found = Units(of_all(Seen(*map(_without_phases, whole_of(found)))), found.sizes)
        except LayerError as refusal:
            message = _located(node, [maps[name] for name in node.inputs], refusal)
            if node.training_only:
                missing.add(node.name)
                head = graph.head_around(node.name) or node.name
                refusals.append(LeftOut(head, node.name, message))
                continue
            layers = tuple(done.values())
            raise AnalysisStopped(message, graph, batch, dtype, layers) from None
        maps[node.name] = effect.output
        units[node.name] = found
        used, owns = node.name in live, owners[node.name] == node.name
        done[node.name] = LayerAnalysis(
            node, effect, *whole_of(found), batch, bytes_each, used, owns
        )
    if missing:
        return walk(graph.without_heads(missing, refusals), batch, dtype)
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
    if node.weights is not None and node.weights in done:
        _require_same_shapes(node.weights, done[node.weights].effect, effect)


def _require_same_shapes(name: str, owner: Effect, effect: Effect) -> None:
    message = (
        f"shares the weights of {name}, of shape {_shape(owner)}; "
        f"here they would be {_shape(effect)}"
    )
    for shape, wanted in ((owner.weight, effect.weight), (owner.bias, effect.bias)):
        if len(shape or ()) != len(wanted or ()):
            raise LayerError(message)
        for m, n in zip(shape or (), wanted or (), strict=True):
            require_equal(m, n, "{}", message)


def _without_phases(field: Fields) -> Fields:
    return tuple([Reach.UNKNOWN if isinstance(axis, PhasedField) else axis for axis in field])


def _check_field(seen: Fields) -> None:
    """Without a bound, the numbers of a long chain of strides would fill the memory."""
    for axis in seen:
        jump = None if isinstance(axis, Reach) else axis.jump
        if getattr(jump, "numerator", 0) > LARGEST_INT64:  # of ints and fractions
            raise LayerError("a jump of more than 2**63 - 1 pixels")


def _phase_work(seen: Fields, windows: Windows, inputs: int) -> int:
    """How many intervals, or pairs of stairs, it took about to find the phases in `seen`."""
    work = 0
    for number, axis in enumerate(seen):
        if isinstance(axis, SteppedField):
            work += (inputs * (len(axis.firsts) + len(axis.lasts))) ** 2
        elif isinstance(axis, PhasedField):
            window = windows[number] if isinstance(windows, tuple) else None
            each = window.kernel if isinstance(window, (Window, TransposedWindow)) else inputs
            work += axis.period * min(each, 2 * axis.period)
    return work


def _shape(effect: Effect) -> str:
    shapes = [effect.weight, effect.bias]
    return (
        " and ".join("x".join(map(str, shape)) for shape in shapes if shape is not None) or "none"
    )


def _located(node: Node, inputs: list[FeatureMap], refusal: LayerError) -> str:
    """`features.conv9 (conv kernel=99) on 16x16x16, specs/tiny.yaml:9:5: the local fact`."""
    layer = node.layer
    settings = [(name, setting_text(value)) for name, value in layer.given().items()]
    given = [f"{name}={text[:MOST_CHARACTERS]}" for name, text in settings]
    what = " ".join([layer.kind, *given])
    met = " and ".join(str(x)[:MOST_CHARACTERS] for x in inputs[:MOST_SHOWN])
    met += f" and {len(inputs) - MOST_SHOWN} more" if len(inputs) > MOST_SHOWN else ""
    return f"{node.name} ({what}) on {met}, {node.place}: {refusal}"
