"""Formulas are what the plain walk says, at the network's own values and at others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc import ArchcalcError, UsageError, analyze, load, symbol
from archcalc.figures.language import evaluate
from archcalc.parametric.formulas import derivation
from archcalc.parametric.formulas.deriving import derive_formulas, parts_of
from archcalc.parametric.formulas.exact import exact
from archcalc.parametric.formulas.formula import Formulas
from archcalc.render.formula import latex, python, text
from archcalc.spec.labels import size_labels
from archcalc.spec.library import find_network
from tests.networks import each_sampled_network

TOTALS = (
    "params", "weights", "biases", "buffers", "macs", "flops", "other_ops", "param_bytes",
)  # fmt: skip
MEMORY = ("activation_values", "lecture_bytes", "all_bytes", "peak_bytes", "training_bytes")
PADS_SAME = ("mobilenet_v1", "inception_v2_slim", "nasnet", "resnet50_slim", "i3d")
# On free sizes it stays open whether they copy what they have cut out of a map.
CUTS_MAPS = ("swin", "maxvit", "mvit", "vit_", "deit", "clip_vit", "tcn_mnist")
# On other sizes they pad and shift windows or do not: more cases than a formula may have.
IN_CLASSES_ALONE = ("swin",)
SETTINGS = 20
AT_SETTINGS = 3  # at which the memory is compared too, which takes a walk for each


@cache
def _of_sizes(name: str) -> Formulas:
    """Formulas of all totals in the sizes of the input, and in the classes."""
    graph = load(name)
    sizes = size_labels(len(_varied(graph)))
    quantities = [*TOTALS, *(MEMORY[:3] if name.startswith((*PADS_SAME, *CUTS_MAPS)) else MEMORY)]
    classes = [key for key in ("classes",) if key in graph.parameters]
    return derive_formulas(find_network(name), quantities, [*sizes, *classes])


def _varied(graph: archcalc.Graph) -> tuple[Any, ...]:
    """The sizes of the input in which there are formulas."""
    return () if graph.network.name.startswith(IN_CLASSES_ALONE) else graph.input.sizes


def _functions(formulas: Formulas) -> dict[str, Callable[..., Any]]:
    """The functions that `--python` prints, by quantity."""
    known: dict[str, Any] = {}
    exec(python(formulas), known)
    return {formula.quantity: known[formula.quantity] for formula in formulas.formulas}


@pytest.mark.parametrize("name", each_sampled_network())
@settings(max_examples=1)
@given(seed=st.integers(0, 2**32 - 1))
def test_at_its_own_values_and_twenty_others_a_formula_is_the_plain_walk(
    name: str, seed: int
) -> None:
    """Memory too: in one test, since what takes long is to derive the formulas."""
    formulas, graph = _of_sizes(name), load(name)
    own_classes = [graph.parameters[k] for k in ("classes",) if k in graph.parameters]
    varied = _varied(graph)
    own = [*varied, *own_classes]
    functions = _functions(formulas)
    analysis = analyze(graph)
    for formula in formulas.formulas:
        right = evaluate(formula.quantity, analysis, analyze)
        assert formula.at(dict(zip(formula.symbols, own, strict=True))) == [right]
        assert functions[formula.quantity](*own) == right

    if not own:  # no sizes and no classes
        return
    random = np.random.default_rng(seed)
    sizes = [random.integers(max(1, n // 2), 2 * n, SETTINGS) for n in varied]
    classes: Any = {
        k: random.integers(1, 2000, SETTINGS) for k in ("classes",) if k in graph.parameters
    }
    sweep = archcalc.sweep(name, input=_first_of(graph, sizes), **classes)
    others = [
        [int(array[index]) for array in (*sizes, *classes.values())]
        for index in np.flatnonzero(sweep.valid)
    ]
    for quantity in TOTALS:
        for values, right in zip(others, getattr(sweep.totals, quantity)[sweep.valid], strict=True):
            assert functions[quantity](*values) == right
    for values in others[:AT_SETTINGS]:
        _memory_is_that_of_the_plain_walk(graph, functions, values)


def _first_of(graph: archcalc.Graph, sizes: Sequence[Any]) -> dict[str, list[Any]]:
    """The first input, with other sizes; with its own where none are given."""
    sizes = sizes or graph.input.sizes
    return {next(iter(graph.inputs)): [graph.input.channels, *sizes]}


def _memory_is_that_of_the_plain_walk(
    graph: archcalc.Graph, functions: dict[str, Callable[..., Any]], values: list[int]
) -> None:
    sizes = values[: len(_varied(graph))]
    classes: Any = dict(zip(("classes",), values[len(sizes) :], strict=False))
    analysis = analyze(graph.network, input=_first_of(graph, sizes), **classes)
    for quantity in MEMORY:
        if quantity in functions:
            right = evaluate(quantity, analysis, analyze)
            assert functions[quantity](*values) == right


# Symbols, what is assumed of them, and values that hold to it.
WHOLE = st.integers(1, 40)
IN_PARAMETERS: list[tuple[str, dict[str, st.SearchStrategy[Any]], tuple[str, ...]]] = [
    ("stack_3x3x3", {"C": WHOLE}, ()),
    ("single_7x7", {"C": WHOLE, "H": WHOLE}, ()),
    ("residual_bottleneck", {"C": WHOLE, "W": WHOLE}, ()),
    ("mobilenet_v1", {"alpha": st.integers(1, 64).map(lambda n: sympy.Rational(n, 37))}, ()),
    ("mobilenet_v1", {"resolution": st.integers(1, 300), "classes": WHOLE}, ()),
    (
        "mobilenet_v1",
        {
            "alpha": st.integers(8, 64).map(lambda n: sympy.Rational(n, 32)),
            "resolution": st.integers(1, 9).map(lambda n: 32 * n),
        },
        ("resolution%32==0", "32*alpha%1==0", "alpha>=0.25"),
    ),
    ("vgg16", {"H": WHOLE.map(lambda n: 32 * n), "W": WHOLE.map(lambda n: 8 * n + 32)},
     ("H%32==0", "W%8==0")),
    ("swin_t", {"H": WHOLE.map(lambda n: 224 * n)}, ("H%224==0",)),
    ("vgg16", {"depths[2]": st.integers(1, 6), "H": st.integers(32, 99)}, ()),
    ("densenet121", {"growth": WHOLE}, ()),
    ("densenet121", {"compression": st.integers(1, 20).map(lambda n: sympy.Rational(n, 20))}, ()),
    ("densenet_40_12", {"growth": WHOLE, "depths[0]": st.integers(1, 8)}, ()),
    ("densenet_bc_100_12", {"growth": WHOLE.map(lambda n: 4 * n), "depths[0]": st.integers(1, 8)},
     ("growth%4==0",)),
    ("wrn_28_10", {"units": st.integers(1, 5), "widen": st.integers(1, 5)}, ()),
    ("resnet18", {"widen": st.integers(1, 4)}, ()),
    ("resnet50", {"depths[0]": st.integers(1, 4), "widen": WHOLE}, ()),
    ("resnet101", {"depths[2]": st.integers(1, 9), "classes": WHOLE}, ()),
    ("resnet20", {"units": st.integers(1, 20), "classes": WHOLE}, ()),
    ("preact_resnet164", {"depths[1]": st.integers(1, 9), "H": WHOLE}, ()),
    ("resnext50_32x4d", {"groups": WHOLE, "base_width": WHOLE}, ()),
    ("alexnet", {"towers": st.sampled_from([1, 2, 4, 8])}, ()),
    ("inception_v3", {"H": st.integers(107, 300), "W": st.integers(107, 300)}, ("H>=107",)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "assume"), IN_PARAMETERS)
def test_formulas_in_parameters_hold_at_random_settings(
    name: str, values: dict[str, st.SearchStrategy[Any]], assume: tuple[str, ...]
) -> None:
    quantities = ["params", "macs", "activation_values"]
    network = find_network(name)
    formulas = derive_formulas(network, quantities, [*values], assume=assume)
    functions = _functions(formulas)
    graph = load(network)

    @settings(max_examples=SETTINGS)
    @given(st.fixed_dictionaries(values))
    def hold(setting: dict[str, Any]) -> None:
        exact = [setting[label] for label in values]
        numbers = [n if isinstance(n, int) else Fraction(int(n.p), int(n.q)) for n in exact]
        try:
            changes = _changes(graph, dict(zip(values, numbers, strict=True)))
            analysis = analyze(network, **changes)
        except ArchcalcError:
            return
        for formula in formulas.formulas:
            right = evaluate(formula.quantity, analysis, analyze)
            assert formula.at(dict(zip(formula.symbols, exact, strict=True))) == [right]
            assert functions[formula.quantity](*numbers) == right

    hold()


def _changes(graph: archcalc.Graph, setting: dict[str, Any]) -> dict[str, Any]:
    """A setting as what `analyze` takes."""
    changes: dict[str, Any] = {}
    for label, value in setting.items():
        name, _, item = label.partition("[")
        if item:
            items = changes.setdefault(name, list(graph.parameters[name]))
            items[int(item.rstrip("]"))] = value
        elif name in graph.parameters:
            changes[name] = value
    sizes = [*graph.input.shape]
    if "C" in setting and "C" in graph.parameters:
        sizes[0] = sizes[0] // graph.parameters["C"] * setting["C"]
    for place, label in enumerate(("H", "W"), 1):
        if label in setting:
            changes["input"] = sizes
            sizes[place] = setting[label]
    return changes


@pytest.mark.parametrize(
    ("name", "quantity", "symbols", "assume", "formula"),
    [
        # Lecture: three 3x3 against one 7x7, C channels throughout.
        ("stack_3x3x3", "params", ["C"], (), "27*C**2"),
        ("single_7x7", "params", ["C"], (), "49*C**2"),
        ("vgg16", "params", ["classes"], (), "4097*classes + 134260544"),
        ("resnet20", "params", ["units"], (), "97216*units - 21926"),
        ("resnet20", "weight_layers", ["units"], (), "6*units + 2"),
        ("densenet121", "params", ["growth"], (), "6700*growth**2 + 34908*growth + 1000"),
        ("vgg16", "params", ["H", "W"], ("H%32==0", "W%32==0"), "2048*H*W + 35597096"),
        ("mobilenet_v1", "params", ["alpha"], ("32*alpha%1==0", "alpha>=0.25"),
         "3139584*alpha**2 + 1091392*alpha + 1000"),
        ("vgg16", "layers[pool5].receptive_field", ["H"], (), "212"),
        ("lenet5", "params", ["H", "W"], (),
         "10080*(floor(H/4) - 7)*(floor(W/4) - 7) + 51626"),
    ],
)  # fmt: skip
def test_a_formula_is_what_a_person_would_write(
    name: str, quantity: str, symbols: list[str], assume: tuple[str, ...], formula: str
) -> None:
    assert str(archcalc.formula(name, quantity, symbols, assume=assume)) == formula


def test_sizes_with_a_factor_leave_a_polynomial() -> None:
    h, classes = symbol("h"), symbol("classes")
    given = [3, 32 * h, 32 * h]
    formula = 315293696 * h**2 + 20873216
    assert archcalc.formula("vgg16", "macs", input=given) == formula
    assert archcalc.formula("vgg16", "macs", ["h"], input=given) == formula
    with_classes = archcalc.formula("vgg16", "macs", ["h", "classes"], input=given)
    assert with_classes == 315293696 * h**2 + 4096 * classes + 16777216


def test_an_input_of_plain_numbers_leaves_nothing_free() -> None:
    macs = archcalc.formula("vgg16", "macs", input=[3, 64, 64])
    assert macs == analyze("vgg16", input=[3, 64, 64]).totals.macs


def test_symbols_may_be_one_text() -> None:
    assert archcalc.formula("vgg16", "params", "classes") == 4097 * symbol("classes") + 134260544


def test_floors_within_floors_are_one() -> None:
    pools = archcalc.formula("vgg16", "layers[pool5].size", ["H"])
    assert pools == sympy.floor(symbol("H") / 32)
    rounded_up = archcalc.formula("resnet18", "layers[layer4.1.relu].size", ["H"])
    assert rounded_up == sympy.ceiling(symbol("H") / 32)


def test_a_condition_of_the_spec_makes_cases() -> None:
    (formula,) = derive_formulas(find_network("wrn_28_10"), ["params"], ["widen"]).formulas
    general, special = formula.cases
    (k,) = formula.symbols
    assert (general.condition, special.condition) == (sympy.Ne(k, 1), sympy.Eq(k, 1))
    assert special.values == (analyze("wrn_28_10", widen=1).totals.params,)
    expression = archcalc.formula("wrn_28_10", "params", ["widen"])
    assert expression.subs(k, 10) == 36_479_194


@pytest.mark.parametrize("condition", ["n > 1", "n != 1", "not n == 1"])
def test_how_often_a_block_calls_itself_is_a_count(condition: str, tmp_path: Path) -> None:
    spec = tmp_path / "chain.yaml"
    spec.write_text(
        "name: chain\ninput: [4, 16, 16]\nparameters: {n: 3}\nblocks:\n  chain:\n"
        "    parameters: [n]\n    layers:\n      - conv: {channels: 4, kernel: 3, padding: 1}\n"
        f"      - if: {condition}\n        then: [chain: {{n: n - 1}}]\n"
        "layers:\n  - chain: {n: n}\n"
    )
    assert str(archcalc.formula(str(spec), "params", ["n"])) == "148*n"


def test_assumptions_leave_a_peak_that_one_can_read() -> None:
    """Eighty maps have a size that is a multiple of another's; one of them is the largest."""
    found = derive_formulas(
        find_network("inception_v3"), ["peak_bytes"], ["H", "W"], assume=["H%32==11", "W%32==11"]
    )
    (peak,) = found.formulas
    assert len(peak.expression.args) < 12
    for size in (299, 331, 1003):
        analysis = analyze("inception_v3", input=[3, size, size + 64])
        right = evaluate("peak_bytes", analysis, analyze)
        assert peak.at(dict(zip(peak.symbols, (size, size + 64), strict=True))) == [right]


