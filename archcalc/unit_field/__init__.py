"""What one unit of a layer sees, pixel by pixel, and by which paths."""

from archcalc.unit_field.paths import PathSizes, alignment, path_sizes
from archcalc.unit_field.unit import Seen, UnitField, unit_field, unit_over

__all__ = [
    "PathSizes",
    "Seen",
    "UnitField",
    "alignment",
    "path_sizes",
    "unit_field",
    "unit_over",
]
