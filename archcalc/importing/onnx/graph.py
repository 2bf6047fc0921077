"""An ONNX file as nodes, each with its inputs before it: what is checked before anything runs."""

from __future__ import annotations

import re
from ast import literal_eval
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from archcalc.errors import UsageError, require_extra
from archcalc.importing.onnx.skim import skimmed

OLDEST = 7  # operator set; before it broadcasting was said by attributes
MOST_VALUES = 16_384  # of a constant that is kept
_OWN = ("", "ai.onnx")  # domains of ONNX's own operators
_MOST_INLINED = 20_000  # nodes that functions become
_FLOATS = {1: "float32", 10: "float16", 11: "float64", 16: "bfloat16"}
_OTHERS = {2: "uint8", 3: "int8", 5: "int16", 6: "int32", 7: "int64", 9: "bool"}
DTYPES = _FLOATS | _OTHERS  # of TensorProto.DataType
# Which inputs of an operator are its weights.
WEIGHTS: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm", "InstanceNormalization"), (1, 2)),
    **dict.fromkeys(("LayerNormalization", "GroupNormalization"), (1, 2)),
    **dict.fromkeys(("MatMul", "PRelu"), (1,)),
    "BatchNormalization": (1, 2, 3, 4),
}
_LEARNED = frozenset(("weight", "bias", "gamma", "beta", "scale", "offset"))
_HIDDEN = -1e30  # of what is added to scores
_MOST_WEIGHTS = 2**40  # values of one
_SPREADING = ("Unsqueeze", "Reshape")  # a vector over a map, by whose values that is multiplied


class Dense(NamedTuple):
    """A tensor that a file holds.

    Attributes:
        values: as numpy has them; None of what is long, or lies in another file.
    """

    shape: tuple[int, ...]
    dtype: str
    values: Any

    @property
    def size(self) -> int:
        """How many values it has."""
        return prod(self.shape)


