"""Choosing among settings: spaces of them, their figures, conditions, orders, Pareto fronts."""
