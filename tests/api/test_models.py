"""Torch models from Python."""

from __future__ import annotations

import json
from typing import Any

import pytest
from torch import nn

import archcalc
from archcalc import UsageError
from archcalc.cli import main


def test_an_export_says_of_what_it_is() -> None:
    source = archcalc.export("lenet5", classes=7)
    assert "archcalc.export of lenet5 (classes=7)" in source
    names: dict[str, object] = {}
    exec(source, names)
    assert "LeNet5" in names


class Small(nn.Sequential):
    """As `lenet5`, up to its first pool."""

    def __init__(self, channels: int = 6) -> None:
        super().__init__()
        self.add_module("C1", nn.Conv2d(1, channels, 5))
        self.add_module("tanh1", nn.Tanh())


SMALL = """\
name: small
input: [1, 32, 32]
layers:
  - conv: {name: C1, channels: 6, kernel: 5}
  - tanh
"""


def test_a_network_is_verified_as_by_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    found = archcalc.verify("lenet5", device="cpu", classes=7)
    assert found.found.differences == ()
    assert [f.quantity for f in found["C1"]] == ["output", "weights", "biases", "buffers", "macs"]
    assert found[""][0].rule == archcalc.analyze("lenet5", classes=7).weights
    words = ["verify", "lenet5", "--device", "cpu", "--set", "classes=7"]
    assert main(words) == 0
    assert f"{found}\n" == capsys.readouterr().out
    assert main([*words, "--format", "json"]) == 0
    assert [found.record()] == json.loads(capsys.readouterr().out)
    frame = found.to_frame()
    assert len(frame) == len(found.found.figures)
    assert frame["rule"].tolist()[0] == [1, 6, 28, 28]


def test_a_training_step_is_verified_in_the_way_it_is_trained() -> None:
    found = archcalc.verify(
        "lenet5", device="cpu", subjects="memory", dtype="mixed", optimizer=["sgd", "adam"],
        loss="mse", freeze="C1", checkpoint="S2..S4",
    ).found  # fmt: skip
    assert found.differences == ()
    assert [figure.quantity for figure in found.figures] == [
        "training_peak_bytes (mse, freeze C1, checkpoint S2..S4)",
        "training_peak_bytes (adam, mse, freeze C1, checkpoint S2..S4)",
    ]


def test_a_module_is_verified_against_a_spec() -> None:
    found = archcalc.verify(Small(), SMALL, batch=3)
    assert (found.found.differences, found.found.unmatched) == ((), ())
    assert found["C1"][0].measured == (3, 6, 28, 28)
    wider = archcalc.verify(Small(8), SMALL, subjects=["params"])
    assert [f.agrees for f in wider["C1"]] == [False, False, True]
    assert archcalc.verify(archcalc.build("lenet5"), "lenet5").found.differences == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Small(),), r"compared with a network: verify\(module, network\)"),
        (("lenet5", "lenet5"), "'lenet5' is not a torch module"),
        ((Small(), "vgg16"), "the module refuses an input"),
        ((Small(), "no such"), "unknown network 'no such'"),
    ],
)
def test_what_cannot_be_verified_is_said(arguments: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        archcalc.verify(*arguments)
