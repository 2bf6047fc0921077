"""torch, symbols and arrays judge the rule."""

from __future__ import annotations

from archcalc_celu import CELU
from hypothesis import strategies as st

from archcalc.testing import check_layer_kind, examples_of, mostly

alphas = mostly(st.floats(0.125, 2), st.just(0.0))


def test_celu_is_what_torch_does() -> None:
    check_layer_kind(CELU, examples_of(lambda x: st.builds(CELU, alpha=alphas)))
