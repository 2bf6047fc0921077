"""What a model wrote out in operators, as the layers that have a name.

A rule is data: a tree of layers, and the one layer that does the same. Trees are looked for in the
statements of any importer. What lies inside one is taken by nothing else, so that it can go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isclose, pi, sqrt
from typing import Any, NamedTuple, TypeAlias

from archcalc.importing.model import Model, Statement
from archcalc.importing.recognizing.attention import with_attention
from archcalc.importing.recognizing.group_norms import grouped
from archcalc.record import replace

Shape: TypeAlias = tuple[int, ...]

_CLOSE = 1e-3  # of constants, which are written with as few as four digits
_COMMUTE = ("add", "multiply")


class Var(NamedTuple):
    """Whatever stands there: a layer or input in a tree, a value in a field; alike everywhere."""

    name: str


class Weights(NamedTuple):
    """A learned tensor with values along one axis alone; it becomes that of the layer."""

    name: str


class Tree(NamedTuple):
    """A layer, and what it takes; of one that has a `name` the rule's `also` sees the fields."""

    kind: str
    inputs: tuple[Any, ...]  # trees, variables, weights
    fields: Mapping[str, Any] = {}
    name: str = ""


class Rule(NamedTuple):
    """A layer kind, what its fields are made of, and the trees that it is written as.

    Attributes:
        also: further fields, of what is bound and of the shape of x and of what is made of it;
            None where it is none.
    """

    kind: str
    trees: tuple[Tree, ...]
    fields: Mapping[str, Any] = {}
    also: Callable[[Mapping[str, Any], Shape, Shape], Mapping[str, Any] | None] = lambda *_: {}


X = Var("x")


def _scale(of: Any, **constants: Any) -> Tree:
    return Tree("scale", (of,), constants)


def _times(*of: Any) -> Tree:
    return Tree("multiply", of)


_GATE = Tree("relu6", (_scale(X, shift=3.0),))
_ERF = _scale(Tree("erf", (_scale(X, factor=sqrt(0.5)),)), shift=1.0)


def _cubic(cube: Tree) -> Tree:
    inside = Tree("add", (X, _scale(cube, factor=0.044715)))
    return _scale(Tree("tanh", (_scale(inside, factor=sqrt(2 / pi)),)), shift=1.0)


_CUBICS = (
    _cubic(Tree("power", (X,), {"exponent": 3.0})),
    _cubic(_times(Tree("square", (X,)), X)),
    _cubic(_times(_times(X, X), X)),
)


def _half_of(factor: Tree) -> tuple[Tree, ...]:
    """Half of x times a factor, in each order."""
    return (
        _times(_scale(X, factor=0.5), factor),
        _scale(_times(X, factor), factor=0.5),
        _times(X, _scale(factor, factor=0.5)),
    )


_ALONG = {"axes": Var("axis"), "keep": True}
_MEAN = Tree("mean", (X,), _ALONG)
_APART = Tree("subtract", (X, _MEAN))
_SPREAD = _scale(Tree("mean", (Tree("square", (_APART,)),), _ALONG), shift=Var("eps"))
_POWER = _scale(Tree("mean", (Tree("square", (X,)),), _ALONG), shift=Var("eps"))
_BY_RMS = (
    _times(X, Tree("rsqrt", (_POWER,))),
    Tree("divide", (X, Tree("sqrt", (_POWER,)))),
)
_BY_DEVIATION = (
    Tree("divide", (_APART, Tree("sqrt", (_SPREAD,)))),
    _times(_APART, Tree("rsqrt", (_SPREAD,))),
)
_BY_GROUPS = Tree(
    "rearrange",
    (Tree("instance_norm", (Tree("rearrange", (X,), name="apart"),), name="norm"),),
    name="together",
)
_W, _B = Weights("weight"), Weights("bias")
_EPS = {"eps": Var("eps")}

