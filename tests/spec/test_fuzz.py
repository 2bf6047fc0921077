"""Whatever stands in a spec, nothing but ArchcalcError leaves the loader and the walk."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from archcalc import ArchcalcError, analyze, symbol
from archcalc.errors import Source
from archcalc.expansion import build_graph
from archcalc.layers import Join, own_kinds
from archcalc.layers.layer import REQUIRED
from archcalc.layers.unpooling import MaxUnpool
from archcalc.memory_use.totals import activation_bytes
from archcalc.quantity.conditions import is_symbol
from archcalc.quantity.integer_array import IntegerArray
from archcalc.render.columns import COLUMNS
from archcalc.render.output import FORMS, write
from archcalc.render.spec_text import spec_text
from archcalc.render.table import TableDocument
from archcalc.spec.expression import parse, parse_with_symbols
from archcalc.spec.files import spec_sources
from archcalc.spec.parser import parse_family
from archcalc.spec.reader import read_file
from archcalc.spec.values import ExpressionError

MORE = 5 * settings().max_examples  # these are fast, and what they look for is rare

KINDS = [kind.kind for kind in own_kinds()]
FIELDS = sorted({field for kind in own_kinds() for field in kind.types})
KEYS = [
    *("name", "title", "authors", "year", "paper", "source", "input", "parameters", "let"),
    *("variants", "blocks", "layers", "claims", "accuracy", "from", "weights", "indices"),
    *("branches", "repeat", "index", "if", "then", "else", "head", "training_only"),
    *("import", "functions", "network", "of", "after", "until"),
]
EXPRESSIONS = [
    *("width", "depths[0]", "2*width", "width // 3", "1/0", "floor(alpha*width)", "len(depths)"),
    *("width > 2", "not flag", "32h", "h", "max(1, width)", "sum(depths)", "a{i}", "{i}", "i"),
]
WORDS = [
    "resnet18",
    "common",
    "layer1",
    "same",
    "valid",
    "nearest",
    "bilinear",
    "all",
    "true",
    "null",
    "input",
    "b",
    "a",
    "r",
    "",
]
ODD = ["*x", "&x", "!!int", "<<", "yes", "010", "1:30", "0x1F", "\u0007", "\ud83e\udd16", "|", ">"]


def swallow(text: str) -> None:
    """Goes the whole way with a spec's text, and lets only what must not happen through."""
    try:
        for network in parse_family(Source("fuzz.yaml", text)).networks.values():
            go_through(build_graph(network))
    except ArchcalcError as error:
        assert 0 < len(str(error)) < 1500


def go_through(graph: Any) -> None:
    analysis = analyze(graph)
    assert spec_text(graph)
    if any(map(is_symbol, graph.input.shape)):
        return  # totals of formulas take long, and are none of the loader's business
    activation_bytes(analysis)
    document = TableDocument(analysis, columns=[column.name for column in COLUMNS])
    for form in FORMS[:-1]:
        assert write(document, form, width=80)


# ----- anything -----