def test_a_list_has_a_formula_for_each_item() -> None:
    found = archcalc.formula("vgg16", "output", ["H"], layer="conv1_1")
    assert found == [64, symbol("H"), 224]


def test_a_layer_or_a_block_has_formulas_of_its_own() -> None:
    C = symbol("C")
    assert archcalc.formula("stack_2x3x3", "weights", ["C"], layer="conv2") == 9 * C**2
    stage = archcalc.formula("vgg16", "params", ["classes"], layer="stage1")
    assert stage == sum(analyze("vgg16").layer(f"conv1_{n}").params for n in (1, 2))


@pytest.mark.parametrize("quantity", ["params", "macs", "activation_values"])
def test_the_parts_of_a_formula_add_up_to_it(quantity: str) -> None:
    symbols = ["alpha", "resolution"]
    parts = parts_of(load("mobilenet_v1"), quantity)
    assert [*parts.values()][:2] == ["Conv2d_0", "Conv2d_1"]
    found = derive_formulas(find_network("mobilenet_v1"), [*parts], symbols)
    whole = archcalc.formula("mobilenet_v1", quantity, symbols)
    assert sympy.expand(sum(part.expression for part in found.formulas) - whole) == 0
    weighted = [f.quantity for f in found.without_zeros().formulas]
    assert ("layers[flatten].macs" in weighted) is False


