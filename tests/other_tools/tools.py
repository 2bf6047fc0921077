"""Other tools, run on a module: the totals that they print, by the names of the conventions."""

from __future__ import annotations

import inspect
import io
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archcalc.other_tools import CONVENTIONS
from tests.other_tools.apart import CALFLOPS, DEEPSPEED, THOP, Apart, imported


class Tool(NamedTuple):
    """A tool that can be run.

    Attributes:
        run: from a module in evaluation mode and its inputs to the totals, by convention.
        package: what has to be installed, in the version that the conventions name.
        apart: where that lies in a folder of its own.
        on_meta: whether it is run without values: where the CPU's operators are not counted.
        fails_with: what it ends in where it cannot count a network.
    """

    run: Callable[[nn.Module, Sequence[Tensor]], dict[str, float]]
    package: str
    apart: Apart | None = None
    on_meta: bool = False
    fails_with: tuple[type[Exception], ...] = ()

    def is_installed(self) -> bool:
        """Whether the package is there, in that version."""
        try:
            found = version(self.package) if self.apart is None else self.apart.version()
        except PackageNotFoundError:
            found = None
        if found is None:
            return False
        name = self.package.replace("-", "_")
        named = next(c for c in CONVENTIONS.values() if c.tool.split()[0].replace("-", "_") == name)
        return named.tool.split()[1] == found.partition("+")[0]

    def totals(self, module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, float]:
        """What it prints; nothing where it cannot count the network."""
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # they are not ours
            try:
                return self.run(module, inputs)
            except self.fails_with:
                return {}


def _flop_counter(module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, float]:
    with FlopCounterMode(display=False) as counter:
        module(*inputs)
    return {"flop_counter": counter.get_total_flops()}


def _fvcore(module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, float]:
    tool: Any = import_module("fvcore.nn")
    found = {}
    for name, analysis in (("fvcore", tool.FlopCountAnalysis),
                           ("fvcore_activations", tool.ActivationCountAnalysis)):  # fmt: skip
        counted = analysis(module, tuple(inputs))
        counted.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        found[name] = counted.tracer_warnings("none").total()
    return found


def _torchinfo(module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, float]:
    tool: Any = import_module("torchinfo")
    summary = tool.summary(module, input_data=[*inputs], verbose=0, device=inputs[0].device)
    return {"torchinfo": summary.total_mult_adds}


def _ptflops(module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, float]:
    tool: Any = import_module("ptflops")
    named = dict(zip(inspect.signature(module.forward).parameters, inputs, strict=True))
    found = {}
    for name, backend in (("ptflops", "pytorch"), ("ptflops_aten", "aten")):
        found[name], _ = tool.get_model_complexity_info(
            module, (1,), as_strings=False, print_per_layer_stat=False, ost=io.StringIO(),
            input_constructor=lambda size: named, backend=backend,
        )  # fmt: skip
    return {name: total for name, total in found.items() if total is not None}


def _thop(module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, float]:
    return {"thop": imported(THOP).profile(module, tuple(inputs), verbose=False)[0]}


def _ultralytics_thop(module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, float]:
    tool: Any = import_module("thop")
    return {"ultralytics_thop": tool.profile(module, tuple(inputs), verbose=False)[0]}


def _torchscan(module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, float]:
    tool: Any = import_module("torchscan")
    totals = tool.crawl_module(module, args=tuple(inputs))["totals"]
    keys = {"torchscan": "module_flops", "torchscan_macs": "macs"}
    # Where it knows no formula for some layer it says so, and has the sum of the others.
    return {name: totals[key]["known_value"] or 0 for name, key in keys.items()}


def _calflops(module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, float]:
    pipeline = imported(CALFLOPS).CalFlopsPipline(module, False, 2.0)
    pipeline.start_flops_calculate()
    try:
        module(*inputs)
        return {
            "calflops": pipeline.get_total_flops(),
            "calflops_macs": pipeline.get_total_macs(),
        }
    finally:
        pipeline.end_flops_calculate()


def _deepspeed(module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, float]:
    flops, macs, _ = imported(DEEPSPEED).get_model_profile(
        module, args=[*inputs], print_profile=False, warm_up=0, as_string=False
    )
    return {"deepspeed": flops, "deepspeed_macs": macs}


TOOLS = {
    "torch": Tool(_flop_counter, "torch", on_meta=True, fails_with=(AssertionError,)),
    "fvcore": Tool(_fvcore, "fvcore"),
    "torchinfo": Tool(_torchinfo, "torchinfo"),
    "ptflops": Tool(_ptflops, "ptflops"),
    "thop": Tool(_thop, "thop", THOP),
    "ultralytics_thop": Tool(_ultralytics_thop, "ultralytics-thop"),
    "torchscan": Tool(_torchscan, "torchscan", fails_with=(AssertionError,)),
    "calflops": Tool(_calflops, "calflops", CALFLOPS),
    "deepspeed": Tool(_deepspeed, "deepspeed", DEEPSPEED),
}


def inputs_of(shapes: Sequence[tuple[Sequence[int], str | None]], device: str) -> list[Tensor]:
    """One image of zeros, of each input."""
    return [
        torch.zeros((1, *shape), device=device, dtype=getattr(torch, dtype or "float32"))
        for shape, dtype in shapes
    ]
