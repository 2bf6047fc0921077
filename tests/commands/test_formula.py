"""`archcalc formula`: closed forms, compared with the plain walk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archcalc.cli import main
from archcalc.walk import analyze


def python_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> Callable[..., int]:
    """The function that `--python` prints."""
    assert main(["formula", *arguments, "--python"]) == 0
    source = capsys.readouterr().out
    namespace: dict[str, Callable[..., int]] = {}
    exec(source, namespace)  # the source under test, which needs nothing
    quantity = arguments[arguments.index("--quantity") + 1]
    return namespace[quantity]


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "lenet5", "squeezenet1_0", "resnet20"])
@pytest.mark.parametrize("quantity", ["params", "macs"])
def test_the_formula_in_h_and_w_has_the_value_of_the_walk(
    name: str, quantity: str, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = python_of(capsys, name, "--symbols", "H,W", "--quantity", quantity)
    channels, *sizes = analyze(name).input.shape
    for more in (0, 1, 2, 17, 32):
        height, width = sizes[0] + more, sizes[1] + 2 * more
        if name == "lenet5":  # its last convolution wants to come out as one position
            height, width = sizes
        walked = getattr(analyze(name, input=[channels, height, width]).totals, quantity)
        assert closed(H=height, W=width) == walked


@pytest.mark.parametrize("units", [1, 2, 4, 7])
def test_a_parameter_that_shapes_the_graph_gives_a_closed_form(
    units: int, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = python_of(capsys, "wrn_28_10", "--symbols", "units", "--quantity", "params")
    assert closed(units=units) == analyze("wrn_28_10", units=units).totals.params


def test_remainders_and_powers_within_floors_are_python_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "name: net\ninput: [3, 8, 8]\nparameters: {w: 8}\nlayers:\n"
        "  - conv: {channels: w*(w % 3 + 1), kernel: 1}\n"
        "  - if: w % 4 == 0\n    then: [conv: {channels: 2, kernel: 1}]\n"
        "  - conv: {channels: w**2//3 + w, kernel: 1}\n  - conv: {channels: w**2//3, kernel: 1}\n"
    )
    closed = python_of(capsys, str(spec), "--symbols", "w", "--quantity", "params")
    for w in (2, 3, 4, 5, 8, 12, 13):
        assert closed(w=w) == analyze(str(spec), w=w).totals.params
    assert main(["formula", str(spec), "--symbols", "w", "--quantity", "params"]) == 0
    shown = capsys.readouterr().out
    assert "if w % 4 == 0" in shown


def test_it_is_written_as_a_person_would(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formula", "stack_3x3x3", "--symbols", "C", "--quantity", "weights"]) == 0
    assert main(["formula", "single_7x7", "--symbols", "C", "--quantity", "weights"]) == 0
    shown = capsys.readouterr().out
    assert "weights = 27*C**2" in shown
    assert "weights = 49*C**2" in shown


@pytest.mark.parametrize(
    ("arguments", "latex"),
    [
        (["stack_3x3x3", "--symbols", "C", "--quantity", "params"], "27 C^{2}"),
        (["lenet5", "--symbols", "H", "--quantity", "params"],
         r"10080 \left\lfloor \frac{H}{4} \right\rfloor - 18934"),
        (["resnet18", "--layer", "conv1", "--symbols", "H", "--quantity", "output"],
         r"\left[64, \left\lceil \frac{H}{2} \right\rceil, 112\right]"),
        # Words would run together without a space between them.
        (["resnet50", "--symbols", "depths[2]", "--quantity", "params"],
         r"1117184 \, \mathrm{depths}_{2} + 18853928"),
        (["wrn_28_10", "--symbols", "widen", "--quantity", "params"],
         r"364288 \, \mathrm{widen}^{2} + 4992 \, \mathrm{widen} + 474 & \text{if } "),
    ],
)  # fmt: skip
def test_latex_is_as_a_paper_has_it(
    arguments: list[str], latex: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["formula", *arguments, "--latex"]) == 0
    shown = capsys.readouterr().out
    assert latex in shown
    assert shown.startswith("\\[\n\\mathrm{")


def test_sizes_that_differ_by_a_constant_stay_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """Multiplied out, the sizes before and after a convolution without padding would mix."""
    assert main(["formula", "lenet5", "--quantity", "macs"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "macs = 150*(H - 4)*(W - 4)",
        "       + 2400*(floor(H/2) - 6)*(floor(W/2) - 6)",
        "       + 58080*(floor(H/4) - 7)*(floor(W/4) - 7)",
        "       + 840",
    ]


def test_what_takes_more_than_a_screen_is_shown_by_part(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--symbols", "alpha,resolution", "--quantity", "macs"]
    assert main(["formula", "mobilenet_v1", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "macs by part:" in lines
    assert "Conv2d_1  = (x2 + 9)*resolution2**2*x1" in lines
    assert lines[-1] == "                resolution32 = ceil(resolution/32)"
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--symbols", "nothing"], "nothing"),
        (["--quantity", "parms"], "parms"),
        (["--assume", "__import__('os')"], "--assume"),
        (["--assume", "H %"], "--assume"),
    ],
)
def test_a_malformed_argument_is_one_clear_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["formula", "vgg16", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
