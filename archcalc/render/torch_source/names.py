"""Names that Python and torch accept, made from the names and titles of a spec."""

from __future__ import annotations

import builtins
import re
from collections.abc import Collection, Sequence
from keyword import iskeyword

# What every nn.Module has, so that no part of one can be called so.
MODULE_ATTRIBUTES = frozenset(
    """
    T_destination _apply _backward_hooks _backward_pre_hooks _buffers _call_impl
    _compiled_call_impl _forward_hooks _forward_hooks_always_called _forward_hooks_with_kwargs
    _forward_pre_hooks _forward_pre_hooks_with_kwargs _get_backward_hooks
    _get_backward_pre_hooks _get_name _is_full_backward_hook _load_from_state_dict
    _load_state_dict_post_hooks _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook
    _modules _named_members _non_persistent_buffers_set _parameters
    _register_load_state_dict_pre_hook _register_state_dict_hook _replicate_for_data_parallel
    _save_to_state_dict _slow_forward _state_dict_hooks _state_dict_pre_hooks _version
    _wrapped_call_impl add_module apply bfloat16 buffers call_super_init children compile cpu
    cuda double dump_patches eval extra_repr float forward get_buffer get_extra_state
    get_parameter get_submodule half ipu load_state_dict modules mtia named_buffers
    named_children named_modules named_parameters parameters register_backward_hook
    register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state
    set_submodule share_memory state_dict to to_empty train training type xpu zero_grad
    """.split()  # noqa: SIM905  a hundred lines with a name each would be no easier to read
)
# And what an nn.ModuleDict has besides.
MODULE_DICT_ATTRIBUTES = frozenset({"clear", "items", "keys", "pop", "update", "values"})
# What the file itself calls things.
_OWN = frozenset({"torch", "math", "nn", "F", "Tensor", "self"})

_CHUNK = re.compile(r"[A-Za-z0-9]+")
_WORD = re.compile(r"[A-Za-z]+|[0-9]+")


def is_plain(part: str) -> bool:
    """Whether `self.part` means the part of that name: `__x` would not, nor does `class`."""
    return part.isidentifier() and not iskeyword(part) and not part.startswith("__")


def safe_part(part: str, taken: Collection[str]) -> str:
    """`part` as the name of a part of a module: unchanged but where torch cannot have it.

    Args:
        part: what stands between two dots of a layer's name.
        taken: names that are given away.
    """
    name = re.sub(r"[^A-Za-z0-9_-]", "_", part)  # a graph made by hand may have any names
    dunder = name.startswith("__") and name.endswith("__")
    name = f"{name}_" if name in MODULE_ATTRIBUTES or dunder or not name else name
    while name in taken:
        name += "_"
    return name


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
    """`name`, or with the first number from 2 on that makes it free."""
    found, number = name, 1
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