def test_the_least_count_that_was_looked_at_is_told() -> None:
    found = derive_formulas(find_network("wrn_28_10"), ["params"], ["units"])
    assert found.first == {"units": 1}


def test_up_to_which_count_a_form_was_compared_is_told(tmp_path: Path) -> None:
    """A width that grows by a step at n = 2,000, whose network is too large to be walked."""
    spec = tmp_path / "stairs.yaml"
    spec.write_text(
        "name: stairs\ninput: [1, 8]\nparameters: {n: 3}\nlayers:\n  - repeat: n\n    layers:\n"
        "      - conv: {channels: 1 + n//2000, kernel: 1, bias: false}\n"
    )
    found = derive_formulas(find_network(str(spec)), ["params"], ["n"])
    (formula,) = found.formulas
    assert formula.cases[0].values == (symbol("n"),)
    assert found.last == {"n": 1000}
    assert "for n >= 1 (compared with the walk up to n = 1000)" in text(found)
    assert analyze(str(spec), n=1000).totals.params == 1000
    assert analyze(str(spec), n=2000).totals.params != 2000


def test_a_formula_that_the_walk_contradicts_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivation, "tidy", lambda value, sizes: value + 1)
    with pytest.raises(
        ArchcalcError, match="was found that holds: at classes = 1000 it gives 138,357,545"
    ):
        archcalc.formula("vgg16", "params", ["classes"])


