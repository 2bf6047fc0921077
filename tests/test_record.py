"""Records: equal by value, unchangeable, small, and quick to define."""

from __future__ import annotations

import copy
import pickle
from functools import cached_property
from typing import ClassVar

import pytest

from archcalc.record import Record, as_dict, replace


class Point(Record):
    """Fields with and without a default, and what is none."""

    not_shown: ClassVar[tuple[str, ...]] = ("note",)

    x: int
    y: int = 2
    note: str = ""

    @property
    def sum(self) -> int:
        return self.x + self.y


class Pixel(Point):
    """Adds a field to those of its base."""

    channel: int = 0


class Nothing(Record):
    """Has no field."""


class OnlyX(Point):
    """Equal where x is."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OnlyX) and self.x == other.x

    def __hash__(self) -> int:
        return self.x


class Square(Record):
    """Keeps what it has computed."""

    side: int

    @cached_property
    def area(self) -> list[int]:
        return [self.side**2]


def test_fields_are_given_by_place_or_by_keyword_and_have_defaults() -> None:
    assert (Point(1).x, Point(1).y) == (1, 2)
    assert Point(1, y=3) == Point(x=1, y=3) == Point(1, 3, "")
    assert as_dict(Pixel(1, channel=4)) == {"x": 1, "y": 2, "note": "", "channel": 4}
    assert Point(1).sum == 3


@pytest.mark.parametrize("arguments", [{}, {"x": 1, "z": 2}])
def test_a_missing_or_unknown_field_is_refused(arguments: dict[str, int]) -> None:
    for _ in range(2):  # the first call of a class is a special one
        with pytest.raises(TypeError, match=r"Point\.__init__\(\)"):
            Point(**arguments)  # type: ignore[arg-type]  # what is tested


def test_records_of_one_class_with_equal_fields_are_equal() -> None:
    assert Point(1) == Point(1)
    assert hash(Point(1)) == hash(Point(1))
    assert Point(1) != Point(2)
    assert Point(1) != Pixel(1)
    assert Nothing() == Nothing()
    assert OnlyX(1, 2) == OnlyX(1, 3)
    assert len({OnlyX(1, 2), OnlyX(1, 3)}) == 1


def test_a_record_cannot_be_changed() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 2  # type: ignore[misc]  # what is tested
    with pytest.raises(AttributeError, match="frozen"):
        del point.x
    assert not hasattr(point, "__dict__")
    assert replace(point, x=5) == Point(5)
    assert point == Point(1)


def test_a_pattern_matches_the_fields_by_place() -> None:
    match Pixel(1, 2, "a", 3):
        case Pixel(x, y, _, channel):
            assert (x, y, channel) == (1, 2, 3)
        case _:
            raise AssertionError


def test_its_text_shows_all_fields_but_those_that_are_not_to_be_shown() -> None:
    assert repr(Pixel(1, note="long")) == "Pixel(x=1, y=2, channel=0)"


@pytest.mark.parametrize("record", [Point(1, 2, "a"), Pixel(1, channel=3), Nothing()])
def test_a_record_can_be_copied_and_pickled(record: Record) -> None:
    assert pickle.loads(pickle.dumps(record)) == record
    assert copy.copy(record) == copy.deepcopy(record) == record


def test_what_a_record_keeps_is_computed_once_and_is_no_field() -> None:
    square = Square(3)
    assert square.area is square.area
    assert as_dict(square) == {"side": 3}
    assert square == Square(3)
    assert hash(square) == hash(Square(3))
    assert replace(square, side=4).area == [16]
    assert pickle.loads(pickle.dumps(square)) == square
    with pytest.raises(AttributeError, match="frozen"):
        square.side = 2  # type: ignore[misc]  # what is tested
