"""What other tools print for a network: each of their totals, from their rules.

A tool sees the modules and functions of torch that a network calls, so the rules go by these: by
the class that `archcalc export` writes for a layer. What a tool does not know it counts as 0, and
so do the rules here. They were read in the source of the version that is named, and are held to
what that prints for exported networks, on the CPU, for one image.
"""

from __future__ import annotations

from collections.abc import Iterable

from archcalc.analysis import Analysis
from archcalc.errors import require_known
from archcalc.other_tools.call import calls_of
from archcalc.other_tools.convention import Convention
from archcalc.other_tools.ptflops import PTFLOPS, PTFLOPS_ATEN
from archcalc.other_tools.published import (
    CAFFE,
    CONVNET_BURDEN,
    KERAS,
    NETSCOPE,
    PYCLS,
    PYCLS_ACTS,
    TIMM,
    TORCHVISION,
)
from archcalc.other_tools.thop import THOP, ULTRALYTICS_THOP
from archcalc.other_tools.torch_counters import FLOP_COUNTER, FVCORE, FVCORE_ACTIVATIONS
from archcalc.other_tools.torchinfo import TORCHINFO
from archcalc.other_tools.torchscan import TORCHSCAN, TORCHSCAN_MACS
from archcalc.other_tools.wrapped_functions import (
    CALFLOPS,
    CALFLOPS_MACS,
    DEEPSPEED,
    DEEPSPEED_MACS,
)
from archcalc.quantity.arithmetic import Quantity

__all__ = ["CONVENTIONS", "Convention", "convention_called", "totals"]

CONVENTIONS: dict[str, Convention] = {
    convention.name: convention
    for convention in (
        FLOP_COUNTER,
        FVCORE,
        FVCORE_ACTIVATIONS,
        TORCHINFO,
        PTFLOPS,
        PTFLOPS_ATEN,
        THOP,
        ULTRALYTICS_THOP,
        CALFLOPS,
        CALFLOPS_MACS,
        DEEPSPEED,
        DEEPSPEED_MACS,
        TORCHSCAN,
        TORCHSCAN_MACS,
        TORCHVISION,
        TIMM,
        PYCLS,
        PYCLS_ACTS,
        KERAS,
        NETSCOPE,
        CONVNET_BURDEN,
        CAFFE,
    )
}


def totals(analysis: Analysis, names: Iterable[str] = tuple(CONVENTIONS)) -> dict[str, Quantity]:
    """The totals that tools print for a network, for one image, by the names of conventions."""
    calls = tuple(calls_of(analysis))
    return {name: CONVENTIONS[name].total_of(calls) for name in names}


def convention_called(name: str) -> Convention:
    """The convention with that name.

    Raises:
        UsageError: there is none; with a guess.
    """
    require_known("unknown convention", name, CONVENTIONS)
    return CONVENTIONS[name]