@pytest.mark.parametrize(
    ("name", "quantity", "symbols", "changes", "message"),
    [
        ("vgg16", "params", ["clases"], {}, "has no 'clases'; did you mean 'classes'"),
        ("vgg16", "params", ["H"], {"dtype": "int4"}, "unknown dtype 'int4'; did you mean 'int8'"),
        ("vgg16", "params", ["H"], {"batch": 2.5}, "at least 1, not 2.5"),
        ("vgg16", "params", ["depths"], {}, "depths is a list; name an item, such as depths[0]"),
        ("vgg16", "params", ["depths[9]"], {}, "has no item 9"),
        ("vgg16", "params", ["batch_norm"], {}, "batch_norm is false, not a number"),
        ("vgg16", "params", ["H", "H"], {}, "symbols: H is repeated"),
        ("vgg16", "params", ["__import__('os')"], {}, "is not a name"),
        ("vgg16", "params", ["depths[00]"], {}, "is not a name"),
        ("vgg16", "params", ["H"], {"input": [3, 32 * symbol("h"), 32]},
         "symbols: H is 32*h in the input already"),
        ("stack_3x3x3", "params", ["C"], {"input": [symbol("C"), 8, 8]},
         "C is a parameter and a size"),
        ("vgg16", "parms", ["H"], {}, "did you mean 'params'"),
        ("vgg16", "params >", ["H"], {}, "is not an expression"),
        ("vgg16", "input", ["C"], {"layer": "conv1_1", "assume": ["H%2==0"]}, "'H' is not free"),
        ("vgg16", "layers[fc6].receptive_field", ["H"], {}, "is all, which no formula gives"),
        ("vgg16", "networks[vgg19].params", ["H"], {}, "this is about one network"),
        ("vgg16", "params > 5", ["H"], {}, "which no formula gives"),
        ("mobilenet_v1", "peak_bytes", ["resolution"], {}, "such as resolution%32==0, or set"),
        ("resnet20", "params", ["units"], {"assume": ["units%2==0"]}, "counts blocks"),
        ("resnet20", "params", ["units"], {"layer": "layer1.7.conv1"}, "has no layer"),
        ("highway_mnist10", "params", ["classes"], {"width": 0}, "output features"),
    ],
)  # fmt: skip
def test_what_has_no_formula_is_refused_in_one_line(
    name: str, quantity: str, symbols: list[str], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArchcalcError) as caught:
        archcalc.formula(name, quantity, symbols, **changes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "quantity", "symbols", "settings"),
    [
        # A floor of what shrinks, a smallest within a floor, a largest of sizes in ceil mode.
        ("parameters: {p: 2}\ninput: [1, 16]\n"
         "layers: [max_pool: {kernel: p, stride: 3, ceil: true}]",
         "activation_values", ["p"], [{"p": p} for p in (1, 2, 4, 8, 13)]),
        ("input: [1, 12]\nlayers: [max_pool: {kernel: 2, stride: 3, ceil: true}, "
         "max_pool: {kernel: 2, stride: 2}]",
         "activation_values", ["L"], [{"L": n} for n in (4, 5, 6, 12, 13, 31)]),
        ("input: [1, 23]\nlayers: [conv: {channels: 2, kernel: 1, stride: 2}, "
         "max_pool: {kernel: 2, stride: 3, ceil: true}, relu]",
         "peak_bytes", ["L"], [{"L": n} for n in (4, 5, 23, 24, 30)]),
        # Weights that are shared, a border that is none, axes that happen to be alike.
        ("parameters: {k: 3}\ninput: [4, 8]\nlayers: "
         "[conv: {name: a, channels: 4, kernel: k, padding: same}, "
         "conv: {name: b, channels: 4, kernel: 3, padding: same, weights: a}]",
         "params", ["k"], [{"k": 3}]),
        ("parameters: {p: 0}\ninput: [1, 12]\nlayers: "
         "[locally_connected: {channels: 2, kernel: 3, padding: [[p, 0]]}]",
         "peak_bytes", ["p"], [{"p": p} for p in (1, 2, 5)]),
    ],
)  # fmt: skip
def test_what_fuzzing_found_is_the_plain_walk(
    text: str, quantity: str, symbols: list[str], settings: list[dict[str, int]], tmp_path: Path
) -> None:
    spec = tmp_path / "found.yaml"
    spec.write_text(f"name: found\n{text}\n")
    formula = archcalc.formula(str(spec), quantity, symbols)
    for setting in settings:
        changes: dict[str, Any] = {k: v for k, v in setting.items() if k != "L"}
        if "L" in setting:
            changes["input"] = [1, setting["L"]]
        analysis = analyze(str(spec), **changes)
        plain = evaluate(quantity, analysis, _no_other)
        values = {s: setting[s.name] for s in sympy.sympify(formula).free_symbols}
        assert sympy.sympify(formula).subs(values) == plain


