"""Formulas: the closed form of any quantity in a network's parameters and the size of its input.

The walk runs on symbols (`archcalc.quantity`), so a formula is what the rules say, simplified.
"""
