"""What the functions of the door take: names as lists and as text, by position and by keyword."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from torch import nn

import archcalc
from archcalc import UsageError

ALIKE: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "the totals to explain": (
        lambda: archcalc.explain("lenet5", quantities="params, macs"),
        lambda: archcalc.explain("lenet5", quantities=["params", "macs"]),
    ),
    "the layer to explain": (
        lambda: archcalc.explain("lenet5", layer="C1", quantities="macs"),
        lambda: archcalc.explain("lenet5", "C1", quantities=["macs"]),
    ),
    "a unit": (
        lambda: archcalc.field("lenet5", layer="C3", at=[3, 4]),
        lambda: archcalc.field("lenet5", "C3", (3, 4)),
    ),
    "a feature": (
        lambda: archcalc.field("lenet5", "F6", 3),
        lambda: archcalc.field("lenet5", "F6", (3,)),
    ),
    "what to scale, and by what": (
        lambda: archcalc.scale("resnet18", by="classes,depths[0]", quantities="params,macs"),
        lambda: archcalc.scale("resnet18", ["classes", "depths[0]"], quantities=["params", "macs"]),
    ),
    "a formula": (
        lambda: archcalc.formula("lenet5", quantity="params", symbols="classes, C"),
        lambda: archcalc.formula("lenet5", "params", ["classes", "C"]),
    ),
    "what a formula assumes": (
        lambda: archcalc.formula("lenet5", "macs", "H", assume="H%4==0"),
        lambda: archcalc.formula("lenet5", "macs", ["H"], assume=["H%4==0"]),
    ),
    "what to verify": (
        lambda: archcalc.verify("lenet5", subjects="sizes,params", device="meta"),
        lambda: archcalc.verify("lenet5", subjects=["sizes", "params"], device="meta"),
    ),
    "a budget": (
        lambda: archcalc.training("lenet5", budget=1e9),
        lambda: archcalc.training("lenet5", budget="1GB"),
    ),
}


@pytest.mark.parametrize("what", ALIKE)
def test_the_same_in_other_words_is_the_same(what: str) -> None:
    one, other = (str(call()) for call in ALIKE[what])
    assert one == other


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "a total, by its name alone": (
        lambda: archcalc.explain("lenet5", quantities="parms"),
        "'parms' is not a total; did you mean 'params'?",
    ),
    "a figure of a block": (
        lambda: archcalc.explain("resnet18", "layer1.0", quantities="params"),
        "all figures of the block layer1.0 are one table; name no quantity",
    ),
    "a unit between pixels": (
        lambda: archcalc.field("lenet5", "C1", (0.5, 0)),  # type: ignore[arg-type]
        "C1 has 28x28 units, counted from 0; there is none at 0.5,0",
    ),
    "a channel between channels": (
        lambda: archcalc.field("lenet5", "C1", channel=0.5),  # type: ignore[call-overload]
        "C1 has 6 channels, counted from 0; there is no channel 0.5",
    ),
    "a sweep over a free size": (
        lambda: archcalc.sweep("lenet5", input=[1, archcalc.symbol("h"), 32]),
        "lenet5 has free sizes; a sweep takes numbers and arrays",
    ),
    "a sweep over a free parameter": (
        lambda: archcalc.sweep("vgg16", classes=archcalc.symbol("c"), input=[3, np.arange(9), 32]),
        "vgg16 has free sizes; a sweep takes numbers and arrays",
    ),
    "a module whose parameters have no shapes yet": (
        lambda: archcalc.verify(nn.Sequential(nn.LazyConv2d(6, 5)), "lenet5"),
        "the Sequential cannot be copied to be measured: Attempted to use an uninitialized",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told_in_the_words_of_the_call(what: str) -> None:
    call, message = WRONG[what]
    with pytest.raises(UsageError) as caught:
        call()
    assert str(caught.value).startswith(message)
