"""Exact sets of the values of a map: which of them something is computed from."""