def _no_other(text: str) -> Any:
    raise AssertionError(text)


def test_axes_that_happen_to_be_alike_are_one_number_of_the_walk(tmp_path: Path) -> None:
    spec = tmp_path / "square.yaml"
    spec.write_text(
        "name: square\ninput: [1, 12, 12]\nparameters: {k: 3}\n"
        "layers: [conv: {channels: 2, kernel: [3, k]}]\n"
    )
    field = archcalc.formula(str(spec), "layers[conv1].receptive_field", ["k"])
    assert str(field) == "[3, k]"


def test_what_the_branches_of_a_join_take_for_granted_is_told(tmp_path: Path) -> None:
    spec = tmp_path / "skip.yaml"
    spec.write_text(
        "name: skip\ninput: [4, 16, 16]\nlayers:\n  - max_pool: {name: down, kernel: 2}\n"
        "  - upsample: {name: up, factor: 2}\n  - add: {from: [input, up]}\n"
    )
    found = derive_formulas(find_network(str(spec)), ["activation_values"], ["H", "W"])
    assert [tuple(map(str, pair)) for pair in found.equal] == [
        ("H", "2*floor(H/2)"),
        ("W", "2*floor(W/2)"),
    ]
    even = derive_formulas(
        find_network(str(spec)), ["activation_values"], ["H", "W"], assume=["H%2==0", "W%2==0"]
    )
    assert even.equal == ()


def test_what_is_copied_or_not_by_free_sizes_has_no_formula(tmp_path: Path) -> None:
    spec = tmp_path / "gaps.yaml"
    cut = "  - conv: {channels: 8, kernel: 1}\n  - crop: {sides: 1}\n"
    spec.write_text(f"name: gaps\ninput: [4, 8, 8]\nlayers:\n{cut}  - relu\n")
    assert archcalc.formula(str(spec), "training_bytes") is not None
    spec.write_text(f"name: gaps\ninput: [4, 8, 8]\nlayers:\n{cut}  - group_norm: {{groups: 2}}\n")
    with pytest.raises(UsageError, match="depends on whether group_norm1 copies its input"):
        archcalc.formula(str(spec), "training_bytes")


def test_a_crop_to_the_middle_copies_nothing_whatever_its_sides(tmp_path: Path) -> None:
    spec = tmp_path / "middle.yaml"
    half = "(in_shape[1] - 4) // 2"
    crop = f"crop: {{sides: [['{half}', 'in_shape[1] - 4 - {half}'], 0]}}"
    spec.write_text(f"name: middle\ninput: [4, 9, 8]\nlayers:\n  - {crop}\n  - relu\n")
    formula = archcalc.formula(str(spec), "peak_bytes", ["H"])
    for height in (9, 12):
        analysis = analyze(str(spec), input=[4, height, 8])
        at_height = formula.subs(dict.fromkeys(formula.free_symbols, height))
        assert at_height == evaluate("peak_bytes", analysis, analyze)


