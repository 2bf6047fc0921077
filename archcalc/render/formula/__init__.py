"""Formulas as text, as LaTeX, and as Python and JavaScript that need nothing."""

from __future__ import annotations

from archcalc.render.formula.as_javascript import javascript
from archcalc.render.formula.as_latex import latex
from archcalc.render.formula.as_python import python
from archcalc.render.formula.as_text import line_count, text, text_by_part

__all__ = ["javascript", "latex", "line_count", "python", "text", "text_by_part"]
