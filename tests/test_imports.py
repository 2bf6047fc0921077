"""Imports run one way, and a table waits for nothing that it does not need."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

import archcalc

PACKAGE = Path(str(archcalc.__file__)).parent
PACKAGES = {f"archcalc.{path.parent.name}" for path in PACKAGE.glob("*/__init__.py")}

# The units of the package (modules and subpackages), from the ground up: each may import from
# lines above its own. `archcalc` is the door, `__init__.py`.
ORDER: tuple[tuple[str, ...], ...] = (
    ("record",),
    ("synonyms",),
    ("errors",),
    ("figures", "quantity"),
    ("quantity.integer_array", "quantity.symbolic", "quantity.traced"),
    ("quantity.real_array",),
    ("feature_map", "window"),
    ("regions",),
    ("layers",),
    ("receptive_field", "spec", "torch_spelling"),
    ("identity", "importing"),
    ("given", "graph", "parametric.setting_groups"),
    ("expanding", "figures.of_layer"),
    ("analysis", "expansion", "parametric.combinations"),
    ("loading", "spelled"),
    ("explaining", "generation", "hardware", "unit_field", "walk"),
    ("imported", "memory_use", "other_tools", "verification"),
    ("figures.of_network", "parametric.sweep"),
    ("figures.language",),
    ("claims",),
    ("comparing", "noticing", "parametric"),
    ("parametric.choosing", "parametric.formulas"),
    ("archcalc",),
    ("render", "torch_backend"),
    ("exporting", "folding", "render.formula"),
    ("pages",),
    ("api",),
    ("api.sweeping", "reports", "testing"),
    ("commands",),
    ("cli",),
    ("__main__",),
)
# Parts of a package that not everybody who uses the package waits for: units by themselves.
RANK = {unit: rank for rank, units in enumerate(ORDER) for unit in units}
OWN_UNITS = tuple(unit for unit in RANK if "." in unit)

# What is imported inside a function, from further up: only where a user brings symbols or
# arrays, names a model of elsewhere, or wants a completion script of the whole command line.
LATE = {
    ("api", "api.sweeping"),
    ("quantity", "quantity.integer_array"),
    ("quantity", "quantity.symbolic"),
    ("quantity", "quantity.traced"),
    ("spec", "importing"),
    ("commands", "cli"),
}

# Units that are imported inside functions only, by one another, or by a command when it is called.
IMPORTED_LATE = {
    "api.sweeping",
    "importing",
    "pages",
    "parametric.choosing",
    "parametric.combinations",
    "parametric.formulas",
    "parametric.setting_groups",
    "parametric.sweep",
    "quantity.integer_array",
    "quantity.real_array",
    "quantity.symbolic",
    "render.formula",
    "testing",
}

# Packages that cost a user who does not need them, and the units that may import them: inside
# functions, or in a unit that is imported late, or for torch in torch_backend, which only what is
# about torch imports.
COSTLY: dict[str, set[str]] = {
    "torch": {"api", "importing", "testing", "torch_backend"},
    "fvcore": {"torch_backend"},
    "onnx": {"importing"},
    "sympy": {
        "pages",
        "parametric.formulas",
        "quantity",
        "quantity.symbolic",
        "render.formula",
        "spec",
    },
    "numpy": {
        "api",
        "api.sweeping",
        "importing",
        "parametric.choosing",
        "parametric.combinations",
        "parametric.setting_groups",
        "parametric.sweep",
        "quantity.integer_array",
        "quantity.real_array",
        "torch_backend",
    },
    "pandas": {"analysis", "api"},
    "matplotlib": {"api", "render", "reports"},
    "pyarrow": {"render"},
}


class Import(NamedTuple):
    """An import: from which unit, of what, and whether a function does it."""

    unit: str
    target: str
    late: bool


def unit_of(module: str) -> str:
    """`archcalc.layers.conv` -> `layers`; `archcalc` -> `archcalc`; others -> their package."""
    first, _, rest = module.partition(".")
    for own in OWN_UNITS:
        if f"{rest}.".startswith(f"{own}."):
            return own
    return (rest.partition(".")[0] or first) if first == "archcalc" else first


def imports_in(unit: str, text: str) -> Iterator[Import]:
    """The imports of a module, those for the type checker alone left out."""
    tree = ast.parse(text)
    skipped = {id(n) for guard in ast.walk(tree) if _for_types(guard) for n in ast.walk(guard)}
    inside = {
        id(n)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for n in ast.walk(function)
    }
    for node in ast.walk(tree):
        if id(node) not in skipped:
            for module in _modules(node):
                yield Import(unit, unit_of(module), id(node) in inside)


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module == "archcalc":  # modules, or the door's
        return [f"archcalc.{a.name}" if a.name in RANK else "archcalc" for a in node.names]
    if (
        isinstance(node, ast.ImportFrom) and node.module in PACKAGES
    ):  # modules of it, or what it has
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def violations(modules: Mapping[str, str]) -> list[str]:
    """What is wrong with the imports of these modules, given as name and text."""
    found = []
    for module, text in modules.items():
        unit = unit_of(module)
        if unit not in RANK:
            found.append(f"{module}: say in ORDER where {unit} stands")
            continue
        for imported in imports_in(unit, text):
            early = not imported.late and unit not in IMPORTED_LATE
            if imported.target in COSTLY:
                early = early and unit != "torch_backend"
                if unit not in COSTLY[imported.target] or early:
                    found.append(f"{module} imports {imported.target}")
            elif imported.target in RANK and imported.target != unit:
                below = RANK[imported.target] < RANK[unit]
                if not below and not (imported.late and (unit, imported.target) in LATE):
                    found.append(f"{module} imports {imported.target}")
                if below and imported.target in IMPORTED_LATE and early and unit != "commands":
                    found.append(f"{module} imports {imported.target}, and not late")
    return found


def circles(modules: Mapping[str, str]) -> list[list[str]]:
    """Modules that import one another, in functions or not."""
    imports = {
        module: {target for target in _imported(text) if target in modules}
        for module, text in modules.items()
    }
    reached = {module: _reached(module, imports) for module in imports}
    together = {frozenset(b for b in reached[a] if a in reached[b]) for a in reached}
    return sorted(sorted(circle) for circle in together if len(circle) > 1)


def _imported(text: str) -> Iterator[str]:
    tree = ast.parse(text)
    skipped = {id(n) for guard in ast.walk(tree) if _for_types(guard) for n in ast.walk(guard)}
    for node in ast.walk(tree):
        if id(node) not in skipped:
            yield from _modules(node)
            if isinstance(node, ast.ImportFrom):
                yield from [f"{node.module}.{alias.name}" for alias in node.names]


def _reached(module: str, imports: Mapping[str, set[str]]) -> set[str]:
    found, ahead = set[str](), [module]
    while ahead:
        for target in imports[ahead.pop()] - found:
            found.add(target)
            ahead.append(target)
    return found


def the_package() -> dict[str, str]:
    modules = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        modules[".".join(parts).removesuffix(".__init__")] = path.read_text(encoding="utf-8")
    return modules


def test_imports_run_one_way() -> None:
    assert violations(the_package()) == []


def test_no_modules_import_one_another_in_a_circle() -> None:
    assert circles(the_package()) == []


def test_a_circle_would_be_seen() -> None:
    modules = {
        "archcalc.spec.a": "from archcalc.spec.b import f",
        "archcalc.spec.b": "def g():\n    from archcalc.spec import c",
        "archcalc.spec.c": "import archcalc.spec.a",
        "archcalc.spec.d": "import archcalc.spec.a",
    }
    assert circles(modules) == [["archcalc.spec.a", "archcalc.spec.b", "archcalc.spec.c"]]


def test_every_unit_in_the_order_exists() -> None:
    assert {unit_of(module) for module in the_package()} == set(RANK)


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("archcalc.errors", "from archcalc.quantity.arithmetic import Quantity"),
        ("archcalc.layers.conv", "from archcalc.spec.fields import Field"),
        ("archcalc.layers.conv", "import archcalc.spec.fields"),
        ("archcalc.graph", "from archcalc import analysis"),
        ("archcalc.window", "from archcalc.feature_map import FeatureMap"),
        ("archcalc.memory_use.totals", "def f():\n    from archcalc.render.table import caption"),
        (
            "archcalc.quantity.arithmetic",
            "from archcalc.quantity.integer_array import IntegerArray",
        ),
        ("archcalc.analysis", "import torch"),
        ("archcalc.analysis", "import pandas"),
        ("archcalc.analysis", "class C:\n    import pandas.core"),
        ("archcalc.layers.conv", "def f():\n    import sympy"),
        ("archcalc.render.output", "from pyarrow import Table"),
        ("archcalc.spec.expression", "from archcalc.quantity.integer_array import IntegerArray"),
        ("archcalc.brand_new", ""),
    ],
)
def test_an_import_the_wrong_way_would_be_seen(module: str, text: str) -> None:
    assert len(violations({module: text})) == 1


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("archcalc.layers.conv", "from archcalc.errors import LayerError"),
        ("archcalc.layers.conv", "from archcalc.layers.layer import Layer"),
        ("archcalc.quantity.arithmetic", "def f():\n    from archcalc.quantity import symbolic"),
        ("archcalc.graph", "if TYPE_CHECKING:\n    from archcalc.analysis import Analysis"),
        ("archcalc.analysis", "def f():\n    import pandas"),
        ("archcalc.torch_backend.build", "import torch"),
        ("archcalc.graph", "import re\nfrom dataclasses import dataclass"),
    ],
)
def test_an_import_the_right_way_is_none_of_its_business(module: str, text: str) -> None:
    assert violations({module: text}) == []


# ----- what a process has imported in the end -----

LOADED = """
import json, os, sys
sys.stdout = open(os.devnull, "w")
{code}
sys.__stdout__.write(json.dumps([name for name in {costly} if name in sys.modules]))
"""
TABLE = "from archcalc.cli import main; main({words})"
WAITED_FOR = [
    *COSTLY,
    "dataclasses",
    "inspect",
    "jsonschema",
    "hypothesis",
    "importlib.metadata",
    "pathlib",
    "csv",
]


def loaded_by(code: str) -> set[str]:
    """Which of the costly modules a process has imported after running `code`."""
    script = LOADED.format(code=code, costly=WAITED_FOR)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "words",
    [
        ["table", "vgg16"],
        ["table", "googlenet", "--exact", "--depth", "all", "--columns", "name,params,offset"],
        ["table", "resnet50", "--batch", "32", "--dtype", "float16", "--set", "classes=10"],
        ["table", "vgg16", "--format", "json"],
        ["expand", "vgg16"],
        ["list"],
    ],
)
def test_a_table_waits_for_nothing_that_it_does_not_need(words: list[str]) -> None:
    assert loaded_by(TABLE.format(words=words)) == set()


def test_the_door_waits_for_nothing_either() -> None:
    assert loaded_by("import archcalc; archcalc.analyze('vgg16').totals") == set()
    assert loaded_by("from archcalc import *").isdisjoint(COSTLY)


@pytest.mark.parametrize(
    ("code", "package"),
    [
        (TABLE.format(words=["table", "vgg16", "--format", "csv"]), "csv"),
        (TABLE.format(words=["table", "vgg16", "--input", "3x32hx32w"]), "sympy"),
        ("import archcalc; archcalc.analyze('lenet5').to_frame()", "pandas"),
        ("import archcalc.quantity.integer_array", "numpy"),
        ("import torch", "torch"),
    ],
)
def test_what_was_imported_would_be_seen(code: str, package: str) -> None:
    assert package in loaded_by(code)


# ----- the public names -----


def public_names(module: ModuleType) -> list[str]:
    """Names without an underscore that are not modules, and no `annotations`."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
        if getattr(value, "__module__", "archcalc").startswith("archcalc")
    ]


# What the door's own functions are written with, and types that need an extra to be imported.
OWN = {"TYPE_CHECKING", "import_module", "Sweep", "Twin"}


def test_all_public_names_are_listed_in_order_and_lead_home() -> None:
    listed = archcalc.__all__
    assert listed == sorted(listed, key=lambda name: (not name.isupper(), name))
    for name in listed:  # a name is imported when it is asked for
        assert getattr(archcalc, name) is not None
    assert set(listed) == set(public_names(archcalc)) - OWN


def test_no_module_is_called_as_a_public_name() -> None:
    # Once it is imported, `archcalc.sweep` would be the module.
    modules = {module for module in the_package() if module.count(".") == 1}
    assert modules.isdisjoint({f"archcalc.{name}" for name in archcalc.__all__})


def test_a_name_that_is_not_listed_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archcalc, "surprise", 1, raising=False)
    with pytest.raises(AssertionError):
        test_all_public_names_are_listed_in_order_and_lead_home()


def test_a_star_gives_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from archcalc import *", names)
    assert set(names) - {"__builtins__"} == set(archcalc.__all__)


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
