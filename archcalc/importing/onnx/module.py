"""A graph of ONNX as a torch module that carries its nodes out, so that it can be captured.

What is known, constants and shapes and what follows from them, is computed by ONNX's own reference
implementation, and leaves no trace; the rest is calls of torch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Self

import numpy as np
import torch
import torch.overrides
from torch import Tensor, nn

from archcalc.errors import ArchcalcError, UsageError
from archcalc.importing.onnx import functions, operators, shaping
from archcalc.importing.onnx.graph import (
    MOST_VALUES,
    WEIGHTS,
    Dense,
    Node,
    Nodes,
    is_neutral,
    learns,
)
from archcalc.importing.onnx.images import Images

RULES = operators.RULES | functions.RULES | shaping.RULES
_PART = re.compile(r"[^\w\-]+")
# Operators whose further inputs say how they work.
_SETTINGS = frozenset(["Resize", "Upsample", "Clip", "Pad", "Dropout"])
# Operators whose inputs are masks, and values to put in by these.
_CHOOSING = frozenset(["Where", "Equal", "Not", "ScatterND", "ScatterElements", "Greater", "Less"])
_GROWING = frozenset(["ConstantOfShape", "Range", "Expand", "Tile", "Pad", "Resize", "OneHot"])


class _Scope(nn.Module):
    """What a node's calls stand in, so that they are found under its path."""

    def forward(self, carry_out: Any) -> Any:
        return carry_out()


# What stands in no path. A layer is called after the module that it stands in: this has no name.
_Nameless = type("", (_Scope,), {})