def test_more_cases_than_anyone_would_read_are_refused(
    tmp_path: Path,
) -> None:
    spec = tmp_path / "cases.yaml"
    layers = "\n".join(f"  - if: n > {k}\n    then: [relu]" for k in range(20))
    spec.write_text(f"name: cases\ninput: [3, 8, 8]\nparameters: {{n: 3}}\nlayers:\n{layers}\n")
    with pytest.raises(UsageError, match="more than 16 cases"):
        archcalc.formula(str(spec), "other_ops", ["n"])


SPECS: dict[str, str] = {
    # A parameter that reaches a floor through a `let`, a block's parameter, a comparison.
    "let": """
        input: [3, 32, 32]
        parameters: {alpha: 1.0}
        let: {scaled: 100*alpha}
        layers:
          - conv: {channels: floor(scaled), kernel: 1, bias: false}
        """,
    "block": """
        input: [3, 32, 32]
        parameters: {alpha: 1.0}
        blocks:
          c:
            parameters: [width]
            layers:
              - conv: {channels: floor(width), kernel: 1, bias: false}
        layers:
          - c: {width: 33*alpha}
        """,
    "divisible": """
        input: [3, 32, 32]
        parameters: {alpha: 1.0}
        let:
          s0: max(8, floor(32*alpha + 4) // 8 * 8)
          s: s0 + 8 if s0 < 0.9*32*alpha else s0
        layers:
          - conv: {channels: s, kernel: 1, bias: false}
        """,
    "squeeze": """
        input: [3, 32, 32]
        parameters: {r: 0.25}
        layers:
          - conv: {channels: 32, kernel: 1}
          - if: r > 0
            then:
              - conv: {channels: "max(1, floor(32*r))", kernel: 1}
          - flatten
          - linear: {features: 10}
        """,
    # What a count of blocks makes: powers, a width that stops to grow, a layer of the third one.
    "wavenet": """
        input: [1, 16000]
        parameters: {stacks: 3, layers_each: 10}
        layers:
          - repeat: stacks
            layers:
              - repeat: layers_each
                index: i
                layers:
                  - conv: {channels: 8, kernel: 2, dilation: 2**i, padding: [[2**i, 0]]}
          - identity: {name: out}
        """,
    "widening": """
        input: [3, 32, 32]
        parameters: {n: 3}
        layers:
          - repeat: n
            index: i
            layers:
              - conv: {channels: "min(512, 64*(i + 1))", kernel: 3, padding: 1}
        """,
    "patches": """
        input: [3, 256, 256]
        parameters: {n: 3}
        layers:
          - conv: {channels: 64, kernel: 4, stride: 2, padding: 1}
          - repeat: n
            index: i
            layers:
              - conv: {channels: "min(512, 64*2**(i + 1))", kernel: 4, padding: same}
          - conv: {name: out, channels: 1, kernel: 4, padding: same}
        """,
    "late": """
        input: [1, 16000]
        parameters: {n: 3}
        blocks:
          block:
            layers:
              - conv: {channels: 8, kernel: 2}
        layers:
          - repeat: n
            layers: [block]
        """,
    "unet": """
        input: [3, 256, 256]
        parameters: {levels: 4, base: 64}
        blocks:
          double:
            parameters: [width]
            layers:
              - conv: {channels: width, kernel: 3, padding: 1}
              - relu
              - conv: {channels: width, kernel: 3, padding: 1}
              - relu
          level:
            parameters: [depth, width]
            layers:
              - double: {width: width}
              - if: depth > 0
                then:
                  - concat:
                      - []
                      - - max_pool: {kernel: 2}
                        - level: {depth: depth - 1, width: 2*width}
                        - conv_transpose: {channels: width, kernel: 2, stride: 2}
                  - double: {width: width}
        layers:
          - level: {depth: levels, width: base}
          - conv: {name: out, channels: 2, kernel: 1}
        """,
    # What sympy ends in a traceback on: a division by a floor, a `%` that is factored.
    "division": """
        input: [8]
        parameters: {w: 9}
        layers:
          - if: 8/floor(w/2) > 1
            then: [relu]
            else: [linear: {features: w}]
        """,
    "pools": """
        input: [k + 3, 15, 13]
        parameters: {k: 1}
        layers:
          - crop: {sides: [["3 % k", 0], ["k % 2", 1]]}
          - max_pool: {kernel: 2, stride: 2}
          - concat: [[conv: {channels: 4, kernel: 1}], []]
        """,
    "rest": """
        input: [k + 3, 5]
        parameters: {k: 1}
        layers:
          - conv: {channels: 4*(k % 5) + 4, kernel: 3, padding: same}
          - conv: {channels: 2*(k % 5) + 2*(k // 3) + 2, kernel: "k % 3 + 1", padding: same}
        """,
}


@pytest.fixture
def spec(tmp_path: Path) -> Callable[[str], str]:
    def written(name: str) -> str:
        file = tmp_path / f"{name}.yaml"
        file.write_text(f"name: {name}\n{dedent(SPECS[name])}")
        return str(file)

    return written


