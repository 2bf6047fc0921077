"""The spec language, read anew: YAML text -> the layers that it stands for, in order."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import cache
from types import CodeType
from typing import Any, NamedTuple, TypeAlias

import yaml

Spec: TypeAlias = dict[str, Any]  # what YAML makes of a spec
Values: TypeAlias = Mapping[str, Any]  # of parameters, by name

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
WORDS = ("same", "valid", "nearest", "linear", "bilinear", "trilinear", "bicubic", "area",
         "reflect", "replicate", "circular", "all", "channels", "last", "none",
         "tanh", "relu", "sequence", "within_channel", "caffe",
         "border", "reflection", "int8", "uint8")  # fmt: skip
PLACEMENT = ("name", "from", "weights", "indices", "branches")
AS_TEXT = {("rearrange", "axes"), ("rearrange", "copy")}  # which are no expressions
MOST_LAYERS = 200


class Layer(NamedTuple):
    """A layer in its place.

    Attributes:
        fields: those that are given, evaluated.
        inputs: names of the layers that it takes, or of inputs of the network.
        weights, indices: names of the layers whose learned values it has, and that it undoes.
    """

    name: str
    kind: str
    fields: dict[str, Any]
    inputs: tuple[str, ...]
    weights: str | None
    indices: str | None
    training_only: bool

    @property
    def sources(self) -> tuple[str, ...]:
        """All layers that it needs to have run."""
        return (*self.inputs, self.indices) if self.indices else self.inputs


class Net(NamedTuple):
    """A network, written out.

    Attributes:
        inputs: the shape of each input, by name; the first, which is the image, is called "input".
        outputs: as the spec says; else the main path's last layer, then the heads'.
        integers: the inputs that are whole numbers, in int64.
    """

    inputs: dict[str, tuple[int, ...]]
    layers: list[Layer]
    outputs: list[str]
    integers: frozenset[str] = frozenset()

    @property
    def input(self) -> tuple[int, ...]:
        """The shape of the image."""
        return self.inputs["input"]

    def constant(self) -> set[str]:
        """The layers that depend on no input: they are there once, whatever the batch."""
        found: set[str] = set()
        for layer in self.layers:
            if found.issuperset(layer.inputs):
                found.add(layer.name)
        return found

    def parts(self) -> Parts:
        """Which layers run at all, and when."""
        heads = {layer.name for layer in self.layers if layer.training_only}
        at_inference = self._needed(name for name in self.outputs if name not in heads)
        return Parts(at_inference, self._needed(self.outputs) - at_inference)

    def _needed(self, outputs: Iterable[str]) -> set[str]:
        """The layers that some of these outputs are computed from."""
        found = set(outputs)
        for layer in reversed(self.layers):
            if layer.name in found:
                found.update(layer.sources)
        return found - self.inputs.keys()

    def owners(self) -> dict[str, str]:
        """For each layer the one with which its learned values count.

        Of those that share them it is the first that runs at inference, or else in training, or
        else the first.
        """
        at_inference, in_training = self.parts()
        first: dict[str, str] = {}
        for layer in self.layers:
            first[layer.name] = first[layer.weights] if layer.weights else layer.name
        owners: dict[str, str] = {}
        for names in (at_inference, in_training, first.keys()):
            for layer in self.layers:
                if layer.name in names:
                    owners.setdefault(first[layer.name], layer.name)
        return {name: owners[origin] for name, origin in first.items()}


class Parts(NamedTuple):
    """The layers that some output needs at inference, and those that only training needs."""

    at_inference: set[str]
    training_only: set[str]


class WrongSpecError(Exception):
    """An unknown name or one that stands twice, a fraction, no layers or too many."""


def read(text: str) -> Net:
    """The network that a spec's text describes."""
    return interpret(yaml.load(text, LOADER))


def interpret(spec: Spec) -> Net:
    """The network that a spec describes."""
    return _Reading(spec).net()


# ----- expressions -----


