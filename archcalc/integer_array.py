"""Arrays of 64-bit integers that refuse to overflow. The only module of the core that
imports numpy; it is itself imported only where a user brings arrays."""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from archcalc.errors import QuantityError
from archcalc.quantity import LARGEST_INT64, Quantity

Elements: TypeAlias = NDArray[np.int64]


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
        b = _lift(other)
        return _exact(np.add, self, b, [self.low + b.low, self.high + b.high])

    __radd__ = __add__

    def __sub__(self, other: object) -> IntegerArray:
        b = _lift(other)
        return _exact(np.subtract, self, b, [self.low - b.high, self.high - b.low])

    def __rsub__(self, other: object) -> IntegerArray:
        return _lift(other) - self

    def __mul__(self, other: object) -> IntegerArray:
        b = _lift(other)
        corners = [x * y for x in (self.low, self.high) for y in (b.low, b.high)]
        return _exact(np.multiply, self, b, corners)

    __rmul__ = __mul__

    def __floordiv__(self, other: object) -> IntegerArray:
        b = _lift(other)
        if bool((b.elements == 0).any()):
            raise QuantityError("a division by zero")
        corners = [LARGEST_INT64 + 1] if self.low < -LARGEST_INT64 and b.low < 0 else [0]
        return _exact(np.floor_divide, self, b, corners, tight=False)

    def __rfloordiv__(self, other: object) -> IntegerArray:
        return _lift(other) // self

    def __pow__(self, exponent: int) -> IntegerArray:
        if type(exponent) is not int or not 0 <= exponent <= 64:
            raise QuantityError(f"an array to the power of {exponent!r}")
        result = _lift(1)
        for _ in range(exponent):
            result = result * self
        return result

    @staticmethod
    def min(a: object, b: object) -> IntegerArray:
        """The smaller of the two at each element."""
        return IntegerArray(np.minimum(_lift(a).elements, _lift(b).elements))

    @staticmethod
    def max(a: object, b: object) -> IntegerArray:
        """The larger of the two at each element."""
        return IntegerArray(np.maximum(_lift(a).elements, _lift(b).elements))


def as_quantity(value: object) -> Quantity:
    """A numpy integer array or scalar, as a quantity that the rules can take."""
    array = np.asarray(value)
    return int(array) if array.ndim == 0 else cast(Quantity, IntegerArray(array))


def _lift(value: object) -> IntegerArray:
    if isinstance(value, IntegerArray):
        return value
    if type(value) is int and abs(value) <= LARGEST_INT64:
        return IntegerArray(np.int64(value), value, value)
    if isinstance(value, (np.ndarray, np.integer)):
        return IntegerArray(value)
    raise QuantityError(f"an array meets {value!r}, which is no 64-bit integer")


def _exact(
    operation: np.ufunc, a: IntegerArray, b: IntegerArray, corners: list[int], tight: bool = True
) -> IntegerArray:
    """operation(a, b), where `corners` bound the result (only its overflow if not `tight`)."""
    low, high = min(corners), max(corners)
    if low < -LARGEST_INT64 or high > LARGEST_INT64:
        exact = operation(a.elements.astype(object), b.elements.astype(object))
        flat = np.ravel(exact)
        for index, value in enumerate(flat):
            if not -LARGEST_INT64 <= value <= LARGEST_INT64:
                raise QuantityError(f"{value:,} at element {index} does not fit in 64 bits")
        return IntegerArray(np.asarray(exact, dtype=np.int64))
    result = operation(a.elements, b.elements)
    return IntegerArray(result, low, high) if tight else IntegerArray(result)
