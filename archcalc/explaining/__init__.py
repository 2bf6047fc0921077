"""Derivations: each figure of a layer as the rule with its symbols, the values put in, the result.

The rule itself runs on named numbers (`archcalc.quantity.traced`), so what is shown cannot drift
from what is computed.
"""