class _Exact(ast.NodeTransformer):
    """Numbers as fractions, so that `/` is exact; an index as the int that Python wants."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return _call("Fraction", ast.Constant(repr(node.value)))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        node.slice = _call("int", node.slice)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return _call("Fraction", node) if isinstance(node.op, ast.FloorDiv) else node


def _call(function: str, argument: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(function, ast.Load()), [argument], [])


_KNOWN: dict[str, Any] = {
    "__builtins__": {},
    "Fraction": Fraction,
    "int": int,
    "floor": lambda x: Fraction(math.floor(x)),
    "ceil": lambda x: Fraction(math.ceil(x)),
    "min": min,
    "max": max,
    "len": lambda items: Fraction(len(items)),
    "sum": sum,
    "true": True,
    "false": False,
    **{word: word for word in WORDS},
}


@cache
def _compiled(text: str) -> CodeType:
    tree = ast.fix_missing_locations(_Exact().visit(ast.parse(text.strip(), mode="eval")))
    return compile(tree, text, "eval")


def _exact(value: Any) -> Any:
    """What a parameter is worth in an expression: numbers as fractions, 0.58 as 58/100."""
    if isinstance(value, list):
        return [_exact(item) for item in value]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Fraction(repr(value)) if is_number else value


def _plain(value: Any) -> Any:
    """An evaluated value as that of a field: whole numbers as ints."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, Fraction) and value.denominator == 1 else value


def evaluate(template: Any, values: Values) -> Any:
    """A value of the spec; what stands in it as text is an expression."""
    if isinstance(template, list):
        return [evaluate(item, values) for item in template]
    if not isinstance(template, str) or template in WORDS:
        return template
    return _plain(eval(_compiled(template), {**_KNOWN, **values}))


# ----- statements -----


class _Scope:
    """What names mean within one instance of a block; `outer` is the scope that called it."""

    def __init__(self, prefix: str, values: Values, outer: _Scope | None) -> None:
        self.prefix = prefix
        self.values = values
        self.outer = outer
        self.counts: dict[str, int] = {}
        self.names: dict[str, str] = {}


