"""How torch writes each layer kind: what is called, with which arguments. Imports no torch.

The table is in `sliding`, `pointwise` and `shaping`: one entry for each kind, of which
`archcalc.build` makes its modules and `archcalc export` its code. A package with a kind of its own
registers an entry likewise:

    from archcalc.torch_spelling import Setting, Spelling, named, spell

    @spell.register
    def _(layer: HardTanh, at: Setting) -> Spelling:
        return Spelling("nn.Hardtanh", (named("min_val", layer.low, -1.0),))
"""

from archcalc.torch_spelling import pointwise, shaping, sliding
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
    "named",
    "pointwise",
    "shaping",
    "sliding",
    "spell",
]
