"""Names that Python and torch accept, made from the names and titles of a spec."""

from __future__ import annotations

import builtins
import re
from collections.abc import Collection, Sequence
from keyword import iskeyword

# What an nn.ModuleDict has besides what every nn.Module has.
MODULE_DICT_ATTRIBUTES = frozenset({"clear", "items", "keys", "pop", "update", "values"})
# What the file itself calls things.
_OWN = frozenset({"torch", "math", "nn", "F", "Tensor", "self"})

_CHUNK = re.compile(r"[A-Za-z0-9]+")
_WORD = re.compile(r"[A-Za-z]+|[0-9]+")


def is_plain(part: str) -> bool:
    """Whether `self.part` means the part of that name: `__x` would not, nor does `class`."""
    return part.isidentifier() and not iskeyword(part) and not part.startswith("__")


def variable_name(text: str) -> str | None:
    """`text` as the name of a variable; None where it does not make one."""
    name = re.sub(r"\W", "_", text)
    good = is_plain(name) and not name.startswith("_")
    return name if good and name not in _OWN and not hasattr(builtins, name) else None


def class_name(text: str, taken: Collection[str]) -> str:
    """`text` as the name of a class, `ConvBnRelu` of `conv_bn_relu`; numbered where it is taken."""
    return unique(_camel_case(_CHUNK.findall(text)), taken)


def network_class_name(name: str, title: str, taken: Collection[str]) -> str:
    """The name of a network's class: `ResNet50` of `resnet50`, whose title has the capitals."""
    words = []
    left = "".join(_WORD.findall(name)).lower()
    for word in _WORD.findall(title):
        if not word.isascii() or not left.startswith(word.lower()):
            break
        words.append(word)
        left = left.removeprefix(word.lower())
    rest = _CHUNK.findall(_without_start(name, "".join(words)))
    return unique(_camel_case([*words, *rest]), taken)


def unique(name: str, taken: Collection[str]) -> str:
    """`name`, or with the first number from 2 on that makes it free, in place of such a number."""
    found, number = name, 1
    name = re.sub(r"(?<=\d)_\d+$", "", name)
    while found in taken:
        number += 1
        found = f"{name}_{number}" if name[-1].isdigit() else f"{name}{number}"
    return found


def _without_start(name: str, start: str) -> str:
    """What is left of `name` after the letters and digits of `start`."""
    pattern = "[^A-Za-z0-9]*".join(start)
    return re.sub(f"^[^A-Za-z0-9]*{pattern}", "", name, count=1, flags=re.IGNORECASE)


def _camel_case(words: Sequence[str]) -> str:
    joined = ""
    for word in words:
        between = "_" if joined[-1:].isdigit() and word[0].isdigit() else ""
        joined += between + word[0].upper() + word[1:]
    name = joined if joined[:1].isalpha() else f"Net{joined}"
    return f"{name}Block" if iskeyword(name) or name in _OWN or hasattr(builtins, name) else name
