"""Sets of whole numbers from 0 on as the bits of one int: number n is in the set where bit n is 1.

Python's ints have as many bits as there is room for, and shift and combine them at once. What
takes a time linear in the numbers goes through their binary digits, for the same reason.
"""

from __future__ import annotations

import re

MOST_BITS = 2**22  # of one set: half a megabyte


class NotFollowedError(Exception):
    """A set has an open size, or more numbers, or takes more steps, than the time allows."""


def full(count: int) -> int:
    """0 … count - 1.

    Raises:
        NotFollowedError: of more than `MOST_BITS` numbers, or of how many is open.
    """
    _require(count)
    return (1 << count) - 1


def single(number: int) -> int:
    """One number.

    Raises:
        NotFollowedError: it is too large.
    """
    _require(number + 1)
    return 1 << number


def between(first: int, last: int, count: int) -> int:
    """first … last, of those from 0 to count - 1."""
    first, last = max(first, 0), min(last, count - 1)
    return full(last - first + 1) << first if first <= last else 0


def first_of(bits: int) -> int:
    """The smallest number of a set that is not empty."""
    return (bits & -bits).bit_length() - 1


def last_of(bits: int) -> int:
    """The largest number of a set that is not empty."""
    return bits.bit_length() - 1


def is_run(bits: int) -> bool:
    """Whether a set that is not empty has no gaps."""
    return not (bits + (bits & -bits)) & bits


def runs(bits: int) -> list[tuple[int, int]]:
    """The first and last number of each run without gaps, in order."""
    return [(run.start(), run.end() - 1) for run in re.finditer("1+", _digits(bits))]


def members(bits: int) -> list[int]:
    """The numbers of a set, in order."""
    return [match.start() for match in re.finditer("1", _digits(bits))]


def shifted(bits: int, steps: int) -> int:
    """Every number moved by so many steps; those that come below 0 are lost."""
    if steps < 0:
        return bits >> -steps
    _require(bits.bit_length() + steps)
    return bits << steps


def rolled(bits: int, steps: int, count: int) -> int:
    """Every number, of those below `count`, moved by so many steps around the end."""
    steps %= count
    return (bits << steps | bits >> count - steps) & full(count)


def smeared(bits: int, count: int, step: int) -> int:
    """n, n + step, … n + (count - 1) step for every n of the set."""
    _require(bits.bit_length() + step * (count - 1))
    done = 1
    while done < count:
        more = min(done, count - done)
        bits |= bits << step * more
        done += more
    return bits


def spread(bits: int, step: int) -> int:
    """n step for every n of the set."""
    if step == 1 or not bits:
        return bits
    first = first_of(bits)
    _require(last_of(bits) * step + 1)
    if bits >> first == 1:
        return 1 << first * step
    return int(("0" * (step - 1)).join(f"{bits:b}"), 2)


def thinned(bits: int, step: int, start: int = 0) -> int:
    """n for every start + n step of the set."""
    if step == 1:
        return bits >> start
    return _from_digits(_digits(bits)[start::step])


def interleaved(bits: int, rows: int, columns: int) -> int:
    """(n % rows) columns + n // rows for every n of the set, of rows x columns numbers."""
    if bits == full(rows * columns):
        return bits
    digits = _digits(bits).ljust(rows * columns, "0")
    return _from_digits("".join([digits[row::rows] for row in range(rows)]))


def chunks(bits: int, count: int, size: int) -> dict[int, int]:
    """The set cut into `count` sets of `size` numbers each, counted from 0.

    Returns:
        For each set that is not empty, the numbers of the places where it stands, as a set.
    """
    _require(count * size)
    digits = _digits(bits).ljust(count * size, "0")
    places: dict[str, list[int]] = {}
    for place in range(count):
        places.setdefault(digits[place * size : (place + 1) * size], []).append(place)
    found = {}
    for text, numbers in places.items():
        if "1" in text:
            marks = bytearray(b"0" * count)
            for number in numbers:
                marks[number] = ord("1")
            found[_from_digits(text)] = _from_digits(marks.decode())
    return found


def repeated(bits: int, size: int, places: int) -> int:
    """place x size + n for every place of a set, and every n, below `size`, of another."""
    _require(places.bit_length() * size)
    row, gap = _digits(bits).ljust(size, "0"), "0" * size
    return _from_digits("".join([row if place == "1" else gap for place in _digits(places)]))


def _digits(bits: int) -> str:
    """Bit 0 first."""
    return f"{bits:b}"[::-1]


def _from_digits(digits: str) -> int:
    return int(digits[::-1] or "0", 2)


def _require(bits: int) -> None:
    if type(bits) is not int or bits > MOST_BITS:
        raise NotFollowedError
