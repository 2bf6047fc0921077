"""Names that Python and torch accept, made from the names and titles of a spec."""

from __future__ import annotations

import builtins
import re
from collections.abc import Collection, Iterable
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
    """.split()
)
# And what an nn.ModuleDict has besides.
MODULE_DICT_ATTRIBUTES = frozenset("clear items keys pop update values".split())
# What the file itself calls things.
_IMPORTED = frozenset({"torch", "math", "nn", "F", "Tensor", "self"})

_LONGEST_CLASS_NAME = 40


def is_plain(part: str) -> bool:
    """Whether `self.part` means the part of that name: `__x` would not, nor does `class`."""
    return part.isidentifier() and not iskeyword(part) and not part.startswith("__")


def safe_part(part: str, taken: Collection[str]) -> str:
    """`part` as the name of a part of a module: unchanged but where torch cannot have it.

    Args:
        part: what stands between two dots of a layer's name.
        taken: names that are given away.
    """
    dunder = part.startswith("__") and part.endswith("__")
    name = f"{part}_" if part in MODULE_ATTRIBUTES or dunder or not part else part
    while name in taken:
        name += "_"
    return name


def variable_name(text: str) -> str | None:
    """`text` as the name of a variable; None where it does not make one."""
    name = re.sub(r"\W", "_", text)
    good = is_plain(name) and not name.startswith("_")
    return name if good and name not in _IMPORTED and not hasattr(builtins, name) else None


def class_name(texts: Iterable[str], taken: Collection[str]) -> str:
    """The first of `texts` that makes the name of a class, numbered where that is taken."""
    names = (_camel_case(text) for text in texts)
    name = next((n for n in names if n and len(n) <= _LONGEST_CLASS_NAME), "Network")
    while iskeyword(name) or name in _IMPORTED or hasattr(builtins, name):
        name += "Block"
    return unique(name, taken)


def unique(name: str, taken: Collection[str]) -> str:
    """`name`, or with the first number from 2 on that makes it free."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}{number}"
    return found


def _camel_case(text: str) -> str:
    """`ConvBnRelu` of `conv_bn_relu`, `VGG16` of `VGG-16`, `SqueezeNet1_1` of `SqueezeNet 1.1`."""
    words = re.findall(r"[A-Za-z0-9]+(?:\.[0-9]+)*", text)
    name = "".join(word[0].upper() + word[1:].replace(".", "_") for word in words)
    return name if not name or name[0].isalpha() else f"Net{name}"
