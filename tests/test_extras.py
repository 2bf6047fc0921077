"""Without the optional packages: all that needs none works, the rest says what to install."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
EXTRAS = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
OPTIONAL = [
    "torch",
    "fvcore",
    "sympy",
    "numpy",
    "pandas",
    "matplotlib",
    "pyarrow",
    "distributed",
    "hypothesis",
    "jsonschema",
]
WITHOUT = f"import sys; sys.modules |= dict.fromkeys({OPTIONAL}); "


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs code in a process of its own, in which no optional package can be imported."""
    command = [sys.executable, "-c", WITHOUT + code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    "words",
    [
        "table vgg16",
        "table resnet50 --format json",
        "explain vgg16",
        "explain vgg16 fc6 --format markdown",
        "scale lenet5",
        "field vgg16",
        "field resnet18 layer2.0.add --at 0,0",
        "memory resnet18",
        "compare vgg16 resnet18",
        "diff resnet18 resnet18",
        "draw lenet5",
        "roofline lenet5",
        "check lenet5",
        "errata",
        "export resnet18",
        "expand vgg16",
        "report lenet5 -o pages",
        "schema",
        "list",
    ],
)
def test_a_command_that_needs_no_extra_works_without(words: str, tmp_path: Path) -> None:
    done = run(f"from archcalc.cli import main; sys.exit(main({words.split()}))", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "package", "extra"),
    [
        ("table vgg16 --input 3x32hx32w", "sympy", "symbols"),
        ("formula vgg16", "sympy", "symbols"),
        ("verify vgg16", "torch", "torch"),
        ("table lenet5 --format parquet", "pyarrow", "parquet"),
        ("field vgg16 pool5 --effective", "torch", "torch"),
        ("field vgg16 pool5 --plot a.svg", "matplotlib", "plots"),
        ("memory vgg16 --plot a.svg", "matplotlib", "plots"),
        ("compare vgg16 vgg19 --plot a.svg", "matplotlib", "plots"),
        ("scale lenet5 --plot a.svg", "matplotlib", "plots"),
    ],
)
def test_a_command_that_needs_an_extra_names_it(
    words: str, package: str, extra: str, tmp_path: Path
) -> None:
    done = run(f"from archcalc.cli import main; sys.exit(main({words.split()}))", tmp_path)
    assert done.returncode == 2, done.stderr
    message = f"needs {package}, which is not installed: pip install 'archcalc[{extra}]'\n"
    assert done.stderr.startswith("archcalc: ")
    assert done.stderr.endswith(message)
    assert done.stderr.count("\n") == 1
    assert any(item.startswith(package) for item in EXTRAS[extra])


@pytest.mark.parametrize(
    ("expression", "extra"),
    [
        ("archcalc.symbol('h')", "symbols"),
        ("archcalc.formula('vgg16')", "symbols"),
        ("archcalc.build('vgg16')", "torch"),
        ("archcalc.sweep('vgg16', classes=[1])", "arrays"),
        ("archcalc.grid(classes=[1])", "arrays"),
        ("archcalc.analyze('vgg16').to_frame()", "pandas"),
    ],
)
def test_from_python_too(expression: str, extra: str, tmp_path: Path) -> None:
    done = run(f"from archcalc import *; import archcalc; {expression}", tmp_path)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("archcalc.errors.MissingExtraError: ")
    assert last.endswith(f"pip install 'archcalc[{extra}]'")