@settings(max_examples=MORE)
@given(st.text() | st.text(alphabet="[]{}:,-&*!|>'\"#%@` \n\tabc019.\x00\x85\u2028", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    swallow(text)


@given(data=st.binary(max_size=200))
@settings(max_examples=MORE, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_read_or_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fuzz.yaml"
    path.write_bytes(data)
    try:
        parse_family(read_file(str(path), "fuzz.yaml"))
    except ArchcalcError as error:
        assert str(error).startswith("fuzz.yaml")


# ----- trees of the language's words -----

integers = st.integers(-2, 9) | st.sampled_from([64, 2**31, 2**63 - 1, 2**63, 10**30])
scalars = (
    integers
    | st.sampled_from([*EXPRESSIONS, *WORDS, *KINDS, *ODD])
    | st.sampled_from([None, True, False, 0.5, 1e99])
)
words = st.sampled_from([*KEYS, *KINDS, *FIELDS, "b", "width"])
trees: st.SearchStrategy[Any] = st.deferred(
    lambda: (
        scalars | scalars | st.lists(trees, max_size=3) | st.dictionaries(words, trees, max_size=3)
    )
)


@settings(max_examples=MORE)
@given(st.dictionaries(st.sampled_from(KEYS), trees, max_size=8))
def test_any_tree_of_known_words_is_read_or_refused(tree: dict[str, Any]) -> None:
    swallow(json.dumps(tree))


# ----- almost right specs -----

counts = st.sampled_from([1, 2, 3, 4, 8, "width", "depths[0]", "width // 2", "n"])
shapes = st.lists(counts, max_size=4)
names = st.sampled_from(["a", "relu1", "conv1", "b1", "b1.relu1", "c{i}", "x{width}", "input"])
seldom = st.integers(0, 29).map(lambda number: number == 0)


def value_for(annotation: str) -> st.SearchStrategy[Any]:
    """What a field of that type wants."""
    right: st.SearchStrategy[Any] = {
        "bool": st.booleans() | st.sampled_from(["flag", "not flag"]),
        "float": st.sampled_from([0, 0.5, 1, "alpha"]),
        "Interpolation": st.sampled_from(["nearest", "bilinear"]),
        "NormalizedAxes": st.sampled_from(["all", "channels", "last"]),
        "Shape": st.lists(counts, min_size=1, max_size=4),
        "Shapes": st.lists(st.lists(counts, min_size=1, max_size=4), min_size=1, max_size=2),
        "NamedShapes": st.dictionaries(st.sampled_from(["weight", "in_proj.bias"]), shapes),
        "Text": st.sampled_from(["torchvision.ops.nms", "custom"]),
        "Cost": counts | st.just("unknown"),
        "Quantity": counts,
        "int": counts,
    }.get(annotation, counts | st.lists(counts, min_size=2, max_size=2))
    return right | st.sampled_from(["same", "valid"]) if annotation == "Padding" else right


@st.composite
def layers(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(own_kinds()))
    value: dict[str, Any] = {}
    for name, annotation in kind.types.items():
        if draw(seldom):
            value[name] = draw(trees)
        elif kind.defaults[name] is REQUIRED or draw(st.booleans()):
            value[name] = draw(value_for(annotation))
    for key in ("name", "from", "weights"):
        if draw(seldom):
            value[key] = draw(names)
    if kind is MaxUnpool:
        value["indices"] = draw(st.sampled_from(["max_pool1", "a"]))
    if issubclass(kind, Join):
        value["branches"] = draw(st.lists(bodies, min_size=1, max_size=3))
    return {kind.kind: value}


bodies: st.SearchStrategy[Any] = st.deferred(
    lambda: st.lists(plain_layers | statements, min_size=1, max_size=3)
)
plain_layers: st.SearchStrategy[Any] = st.sampled_from(
    ["relu", "tanh", {"max_pool": {"kernel": 2}}]
)
calls = st.just({"b": {"n": "n - 1"}})
repeats = st.fixed_dictionaries({"repeat": counts, "index": st.just("i"), "layers": bodies})
conditions = st.fixed_dictionaries(
    {"if": st.sampled_from(["flag", "width > 2", "n > 0", "not flag"]), "then": bodies},
    optional={"else": bodies},
)
heads = st.fixed_dictionaries(
    {"head": st.fixed_dictionaries({"layers": bodies}, optional={"name": names})}
)
statements: st.SearchStrategy[Any] = st.one_of(*[layers()] * 5, calls, repeats, conditions, heads)
recursive_block = bodies.map(
    lambda body: {"b": {"parameters": [{"n": 1}], "layers": [{"if": "n > 0", "then": body}]}}
)
inputs = st.sampled_from(
    [[8, 16, 16], [4, 9, 8], [2, 64, 64], [4, 32], [16], [2, 8, 8, 8], [12, 1, 1], [8, "32h", 9]]
)
almost_right = st.fixed_dictionaries(
    {
        "name": st.just("fuzz"),
        "input": inputs,
        "parameters": st.just({"width": 4, "depths": [2, 1], "alpha": 0.5, "flag": True, "n": 2}),
        "blocks": recursive_block,
        "layers": st.lists(statements, min_size=1, max_size=6),
    }
)


@given(almost_right)
@settings(
    max_examples=MORE, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_an_almost_right_spec_is_analyzed_or_refused(tree: dict[str, Any]) -> None:
    swallow(json.dumps(tree))


# ----- right specs, and something happened to them -----

WORD = re.compile(r"[^\s{}\[\],:]+")
SHIPPED = [source.text for source in spec_sources()]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A spec that comes with archcalc, after a few slips of the hand."""
    lines = draw(st.sampled_from(SHIPPED)).partition("\nclaims:")[0].splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        cut = draw(st.integers(0, len(line)))
        inserted = draw(st.sampled_from([*EXPRESSIONS, *WORDS, *KEYS, *ODD, " ", "  ", ":", "]"]))
        found = list(WORD.finditer(line))
        slips = {
            "cut": [line[:cut]],
            "insert": [line[:cut] + inserted + line[cut:]],
            "drop a character": [line[:cut] + line[cut + 1 :]],
            "drop": [],
            "double": [line, line],
            "indent": ["  " + line],
            "swap": [lines[at - 1], line],
        }
        slip = draw(st.sampled_from(sorted(slips)))
        mostly = draw(st.integers(0, 4)) > 0
        if found and mostly:  # one word for another
            word = draw(st.sampled_from(found))
            others = WORD.findall(draw(st.sampled_from(lines)))
            other = draw(st.sampled_from(others or WORDS))
            lines[at] = line[: word.start()] + other + line[word.end() :]
        else:
            lines[at : at + 1] = slips[slip]
        lines = lines or [""]
    return "\n".join(lines)


@given(damaged())
@settings(
    max_examples=MORE, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_a_damaged_spec_is_analyzed_or_refused(text: str) -> None:
    try:
        networks = list(parse_family(Source("fuzz.yaml", text)).networks.values())
        analyze(build_graph(networks[0]))
        build_graph(networks[-1])
    except ArchcalcError as error:
        assert 0 < len(str(error)) < 1500


# ----- expressions -----

ENVIRONMENT: dict[str, Any] = {
    "n": 5,
    "zero": 0,
    "large": 2**62,
    "alpha": Fraction(3, 4),
    "flag": True,
    "mode": "same",
    "nothing": None,
    "depths": [2, 3],
    "nested": [[1, 2], [3]],
    "h": symbol("h"),
    "several": IntegerArray([1, 2, 3]),
}
TOKENS = [
    *ENVIRONMENT,
    *("+", "-", "*", "/", "//", "%", "**", "(", ")", "[", "]", ",", "==", "<", ">=", "!="),
    *("and", "or", "not", "if", "else", "in", "is", "lambda", "for", "floor", "ceil", "min", "max"),
    *(
        "len",
        "sum",
        "0",
        "1",
        "2",
        "63",
        "0.5",
        "1e3",
        "1e-70",
        "'x'",
        "__import__",
        ".",
        ":",
        "32h",
    ),
]
token_soup = st.lists(st.sampled_from(TOKENS), max_size=12).map(" ".join)
binary = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "==", "<", "and", "or"])
well_formed = st.recursive(
    st.sampled_from([*ENVIRONMENT, "0", "1", "2", "64", "0.5", "'x'"]),
    lambda inner: (
        st.tuples(inner, binary, inner).map(lambda parts: f"({' '.join(parts)})")
        | st.tuples(
            st.sampled_from(["floor", "ceil", "max", "min", "sum", "len", "not "]), inner
        ).map(lambda parts: f"{parts[0]}({parts[1]})")
        | st.tuples(inner, inner).map(lambda parts: f"{parts[0]}[{parts[1]}]")
        | st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]")
        | st.tuples(inner, inner, inner).map(lambda parts: "({} if {} else {})".format(*parts))
    ),
    max_leaves=8,
)


@settings(max_examples=MORE)
@given(token_soup | well_formed | st.text(max_size=30))
@example("max([])")
@example("(h + 1)**64")
@example("several / zero")
def test_any_expression_is_evaluated_or_refused(text: str) -> None:
    for read in (parse, parse_with_symbols):
        try:
            read(text).evaluate(ENVIRONMENT)
        except ArchcalcError as error:
            assert str(error)


# ----- and the net holds water -----


@pytest.mark.parametrize("error", [KeyError("h.r"), RecursionError(), TypeError("x"), ValueError()])
def test_another_error_would_be_seen(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr("tests.spec.test_fuzz.build_graph", failing)
    with pytest.raises(type(error)):
        swallow("name: t\ninput: [1]\nlayers: [relu]")


def test_an_expression_error_is_an_archcalc_error() -> None:
    assert issubclass(ExpressionError, ArchcalcError)