class _Once:
    """What the copies of a module share.

    Attributes:
        assumed: the nodes that take all values of a row, it seems, in order.
    """

    def __init__(self, graph: Nodes, images: Images) -> None:
        self.graph = graph
        self.images = images
        self.assumed: dict[str, None] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class OnnxModule(nn.Module):
    """Carries out the nodes of a graph.

    Args:
        graph: what `read_nodes` has found.
        images: how many a file takes that is written for so many alone; None where it says that
            it takes any number.
        path: what messages call it.
    """

    def __init__(self, graph: Nodes, images: int | None, path: str) -> None:
        super().__init__()
        self._once = _Once(graph, Images(images))
        self._path = path
        for node in graph.nodes:
            self._scope(node.path)
        self._places: dict[str, tuple[str, str]] = {}
        buffers = {
            name
            for node in graph.nodes
            if node.operator == "BatchNormalization"
            for name in node.inputs[3:5]
        }
        weights: set[str] = set()
        beside: dict[str, bool] = {}  # whether all that takes it takes it for no weight
        for node in graph.nodes:
            for number, name in enumerate(node.inputs):
                aside = node.operator in _CHOOSING or (number > 0 and node.operator in _SETTINGS)
                if number in WEIGHTS.get(node.operator, ()):
                    if _is_taken(node, name, graph):
                        weights.add(name)
                    else:
                        aside = True
                beside[name] = beside.get(name, True) and aside
        for name, dense in graph.held.items():
            if name in weights or (learns(name, dense) and not beside.get(name, False)):
                scope, _, own = name.rpartition(".")
                value = torch.empty(dense.shape, dtype=getattr(torch, dense.dtype), device="meta")
                home, own = self._scope(scope), _PART.sub("_", own) or "values"
                while hasattr(home, own):
                    own += "_"
                if name in buffers:
                    home.register_buffer(own, value)
                else:
                    home.register_parameter(own, nn.Parameter(value))
                self._places[name] = (scope, own)

    def forward(self, *inputs: Tensor) -> Any:
        graph = self._once.graph
        known: dict[str, Any] = dict(zip(graph.inputs, inputs, strict=True))
        for name, dense in graph.held.items():
            known[name] = self._held(name, dense)
        images = inputs[0].shape[0] if inputs[0].dim() else 1
        for node in graph.nodes:
            self._step(node, known, images)
        found = [known[name] for name in graph.outputs]
        return dict(zip(graph.outputs, found, strict=True)) if len(found) > 1 else found[0]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for granted."""
        if not self._once.assumed:
            return ()
        names = ", ".join(self._once.assumed)
        return (f"{names}: taken for a view, as its indices lie in another file",)

    # ----- what it holds -----

    def _scope(self, path: str) -> nn.Module:
        scope: nn.Module = self
        for part in filter(None, (_PART.sub("_", part) for part in path.split("."))):
            name = part if not hasattr(nn.Module, part) else f"{part}_"
            inner = scope._modules.get(name)
            if inner is None:
                inner = _Scope()
                scope.add_module(name, inner)
            scope = inner
        return scope

    def _held(self, name: str, dense: Dense) -> Any:
        if name in self._places:
            scope, own = self._places[name]
            return getattr(self._scope(scope), own)
        if dense.values is not None:
            return dense.values
        return torch.empty(dense.shape, dtype=getattr(torch, dense.dtype), device="meta")

    # ----- what it does -----

    def _step(self, node: Node, known: dict[str, Any], images: int) -> None:
        values = [known[name] if name else None for name in node.inputs]
        try:
            found = self._found(node, values, images)
        except ArchcalcError as error:
            raise type(error)(f"{self._path}: {_called(node)}: {error}") from None
        except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, KeyError) as error:
            # What torch, or the reference, says of sizes that do not fit.
            reason = str(error).strip().splitlines()[0] if str(error).strip() else "it does not fit"
            raise UsageError(f"{self._path}: {_called(node)}: {reason}") from None
        self._once.images.follow(node)
        results = found if isinstance(found, tuple | list) else (found,)
        known.update(zip(filter(None, node.outputs), results, strict=False))

    def _found(self, node: Node, values: Sequence[Any], images: int) -> Any:
        if node.operator == "Constant":
            return _constant(node)
        if node.operator in ("Shape", "Size") and isinstance(values[0], Tensor):
            return _shape(node, values[0])
        if node.operator == "If" and isinstance(values[0], np.ndarray):
            raise UsageError("a branch of its own graph")
        if not any(isinstance(value, Tensor) for value in values):
            if node.operator in _GROWING:
                _require_small(node, values)
            return _by_reference(node, values)
        like = next(value for value in values if isinstance(value, Tensor))
        values = [
            operators.tensor(value, like)
            if isinstance(value, np.ndarray)
            and number in WEIGHTS.get(node.operator, ())
            and _is_taken(node, node.inputs[number], self._once.graph)
            else value
            for number, value in enumerate(values)
        ]
        rule = RULES.get(node.operator) or self._opaque(node, images)
        if node.operator == "Gather" and _is_view(values):
            if isinstance(values[1], Tensor):
                self._once.assumed.setdefault(_called(node))
            shape = self._once.images.shape(node, values[0], np.asarray(values[1].shape), images)
            return self._carried_out(node, lambda: values[0].reshape([int(n) for n in shape]))
        if node.operator in ("Reshape", "Expand"):
            shape = values[1] if len(values) > 1 else np.asarray(node.of("shape"))
            values = [values[0], self._once.images.shape(node, values[0], shape, images)]
        return self._carried_out(node, lambda: rule(node, *values))

    def _carried_out(self, node: Node, calls: Callable[[], Any]) -> Any:
        """Calls, as those of the module that a node stood in."""
        return (self._scope(node.path) if node.path else _Nameless())(calls)

    def _opaque(self, node: Node, images: int) -> operators.Rule:
        """What gives outputs of the shapes that the file says, and is seen as one call.

        Raises:
            UsageError: it does not say them.
        """
        said = [self._once.graph.shapes.get(name) for name in node.outputs if name]
        own, shapes = self._once.images.own, list[tuple[int, ...]]()
        for sizes in said:
            others = [size for size in (sizes or ())[1:] if isinstance(size, int)]
            if sizes is None or len(others) < len(sizes) - 1:
                raise UsageError("archcalc has no rule for this operator, and the file no sizes")
            first = sizes[0] if sizes else 1
            shapes.append((images if first == own or isinstance(first, str) else first, *others))

        def opaque(*inputs: Any) -> Any:
            if torch.overrides.has_torch_function(inputs):
                return torch.overrides.handle_torch_function(opaque, inputs, *inputs)
            return tuple(torch.empty(shape, device="meta") for shape in shapes)

        opaque.__name__ = node.operator
        opaque.__module__ = "onnx"
        return lambda node, *values: opaque(*[v for v in values if isinstance(v, Tensor)])


def _is_taken(node: Node, name: str, graph: Nodes) -> bool:
    """Whether a weight is one of the model: instance norms of ONNX have one always."""
    dense = graph.held.get(name)
    return node.operator != "InstanceNormalization" or dense is None or not is_neutral(name, dense)


def _called(node: Node) -> str:
    name = node.proto.name
    return f"{node.operator} {name!r}" if name else node.operator


def _constant(node: Node) -> Any:
    (name, value), *_ = node.attributes.items()
    if name == "value":
        if value.values is not None:
            return value.values
        return torch.empty(value.shape, dtype=getattr(torch, value.dtype), device="meta")
    if name.startswith("value_"):
        dtype = np.int64 if name.startswith("value_int") else np.float32
        return np.asarray(value, dtype=None if "string" in name else dtype)
    raise UsageError(f"a constant by {name!r}")


def _is_view(values: Sequence[Any]) -> bool:
    """Whether all of a row is taken in order: so exporters write a view.

    Indices that lie in another file are taken for that where there are as many as values.
    """
    x, indices = values
    if not isinstance(x, Tensor) or x.dim() != 1 or not prod(indices.shape):
        return False
    if isinstance(indices, Tensor):
        return not indices.is_floating_point() and x.numel() % indices.numel() == 0
    in_order = bool((indices.reshape(-1) == np.arange(indices.size)).all())
    return in_order and x.numel() % indices.size == 0


def _shape(node: Node, x: Tensor) -> Any:
    if node.operator == "Size":
        return np.asarray(x.numel(), dtype=np.int64)
    sizes = [*x.shape]
    return np.asarray(sizes[node.of("start", 0) : node.of("end", len(sizes))], dtype=np.int64)


def _by_reference(node: Node, values: Sequence[Any]) -> Any:
    """What ONNX's reference implementation makes of known values.

    Raises:
        UsageError: it does not have the operator, or refuses the values.
    """
    import onnx.reference

    named = {name: value for name, value in zip(node.inputs, values, strict=True) if name}
    try:
        graph = onnx.reference.ReferenceEvaluator(_alone(node))
        return graph.run(None, named)
    except Exception as error:  # whatever is wrong with the values
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else "refused"
        raise UsageError(reason) from None


def _alone(node: Node) -> Any:
    """A model of one node."""
    import onnx
    from onnx import helper

    inputs = [helper.make_value_info(name, onnx.TypeProto()) for name in node.inputs if name]
    outputs = [helper.make_value_info(name, onnx.TypeProto()) for name in node.outputs if name]
    graph = helper.make_graph([node.proto], "one", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", node.opset)])


def _require_small(node: Node, values: Sequence[Any]) -> None:
    """A constant that grows out of a few numbers would fill the memory.

    Raises:
        UsageError: it would be larger than what is kept of constants.
    """
    numbers = [np.asarray(value) for value in values if value is not None]
    count = float(numbers[0].size or 1)
    if node.operator == "ConstantOfShape":
        count = float(np.prod(numbers[0].astype(float))) if numbers[0].size else 1.0
    elif node.operator == "Range":
        start, stop, step = (float(n.reshape(-1)[0]) for n in numbers[:3])
        count = abs((stop - start) / step) if step else float("inf")
    elif node.operator == "Expand":
        count = float(prod(np.broadcast_shapes(numbers[0].shape, tuple(numbers[1].reshape(-1)))))
    elif len(numbers) > 1 and numbers[1].size:
        count = max(count, float(np.prod(np.abs(numbers[1].astype(float)))) * count)
    if count > 64 * MOST_VALUES:
        raise UsageError(f"a constant of {count:.3g} values")