class _Reading:
    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.layers: dict[str, Layer] = {}
        self.shapes: Spec = spec["inputs"] if "inputs" in spec else {"input": spec["input"]}
        self.taken = {*self.shapes}
        self.heads: list[str] = []
        self.ends: dict[str, str] = {}  # of blocks and heads, by their names in full
        self.training_only = False
        values = {name: _exact(value) for name, value in spec.get("parameters", {}).items()}
        self.globals = self.with_let(values, spec.get("let", {}))

    def net(self) -> Net:
        scope = _Scope("", self.globals, None)
        last = self.run(self.spec["layers"], scope, "input")
        if all(layer.training_only for layer in self.layers.values()):
            raise WrongSpecError("no layers but in training")
        integers = frozenset([name for name, x in self.shapes.items() if isinstance(x, dict)])
        shapes = {n: x["shape"] if n in integers else x for n, x in self.shapes.items()}
        inputs = {name: tuple(evaluate(x, self.globals)) for name, x in shapes.items()}
        outputs = [last, *self.heads]
        if "outputs" in self.spec:
            self.training_only = True  # so that all layers may be named
            named = self.spec["outputs"]
            outputs = [
                self.resolve(name, scope)
                for name in (named.values() if isinstance(named, dict) else named)
            ]
        if len({*outputs}) < len(outputs) and "outputs" in self.spec:
            raise WrongSpecError("an output stands twice")
        if all(name in self.layers and self.layers[name].training_only for name in outputs):
            raise WrongSpecError("no output but in training")
        return Net(inputs, list(self.layers.values()), outputs, integers)

    def with_let(self, values: Values, let: Spec) -> Values:
        known = dict(values)
        for name, template in let.items():
            known[name] = _exact(evaluate(template, known))
        return known

    def run(self, body: list[Any], scope: _Scope, current: str) -> str:
        for statement in body:
            if isinstance(statement, str):
                statement = {statement: None}
            current = self.carry_out(statement, scope, current)
        return current

    def carry_out(self, statement: Spec, scope: _Scope, current: str) -> str:
        if "repeat" in statement:
            return self.repeat(statement, scope, current)
        if "if" in statement:
            holds = evaluate(statement["if"], scope.values)
            return self.run(statement["then" if holds else "else"] or [], scope, current)
        ((kind, fields),) = statement.items()
        if kind == "head":
            return self.head(fields, scope, current)
        if kind in self.spec.get("blocks", {}):
            return self.block(kind, fields or {}, scope, current)
        return self.layer(kind, fields or {}, scope, current)

    def repeat(self, statement: Spec, scope: _Scope, current: str) -> str:
        around = scope.values
        times = _whole(evaluate(statement["repeat"], around))
        if times < 0:
            raise WrongSpecError("less than never")
        for number in range(times):
            if "index" in statement:
                scope.values = {**around, statement["index"]: Fraction(number)}
            current = self.run(statement["layers"], scope, current)
        scope.values = around
        return current

    def head(self, fields: Spec, scope: _Scope, current: str) -> str:
        prefix = self.new_name("head", fields, scope) + "."
        outside = self.training_only
        self.training_only = outside or fields.get("training_only", False)
        inner = _Scope(prefix, scope.values, scope)
        last = self.run(fields["layers"], inner, current)
        scope.names[prefix[len(scope.prefix) : -1]] = self.ends[prefix[:-1]] = last
        self.heads.append(last)
        self.training_only = outside
        return current

    def block(self, kind: str, fields: Spec, scope: _Scope, current: str) -> str:
        block = self.spec["blocks"][kind]
        if "from" in fields:
            current = self.resolve(fields["from"], scope)
        values = dict(self.globals)
        for name, default in _defaults(block.get("parameters") or []):
            if name in fields:
                values[name] = _exact(evaluate(fields[name], scope.values))
            elif default is None:
                raise WrongSpecError(f"{kind} needs {name}")
            else:
                values[name] = _exact(evaluate(default, values))
        full = self.new_name(kind, fields, scope)
        inner = _Scope(full + ".", self.with_let(values, block.get("let", {})), scope)
        last = self.run(block["layers"], inner, current)
        scope.names[full[len(scope.prefix) :]] = self.ends[full] = last
        return last

    def layer(self, kind: str, fields: Any, scope: _Scope, current: str) -> str:
        if isinstance(fields, list):
            fields = {"branches": fields}
        sources = fields.get("from", [])
        sources = [sources] if isinstance(sources, str) else sources
        inputs = [self.resolve(source, scope) for source in sources] or [current]
        if kind == "parameter":
            inputs = []
        if "branches" in fields:
            inputs = [self.run(branch, scope, inputs[0]) for branch in fields["branches"]]
        owner = {key: self.resolve(fields[key], scope) for key in PLACEMENT[2:4] if key in fields}
        full = self.new_name(kind, fields, scope)
        scope.names[full[len(scope.prefix) :]] = full
        given = {
            name: template if (kind, name) in AS_TEXT else _whole(evaluate(template, scope.values))
            for name, template in fields.items()
            if name not in PLACEMENT and template is not None
        }
        self.layers[full] = Layer(
            full, kind, given, tuple(inputs), owner.get("weights"), owner.get("indices"),
            self.training_only,
        )  # fmt: skip
        if len(self.layers) > MOST_LAYERS:
            raise WrongSpecError("too many layers")
        return full

    # ----- names -----

    def new_name(self, kind: str, fields: Spec, scope: _Scope) -> str:
        if "name" in fields:
            name = _filled(fields["name"], scope.values)
        else:
            name = self.numbered(kind, scope)
            while name in scope.names:
                name = self.numbered(kind, scope)
        full = scope.prefix + name
        if full in self.taken:
            raise WrongSpecError(f"{full} stands twice")
        self.taken.add(full)
        return full

    def numbered(self, kind: str, scope: _Scope) -> str:
        scope.counts[kind] = scope.counts.get(kind, 0) + 1
        return f"{kind}{scope.counts[kind]}"

    def nearest(self, name: str, scope: _Scope) -> str:
        """The name in full: from the block it stands in, or the nearest around where it fits."""
        around: _Scope | None = scope
        while around is not None:
            full = around.prefix + name
            for known in (around.names.get(name), full, self.ends.get(full)):
                if known is not None and (known in self.layers or known in self.shapes):
                    return known
            around = around.outer
        return name

    def resolve(self, template: str, scope: _Scope) -> str:
        """The layer that a name stands for, in this block, or one around it, or in full."""
        name = _filled(template, scope.values)
        full = self.nearest(name, scope)
        if full in self.shapes:
            return full
        if full not in self.layers:
            raise WrongSpecError(f"no layer {name}")
        if self.layers[full].training_only and not self.training_only:
            raise WrongSpecError(f"{name} is for training only")
        return full


def _whole(value: Any) -> Any:
    """`value`, if no fraction is left in it; decimals in a spec are floats, and stay."""
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, Fraction):
        raise WrongSpecError(f"{value} is not whole")
    return value


def _defaults(parameters: Any) -> list[tuple[str, Any]]:
    """`[depth, {width: 8}]` or `{depth: 2, width: 8}` as names with defaults."""
    if isinstance(parameters, dict):
        return list(parameters.items())
    found: list[tuple[str, Any]] = []
    for item in parameters:
        found += item.items() if isinstance(item, dict) else [(item, None)]
    return found


def _filled(template: str, values: Values) -> str:
    """A name with its braces filled in."""
    fill: Callable[[re.Match[str]], str] = lambda match: str(evaluate(match[1], values))  # noqa: E731
    return re.sub(r"\{([^{}]*)\}", fill, str(template))