RULES = (
    Rule("silu", (_times(X, Tree("sigmoid", (X,))),)),
    Rule("mish", (_times(X, Tree("tanh", (Tree("softplus", (X,)),))),)),
    Rule(
        "hard_swish",
        (_times(X, _scale(_GATE, factor=1 / 6)), _scale(_times(X, _GATE), factor=1 / 6)),
    ),
    Rule("hard_sigmoid", (_scale(_GATE, factor=1 / 6),)),
    Rule("gelu", _half_of(_ERF)),
    Rule("gelu", tuple([t for c in _CUBICS for t in _half_of(c)]), {"approximate": "tanh"}),
    # What is centred first is a layer norm, though its rest is one by the root mean square.
    Rule(
        "layer_norm",
        (
            *[Tree("add", (_times(tree, _W), _B)) for tree in _BY_DEVIATION],
            *[Tree("add", (Tree("channel_scale", (tree,)), _B)) for tree in _BY_DEVIATION],
        ),
        _EPS | {"over": Var("axis")},
    ),
    Rule("layer_norm", _BY_DEVIATION, _EPS | {"over": Var("axis"), "affine": False}),
    Rule("rms_norm", tuple([_times(tree, _W) for tree in _BY_RMS]), _EPS),
    Rule("rms_norm", _BY_RMS, _EPS | {"affine": False}),
    Rule("group_norm", (Tree("add", (_times(_BY_GROUPS, _W), _B)),), also=grouped),
    Rule("group_norm", (_times(_BY_GROUPS, _W),), {"bias": False}, also=grouped),
    Rule("group_norm", (_BY_GROUPS,), {"affine": False}, also=grouped),
)


def recognized(model: Model) -> Model:
    """A model with all that a rule knows as the layer that it is.

    Sizes, parameters and multiply-accumulates stay. What training keeps may be less than what the
    operators keep that were written out: a note says so.
    """
    found: Counter[str] = Counter()
    for rule in RULES:
        for tree in rule.trees:
            model = _with(model, rule, tree, found)
    model, attention = with_attention(model)
    if attention:
        found["scaled_dot_product_attention"] = attention
    if not found:
        return model
    counted = ", ".join(f"{count} {kind}" for kind, count in found.items())
    note = f"written out in operators, whose training takes more memory: {counted}"
    return replace(model, notes=(*model.notes, note))


class _Match(NamedTuple):
    """Where a tree is found: what its variables stand for, and the statements that it is."""

    bound: dict[str, Any]
    within: dict[str, Statement]


def _with(model: Model, rule: Rule, tree: Tree, found: Counter[str]) -> Model:
    """The model with one tree recognized wherever it is."""
    statements = {each.name: each for each in model.statements}
    users: dict[str, set[str]] = {}
    for each in model.statements:
        for taken in (*each.inputs, *([each.weights] if each.weights else [])):
            users.setdefault(taken, set()).add(each.name)
    ends = {*(model.outputs or {}).values()} | {model.statements[-1].name}
    gone: set[str] = set()
    made: dict[str, Statement] = {}
    for root in model.statements:
        if root.kind != tree.kind or root.name in gone:
            continue
        match = next(_matches(tree, root.name, _Match({}, {}), statements), None)
        if match is None or not gone.isdisjoint(match.within):
            continue
        inner = {*match.within} - {root.name}
        if any(name in ends or not users[name] <= {*match.within} for name in inner):
            continue
        x = match.bound["x"]
        source = model.inputs[x].shape if x in model.inputs else statements[x].shape or ()
        layer = _layer(rule, root, match, source)
        if layer is None:
            continue
        found[rule.kind] += 1
        gone |= inner
        made[root.name] = replace(layer, name=_name(root, match, statements))
    return _replaced(model, gone, made)


def _matches(
    tree: Any, name: str, so_far: _Match, statements: Mapping[str, Statement]
) -> Iterator[_Match]:
    """Each way in which a tree is what a statement makes."""
    if isinstance(tree, Var):
        if so_far.bound.setdefault(tree.name, name) == name:
            yield so_far
        return
    statement = statements.get(name)
    if statement is None or statement.weights is not None:
        return
    within = so_far.within | {name: statement}
    if isinstance(tree, Weights):
        if statement.kind == "parameter" and statement.fields.get("learned", True):
            yield _Match(so_far.bound | {tree.name: statement}, within)
        return
    if statement.kind != tree.kind or len(statement.inputs) != len(tree.inputs):
        return
    bound = dict(so_far.bound)
    if tree.name:
        bound[tree.name] = statement
    elif not _alike(tree.fields, statement.fields, bound):
        return
    orders = [statement.inputs]
    if tree.kind in _COMMUTE and len(tree.inputs) == 2:
        orders.append(statement.inputs[::-1])
    for order in orders:
        yield from _all(tree.inputs, order, _Match(dict(bound), within), statements)


