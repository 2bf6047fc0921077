"""The errors: their tree, their carets, their guesses."""

from __future__ import annotations

import inspect
import pickle
import re
from pathlib import Path

import pytest

from archcalc import errors
from archcalc.commands import message
from archcalc.errors import (
    ArchcalcError,
    LayerError,
    MissingExtraError,
    Place,
    Source,
    SpecError,
    UsageError,
    did_you_mean,
)

PACKAGE = Path(str(errors.__file__)).parent
TEXT = "name: tiny\nlayers:\n  - maxpol: {kernel: 3}\n"


def test_the_tree_in_the_docstring_has_every_error() -> None:
    assert errors_drawn(inspect.getdoc(errors) or "") == errors_defined()


def errors_drawn(tree: str) -> dict[str, str]:
    """Each error of a drawn tree with the one that it hangs from."""
    found, above = {}, ["ArchcalcError"]
    for lead, name in re.findall(r"^([│ ]*)[├└]── (\w+)", tree, re.MULTILINE):
        del above[len(lead) // 4 + 1 :]
        found[name] = above[-1]
        above.append(name)
    return found


def errors_defined() -> dict[str, str]:
    """Each error of the package with the one that it is a case of."""
    texts = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
    classes = [pair for t in texts for pair in re.findall(r"^class (\w+)\((\w+)\):", t, re.M)]
    found = {"ArchcalcError": ""}
    while more := {k: v for k, v in classes if v in found and k not in found}:
        found |= more
    del found["ArchcalcError"]
    return found


def test_an_error_left_out_or_in_the_wrong_place_would_be_seen() -> None:
    tree = (inspect.getdoc(errors) or "").splitlines()
    without = [line for line in tree if "MeasurementError" not in line]
    assert errors_drawn("\n".join(without)) != errors_defined()
    moved = [line.replace("│   └── AnalysisStopped", "├── AnalysisStopped") for line in tree]
    assert errors_drawn("\n".join(moved)) != errors_defined()


def test_a_caret_stands_under_the_column() -> None:
    error = SpecError("unknown layer kind 'maxpol'", Place(Source("tiny.yaml", TEXT), 3, 5))
    assert str(error).splitlines() == [
        "tiny.yaml:3:5: unknown layer kind 'maxpol'",
        "    - maxpol: {kernel: 3}",
        "      ^",
    ]


def test_a_caret_stands_under_the_column_of_a_tabbed_line() -> None:
    place = Place(Source("t", "a:\tb\n"), 1, 4)
    assert place.excerpt() == "    a: b\n       ^"


def test_a_place_past_the_end_shows_an_empty_line() -> None:
    assert Place(Source("t", "a\n"), 9, 1).excerpt() == "    \n    ^"


def test_the_excerpt_of_a_very_long_line_is_short_and_holds_the_column() -> None:
    place = Place(Source("t", "x" * 5000 + "!" + "x" * 5000), 1, 5001)
    line, caret = place.excerpt().splitlines()
    assert len(line) <= 80
    assert line[caret.index("^")] == "!"


def test_without_a_place_an_error_is_its_fact() -> None:
    assert str(SpecError("tiny.yaml: empty")) == "tiny.yaml: empty"


@pytest.mark.parametrize("error", [SpecError("x" * 10**6), LayerError("x" * 10**6)])
def test_what_a_spec_puts_into_a_message_is_cut(error: ArchcalcError) -> None:
    assert len(str(error)) < 1100


def test_a_missing_package_is_named_with_what_installs_it() -> None:
    error = MissingExtraError("to_frame()", "pandas", "pandas")
    assert str(error) == (
        "to_frame() needs pandas, which is not installed: pip install 'archcalc[pandas]'"
    )


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("maxpol", "; did you mean 'max_pool'?"),
        ("MaxPool", "; did you mean 'max_pool'?"),
        ("CONV", "; did you mean 'conv'?"),
        ("zzz", ""),
        ("", ""),
        ("max_pool" * 10**5, ""),  # a comparison of long texts would take minutes
    ],
)
def test_a_guess_is_made_where_something_is_close(name: str, guess: str) -> None:
    assert did_you_mean(name, ["conv", "max_pool"]) == guess


def test_an_argument_is_named_to_python_and_as_an_option_to_the_command_line() -> None:
    error = UsageError("H is repeated", "symbols")
    assert str(error) == "symbols: H is repeated"
    assert message(error) == "--symbols: H is repeated"
    assert message(UsageError("-- is not a name")) == "-- is not a name"


def test_an_error_that_names_its_argument_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(UsageError("H is repeated", "symbols")))
    assert (str(error), error.argument) == ("symbols: H is repeated", "symbols")
