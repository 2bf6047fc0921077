"""Random specs, by their seeds: text in the spec language, of all its layer kinds and statements.

A spec grows statement by statement. Each is drawn with the shape at hand in mind, so that most
fit; torch says whether it does, on the whole spec written out, and what does not is left out.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import yaml

from tests.fuzz import operators
from tests.fuzz.expressions import condition, spelled
from tests.fuzz.fields import (
    BEHIND_GAPS,
    DRAWS,
    KINDS,
    KINDS_ON_TOKENS,
    KINDS_ON_VECTORS,
    LEARN,
    LEAVE_GAPS,
    divisor,
    embedding,
    multihead,
)
from tests.fuzz.interpreter import Net, Spec, WrongSpecError, interpret
from tests.fuzz.network import Shape, shapes_of
from tests.fuzz.placed import drawn_bilinear, drawn_deform_conv, drawn_grid_sample, drawn_integers
from tests.fuzz.windows import Refused

Body: TypeAlias = list[Any]

MOST_VALUES = 1500  # of a map
MOST_LAYERS = 40
MOST_DEPTH = 3  # of bodies within one another
SELDOM = 0.03  # of the statements
# What torch does not do to half a float on a CPU.
NOT_IN_HALF = ("local_response_norm", "rrelu", "grid_sample", "deform_conv")
DTYPES = ("float32", "float32", "float32", "float64", "float16", "bfloat16")


class Drawn(NamedTuple):
    """A spec with what it is analyzed for."""

    seed: int
    text: str
    batch: int
    dtype: str


def drawn(seed: int) -> Drawn:
    """The spec of this seed."""
    rng = random.Random(seed)
    axes = rng.choice((0, 1, 1, 1, 2, 2, 2, 3))
    largest = {0: 1, 1: 24, 2: 9, 3: 5}[axes]
    input = (rng.randint(1, 4), *[rng.randint(2, largest) for _ in range(axes)])
    ends = random.Random(f"ends of {seed}")  # so that the layers of a seed stay
    inputs = _inputs(ends, input)
    tokens = inputs.keys() & {"tokens"}
    seldom = random.Random(f"seldom of {seed}")
    growing = _Growing(rng, seldom, inputs, frozenset(tokens))
    growing.grow()
    growing.name_outputs(ends)
    dtype = rng.choice(DTYPES)
    text = text_of(growing.spec)
    in_three = any(len(shape) == 4 for shape in growing.shapes.values())
    if in_three or any(kind in text for kind in NOT_IN_HALF):
        dtype = "float32"  # torch on a CPU has no average of half a float along 3 axes
    return Drawn(seed, text, rng.randint(1, 3), dtype)


def _inputs(rng: random.Random, input: Shape) -> dict[str, Shape]:
    """The image, and at times another input, which often fits it."""
    inputs = {"input": input}
    if rng.random() < 0.25:
        channels, *sizes = input
        more = rng.choice(
            (input, input, (rng.randint(1, 4), *sizes), (channels, *[1] * len(sizes)))
        )
        inputs["more"] = more
    if rng.random() < 0.25:
        inputs["tokens"] = rng.choice((input[:1], (rng.randint(1, 5),), input[:2]))
    return inputs


def text_of(spec: Spec) -> str:
    """A spec as YAML."""
    text: str = yaml.dump(spec, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=100)
    return text


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # as found
    """What stands twice is written twice: the language has no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Place(NamedTuple):
    """A list of statements that grows, and what stands around it.

    Attributes:
        around: the whole spec with such a list in this place.
        start: the shape at its start.
        names: the parameters that may stand in expressions here, with their values.
        named: what is put behind names here, so that they stay apart: of a repeat, `_{i}`.
    """

    around: Callable[[Body], Spec]
    start: Shape
    names: dict[str, int]
    named: str
    depth: int


