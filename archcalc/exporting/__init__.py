"""A graph as the source of a PyTorch module: one file that imports torch and nothing of ours."""

from __future__ import annotations

from archcalc.exporting.source import torch_source

__all__ = ["torch_source"]
