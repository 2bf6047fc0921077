"""Checks that a layer kind has to pass, for archcalc's own and for those of other packages.

    from archcalc.testing import check_layer_kind, examples_of

    def test_my_kind() -> None:
        check_layer_kind(MyKind, examples_of(lambda x: st.builds(MyKind, slope=st.floats(0, 1))))

torch, symbols and arrays are the judges. Needs `pip install 'archcalc[testing]'`.
"""

from __future__ import annotations

import sys

from archcalc.errors import require_extra

for _package in ("hypothesis", "torch", "sympy"):
    require_extra("archcalc.testing", _package, "testing")

if "pytest" in sys.modules:  # it then shows both sides of what is not equal
    from pytest import register_assert_rewrite

    register_assert_rewrite(
        *[f"archcalc.testing.{name}" for name in ("checks", "facts", "training")]
    )

from archcalc.testing.conformance import CHECKS, check_layer_kind
from archcalc.testing.strategies import (
    Example,
    axes,
    divisors,
    examples_of,
    maps,
    mostly,
    multiples,
    number,
    paddings,
    sides,
    spatial_maps,
)

__all__ = [
    "CHECKS",
    "Example",
    "axes",
    "check_layer_kind",
    "divisors",
    "examples_of",
    "maps",
    "mostly",
    "multiples",
    "number",
    "paddings",
    "sides",
    "spatial_maps",
]
