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
from archcalc.quantity.arithmetic import certainly_one, require_equal
from archcalc.quantity.conditions import stand_at
from archcalc.receptive_field.bounded import BoundedUnits, NoUnits
from archcalc.receptive_field.seen import whole_of
from archcalc.record import replace
from archcalc.spec.values import ExpressionError, Value, own


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


def walk(graph: Graph, batch: int, dtype: str, *, fields: bool = True) -> Analysis:
    """Every figure of a graph, as `analyze`.

    A head for training that does not fit is left out, and the graph of the analysis says why.

    Args:
        fields: whether to find what units see, which takes half of the time; without it no layer's
            field is known. `archcalc.figures.language.reads_fields` says which figures need it.
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
    units = (BoundedUnits if fields else NoUnits)(graph.inputs)
    of_images = {*graph.inputs}
    done: dict[str, LayerAnalysis] = {}
    for node in graph.nodes:
        if not missing.isdisjoint(node.sources):
            missing.add(node.name)
            continue
        inputs = [maps[name] for name in node.inputs]
        stand_at(node, inputs)
        try:
            pooled = None if node.indices is None else maps[done[node.indices].inputs[0]]
            effect = effects.of(node, inputs, pooled)
            if node.indices is not None:
                effect = replace(effect, windows=put_back(done[node.indices].effect.windows))
            if node.weights is not None and node.weights in done:
                _require_same_shapes(node, done[node.weights].effect.state, effect.state)
            _require_spread(node, inputs, of_images)
            # Where an unpooling puts a value depends on all that its max pool has seen.
            shapes = [maps[name] for name in node.sources]
            seen = units.add(node.name, node.layer, effect, node.sources, shapes)
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
        depends = not of_images.isdisjoint(node.inputs)
        if depends:
            of_images.add(node.name)
        field, local_field = whole_of(seen)
        tensors = [tensor.name for tensor in effect.state]
        done[node.name] = LayerAnalysis(
            node=node,
            effect=effect,
            field=field,
            local_field=local_field,
            origins=seen.origins,
            batch=batch if depends else 1,
            bytes_each=bytes_each,
            is_of_images=depends,
            used=node.name in live,
            shared=tuple([n for n in tensors if owner_of(node.name, n) != node.name]),
        )
    if missing:
        return walk(graph.without_heads(missing, refusals), batch, dtype, fields=fields)
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


def _dimensions(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "a single value"
