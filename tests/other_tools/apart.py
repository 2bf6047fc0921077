"""Packages that lie apart, each in a folder of its own: no more is imported of them than is needed.

`.ci/tools FOLDER` installs them so, without what they require, which is large, or with modules that
another package has too. `TOOLS_FOLDER` says where.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import distributions
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from packaging.version import Version

_FOLDER = Path(os.environ.get("TOOLS_FOLDER", "."))


@dataclass(frozen=True, eq=False)
class Apart:
    """A module of such a package.

    Attributes:
        package: as it is installed, and the name of its folder.
        module: what counts.
        bare: packages whose `__init__`, which imports all of them, is left out.
        stand_ins: what it imports from other modules and does not need for counting.
    """

    package: str
    module: str
    bare: tuple[str, ...] = ()
    stand_ins: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def version(self) -> str | None:
        """The version that is installed; None where it is not."""
        found = distributions(path=[str(_FOLDER / self.package)])
        return next((str(Version(each.version)) for each in found), None)


CALFLOPS = Apart("calflops", "calflops.calculate_pipline", bare=("calflops",))
DEEPSPEED = Apart(
    "deepspeed",
    "deepspeed.profiling.flops_profiler.profiler",
    bare=("deepspeed", "deepspeed.utils"),
    stand_ins={
        "deepspeed.accelerator": {
            "get_accelerator": lambda: SimpleNamespace(synchronize=lambda: None)
        },
        "deepspeed.utils": {"logger": logging.getLogger("deepspeed")},
        "deepspeed.moe.layer": {"MoE": type("MoE", (), {})},
        "deepspeed.utils.timer": dict.fromkeys(
            ("FORWARD_GLOBAL_TIMER", "BACKWARD_GLOBAL_TIMER", "STEP_GLOBAL_TIMER")
        ),
        "einops": {"einsum": lambda *operands: None},
    },
)
THOP = Apart("thop", "thop")


@cache
def imported(one: Apart) -> Any:
    """The module, whatever else goes by the names of what it imports."""
    folder = _FOLDER / one.package
    made: dict[str, ModuleType] = {}
    for name in dict.fromkeys([*one.bare, *one.stand_ins]):
        made[name] = ModuleType(name)
        vars(made[name]).update(one.stand_ins.get(name, {}))
        if name in one.bare:
            made[name].__path__ = [str(folder.joinpath(*name.split(".")))]
    names = {name.partition(".")[0] for name in (one.module, *made)}
    others = _taken_out(names)
    sys.modules |= made
    sys.path.insert(0, str(folder))
    try:
        return import_module(one.module)
    finally:
        sys.path.remove(str(folder))
        _taken_out(names)
        sys.modules |= others


def _taken_out(names: set[str]) -> dict[str, ModuleType]:
    """The modules of packages with these names, no longer among those that are imported."""
    of_them = [name for name in sys.modules if name.partition(".")[0] in names]
    return {name: sys.modules.pop(name) for name in of_them}
