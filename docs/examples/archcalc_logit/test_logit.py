"""torch, symbols and arrays judge the rule."""

from __future__ import annotations

from archcalc_logit import Logit
from hypothesis import strategies as st

from archcalc.testing import check_layer_kind, examples_of, mostly

eps = mostly(st.floats(1e-6, 0.25), st.just(0.0))


def test_logit_is_what_torch_does() -> None:
    check_layer_kind(Logit, examples_of(lambda x: st.builds(Logit, eps=eps)))