class Node(NamedTuple):
    """An operator: `operator` of ONNX's own, else with its domain before it.

    Attributes:
        inputs: names of values, each of a node before it; "" of one that is left out.
        attributes: by name; of tensors `Dense`, of graphs `Nodes`.
        path: of the module that it stood in, as far as its name says.
        proto: as the file has it.
        opset: the version of ONNX's operators that it means.
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    path: str
    proto: Any
    opset: int

    def of(self, name: str, default: Any = None) -> Any:
        """An attribute, or what it is where the file does not say."""
        return self.attributes.get(name, default)


class Input(NamedTuple):
    """An input: its sizes, names of those that are free, and its dtype."""

    sizes: tuple[int | str, ...]
    dtype: str


class Nodes(NamedTuple):
    """A graph of nodes.

    Attributes:
        inputs: what has to be given, by name.
        held: what it holds, by name.
        shapes: of values, as far as the file says.
    """

    name: str
    opset: int
    inputs: Mapping[str, Input]
    held: Mapping[str, Dense]
    nodes: Sequence[Node]
    outputs: Sequence[str]
    shapes: Mapping[str, tuple[int | str, ...]]


def read_nodes(path: str) -> Nodes:
    """The graph in a file.

    Raises:
        UsageError: it cannot be read; or it is no ONNX, too old, too large, or contradicts itself.
        MissingExtraError: onnx is not installed.
    """
    data = skimmed(path)
    require_extra(path, "onnx", "onnx")
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it has none

    try:
        model = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise UsageError(f"{path} is no ONNX file: {error}") from None
    if not model.HasField("graph") or not model.graph.node:
        raise UsageError(f"{path} holds no graph of ONNX")
    opset = max((x.version for x in model.opset_import if x.domain in _OWN), default=1)
    if opset < OLDEST:
        raise UsageError(
            f"{path} is of operator set {opset}; archcalc reads {OLDEST} and later "
            "(onnx.version_converter makes one of the other)"
        )
    functions = {(f.domain, f.name): f for f in model.functions}
    if functions:
        model = _inlined(model, path)
    return _Reader(path, opset).graph(model.graph)


def _inlined(model: Any, path: str) -> Any:
    """A model whose functions are written out where they are called."""
    import onnx.inliner

    _require_no_recursion(model, path)
    try:
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:  # whatever onnx finds wrong with a hostile file
        raise UsageError(f"{path}: its functions cannot be written out: {error}") from None


def _require_no_recursion(model: Any, path: str) -> None:
    """Functions that call themselves would never end, others might grow without bounds."""
    bodies = {(f.domain, f.name): f.node for f in model.functions}
    sizes: dict[tuple[str, str], int] = {}

    def size(key: tuple[str, str], within: tuple[tuple[str, str], ...]) -> int:
        if key in within:
            raise UsageError(f"{path}: function {key[1]!r} calls itself")
        if key not in sizes:
            sizes[key] = sum(called(node, (*within, key)) for node in bodies[key])
        return sizes[key]

    def called(node: Any, within: tuple[tuple[str, str], ...]) -> int:
        key = (node.domain, node.op_type)
        found = size(key, within) if key in bodies else 1
        if found > _MOST_INLINED or len(within) > 100:
            raise UsageError(f"{path}: its functions are more than {_MOST_INLINED:,} nodes")
        return found

    if sum(called(node, ()) for node in model.graph.node) > _MOST_INLINED:
        raise UsageError(f"{path}: its functions are more than {_MOST_INLINED:,} nodes")


class _Reader:
    def __init__(self, path: str, opset: int) -> None:
        self._path = path
        self._opset = opset

    def graph(self, graph: Any, around: frozenset[str] = frozenset()) -> Nodes:
        """A graph, whose nodes take what is before them, or around the graph."""
        held = {tensor.name: self._dense(tensor) for tensor in graph.initializer}
        for sparse in graph.sparse_initializer:
            dims = tuple(sparse.dims)
            held[sparse.values.name] = Dense(
                dims, DTYPES.get(sparse.values.data_type, "float32"), None
            )
        inputs = {v.name: self._input(v) for v in graph.input if v.name not in held}
        known = {*around, *held, *inputs}
        nodes = list(self._in_order(graph.node, known))
        outputs = [value.name for value in graph.output]
        for name in outputs:
            if name not in known:
                raise UsageError(f"{self._path}: no node gives the output {name!r}")
        nodes = _with_constants_held(nodes, held, frozenset(outputs))
        shapes = {v.name: self._sizes(v) for v in (*graph.value_info, *graph.output)}
        return Nodes(graph.name, self._opset, inputs, held, nodes, outputs, shapes)

    def _in_order(self, nodes: Sequence[Any], known: set[str]) -> Iterator[Node]:
        """Nodes behind what they take; files are mostly in that order, and have to be."""
        for number, proto in enumerate(nodes):
            for taken in proto.input:
                if taken and taken not in known:
                    later = any(taken in other.output for other in nodes[number:])
                    why = "comes from a node behind it" if later else "is nowhere"
                    called = proto.name or f"{proto.op_type} number {number}"
                    raise UsageError(f"{self._path}: {called} takes {taken!r}, which {why}")
            attributes = {a.name: self._attribute(a, frozenset(known)) for a in proto.attribute}
            domain = "" if proto.domain in _OWN else f"{proto.domain}."
            yield Node(
                f"{domain}{proto.op_type}",
                tuple(proto.input),
                tuple(proto.output),
                attributes,
                _path_of(proto),
                proto,
                self._opset,
            )
            known.update(output for output in proto.output if output)

    def _attribute(self, proto: Any, around: frozenset[str]) -> Any:
        kind = proto.type
        if kind == proto.TENSOR:
            return self._dense(proto.t)
        if kind == proto.GRAPH:
            return self.graph(proto.g, around)
        if kind == proto.STRING:
            return proto.s.decode("utf-8", "replace")
        if kind == proto.STRINGS:
            return [text.decode("utf-8", "replace") for text in proto.strings]
        if kind in (proto.FLOAT, proto.FLOATS):
            floats = [as_written(n) for n in ([proto.f] if kind == proto.FLOAT else proto.floats)]
            return floats[0] if kind == proto.FLOAT else floats
        known = {"i": proto.INT, "ints": proto.INTS}
        found = next((getattr(proto, name) for name, each in known.items() if each == kind), None)
        return found if found is None or isinstance(found, int) else list(found)

    def _dense(self, tensor: Any) -> Dense:
        from onnx.numpy_helper import to_array

        shape = tuple(tensor.dims)
        if any(size < 0 for size in shape):
            raise UsageError(f"{self._path}: tensor {tensor.name!r} has a size below 0")
        dtype = DTYPES.get(tensor.data_type, "float32")
        values = None
        if prod(shape) <= MOST_VALUES and tensor.data_location != tensor.EXTERNAL:
            try:
                values = to_array(tensor)
            except Exception:  # without values, as they were too long; of a type numpy lacks
                values = None
        return Dense(shape, dtype, values)

    def _input(self, value: Any) -> Input:
        kind = value.type.tensor_type
        if not value.type.HasField("tensor_type"):
            raise UsageError(f"{self._path}: input {value.name!r} is not a tensor")
        return Input(self._sizes(value), DTYPES.get(kind.elem_type, "float32"))

    def _sizes(self, value: Any) -> tuple[int | str, ...]:
        dims = value.type.tensor_type.shape.dim
        return tuple(
            d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else (d.dim_param or "?")
            for d in dims
        )


def _with_constants_held(
    nodes: list[Node], held: dict[str, Dense], outputs: frozenset[str]
) -> list[Node]:
    """Puts the constants that nodes make into `held`; gives the other nodes.

    A constant node is another way to write what a file holds. One that says its sizes alone, as
    in files that leave values out, is held where it is taken for weights.
    """
    weights = {
        node.inputs[n] for node in nodes for n in WEIGHTS.get(node.operator, ())
        if n < len(node.inputs)
    }  # fmt: skip
    scaling = {n for node in nodes if node.operator in ("Mul", "Add") for n in node.inputs}
    weights |= {
        node.inputs[0] for node in nodes
        if node.operator in _SPREADING and node.inputs and scaling.intersection(node.outputs)
    }  # fmt: skip
    left = []
    for node in nodes:
        name, *others = node.outputs or ("",)
        dense = None
        if name and not others and name not in outputs:
            if node.operator == "Constant":
                dense = node.of("value")
            elif node.operator == "ConstantOfShape" and name in weights:
                dense = _of_shape(node, held)
        if isinstance(dense, Dense):
            held[name] = dense
        else:
            left.append(node)
    return left


def _of_shape(node: Node, held: Mapping[str, Dense]) -> Dense | None:
    """A constant of floats that says its sizes alone, where the file holds these."""
    sizes, value = held.get(node.inputs[0]) if node.inputs else None, node.of("value")
    dtype = value.dtype if isinstance(value, Dense) else "float32"
    if sizes is None or sizes.values is None or dtype not in _FLOATS.values():
        return None
    shape = tuple(int(n) for n in sizes.values.reshape(-1))
    fits = all(n >= 0 for n in shape) and prod(shape) <= _MOST_WEIGHTS
    return Dense(shape, dtype, None) if fits else None


def as_written(single: float) -> float:
    """A number of 32 bits as it was most likely written: 0.1, and not 0.10000000149011612."""
    import numpy as np

    return float(str(np.float32(single)))


def is_neutral(name: str, dense: Dense) -> bool:
    """Whether a vector is all ones or all zeros, and not called as what a module learns: what an
    operator takes that there is none of in the model."""
    import numpy as np

    last = re.split(r"[./:]", name)[-1]
    values = None if last in _LEARNED else dense.values
    return values is not None and bool(np.all(values == 1) or np.all(values == 0))


def learns(name: str, dense: Dense) -> bool:
    """Whether a tensor of a file is a parameter. Files do not say it: those of floats are, but for
    single numbers, unless these are called as the parameter of a module (and not as a node), and
    for masks, which hide what they add an infinity to, or the least number that there is."""
    if not dense.dtype.startswith(("float", "bfloat")):
        return False
    if dense.values is not None and (dense.values < _HIDDEN).any():
        return False
    return dense.size > 1 or (
        dense.size == 1 and bool(dense.shape) and "." in name and "/" not in name
    )


def with_own_vectors(graph: Nodes) -> tuple[Nodes, int]:
    """The graph with a vector for each node that takes one, and how many were of several.

    An exporter keeps equal vectors once, such as biases that are all zero; in the model each
    layer had its own.
    """
    held, users = dict(graph.held), Counter(name for node in graph.nodes for name in node.inputs)
    several = {n for n, dense in held.items() if len(dense.shape) == 1 and learns(n, dense)}
    several = {name for name in several if users[name] > 1}
    given: set[str] = set()
    nodes = []
    for node in graph.nodes:
        inputs = []
        for name in node.inputs:
            if name in several:
                own = f"{node.path}.{name.rpartition('.')[2]}" if node.path else name
                while own in given or (own in held and own != name):
                    own += "_"
                given.add(own)
                held[own] = graph.held[name]
                name = own
            inputs.append(name)
        nodes.append(node._replace(inputs=tuple(inputs)))
    for name in several - given:
        del held[name]
    return graph._replace(held=held, nodes=nodes), len(several)


def _path_of(proto: Any) -> str:
    """The dotted path of the module that a node stood in.

    torch's exporters say it, the new one in the node's metadata, the old one in its name
    ("/layer1/layer1.0/conv1/Conv"), others often alike; else what it takes may be called after it.
    """
    for entry in proto.metadata_props:
        if entry.key == "pkg.torch.onnx.name_scopes":
            try:
                scopes = [str(scope) for scope in literal_eval(entry.value[:10_000])]
            except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
                break
            if len(scopes) >= 2:
                return scopes[-2]
    parts: list[str] = []
    for part in [part for part in proto.name.split("/") if part][:-1]:
        if parts and part.startswith(f"{parts[-1]}."):
            parts[-1] = part
        else:
            parts.append(part)
    if parts or len(proto.input) < 2:
        return ".".join(parts)
    return str(proto.input[1]).rpartition(".")[0]
