"""Arrays of 64-bit integers that refuse to overflow. The only module of the core that
imports numpy; it is itself imported only where a user brings arrays."""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from archcalc.errors import QuantityError
from archcalc.quantity.arithmetic import LARGEST_INT64, Quantity
from archcalc.quantity.at_least import is_open
from archcalc.quantity.conditions import all_or_none

Elements: TypeAlias = NDArray[np.int64]
Operand: TypeAlias = tuple[Any, int, int]


class IntegerArray:
    """An int64 array for which `+ - * // **` are exact or raise QuantityError.

    Bounds on the elements travel along as Python ints, so that only an operation whose
    bounds leave 64 bits has to be looked at element by element.

    Attributes:
        elements: the numbers, dtype int64.
        low, high: Python ints with low <= every element <= high (not always attained).
    """

    __slots__ = ("elements", "high", "low")
    __array_priority__ = 1000  # numpy scalars and arrays leave the operators to this class
    __array_ufunc__ = None

    def __init__(self, elements: object, low: int | None = None, high: int | None = None) -> None:
        array = np.asarray(elements)
        if array.dtype.kind not in "iu":
            raise QuantityError(f"an array of {array.dtype}, where whole numbers are wanted")
        if array.dtype == np.uint64 and array.size and int(array.max()) > LARGEST_INT64:
            raise QuantityError("an element of the array passes 2**63 - 1")
        self.elements: Elements = array.astype(np.int64, copy=False)
        bounds = (self.elements.min(), self.elements.max()) if array.size else (0, 0)
        self.low = int(bounds[0]) if low is None else low
        self.high = int(bounds[1]) if high is None else high

    def __repr__(self) -> str:
        return f"IntegerArray({self.elements!r})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.elements, dtype=dtype, copy=copy)

    def __getitem__(self, index: Any) -> Any:
        picked = self.elements[index]
        return int(picked) if np.ndim(picked) == 0 else IntegerArray(picked)

    def __len__(self) -> int:
        return len(self.elements)

    def __eq__(self, other: object) -> bool:
        """Whether all elements are equal: one answer, so that records of arrays compare."""
        if not isinstance(other, IntegerArray):
            return NotImplemented
        return np.array_equal(self.elements, other.elements)

    __hash__ = None  # type: ignore[assignment]  # mutable elements, as numpy's own arrays

    @property
    def shape(self) -> tuple[int, ...]:
        return self.elements.shape

    def __neg__(self) -> IntegerArray:
        return 0 - self

    def __add__(self, other: object) -> IntegerArray:
        if is_open(other):
            return NotImplemented
        b, low, high = _operand(other)
        if type(b) is int and b == 0:
            return self
        return _exact(np.add, self.elements, b, [self.low + low, self.high + high])

    __radd__ = __add__

    def __sub__(self, other: object) -> IntegerArray:
        if is_open(other):
            return NotImplemented
        b, low, high = _operand(other)
        if type(b) is int and b == 0:
            return self
        return _exact(np.subtract, self.elements, b, [self.low - high, self.high - low])

    def __rsub__(self, other: object) -> IntegerArray:
        a, low, high = _operand(other)
        return _exact(np.subtract, a, self.elements, [low - self.high, high - self.low])

    def __mul__(self, other: object) -> IntegerArray:
        if is_open(other):
            return NotImplemented
        b, low, high = _operand(other)
        if type(b) is int and b == 1:
            return self
        corners = [x * y for x in (self.low, self.high) for y in (low, high)]
        return _exact(np.multiply, self.elements, b, corners)

    __rmul__ = __mul__

    def __floordiv__(self, other: object) -> IntegerArray:
        return _divided(self.elements, self.low, self.high, *_operand(other))

    def __rfloordiv__(self, other: object) -> IntegerArray:
        return _divided(*_operand(other), self.elements, self.low, self.high)

    def __mod__(self, other: object) -> IntegerArray:
        return self - self // other * other

    def __rmod__(self, other: int) -> IntegerArray:
        return other - other // self * self

    def __pow__(self, exponent: int) -> IntegerArray:
        if type(exponent) is not int or not 0 <= exponent <= 64:
            raise QuantityError(f"an array to the power of {exponent!r}")
        result = IntegerArray(np.ones_like(self.elements), 1, 1)
        for _ in range(exponent):
            result = result * self
        return result

    def min(self, other: object) -> IntegerArray:
        """The smaller of the two at each element."""
        b, low, high = _operand(other)
        if type(b) is int and self.high <= b:
            return self
        return _known(np.minimum(self.elements, b), min(self.low, low), min(self.high, high))

    def max(self, other: object) -> IntegerArray:
        """The larger of the two at each element."""
        b, low, high = _operand(other)
        if type(b) is int and self.low >= b:
            return self
        return _known(np.maximum(self.elements, b), max(self.low, low), max(self.high, high))


def as_quantity(value: object) -> Quantity:
    """A numpy integer array or scalar, as a quantity that the rules can take."""
    array = np.asarray(value)
    return int(array) if array.ndim == 0 else cast(Quantity, IntegerArray(array))


def _operand(value: object) -> Operand:
    """What a ufunc can take, and bounds on it. An array of no more than 64 bits."""
    if type(value) is int and abs(value) <= LARGEST_INT64:
        return value, value, value
    if isinstance(value, (np.ndarray, np.integer)):
        value = IntegerArray(value)
    if isinstance(value, IntegerArray):
        return value.elements, value.low, value.high
    raise QuantityError(f"an array meets {value!r}, which is not a 64-bit integer")


def _known(elements: Any, low: int, high: int) -> IntegerArray:
    """An array of int64 whose bounds are known: nothing is checked."""
    array = IntegerArray.__new__(IntegerArray)
    array.elements, array.low, array.high = elements, low, high
    return array


def _exact(operation: np.ufunc, a: Any, b: Any, corners: list[int]) -> IntegerArray:
    """operation(a, b), where `corners` bound the result."""
    low, high = min(corners), max(corners)
    if low >= -LARGEST_INT64 and high <= LARGEST_INT64:
        return _known(operation(a, b), low, high)
    exact: Any = operation(np.asarray(a, dtype=object), np.asarray(b, dtype=object))
    too_large = np.asarray((exact < -LARGEST_INT64) | (exact > LARGEST_INT64), dtype=bool)
    if all_or_none(too_large, otherwise=True):
        index = int(np.argmax(too_large))
        raise QuantityError(
            f"{np.ravel(exact)[index]:,} at element {index} does not fit in 64 bits"
        )
    return IntegerArray(np.asarray(exact, dtype=np.int64))


def _divided(a: Any, a_low: int, a_high: int, b: Any, b_low: int, b_high: int) -> IntegerArray:
    if type(b) is int and b == 1:
        return _known(a, a_low, a_high)
    if b_low <= 0 <= b_high and all_or_none(np.equal(b, 0), otherwise=True):
        raise ZeroDivisionError
    # Only the smallest number of 64 bits has no negative in 64 bits.
    most = max(abs(a_low), abs(a_high))
    corners = [x // y for x in (a_low, a_high) for y in (b_low, b_high)] if b_low > 0 else []
    return _exact(np.floor_divide, a, b, corners or [-most, most])
