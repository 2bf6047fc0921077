"""Records: named values that do not change.

`Record` does what `dataclass(frozen=True, slots=True)` does, which takes 8 ms to import and half
a millisecond for each class; a NamedTuple takes a quarter. Together that was a quarter of what
`archcalc table` takes. So: a `Record` where a table loads it, a NamedTuple where it has to be a
tuple, a dataclass where it changes.
"""

from __future__ import annotations

from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

_FEW = 30  # records of a class, before it takes an `__init__` of its own


class _RecordType(type):
    """Makes the annotated names of a class its fields: slots, in order, with their defaults.

    A record with a `cached_property` has a place for what that keeps, which is no field.
    """

    _fields: tuple[str, ...]
    _read: Callable[[Any], tuple[Any, ...]]
    _defaults: dict[str, Any]
    _until_written: int

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        annotations: dict[str, str] = namespace.get("__annotations__", {})
        own = [field for field, text in annotations.items() if not text.startswith("ClassVar")]
        given = {field: namespace.pop(field) for field in own if field in namespace}
        keeps = any(isinstance(value, cached_property) for value in namespace.values())
        slots = (*own, "__dict__") if keeps else tuple(own)
        namespace |= {"__slots__": slots, "__init__": _init_of_few}
        made: Any = super().__new__(cls, name, bases, namespace)
        made._fields = (*getattr(made, "_fields", ()), *own)
        made._read = _reader(made._fields)
        setattr(made, "__match_args__", made._fields)  # noqa: B010  the type checker forbids `=`
        made._defaults = getattr(made, "_defaults", {}) | given
        made._until_written = _FEW
        return made


def _reader(fields: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """What reads attributes as a tuple; of fewer than two `attrgetter` makes none."""
    if len(fields) > 1:
        return attrgetter(*fields)
    return lambda record: tuple([getattr(record, field) for field in fields])


def _init_of_few(self: Any, *values: Any, **named: Any) -> None:
    """The first `__init__` of a class, until it has been called a few times: to write the other
    takes as long as to make many records by this one."""
    kind: Any = type(self)
    names = [*kind._fields[: len(values)], *named]
    given = kind._defaults | dict(zip(names, (*values, *named.values()), strict=False))
    once = len({*names}) == len(values) + len(named)
    if kind._until_written > 0 and once and given.keys() == {*kind._fields}:
        kind._until_written -= 1
        for field, value in given.items():
            object.__setattr__(self, field, value)
        return
    kind.__init__ = _written_init(kind)
    kind.__init__(self, *values, **named)  # which says what is wrong, if anything is


def _written_init(kind: Any) -> Any:
    """An `__init__` as somebody would write it for a class."""
    fields, defaults = kind._fields, kind._defaults
    scope = {f"set_{field}": getattr(kind, field).__set__ for field in fields}
    scope |= {f"default_{field}": value for field, value in defaults.items()}
    arguments = [f"{field}=default_{field}" if field in defaults else field for field in fields]
    lines = [
        f"def __init__({', '.join(['self', *arguments])}):",
        *([f"    set_{field}(self, {field})" for field in fields] or ["    pass"]),
    ]
    exec("\n".join(lines), scope)
    written: Any = scope["__init__"]
    written.__qualname__ = f"{kind.__qualname__}.__init__"  # in messages of a TypeError
    return written


@dataclass_transform(frozen_default=True)
class Record(metaclass=_RecordType):
    """A record: its annotated attributes are its fields, given by place or by keyword.

    Two are equal where they are of one class and their fields are equal. Class attributes:
        not_shown: fields that its `repr` leaves out.
    """

    not_shown: ClassVar[tuple[str, ...]] = ()

    def _values(self) -> tuple[Any, ...]:
        return type(self)._read(self)

    def __eq__(self, other: object) -> bool:
        if type(self) is type(other):
            return self._values() == other._values()
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        shown = [f"{n}={v!r}" for n, v in as_dict(self).items() if n not in self.not_shown]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be deleted")

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), self._values()


R = TypeVar("R", bound=Record)


def as_dict(record: Record) -> dict[str, Any]:
    """The fields of a record, by name, in order."""
    return dict(zip(type(record)._fields, record._values(), strict=True))


def replace(record: R, /, **changes: Any) -> R:
    """The same record with other values of some fields."""
    return type(record)(**(as_dict(record) | changes))