class _Growing:
    def __init__(
        self,
        rng: random.Random,
        seldom: random.Random,
        inputs: dict[str, Shape],
        integers: frozenset[str],
    ) -> None:
        self.rng = rng
        self.seldom = seldom
        self.spec: Spec = {"name": "drawn"}
        if len(inputs) == 1:
            self.spec["input"] = [*inputs["input"]]
        else:
            self.spec["inputs"] = {
                name: {"shape": [*shape], "dtype": "int64"} if name in integers else [*shape]
                for name, shape in inputs.items()
            }
        self.net = Net(inputs, [], [], integers)  # as far as it has grown
        self.shapes: dict[str, Shape] = dict(inputs)
        self.count = 0

    def grow(self) -> None:
        rng = self.rng
        names: dict[str, int] = {}
        if rng.random() < 0.6:
            chosen = rng.sample(("a", "width", "depth"), rng.randint(1, 3))
            names = {name: rng.randint(1, 6) for name in chosen}
            self.spec["parameters"] = dict(names)
        if names and rng.random() < 0.4:
            base = rng.choice([*names])
            self.spec["let"] = {"double": f"2*{base}"}
            names["double"] = 2 * names[base]
        place = _Place(lambda body: {**self.spec, "layers": body}, self.net.input, names, "", 0)
        body: Body = []
        while not self.net.layers or all(layer.training_only for layer in self.net.layers):
            body = self.body(place, rng.randint(1, 16))
        self.spec["layers"] = body

    def name_outputs(self, rng: random.Random) -> None:
        """At times says which layers the outputs are."""
        if rng.random() < 0.75:
            return
        names = [layer.name for layer in self.net.layers]
        first = rng.choice([layer.name for layer in self.net.layers if not layer.training_only])
        outputs = dict.fromkeys([first, *rng.sample(names, min(len(names), rng.randint(0, 2)))])
        named = {f"end{number}": name for number, name in enumerate(outputs)}
        self.spec["outputs"] = rng.choice((list(outputs), named))
        self.fits(self.spec)

    # ----- lists of statements -----

    def body(self, place: _Place, most: int) -> Body:
        """Up to `most` statements that fit."""
        found: Body = []
        for _ in range(most):
            before = self.net, self.shapes
            statement = self.statement(place, found)
            if statement is not None and self.fits(place.around([*found, statement])):
                found.append(statement)
            else:
                self.net, self.shapes = before
        return found

    def fits(self, spec: Spec) -> bool:
        """Whether torch takes the spec; what it makes of it is remembered."""
        try:
            net = interpret(spec)
            shapes = shapes_of(net)
        except (WrongSpecError, Refused):
            return False
        if len(net.layers) > MOST_LAYERS or max(map(math.prod, shapes.values())) > MOST_VALUES:
            return False
        self.net, self.shapes = net, shapes
        return True

    def inside(
        self, place: _Place, wrap: Callable[[Body], Spec], before: Body, **changed: Any
    ) -> _Place:
        """A list within a statement of `place`, behind the statements `before` it."""
        return place._replace(
            around=lambda body: place.around([*before, wrap(body)]),
            start=self.here(place, before),
            depth=place.depth + 1,
            **changed,
        )

    def here(self, place: _Place, before: Body) -> Shape:
        """The shape at the end of a list; close enough where statements leave the main path."""
        if not before or not self.net.layers:
            return place.start
        main = [layer for layer in self.net.layers if not layer.training_only]
        return self.shapes[main[-1].name] if main else place.start

    # ----- statements -----

    def statement(self, place: _Place, before: Body) -> Any:
        shape = self.here(place, before)
        if self.seldom.random() < SELDOM:
            return self.of_several(shape)
        draws: list[Callable[[], Any]] = [lambda: self.layer(place, shape)] * 14
        draws += [lambda: self.from_earlier(place), lambda: self.join_of_earlier(place, shape)]
        draws += [lambda: self.shared(place)] + [lambda: self.unpooled(place)] * 5
        draws += [lambda: self.beside(place, shape)]
        if len(shape) > 1:
            draws += [lambda: self.product(shape)]
        if len(shape) == 2:
            draws += [lambda: self.attention(shape)] * 4
        if place.depth < MOST_DEPTH:
            draws += [
                lambda: self.join(place, before),
                lambda: self.join(place, before),
                lambda: self.gate(place, shape),
                lambda: self.repeat(place, before),
                lambda: self.choice(place, before),
                lambda: self.head(place, before),
                lambda: self.block(place, before),
                lambda: self.recursive_block(place, shape),
                lambda: self.call(place),
            ]
        return self.rng.choice(draws)()

    def of_several(self, shape: Shape) -> Any:
        """What reads at places, a form of two inputs, or integers."""
        draws = [drawn_bilinear, drawn_integers]
        draws += [drawn_grid_sample] * 2 if len(shape) in (3, 4) else []
        draws += [drawn_deform_conv] * 2 if len(shape) == 3 else []
        return self.seldom.choice(draws)(self.seldom, shape)

    def layer(self, place: _Place, shape: Shape) -> Any:
        rng = self.rng
        kind = rng.choice(KINDS_ON_VECTORS if len(shape) == 1 else KINDS)
        if len(shape) == 2 and rng.random() < 0.3:
            kind = rng.choice(KINDS_ON_TOKENS)
        last = self.net.layers[-1].kind if self.net.layers else ""
        if last in LEAVE_GAPS and rng.random() < 0.4:
            kind = rng.choice(BEHIND_GAPS)
        fields = DRAWS[kind](rng, shape) if kind in DRAWS else {}
        fields = {name: spelled(rng, value, place.names) for name, value in fields.items()}
        if rng.random() < 0.15:
            fields["name"] = self.new_name(place)
        return {kind: fields} if fields else kind

    def from_earlier(self, place: _Place) -> Any:
        """A layer on the output of an earlier one: what stands between may lead nowhere."""
        source = self.earlier()
        if source in self.net.integers:
            return {"embedding": {**embedding(self.rng, (3,)), "from": source}}
        statement = self.layer(place, self.shapes[source])
        if "parameter" in statement:
            return None
        ((kind, fields),) = statement.items() if isinstance(statement, dict) else ((statement, {}),)
        return {kind: {**fields, "from": source}}

    def join_of_earlier(self, place: _Place, shape: Shape) -> Any:
        rng = self.rng
        kind = rng.choice(operators.JOINS)
        fields = self.join_fields(kind, shape)
        floats = {n: x for n, x in self.shapes.items() if n not in self.net.integers}
        fitting = [name for name, x in floats.items() if _fits(kind, fields, x, shape)]
        if not fitting:
            return None
        most = 2 if kind in operators.OF_TWO else 4
        sources = [rng.choice(fitting) for _ in range(rng.randint(2, most))]
        return {kind: {**fields, "from": sources}}

    def join_fields(self, kind: str, shape: Shape) -> Spec:
        if kind != "concat" or self.rng.random() < 0.6:
            return {}
        return {"axis": self.rng.randrange(-len(shape), len(shape))}

    def beside(self, place: _Place, shape: Shape) -> Any:
        """Something learned, or rows of a table, joined with what there is."""
        rng = self.rng
        kind = rng.choice(operators.JOINS)
        fields = self.join_fields(kind, shape)
        other: Any = {"parameter": DRAWS["parameter"](rng, shape)}
        if self.net.integers and rng.random() < 0.5:
            other = {"embedding": {**embedding(rng, shape), "from": "tokens"}}
        branches: list[Body] = [[], [other]] if rng.random() < 0.5 else [[other], []]
        return {kind: {**fields, "branches": branches} if fields else branches}

    def product(self, shape: Shape) -> Any:
        """A product of matrices: of what there is with what was before, or with itself."""
        turned = self.rng.random() < 0.5
        summed = -1 if turned else -2
        fitting = [
            name
            for name, x in self.shapes.items()
            if len(x) == len(shape)
            and name not in self.net.integers
            and x[summed] == shape[-1]
            and all(1 in (n, m) or n == m for n, m in zip(x[:-2], shape[:-2], strict=True))
        ]
        if not fitting:
            return None
        alike = [name for name, x in self.shapes.items() if x == shape]
        sources = [self.rng.choice(alike[-3:]), self.rng.choice(fitting)]
        return {"matmul": {"from": sources, **({"transposed": True} if turned else {})}}

    def attention(self, shape: Shape) -> Any:
        """Attention of what there is to what was before, or to itself."""
        rng = self.rng
        tokens = {
            n: x for n, x in self.shapes.items() if len(x) == 2 and n not in self.net.integers
        }
        if shape not in tokens.values():
            return None
        queries = rng.choice([name for name, x in tokens.items() if x == shape][-3:])
        # What torch spreads over the images it multiplies before: no MACs of an image.
        constant = self.net.constant()
        tokens = {n: x for n, x in tokens.items() if (n in constant) is (queries in constant)}
        if rng.random() < 0.3:
            keys = rng.choice([*tokens])
            values = [name for name, x in tokens.items() if x[0] == tokens[keys][0]]
            others = rng.choice(([], [keys], [keys, rng.choice(values)]))
            return {"multihead_attention": {**multihead(rng, shape), "from": [queries, *others]}}
        heads = divisor(rng, shape[1])
        groups = divisor(rng, heads)
        width = shape[1] // heads * groups
        served = [name for name, x in tokens.items() if x[1] == width]
        if not served:
            return None
        keys = rng.choice(served)
        alike = [name for name in served if tokens[name] == tokens[keys]]
        fields: Spec = {"heads": heads}
        if groups < heads or rng.random() < 0.3:
            fields["key_heads"] = groups
        fields |= rng.choice(({}, {}, {"scale": 0.5}))
        sources, steps = [queries, keys, rng.choice(alike)], tokens[keys][0]
        biases = [
            name for name, x in self.shapes.items() if _fits("add", {}, x, (heads, shape[0], steps))
        ]
        if biases and rng.random() < 0.7:
            sources.append(rng.choice(biases))
        elif rng.random() < 0.4:
            fields["causal"] = True
        return {"scaled_dot_product_attention": {**fields, "from": sources}}

    def shared(self, place: _Place) -> Any:
        """A layer with the learned values of an earlier one."""
        owners = [x for x in self.net.layers if x.kind in LEARN and not x.weights]
        if not owners:
            return None
        owner = self.rng.choice(owners)
        fields = {**owner.fields, "weights": owner.name}
        if owner.kind in ("embedding", "multihead_attention"):
            fields["from"] = [*owner.inputs] if len(owner.inputs) > 1 else owner.inputs[0]
        return {owner.kind: fields}

    def unpooled(self, place: _Place) -> Any:
        """What undoes an earlier max pool, by a kernel that leads back to the size it took in."""
        # What a last window of Caffe's finds beyond the map has no place to go back to.
        pools = [
            layer
            for layer in self.net.layers
            if layer.kind == "max_pool" and layer.fields.get("ceil") != "caffe"
        ]
        if not pools:
            return None
        pool = self.rng.choice(pools)
        sizes, counts = self.shapes[pool.inputs[0]][1:], self.shapes[pool.name][1:]
        stride = pool.fields.get("stride", pool.fields["kernel"])
        strides = stride if isinstance(stride, list) else [stride] * len(sizes)
        kernel = [n - (m - 1) * s for n, m, s in zip(sizes, counts, strides, strict=True)]
        fits = [
            n
            for n, x in self.shapes.items()
            if x == self.shapes[pool.name] and n not in self.net.inputs
        ]
        fields: Spec = {"kernel": kernel, "stride": stride, "indices": pool.name}
        padding = pool.fields.get("padding", 0)
        if isinstance(padding, int) and self.rng.random() < 0.5:
            fields |= {"kernel": pool.fields["kernel"], "padding": padding}
        if self.rng.random() < 0.7:
            fields["output"] = list(sizes)
        return {"max_unpool": {**fields, "from": self.rng.choice(fits)}}

    def join(self, place: _Place, before: Body) -> Any:
        """Branches; each grows as a head does, which leaves the path where it is."""
        rng = self.rng
        shape = self.here(place, before)
        kind = rng.choice(operators.JOINS)
        fields = self.join_fields(kind, shape)
        branches: list[Body] = []
        outside = self.net, self.shapes
        for _ in range(2 if kind in operators.OF_TWO else rng.randint(1, 3)):
            if rng.random() < 0.3:
                branches.append([])
                continue

            def wrap(body: Body) -> Spec:
                return {"head": {"training_only": False, "layers": body}}

            inner = self.inside(place, wrap, before)._replace(start=shape)
            body = self.body(inner, rng.randint(1, 3))
            if (kind != "concat" or fields) and body and rng.random() < 0.8:
                channels = 1 if rng.random() < 0.1 else shape[0]
                body.append({"conv": {"channels": channels, "kernel": 1}})
            branches.append(body)
            self.net, self.shapes = outside
        return {kind: {**fields, "branches": branches} if fields else branches}

    def gate(self, place: _Place, shape: Shape) -> Any:
        """Squeeze and excitation: one position that is spread over all, or along some axes."""
        rng = self.rng
        along = [rng.choice((1, n)) for n in shape[1:]]
        one = {"conv": {"channels": shape[0], "kernel": [*shape[1:]] or 1}}
        corner = {"crop": {"sides": [[0, n - 1] for n in shape[1:]]}}
        some: Any = {"adaptive_avg_pool": {"output": along}} if along else corner
        squeeze: Any = rng.choice(("global_avg_pool", "global_avg_pool", corner, one, some))
        channels = rng.choice((1, shape[0], shape[0]))
        gate = [squeeze, {"conv": {"channels": channels, "kernel": 1}}, "sigmoid"]
        return {rng.choice(("multiply", "multiply", "add")): rng.choice(([[], gate], [gate, []]))}

    def repeat(self, place: _Place, before: Body) -> Any:
        rng = self.rng
        times = rng.randint(0, 3)
        index = rng.choice((None, "i"))
        found: Spec = {"repeat": spelled(rng, times, place.names)}
        if index:
            found["index"] = index
        names = {**place.names, "i": 0} if index else place.names

        def wrap(body: Body) -> Spec:
            return {**found, "layers": body}

        inner = self.inside(
            place, wrap, before, names=names, named=place.named + ("_{i}" if index else "")
        )
        return wrap(self.body(inner, rng.randint(1, 3)) or ["relu"])

    def choice(self, place: _Place, before: Body) -> Any:
        rng = self.rng
        taken, other = rng.choice((("then", "else"), ("else", "then")))
        holds = condition(rng, taken == "then", place.names)

        def wrap(body: Body) -> Spec:
            return {"if": holds, "then": [], "else": [], taken: body}

        body = self.body(self.inside(place, wrap, before), rng.randint(1, 3))
        not_taken = rng.choice(("relu", "flatten", {"conv": {"channels": 2, "kernel": 9}}))
        return {**wrap(body), other: [not_taken]}

    def head(self, place: _Place, before: Body) -> Any:
        rng = self.rng
        only = rng.choice((None, True, False))
        fields: Spec = {} if only is None else {"training_only": only}
        if rng.random() < 0.3:
            fields["name"] = self.new_name(place)

        def wrap(body: Body) -> Spec:
            return {"head": {**fields, "layers": body}}

        body = self.body(self.inside(place, wrap, before), rng.randint(1, 3))
        return wrap(body) if body else None

    def block(self, place: _Place, before: Body) -> Any:
        """A new block, called once here; `call` may call it again."""
        rng = self.rng
        name = self.new_block()
        values = {"p": rng.randint(1, 6), "q": rng.randint(1, 3)}
        block: Spec = {"parameters": ["p", {"q": values["q"]}]}
        if rng.random() < 0.3:
            block, values = {}, {}
        arguments = {"p": spelled(rng, values["p"], place.names)} if values else None
        outer = self.spec.get("parameters", {})
        if values and rng.random() < 0.3:
            block["let"] = {"r": "p + q"}
            values["r"] = values["p"] + values["q"]

        def around(body: Body) -> Spec:
            spec = place.around([*before, {name: arguments}])
            blocks = self.spec.get("blocks", {}) | spec.get("blocks", {})
            return {**spec, "blocks": {**blocks, name: {**block, "layers": body}}}

        inner = _Place(around, self.here(place, before), {**outer, **values}, "", place.depth + 1)
        body = self.body(inner, rng.randint(1, 4))
        if not body:
            return None
        self.spec.setdefault("blocks", {})[name] = {**block, "layers": body}
        return {name: arguments}

    def recursive_block(self, place: _Place, shape: Shape) -> Any:
        """A block that calls itself so many times, as FractalNet's do."""
        rng = self.rng
        name = self.new_block()
        kind = rng.choice(operators.JOINS)
        conv = {"conv": {"channels": shape[0], "kernel": rng.choice((1, 3)), "padding": "same"}}
        again = {name: {"n": "n - 1"}}
        around = [{"relu": {"name": "r"}}, again, {"add": {"from": ["r", f"{name}1"]}}]
        then, otherwise = rng.choice(
            (
                ([conv, again], [conv]),
                ([{kind: [[conv], [again, again]]}], [conv]),
                (around, ["elu"]),
            )
        )
        body = [{"if": "n > 0", "then": then, "else": otherwise}]
        self.spec.setdefault("blocks", {})[name] = {"parameters": ["n"], "layers": body}
        return {name: {"n": spelled(rng, rng.randint(0, 3), place.names)}}

    def call(self, place: _Place) -> Any:
        """A block that is there already, with other arguments."""
        rng = self.rng
        blocks = self.spec.get("blocks", {})
        if not blocks:
            return None
        name = rng.choice([*blocks])
        arguments: Spec = {}
        for parameter in blocks[name].get("parameters", []):
            if isinstance(parameter, str) or rng.random() < 0.5:
                key = parameter if isinstance(parameter, str) else next(iter(parameter))
                arguments[key] = spelled(rng, rng.randint(0, 4), place.names)
        if rng.random() < 0.2:
            arguments["from"] = self.earlier()
        if rng.random() < 0.2:
            arguments["name"] = self.new_name(place)
        return {name: arguments or None}

    # ----- names -----

    def earlier(self) -> str:
        return self.rng.choice([*self.shapes])

    def new_name(self, place: _Place) -> str:
        self.count += 1
        return f"n{self.count}{place.named}"

    def new_block(self) -> str:
        self.count += 1
        return f"block{self.count}_"


def _fits(kind: str, fields: Spec, x: Shape, shape: Shape) -> bool:
    """Whether a map can be joined with one of a shape."""
    if len(x) != len(shape):
        return False
    if kind == "concat":
        axis = fields.get("axis", 0) % len(shape)
        return x[:axis] == shape[:axis] and x[axis + 1 :] == shape[axis + 1 :]
    return all(n in (1, m) for n, m in zip(x, shape, strict=True))
