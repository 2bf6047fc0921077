"""From a trace of operators to a model: which layer kind each of them is.

`statements` goes through the operations in order. What only moves values makes no layer: a tensor
remembers how its axes are made of the factors of those of the layer that put it out
(`archcalc.importing.kinds.axes`), with the batch as one of the factors, and where a layer takes it
in another order than that, one rearrangement is all that is made of a chain of views. So the batch
is taken out wherever it lies. Everything else has a function under `@handles` that says which
layer, or layers, it is, in the module of its family.
"""

from __future__ import annotations

from archcalc.importing.kinds.statements import statements

__all__ = ["statements"]