@pytest.mark.parametrize(
    ("name", "symbol_name", "figures"),
    [
        ("let", "alpha", {"0.333": 99, "1": 300, "0.005": None}),
        ("block", "alpha", {"0.5": 48, "1": 99, "2/3": 66}),
        ("divisible", "alpha", {"0.25": 24, "0.3": 48, "0.35": 48, "1": 96, "0": 24}),
        ("squeeze", "r", {"0": 327818, "0.25": 82322, "0.001": 10411, "-1": 327818}),
        ("widening", "n", {"1": 1792, "8": 6197184, "9": 8556992, "12": 15636416}),
        ("patches", "n", {"1": 136385, "2": 662977, "3": 2764737, "4": 6959553, "9": 27933633}),
        ("division", "w", {"2": 0, "9": 0, "15": 0, "16": 144, "1": None}),
        ("pools", "k", {"1": 20, "2": 24, "4": 32, "9": 52, "1/2": None}),
        ("rest", "k", {"1": 172, "4": 932, "5": 152, "7": 622}),
    ],
)
def test_parameters_are_what_the_walk_says_where_a_formula_once_was_not(
    name: str, symbol_name: str, figures: dict[str, int | None], spec: Callable[[str], str]
) -> None:
    path = spec(name)
    found = derive_formulas(find_network(path), ["params"], [symbol_name])
    (formula,) = found.formulas
    (symbol_,) = formula.symbols
    function = _functions(found)["params"]
    for number, params in figures.items():
        value = exact(Fraction(number))
        setting: Any = {symbol_name: value}
        if params is None:
            with pytest.raises(ArchcalcError):
                analyze(path, **setting)
            continue
        assert analyze(path, **setting).totals.params == params
        assert formula.at({symbol_: value}) == [params]
        assert function(value) == params
    assert found.settings >= 20


@pytest.mark.parametrize(
    ("name", "quantity", "symbols", "formula"),
    [
        ("wavenet", "layers[out].receptive_field", ["layers_each"], "3*2**layers_each - 2"),
        ("wavenet", "layers[out].receptive_field", ["stacks"], "1023*stacks + 1"),
        ("unet", "params", ["levels"], "448*2**levels + 364544*4**levels/3 - 249338/3"),
        ("unet", "weight_layers", ["levels"], "5*levels + 3"),
        ("late", "layers[block1.conv1].params", ["n"], "24"),
        ("late", "layers[block3.conv1].params", ["n"], "Piecewise((136, n >= 3))"),
    ],
)
def test_a_count_of_blocks_gives_powers_and_says_from_when_on(
    name: str, quantity: str, symbols: list[str], formula: str, spec: Callable[[str], str]
) -> None:
    found = archcalc.formula(spec(name), quantity, symbols)
    assert str(found) == formula


@pytest.mark.parametrize("levels", range(1, 8))
def test_a_u_net_has_as_many_parameters_as_its_convolutions(
    levels: int, spec: Callable[[str], str]
) -> None:
    def conv(before: int, after: int, kernel: int = 3) -> int:
        return kernel * kernel * before * after + after

    def level(before: int, width: int, depth: int) -> int:
        two = conv(before, width) + conv(width, width)
        if not depth:
            return two
        up = conv(2 * width, width, 2)
        beside = conv(2 * width, width) + conv(width, width)
        return two + level(width, 2 * width, depth - 1) + up + beside

    found = archcalc.formula(spec("unet"), "params", ["levels"])
    (n,) = found.free_symbols
    assert found.subs(n, levels) == level(3, 64, levels) + conv(64, 2, 1)


def test_remainders_in_the_sizes_of_maps_are_no_polynomials(spec: Callable[[str], str]) -> None:
    found = derive_formulas(find_network(spec("pools")), ["all_bytes", "macs"], ["k"])
    for k in (1, 2, 3, 4, 5, 8):
        analysis = analyze(spec("pools"), k=k)
        for formula in found.formulas:
            right = evaluate(formula.quantity, analysis, _no_other)
            assert formula.at(dict.fromkeys(formula.symbols, k)) == [right]


def test_stacks_and_layers_together_are_a_product(spec: Callable[[str], str]) -> None:
    stacks, n = symbol("stacks"), symbol("layers_each")
    field = archcalc.formula(
        spec("wavenet"), "layers[out].receptive_field", ["stacks", "layers_each"]
    )
    assert sympy.expand(field - (stacks * (2**n - 1) + 1)) == 0


def test_a_width_that_stops_to_grow_makes_cases(spec: Callable[[str], str]) -> None:
    found = derive_formulas(find_network(spec("widening")), ["params"], ["n"])
    (formula,) = found.formulas
    n = symbol("n")
    assert [case.condition for case in formula.cases] == [n >= 8, n <= 7]
    assert formula.cases[0].values == (2359808 * n - 12681280,)