def _all(
    trees: Sequence[Any], names: Sequence[str], so_far: _Match, statements: Mapping[str, Statement]
) -> Iterator[_Match]:
    if not trees:
        yield so_far
        return
    start = _Match(dict(so_far.bound), so_far.within)
    for match in _matches(trees[0], names[0], start, statements):
        yield from _all(trees[1:], names[1:], match, statements)


def _alike(wanted: Mapping[str, Any], given: Mapping[str, Any], bound: dict[str, Any]) -> bool:
    """Whether the fields of a layer are those of a tree, and no others."""
    if given.keys() != wanted.keys():
        return False
    for name, value in wanted.items():
        if isinstance(value, Var):
            if bound.setdefault(value.name, given[name]) != given[name]:
                return False
        elif isinstance(value, float):
            if not isclose(value, given[name], rel_tol=_CLOSE):
                return False
        elif value != given[name]:
            return False
    return True


def _layer(rule: Rule, root: Statement, match: _Match, source: Shape) -> Statement | None:
    """The layer that a tree is; None where its kind does not do that along that axis."""
    fields = {
        name: match.bound[each.name] if isinstance(each, Var) else each
        for name, each in rule.fields.items()
    }
    shape = root.shape or ()
    also = rule.also(match.bound, source, shape)
    if also is None:
        return None
    fields |= also
    axis = match.bound.get("axis", -1 if "apart" not in match.bound else 0)
    if not isinstance(axis, int) or not shape:
        along: int | None = None if "axis" in match.bound else -1
    else:
        along = axis % len(shape)
    if along is None or (rule.kind == "rms_norm" and along != len(shape) - 1):
        return None
    if "over" in fields:
        over = {0: "channels", len(shape) - 1: "last"}.get(along)
        if over is None:
            return None
        fields["over"] = over
    for weights in (match.bound.get("weight"), match.bound.get("bias")):
        if weights is not None and not _lies_along(weights, along, shape):
            return None
    return Statement(rule.kind, root.name, (match.bound["x"],), fields, shape=root.shape)


def _lies_along(weights: Statement, axis: int, shape: Sequence[int]) -> bool:
    own = [*weights.fields["shape"]]
    return own == [size if n == axis else 1 for n, size in enumerate(shape)]


def _name(root: Statement, match: _Match, statements: Mapping[str, Statement]) -> str:
    """The module that all of it stands in, where nothing else does; else as its last part."""
    own = [name for name, each in match.within.items() if each.kind != "parameter"]
    parts = [name.split(".") for name in own]  # one may be called as the module itself
    common = []
    for each in zip(*parts, strict=False):
        if len({*each}) > 1:
            break
        common.append(each[0])
    path = ".".join(common if root.name != ".".join(common) else common[:-1])
    inside = [n for n in statements if n == path or n.startswith(f"{path}.")]
    return path if path and {*inside} <= {*match.within} else root.name


def _replaced(model: Model, gone: set[str], made: Mapping[str, Statement]) -> Model:
    """The model without some statements, others in place of theirs under other names."""
    if not made:
        return model
    names = {old: each.name for old, each in made.items()}
    found = []
    for each in model.statements:
        if each.name in gone:
            continue
        now = made.get(each.name, each)
        inputs = tuple([names.get(name, name) for name in now.inputs])
        weights = None if now.weights is None else names.get(now.weights, now.weights)
        found.append(replace(now, inputs=inputs, weights=weights))
    outputs = model.outputs
    if outputs is not None:
        outputs = {name: names.get(layer, layer) for name, layer in outputs.items()}
    return replace(model, statements=tuple(found), outputs=outputs)
