"""What the modules of layers are called: as the layers, but where torch cannot have the name.

The torch twin and the exported source both call them so: the keys of their state are the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

# What every nn.Module has, so that no part of one can have that name.
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


def module_names(layers: Mapping[str, bool]) -> dict[str, str]:
    """For each layer the dotted name of its module, of as many parts as the layer's own.

    Args:
        layers: for each layer, by its dotted name, whether it has parameters or buffers.
    """
    inside: dict[str, tuple[list[str], list[str]]] = {"": ([], [])}  # containers, and layers
    for layer in layers:
        around = ""
        *path, last = layer.split(".")
        for part in path:
            container = f"{around}{part}."
            if container not in inside:
                inside[container] = ([], [])
                inside[around][0].append(part)
            around = container
        inside[around][1].append(last)
    names: dict[str, str] = {}
    renamed = {"": ""}
    for around, (containers, own) in inside.items():
        owners = {part for part in own if layers[around + part]}
        of_containers, of_layers = part_names(containers, own, owners)
        before = renamed[around]
        renamed |= {f"{around}{part}.": f"{before}{n}." for part, n in of_containers.items()}
        names |= {around + part: before + n for part, n in of_layers.items()}
    return names


def part_names(
    containers: Iterable[str], layers: Iterable[str], owners: Collection[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The names of the parts of one module: of its containers, and of the layers right in it.

    Args:
        containers, layers: the parts of the layers' names that stand there. A container and a
            layer may have the same.
        owners: layers with parameters or buffers: a container of the same name belongs to them.
    """
    taken: set[str] = set()
    of_containers: dict[str, str] = {}
    for part in containers:
        of_containers[part] = _safe(part, taken)
        taken.add(of_containers[part])
    of_layers: dict[str, str] = {}
    for part in layers:
        hangs = part in owners and part in of_containers
        of_layers[part] = of_containers[part] if hangs else _safe(part, taken)
        taken.add(of_layers[part])
    return of_containers, of_layers


def _safe(part: str, taken: Collection[str]) -> str:
    """`part`, unchanged but where torch cannot have it, or where it is among those `taken`."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", part)  # a graph made by hand may have any names
    dunder = name.startswith("__") and name.endswith("__")
    name = f"{name}_" if name in MODULE_ATTRIBUTES or dunder or not name else name
    while name in taken:
        name += "_"
    return name
