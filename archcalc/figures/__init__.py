"""The figures of layers and of networks: each said once, with its unit, heading and meaning.

`figure` has what a figure is, `of_layer` those of a layer and their sums, `of_network` those of a
whole network, `language` how claims, budgets, formulas and scaling name any of them.
"""
