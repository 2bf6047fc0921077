"""How a PyTorch programmer writes each layer kind: a layer in its setting -> a `Spelling`.

`spell` finds the function for a kind; the modules here register theirs with it.
"""

from archcalc.torch_spelling.layer_spellings import pointwise, shaping, sliding
from archcalc.torch_spelling.layer_spellings.setting import Setting, spell
from archcalc.torch_spelling.layer_spellings.sliding import is_even, windows_of

__all__ = ["Setting", "is_even", "pointwise", "shaping", "sliding", "spell", "windows_of"]
