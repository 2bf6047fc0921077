"""The tensors of a run by number: those that come into being, and those that were there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from weakref import ref

import torch
from torch import Tensor

from archcalc.errors import UsageError
from archcalc.importing.capture.constants import Constants, has_values
from archcalc.importing.capture.copying import Copy
from archcalc.importing.trace import CONSTANT, PARAMETER, Held, Ref


class Seen(NamedTuple):
    """A tensor in one run."""

    shape: tuple[int, ...]
    dtype: str


class Numbering:
    """Numbers tensors in the order in which they are met.

    Attributes:
        tensors: what is seen of each, by its number.
        held: which of them the model holds.
        constants: the values of those that have some.
    """

    def __init__(self, copy: Copy, keeps: bool, where: Callable[[], str]) -> None:
        """For a run of a copy.

        Args:
            keeps: every tensor is kept, so that none is taken for another.
            where: the module that runs, for names and messages.
        """
        self.tensors: list[Seen] = []
        self.held: dict[int, Held] = {}
        self.constants = Constants()
        self._copy = copy
        self._where = where
        self._keeps = keeps
        self._numbers: dict[int, tuple[Any, int]] = {}
        self._twins: dict[int, Tensor] = {}

    @property
    def on_meta(self) -> bool:
        """Whether tensors have shapes alone."""
        return self._copy.device.type == "meta"

    def new(self, tensor: Tensor) -> int:
        """The number of a tensor that has just come into being, or is another one from now on."""
        number = len(self.tensors)
        self.tensors.append(Seen(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")))
        self.same(tensor, number)
        return number

    def same(self, tensor: Tensor, number: int) -> None:
        """Another object for the tensor of this number."""
        self._numbers[id(tensor)] = (tensor if self._keeps else ref(tensor), number)

    def number(self, tensor: Tensor) -> int:
        """The number of a tensor that was there before.

        Raises:
            UsageError: nobody knows where it comes from.
        """
        if self.knows(tensor):
            return self._numbers[id(tensor)][1]
        known = self._copy.known.get(id(tensor))
        if known is not None:
            number = self.new(tensor)
            self.held[number] = known.held
            if known.held.role != PARAMETER and known.original is not None:
                self.constants.lend(number, known.original)
            return number
        if not has_values(tensor):
            who, shape = self._where() or self._copy.name, tuple(tensor.shape)
            raise UsageError(
                f"{who}: a tensor of shape {shape} comes from where nothing is seen, such as a "
                "function that was compiled to TorchScript"
            )
        number = self.new(tensor)
        self.constants.lend(number, tensor)
        self.held[number] = Held(f"{self._where()}.constant".lstrip("."), CONSTANT, trainable=False)
        return number

    def knows(self, tensor: Tensor) -> bool:
        """Whether a tensor was met."""
        found = self._numbers.get(id(tensor))
        return found is not None and (self._keeps or found[0]() is tensor)

    def twin(self, tensor: Tensor) -> Tensor:
        """The tensor without values that stands for one with values."""
        if tensor.is_meta:
            return tensor
        if id(tensor) not in self._twins:
            number = self.number(tensor)
            self._twins[id(tensor)] = torch.empty_like(tensor, device="meta")
            self.same(self._twins[id(tensor)], number)
        return self._twins[id(tensor)]

    def refer(self, value: Any) -> Any:
        """A value as an argument of an operation has it."""
        if type(value) in _PLAIN:
            return value
        if isinstance(value, Tensor):
            return Ref(self.number(value))
        if isinstance(value, list | tuple):
            parts = [self.refer(part) for part in value]
            return parts if isinstance(value, list) else tuple(parts)
        if isinstance(value, slice):
            return slice(*[self.refer(x) for x in (value.start, value.stop, value.step)])
        if isinstance(value, dict):
            return {key: self.refer(part) for key, part in value.items()}
        return str(value).removeprefix("torch.")


_PLAIN = frozenset([int, float, bool, str, type(None), complex, type(...)])


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors of a result: alone, or in lists, tuples and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors_in(part)


def numbers_in(value: Any) -> Iterator[int]:
    """The numbers of the tensors in an argument."""
    if isinstance(value, Ref):
        yield value.tensor
    elif isinstance(value, list | tuple):
        for part in value:
            yield from numbers_in(part)
    elif isinstance(value, slice):
        yield from numbers_in((value.start, value.stop, value.step))
    elif isinstance(value, dict):
        yield from numbers_in(list(value.values()))


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """A nest of lists and tuples with `change` of all that is in it."""
    if isinstance(value, list):
        return [mapped(part, change) for part in value]
    return tuple([mapped(x, change) for x in value]) if type(value) is tuple else change(value)
