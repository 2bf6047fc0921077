"""A graph as the spec that a person would have written: with blocks, parameters and repeats.

Importers and `archcalc expand` know every layer by itself. What repeats is found again by the
dotted names: layers that share a prefix were a module, and modules with the same layers inside are
a block. Where they differ in numbers the block has parameters; a number that always follows from
another, or from the channels that come in, is written as an expression; runs of equal blocks are a
`repeat`.
"""
