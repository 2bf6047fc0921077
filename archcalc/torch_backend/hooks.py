"""Which layer of a module is running, seen by hooks that stand on none of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Self

from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)

from archcalc.torch_backend.build import Twin

# Called when a layer has run: its name, the module, what it was given, what it returned.
WhenRun = Callable[[str, nn.Module, tuple[Tensor, ...], Tensor], None]
# Called when the layer that runs has changed: its name, empty where it is none.
WhenChanged = Callable[[str], None]


def parts_named(module: nn.Module, names: Iterable[str]) -> dict[str, nn.Module]:
    """The parts of `module` that answer for the layers called `names`, of those that it has."""
    parts = dict(module.named_modules(remove_duplicate=False))
    called = {name: part_name(module, name) for name in names}
    return {name: parts[part] for name, part in called.items() if part in parts}


def part_name(module: nn.Module, layer: str) -> str:
    """The dotted name of the part that answers for a layer: the layer's own, but in a twin."""
    return module.module_names.get(layer, layer) if isinstance(module, Twin) else layer


class Running(ExitStack):
    """Follows, as a context, which layer runs. Leaves nothing behind on the module.

    The hooks are torch's global ones: they see every module, and stand on none.
    """

    def __init__(
        self,
        module: nn.Module,
        names: Iterable[str],
        when_run: WhenRun | None = None,
        when_changed: WhenChanged | None = None,
    ) -> None:
        """Follows the layers called `names`; others count to the layer that they are part of."""
        super().__init__()
        self._names = {part: name for name, part in parts_named(module, names).items()}
        self._when_run = when_run
        self._when_changed = when_changed
        self._stack: list[str] = []

    @property
    def layer(self) -> str:
        """The layer that runs now; empty between layers."""
        return self._stack[-1] if self._stack else ""

    def __enter__(self) -> Self:
        for handle in (
            register_module_forward_pre_hook(self._enter_layer),
            register_module_forward_hook(self._leave_layer, always_call=True),
        ):
            self.callback(handle.remove)
        return self

    def _enter_layer(self, part: nn.Module, given: object) -> None:
        if part in self._names:
            self._stack.append(self._names[part])
            if self._when_changed is not None:
                self._when_changed(self.layer)

    def _leave_layer(
        self, part: nn.Module, given: tuple[Tensor, ...], returned: Tensor | tuple[Tensor, ...]
    ) -> None:
        if part not in self._names:
            return
        name = self._stack.pop()
        if self._when_run is not None and returned is not None:
            # A max pool that is unpooled later returns its indices as well.
            output = returned[0] if isinstance(returned, tuple) else returned
            self._when_run(name, part, given, output)
        if self._when_changed is not None:
            self._when_changed(self.layer)
