"""How figures are shown: tables, JSON. Nothing here computes a figure."""
