"""Arrays of numbers that need not be whole: floats, and the exact value of an element where needed.

A fraction beside an array, or an array of floats from Python, would be exact as fractions and slow.
Here the floats travel with a bound on their error; where a floor or a comparison lies within that
bound, the element in question is computed again with fractions, as a single walk does it. So that
every answer is the one that the setting by itself would give.

Imports numpy, and is itself imported only where a user brings arrays.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from archcalc.errors import QuantityError
from archcalc.quantity.conditions import all_or_none, one_for_all
from archcalc.quantity.integer_array import IntegerArray

Index: TypeAlias = tuple[int, ...]

ROUNDING = 2.0**-53  # of a float, as a part of it
SLACK = 1 + 2.0**-20  # bounds are computed in floats themselves
LARGEST = 2.0**62  # beyond it each setting is looked at by itself, for whether it fits in 64 bits
MOST_BITS = 512  # of an exact numerator or denominator; half of what a single walk takes

_AT_ONCE = 1 << 15  # elements that are rounded together: what comes in between stays in the cache


class RealArray:
    """An array for which `+ - * / // % **`, comparisons and rounding are those of exact numbers.

    Attributes:
        floats: the numbers, float64, each at most `error` off.
        error: that bound.
        largest: a bound on their size.
        bits: a bound on the bits of the exact numerators and denominators.
    """

    __slots__ = ("_at", "bits", "error", "floats", "largest")
    __array_priority__ = 1000  # numpy scalars and arrays leave the operators to this class
    __array_ufunc__ = None

    def __init__(
        self,
        floats: NDArray[np.float64],
        error: float,
        largest: float,
        bits: float,
        at: Callable[[Index], Any],
    ) -> None:
        self.floats, self.error, self.largest, self.bits, self._at = (
            floats,
            error,
            largest,
            bits,
            at,
        )
        if not bits <= MOST_BITS:
            self._one_by_one()
        if not largest <= LARGEST:  # nor is nan
            sizes = np.abs(floats)
            if not all_or_none(sizes <= LARGEST, otherwise=False):
                self._one_by_one()
            self.largest = float(sizes.max(initial=0.0))

    @classmethod
    def of(cls, value: object, exact: Callable[[float], Any] = Fraction) -> RealArray:
        """Whole numbers, a fraction, or an array of either or of floats.

        Args:
            exact: the number that a float stands for.
        """
        if isinstance(value, RealArray):
            return value
        if isinstance(value, (int, Fraction)):
            # Of an int beyond all floats no bound is known; of a small fraction, none is needed.
            bits = max(value.numerator.bit_length(), value.denominator.bit_length())
            near = float(value) if bits < 1000 else math.inf
            return cls(np.array(near), ROUNDING * abs(near), abs(near), bits, lambda index: value)
        if isinstance(value, IntegerArray):
            bound = max(abs(value.low), abs(value.high))
            error = 0.0 if bound <= 2**53 else ROUNDING * bound
            whole = value.elements
            return cls(whole.astype(float), error, bound, 63, lambda index: int(whole[index]))
        floats = np.asarray(value)
        if floats.dtype.kind in "iu":
            return cls.of(IntegerArray(floats))
        if floats.dtype.kind != "f":
            raise QuantityError(f"an array of {floats.dtype}, where numbers are wanted")
        sizes = np.abs(floats[floats != 0])
        largest = float(sizes.max(initial=0.0))
        digits = [math.log2(largest), -math.log2(float(sizes.min()))] if sizes.size else [0.0]
        most = 60 + 2 * max(0.0, *digits)
        return cls(floats, ROUNDING * largest, largest, most, lambda i: exact(float(floats[i])))

    def __repr__(self) -> str:
        return f"RealArray({self.floats!r})"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.floats.shape

    def at(self, index: Index) -> Any:
        """The exact number at an index of an array that this one broadcasts to."""
        mine = index[len(index) - self.floats.ndim :]
        return self._at(
            tuple([0 if size == 1 else i for i, size in zip(mine, self.shape, strict=True)])
        )

    # ----- arithmetic -----

    def __add__(self, other: object) -> RealArray:
        return _sum(self, other, operator.add)

    def __radd__(self, other: object) -> RealArray:
        return _sum(other, self, operator.add)

    def __sub__(self, other: object) -> RealArray:
        return _sum(self, other, operator.sub)

    def __rsub__(self, other: object) -> RealArray:
        return _sum(other, self, operator.sub)

    def __mul__(self, other: object) -> RealArray:
        a, b = self, RealArray.of(other)
        error = a.error * b.largest + b.error * a.largest + a.error * b.error
        largest = a.largest * b.largest
        return _result(a, b, a.floats * b.floats, error, largest, operator.mul)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> RealArray:
        return _quotient(self, RealArray.of(other))

    def __rtruediv__(self, other: object) -> RealArray:
        return _quotient(RealArray.of(other), self)

    def __floordiv__(self, other: object) -> IntegerArray:
        return (self / other).floor()

    def __rfloordiv__(self, other: object) -> IntegerArray:
        return (other / self).floor()

    def __mod__(self, other: object) -> RealArray:
        return self - RealArray.of(other) * (self // other)

    def __rmod__(self, other: object) -> RealArray:
        return RealArray.of(other) % self

    def __pow__(self, exponent: int) -> RealArray:
        result = RealArray.of(np.ones(self.shape, dtype=np.int64))
        for _ in range(abs(exponent)):
            result = result * self
        return result if exponent >= 0 else 1 / result

    # ----- questions -----

    def __lt__(self, other: object) -> NDArray[np.bool_]:
        return self._compare(other, operator.lt)

    def __le__(self, other: object) -> NDArray[np.bool_]:
        return self._compare(other, operator.le)

    def __gt__(self, other: object) -> NDArray[np.bool_]:
        return self._compare(other, operator.gt)

    def __ge__(self, other: object) -> NDArray[np.bool_]:
        return self._compare(other, operator.ge)

    def __eq__(self, other: object) -> Any:
        return NotImplemented if _is_no_number(other) else self._compare(other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return NotImplemented if _is_no_number(other) else self._compare(other, operator.ne)

    __hash__ = None  # type: ignore[assignment]  # mutable elements, as numpy's own arrays

    def floor(self) -> IntegerArray:
        """The largest whole number that is not above, of each element."""
        return self._rounded(np.floor, math.floor)

    def ceil(self) -> IntegerArray:
        """The smallest whole number that is not below, of each element."""
        return self._rounded(np.ceil, math.ceil)

    def whole(self) -> IntegerArray | None:
        """The elements as whole numbers; None where they are none.

        Within `conditions.splitting()`, raises Diverged where some are and others not.
        """
        nearest = np.rint(self.floats)
        is_whole = np.asarray(np.abs(self.floats - nearest) <= self.error)
        whole = np.asarray(nearest).astype(np.int64)
        for index in _indices(is_whole):
            exact = self.at(index)
            is_whole[index] = exact.denominator == 1
            if is_whole[index]:
                whole[index] = exact.numerator
        return IntegerArray(whole) if all_or_none(is_whole, otherwise=False) else None

    def agreed(self) -> Any:
        """The exact number that all elements are; raises Diverged as `one_for_all`."""
        one_for_all(self.floats)
        exact = self.at((0,) * self.floats.ndim)
        return exact.numerator if exact.denominator == 1 else exact

    @staticmethod
    def min(a: object, b: object) -> RealArray:
        """The smaller of the two at each element."""
        return _extreme(RealArray.of(a), RealArray.of(b), np.minimum, min)

    @staticmethod
    def max(a: object, b: object) -> RealArray:
        """The larger of the two at each element."""
        return _extreme(RealArray.of(a), RealArray.of(b), np.maximum, max)

    def _compare(self, other: object, holds: Callable[[Any, Any], Any]) -> NDArray[np.bool_]:
        a, b = self, RealArray.of(other)
        difference = a.floats - b.floats
        error = (a.error + b.error + ROUNDING * (a.largest + b.largest)) * SLACK
        found = np.asarray(holds(difference, 0))
        for index in _indices(np.abs(difference) <= error):
            found[index] = holds(a.at(index), b.at(index))
        return found

    def _rounded(self, near: Callable[[Any], Any], exactly: Callable[[Any], int]) -> IntegerArray:
        whole = np.empty(self.shape, dtype=np.int64)
        floats, flat = self.floats.reshape(-1), whole.reshape(-1)
        bounds = []
        for start in range(0, len(floats), _AT_ONCE):
            some, into = floats[start : start + _AT_ONCE], flat[start : start + _AT_ONCE]
            found = near(some)
            above = some - found  # from -1 to 1
            into[:] = found
            # Floors are sure where all lies well between; else it is looked at which are not.
            ends = abs(float(above.min())), abs(float(above.max()))
            if min(ends) <= self.error or max(ends) >= 1 - self.error:
                distance = np.abs(above)
                unsure = (distance <= self.error) | (distance >= 1 - self.error)
                for number in np.flatnonzero(unsure).tolist():
                    index = np.unravel_index(start + number, self.shape)
                    into[number] = exactly(self.at(tuple(map(int, index))))
            bounds += [int(into.min()), int(into.max())]
        return IntegerArray(whole, min(bounds, default=0), max(bounds, default=0))

    def _one_by_one(self) -> None:
        one_for_all(np.arange(self.floats.size).reshape(self.shape))
        raise QuantityError("a number that does not fit in 64 bits")


def _sum(a: object, b: object, operation: Callable[[Any, Any], Any]) -> RealArray:
    x, y = RealArray.of(a), RealArray.of(b)
    largest = x.largest + y.largest
    return _result(x, y, operation(x.floats, y.floats), x.error + y.error, largest, operation)


def _quotient(a: RealArray, b: RealArray) -> RealArray:
    if all_or_none(b == 0, otherwise=True):
        raise ZeroDivisionError
    least = float(np.abs(b.floats).min(initial=math.inf))
    if not least > 2 * b.error:
        b._one_by_one()
    with np.errstate(over="ignore"):  # what passes all floats is looked at by itself
        floats = a.floats / b.floats
    largest = a.largest / least
    error = (a.error + largest * b.error) / (least - b.error)
    return _result(a, b, floats, error, largest, lambda x, y: Fraction(x) / y)


def _extreme(
    a: RealArray, b: RealArray, near: np.ufunc, exactly: Callable[[Any, Any], Any]
) -> RealArray:
    floats, error = near(a.floats, b.floats), max(a.error, b.error)
    largest, bits = max(a.largest, b.largest), max(a.bits, b.bits)
    return RealArray(floats, error, largest, bits, lambda i: exactly(a.at(i), b.at(i)))


def _result(
    a: RealArray,
    b: RealArray,
    floats: Any,
    error: float,
    largest: float,
    operation: Callable[[Any, Any], Any],
) -> RealArray:
    """What an operation on floats came to, with the error of their own rounding on top."""
    largest *= SLACK
    error = (error + ROUNDING * largest) * SLACK
    bits = a.bits + b.bits + 1
    return RealArray(
        np.asarray(floats), error, largest, bits, lambda i: operation(a.at(i), b.at(i))
    )


def _indices(chosen: Any) -> list[Index]:
    return [tuple(map(int, index)) for index in np.argwhere(chosen)]


def _is_no_number(value: object) -> bool:
    return value is None or isinstance(value, (str, list, tuple))
