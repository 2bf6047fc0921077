"""An ONNX file without the values of its large tensors, which no figure needs.

A file may hold gigabytes of weights. What is kept is their names and shapes: the file is copied
field by field, as protobuf writes them ("Encoding", protobuf.dev), without the long values.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

from archcalc.errors import UsageError, refused_by_system

LONGEST = 16_384  # bytes of the values of a tensor that are kept
MOST_BYTES = 64 << 20  # of all that is kept
MOST_NODES = 50_000
MOST_LEVELS = 20  # of graphs within graphs

_Grammar: TypeAlias = "Mapping[int, str]"
# By the message: the numbers of the fields that hold messages to look into (onnx.proto).
_MESSAGES: Final[dict[str, _Grammar]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_VALUES = frozenset([4, 5, 6, 7, 9, 10, 11])  # fields of a tensor that hold its values
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}


def skimmed(path: str) -> bytes:
    """The bytes of an ONNX file without the values of tensors that are longer than `LONGEST`.

    Raises:
        UsageError: it cannot be read, is not written as protobuf writes, or is too large without
            its values.
    """
    with refused_by_system(path), Path(path).open("rb") as file:
        if not file.seek(0, 2):
            raise UsageError(f"{path} is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return bytes(_Skim(path, data).message("model", 0, len(data), 0))


class _Skim:
    def __init__(self, path: str, data: mmap.mmap) -> None:
        self._path = path
        self._data = data
        self._nodes = 0
        self._kept = 0

    def message(self, kind: str, start: int, end: int, level: int) -> bytearray:
        """The message between two bytes, copied."""
        inside = _MESSAGES[kind]
        if kind == "node":
            self._nodes += 1
            if self._nodes > MOST_NODES:
                raise UsageError(f"{self._path} has more than {MOST_NODES:,} nodes")
        if level > 4 * MOST_LEVELS:
            raise UsageError(f"{self._path} has graphs within graphs, more than {MOST_LEVELS} deep")
        copied = bytearray()
        place = start
        while place < end:
            first = place
            tag, place = self._varint(place, end)
            field, wire = tag >> 3, tag & 7
            if wire == _BYTES:
                length, place = self._varint(place, end)
                after = place + length
                if after > end:
                    raise self._broken(first)
                if field in inside:
                    part = self.message(inside[field], place, after, level + 1)
                    copied += _encoded(tag) + _encoded(len(part)) + part
                elif kind != "tensor" or field not in _VALUES or length <= LONGEST:
                    self._keep(after - first)
                    copied += self._data[first:after]
                place = after
            else:
                if wire == _VARINT:
                    _, place = self._varint(place, end)
                elif wire in _FIXED:
                    place += _FIXED[wire]
                else:
                    raise self._broken(first)
                if place > end:
                    raise self._broken(first)
                self._keep(place - first)
                copied += self._data[first:place]
        return copied

    def _varint(self, place: int, end: int) -> tuple[int, int]:
        """A number as protobuf writes it, seven bits a byte, and the place behind it."""
        value = 0
        for shift in range(0, 70, 7):
            if place >= end:
                break
            byte = self._data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, place
        raise self._broken(place)

    def _keep(self, count: int) -> None:
        self._kept += count
        if self._kept > MOST_BYTES:
            raise UsageError(f"{self._path} has more than {MOST_BYTES:,} bytes beside its weights")

    def _broken(self, place: int) -> UsageError:
        return UsageError(f"{self._path} is no ONNX file, or a broken one: byte {place:,}")


def _encoded(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)
