"""The values of tensors that depend on no input and on nothing learned, where they are at hand.

On the meta device nothing has values. What code makes of numbers alone (positions, masks, tables
of indices) runs a second time on the CPU, so that an importer has its values, and code may ask for
them: `if mask.any()`, `int(lengths.max())`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import _disable_current_modes

MOST_COMPUTED = 65536  # values of a tensor that is computed
MOST_SHOWN = 4096  # values of a tensor of integers that a trace shows
MOST_SHOWN_REAL = 64  # and of others

# What gives the values of a tensor to Python.
_PROTOCOLS = ("__bool__", "__int__", "__float__", "__index__", "__contains__", "__array__")
ASKING = frozenset(["item", "tolist", "equal", "numpy", *_PROTOCOLS])
# What gives other values each time, or none.
_WITHOUT_VALUES = ("rand", "normal", "bernoulli", "multinomial", "empty", "new_empty")
# What takes from its first argument no values but its dtype, or its shape.
_LIKE = frozenset(
    ["new_zeros", "new_ones", "new_full", "new_tensor", "zeros_like", "ones_like", "full_like"]
)


class Unknown(Exception):
    """Values are not at hand."""


class Constants:
    """Values by the numbers of tensors."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Tensor, int]] = {}
        self._lent: dict[int, Tensor] = {}

    def learn(self, number: int, values: Tensor) -> None:
        """From now on a tensor has these values, which are the capture's own."""
        if values.numel() <= MOST_COMPUTED:
            self._known[number] = values, values._version

    def lend(self, number: int, values: Tensor) -> None:
        """As `learn`, of values that somebody else owns: they are copied where they are used."""
        if values.numel() <= MOST_COMPUTED and has_values(values):
            self._lent[number] = values

    def of(self, number: int) -> Tensor:
        """The values of a tensor.

        Raises:
            Unknown: they are not at hand.
        """
        if number in self._lent:
            self.learn(number, self._lent.pop(number).detach().to("cpu", copy=True))
        if number not in self._known:
            raise Unknown
        return self._known[number][0]

    def shown(self, number: int) -> Any:
        """The values as nested lists; None of what has too many or was changed since."""
        values = self._lent.get(number)
        if values is None:
            values, version = self._known.get(number, (None, 0))
            if values is None or values._version != version:
                return None
        most = MOST_SHOWN_REAL if values.is_floating_point() else MOST_SHOWN
        return values.tolist() if values.numel() <= most else None

    def forget_what_shares(self, number: int) -> None:
        """Of a tensor that is changed by what is not known: nothing of its memory is."""
        self._lent.pop(number, None)
        if number in self._known:
            memory = self._known[number][0].untyped_storage().data_ptr()
            for other, (values, _) in list(self._known.items()):
                if values.untyped_storage().data_ptr() == memory:
                    del self._known[other]

    def of_call(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        number: Callable[[Tensor], int],
    ) -> Any:
        """What a call gives on the values of its arguments.

        Raises:
            Unknown: they are not all at hand, or it gives none.
        """
        name = getattr(function, "__name__", "")
        if name.startswith(_WITHOUT_VALUES):
            raise Unknown
        if name in _LIKE:
            like = torch.empty(args[0].shape, dtype=args[0].dtype)
            args = (like, *[self._valued(x, number) for x in args[1:]])
        else:
            args = tuple([self._valued(x, number) for x in args])
        kwargs = {key: self._valued(x, number) for key, x in kwargs.items()}
        try:
            with _disable_current_modes():
                return function(*args, **kwargs)
        except Exception:  # it has no values then
            raise Unknown from None

    def _valued(self, value: Any, number: Callable[[Tensor], int]) -> Any:
        """An argument with values for the tensors in it."""
        if isinstance(value, Tensor):
            return self.of(number(value))
        if isinstance(value, torch.device) or value == "meta":
            return torch.device("cpu")
        if isinstance(value, list):
            return [self._valued(part, number) for part in value]
        return tuple([self._valued(x, number) for x in value]) if type(value) is tuple else value


def has_values(tensor: Tensor) -> bool:
    """Whether a tensor is one with values."""
    return not (tensor.is_meta or isinstance(tensor, FakeTensor))
