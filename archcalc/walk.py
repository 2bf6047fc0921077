"""Graph -> Analysis: one walk over the layers, which asks each what its rule says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archcalc.analysis import DTYPES, Analysis, AnalysisStopped
from archcalc.errors import LayerError, UsageError, require_known
from archcalc.expanding.placed import Effects, located
from archcalc.expansion import ExpansionStopped
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.graph import WEIGHT, Graph, LeftOut, Node
from archcalc.layers.items import items_of, require_as_many_items
from archcalc.layers.state import Role, Shape, State
from archcalc.layers.unpooling import put_back
from archcalc.loading import Input, Spec, load
from archcalc.quantity.arithmetic import LARGEST_INT64, certainly_one, require_equal
from archcalc.receptive_field.by_channel import of_all
from archcalc.receptive_field.field import PhasedField, SteppedField
from archcalc.receptive_field.seen import (
    Fields,
    Seen,
    Units,
    UnitsSeen,
    units_of_inputs,
    whole_of,
)
from archcalc.record import replace
from archcalc.spec.values import ExpressionError, Value, own
from archcalc.window import Reach, TransposedWindow, Window, Windows

MOST_PHASE_WORK = 500_000  # intervals; beyond it, fields with phases count as unknown


def analyze(
    what: Spec,
    /,
    *,
    input: Input | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Analysis:
    """Every figure of a network.

    Args:
        what, input, parameters, others: as for `load`. Of many settings at once, as arrays,
            `sweep` has the figures.
        batch: number of images.
        dtype: of parameters and activations; see `DTYPES`.

    Raises:
        AnalysisStopped: a layer refuses its input; its `partial` is the analysis up to there.
        UsageError: an unknown dtype, or a batch below 1; and as `load`.
        SpecError: as `load`.
    """
    require_dtype(dtype)
    batch = whole_batch(batch)
    try:
        graph = load(what, input=input, parameters=parameters, **others)
    except ExpansionStopped as stopped:
        return walk(stopped.graph, batch, dtype)  # stops at that layer, with what comes before it
    return walk(graph, batch, dtype)


def require_dtype(dtype: str) -> None:
    """Raises UsageError, with a guess, unless `dtype` is one of `DTYPES`."""
    require_known("unknown dtype", dtype, DTYPES)


def whole_batch(batch: object) -> int:
    """A number of images.

    Raises:
        UsageError: it is not a whole number, or below 1.
    """
    try:
        images = own(batch)
    except ExpressionError as error:
        raise UsageError(f"batch: {error}") from None
    if type(images) is not int or images < 1:
        raise UsageError(f"batch must be a whole number, at least 1, not {batch!r}")
    return images


def walk(graph: Graph, batch: int, dtype: str) -> Analysis:
    """Every figure of a graph, as `analyze`.

    A head for training that does not fit is left out, and the graph of the analysis says why.
    """
    bytes_each = DTYPES[dtype]
    live, owner_of = graph.live(), graph.tensor_owners()
    imported = graph.network.imported
    as_read = imported is not None and graph.inputs == graph.own_inputs
    captured = imported.shapes if imported is not None and as_read else {}
    missing: set[str] = set()
    refusals: list[LeftOut] = []
    maps = dict(graph.inputs)
    effects = Effects()
    units, units_seen = units_of_inputs(graph.inputs), UnitsSeen(graph.input)
    of_images = {*graph.inputs}
    done: dict[str, LayerAnalysis] = {}
    phase_work = 0
    for node in graph.nodes:
        if not missing.isdisjoint(node.sources):
            missing.add(node.name)
            continue
        inputs = [maps[name] for name in node.inputs]
        try:
            pooled = None if node.indices is None else maps[done[node.indices].inputs[0]]
            effect = effects.of(node, inputs, pooled)
            if node.indices is not None:
                effect = replace(effect, windows=put_back(done[node.indices].effect.windows))
            if node.weights is not None and node.weights in done:
                _require_same_shapes(node, done[node.weights].effect.state, effect.state)
            _require_spread(node, inputs, of_images)
            # Where an unpooling puts a value depends on all that its max pool has seen.
            seen = [units[name] for name in node.sources]
            shapes = [maps[name] for name in node.sources]
            found = units_seen.after(node.layer, effect, seen, shapes)
            passed_on = bool(seen) and found is seen[0]  # as it was
            for _, part in () if passed_on else found.seen.parts:
                _check_field(part.local)
                phase_work += _phase_work(part.local, effect.windows, len(seen))
            if phase_work > MOST_PHASE_WORK:
                found = Units(of_all(Seen(*map(_without_phases, whole_of(found)))), found.origins)
        except LayerError as refusal:
            message = located(node, inputs, refusal)
            if node.training_only:
                missing.add(node.name)
                head = graph.head_around(node.name) or node.name
                refusals.append(LeftOut(head, node.name, message))
                continue
            layers = tuple(done.values())
            raise AnalysisStopped(message, graph, batch, dtype, layers) from None
        if captured:
            _require_as_imported(node.name, effect.output, captured)
        maps[node.name] = effect.output
        units[node.name] = found
        depends = not of_images.isdisjoint(node.inputs)
        if depends:
            of_images.add(node.name)
        field, local_field = whole_of(found)
        tensors = [tensor.name for tensor in effect.state]
        done[node.name] = LayerAnalysis(
            node=node,
            effect=effect,
            field=field,
            local_field=local_field,
            origins=found.origins,
            batch=batch if depends else 1,
            bytes_each=bytes_each,
            is_of_images=depends,
            used=node.name in live,
            shared=tuple([n for n in tensors if owner_of(node.name, n) != node.name]),
        )
    if missing:
        return walk(graph.without_heads(missing, refusals), batch, dtype)
    return Analysis(graph, batch, dtype, tuple(done.values()))


def _require_same_shapes(node: Node, owner: State, state: State) -> None:
    name = node.weights
    if node.weight_alone:
        state = tuple([tensor for tensor in state if tensor.name == WEIGHT])
        owner = tuple([tensor for tensor in owner if tensor.name == WEIGHT]) or owner
    has, needs = ([tensor.name for tensor in each] for each in (owner, state))
    if has != needs:
        had, needed = (", ".join(names) or "nothing" for names in (has, needs))
        raise LayerError(f"shares the weights of {name}, which has {had}; it needs {needed}")
    for shared, wanted in zip(owner, state, strict=True):
        message = (
            f"shares the weights of {name}, whose {shared.name} is {_dimensions(shared.shape)}; "
            f"here it would be {_dimensions(wanted.shape)}"
        )
        if vars(node.layer).get("transposed") is False and shared.shape == wanted.shape[::-1]:
            message += "; `transposed: true` takes it the other way round"
        if len(shared.shape) != len(wanted.shape):
            raise LayerError(message)
        if (shared.role is Role.BUFFER) is not (wanted.role is Role.BUFFER):
            was, here = ("kept" if t.role is Role.BUFFER else "learned" for t in (shared, wanted))
            raise LayerError(
                f"shares the weights of {name}, whose {shared.name} is {was}; here it would be "
                f"{here}"
            )
        for m, n in zip(shared.shape, wanted.shape, strict=True):
            require_equal(m, n, "{}", message)


def _require_as_imported(name: str, x: FeatureMap, captured: Mapping[str, tuple[int, ...]]) -> None:
    """What a model from elsewhere gave is what the rule says, or the import is wrong.

    Raises:
        UsageError: it is another size.
    """
    shape = captured.get(name)
    if shape is not None and shape != x.shape:
        found = FeatureMap(shape[0], shape[1:])
        raise UsageError(
            f"{name}: the model has an output of {found}, the rule of its layer kind says {x}; "
            "archcalc has read this layer wrong, please report it"
        )


def _require_spread(node: Node, inputs: Sequence[FeatureMap], of_images: set[str]) -> None:
    """Only what is there once for all images can be there once for all of their items."""
    items = items_of(inputs)
    if certainly_one(items) or node.layer.takes_items or of_images.isdisjoint(node.inputs):
        return
    for name, x in zip(node.inputs, inputs, strict=True):
        if name in of_images:
            require_as_many_items(items, x)
        elif not certainly_one(x.items):
            raise LayerError(f"{x} is there once for all images, and the items of these are not")


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
            window = (
                windows[number] if isinstance(windows, tuple) and number < len(windows) else None
            )
            each = window.kernel if isinstance(window, (Window, TransposedWindow)) else inputs
            most = 2 * axis.period
            work += axis.period * (min(each, most) if isinstance(each, int) else most)
    return work


def _dimensions(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "a single value"