def test_mobilenet_v2_holds_at_a_width_that_is_rounded(tmp_path: Path) -> None:
    """Each of its widths asks whether it has to be rounded up: more cases than one would read."""
    spec = tmp_path / "mobilenet_v2.yaml"
    spec.write_text(MOBILENET_V2)
    found = derive_formulas(find_network(str(spec)), ["params", "macs"], ["alpha"])
    functions = _functions(found)
    for alpha, params, macs in (
        # torchvision's, without its batch norms' running statistics.
        ("1", 3504872, 300774272), ("0.35", 1677128, 59285808),
    ):  # fmt: skip
        analysis = analyze(str(spec), alpha=Fraction(alpha))
        assert (analysis.totals.params, analysis.totals.macs) == (params, macs)
        for formula, right in zip(found.formulas, (params, macs), strict=True):
            assert formula.at(dict.fromkeys(formula.symbols, Fraction(alpha))) == [right]
            assert functions[formula.quantity](Fraction(alpha)) == right


MOBILENET_V2 = """
name: mobilenet_v2
input: [3, 224, 224]
parameters: {alpha: 1.0, classes: 1000}
blocks:
  rounded:  # a convolution to so many channels, times alpha, as a multiple of 8
    parameters: [width, {kernel: 1}, {stride: 1}]
    let:
      v: width*alpha
      w: max(8, floor(v + 4) // 8 * 8)
    layers:
      - conv: {channels: w + 8 if w < 0.9*v else w, kernel: kernel, stride: stride,
               padding: kernel//2, bias: false}
      - batch_norm
  unit:
    parameters: [width, stride, {expansion: 6}, before]
    let:
      v: before*alpha
      w: max(8, floor(v + 4) // 8 * 8)
      inside: expansion*(w + 8 if w < 0.9*v else w)
    layers:
      - if: expansion > 1
        then:
          - conv: {channels: inside, kernel: 1, bias: false}
          - batch_norm
          - relu6
      - conv: {channels: inside, kernel: 3, stride: stride, padding: 1, groups: inside,
               bias: false}
      - batch_norm
      - relu6
      - rounded: {width: width}
  stage:
    parameters: [before, width, stride, count]
    layers:
      - unit: {before: before, width: width, stride: stride}
      - repeat: count - 1
        layers:
          - add: [[unit: {before: width, width: width, stride: 1}], []]
layers:
  - rounded: {width: 32, kernel: 3, stride: 2}
  - relu6
  - unit: {before: 32, width: 16, stride: 1, expansion: 1}
  - stage: {before: 16, width: 24, stride: 2, count: 2}
  - stage: {before: 24, width: 32, stride: 2, count: 3}
  - stage: {before: 32, width: 64, stride: 2, count: 4}
  - stage: {before: 64, width: 96, stride: 1, count: 3}
  - stage: {before: 96, width: 160, stride: 2, count: 3}
  - stage: {before: 160, width: 320, stride: 1, count: 1}
  - conv: {channels: "max(1280, floor(1280*alpha))", kernel: 1, bias: false}
  - batch_norm
  - relu6
  - global_avg_pool
  - flatten
  - linear: {features: classes}
"""


def test_what_is_assumed_stands_beside_the_formula(tmp_path: Path) -> None:
    """A number in a layer's name makes a formula of whole values; there are networks at others."""
    spec = tmp_path / "named.yaml"
    spec.write_text(
        "name: named\ninput: [4, 8]\nparameters: {n: 3}\nlayers:\n"
        "  - conv: {name: 'c{floor(2*n)}', channels: 2*n, kernel: 1}\n"
    )
    found = derive_formulas(find_network(str(spec)), ["params"], ["n"])
    assert (found.assumptions, found.first) == (("whole n",), {"n": 1})
    assert "for whole n, n >= 1" in text(found)
    assert "whole n" in python(found)
    assert "whole n" in latex(found)


@pytest.mark.parametrize(
    ("layer", "whole", "sign"),
    [
        ("conv: {channels: n, kernel: 1}", True, "positive"),
        ("conv: {channels: n + 3, kernel: 1}", True, "real"),
        ("conv: {channels: floor(n), kernel: 1}", False, "positive"),
        ("conv: {channels: floor(n) + 1, kernel: 1}", False, "nonnegative"),
        ("conv: {channels: 8*n, kernel: 1}", False, "positive"),
        ("conv: {channels: 'max(1, floor(n))', kernel: 1}", False, "real"),
        ("{if: n > 2, then: [conv: {channels: n, kernel: 1}], else: [relu]}", False, "real"),
    ],
)
def test_a_parameter_is_real_unless_there_is_no_network_otherwise(
    layer: str, whole: bool, sign: str, tmp_path: Path
) -> None:
    spec = tmp_path / "one.yaml"
    spec.write_text(f"name: one\ninput: [4, 8]\nparameters: {{n: 3}}\nlayers:\n  - {layer}\n")
    found = derive_formulas(find_network(str(spec)), ["params"], ["n"])
    (n,) = found.formulas[0].symbols
    assert bool(n.is_integer) is whole
    known = [which for which in ("positive", "nonnegative", "real") if n.assumptions0.get(which)]
    assert known[0] == sign
    assert found.assumptions == ()
