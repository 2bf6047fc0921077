"""How torch writes each layer kind: what is called, with which arguments. Imports no torch.

The table is in the modules of this package: one entry for each kind, of which `archcalc.build`
makes its modules and `archcalc export` its code. A package with a kind of its own registers an
entry likewise:

    from archcalc.torch_spelling import Setting, Spelling, in_call, spell

    @spell.register
    def _(layer: Logit, at: Setting) -> Spelling:
        return Spelling(None, (in_call("eps", layer.eps),), "torch.logit({0}, {eps})")
"""

from archcalc.torch_spelling import (
    interpolating,
    joins,
    moving,
    pointwise,
    recurrent,
    reducing,
    sampling,
    shaping,
    sliding,
)
from archcalc.torch_spelling.spelling import (
    Argument,
    Built,
    Setting,
    Spelling,
    Weight,
    given,
    in_call,
    named,
    spell,
)

__all__ = [
    "Argument",
    "Built",
    "Setting",
    "Spelling",
    "Weight",
    "given",
    "in_call",
    "interpolating",
    "joins",
    "moving",
    "named",
    "pointwise",
    "recurrent",
    "reducing",
    "sampling",
    "shaping",
    "sliding",
    "spell",
]
