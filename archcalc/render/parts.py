"""Settings of a space in a Parquet file, written chunk by chunk, each as a row group.

Each chunk is a file of Arrow in a folder beside it, which gets its name when all of it is there:
what is half written never counts, and what is there is not computed again. In the end they become
one file, which alone is encoded as Parquet: wherever chunks came from, its bytes are the same.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.errors import UsageError, refused_by_system
from archcalc.quantity.arithmetic import plain
from archcalc.render.output import json_text

if TYPE_CHECKING:
    from archcalc.parametric.choosing.selection import Selection
    from archcalc.parametric.choosing.streaming import Stream

PLAN = "plan.json"


def folder_of(target: Path) -> Path:
    """The folder of the chunks of a file."""
    return target.with_name(f"{target.name}.parts")


def begin(stream: Stream, target: Path, version: str) -> list[int]:
    """Makes the folder of the chunks; which of them are not there yet.

    Raises:
        UsageError: the file is there already, or the folder is that of other settings.
    """
    if target.exists():
        raise UsageError(f"{target} is there already")
    folder, plan = folder_of(target), json_text({"archcalc": version, **stream.record()})
    with refused_by_system(folder):
        folder.mkdir(exist_ok=True)
        known = folder / PLAN
        if known.exists():
            if known.read_text(encoding="utf-8") != plan:
                raise UsageError(f"{folder} has chunks of other settings; remove it to start anew")
        else:
            _whole(known, folder, lambda part: part.write_text(plan, encoding="utf-8"))
    return [n for n in range(stream.chunks) if not _chunk(folder, n).exists()]


@contextmanager
def left_clean(target: Path) -> Iterator[None]:
    """Within it, what is wrong before any chunk is there leaves no folder behind."""
    try:
        yield
    except UsageError:
        folder = folder_of(target)
        if not [*folder.glob("*.arrow")]:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def write_chunk(stream: Stream, target: Path, number: int) -> int:
    """Computes a chunk and writes it; its number.

    Raises:
        UsageError: a figure is unknown or no whole number; the file cannot be written.
    """
    return keep_chunk(target, number, chunk(stream, number))


def chunk(stream: Stream, number: int) -> bytes:
    """Computes a chunk: the content of its file.

    Raises:
        UsageError: a figure is unknown or no whole number.
    """
    from pyarrow import BufferOutputStream
    from pyarrow.ipc import new_file

    table = _table(stream.chunk(number), stream.quantities)
    gc.collect()  # arrays in circles: few objects, and most of the memory
    sink = BufferOutputStream()
    with new_file(sink, table.schema) as file:
        file.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def chunk_by_version(stream: Stream, number: int, version: str) -> bytes:
    """As `chunk`, on another machine. Raises UsageError also where it has another archcalc."""
    from archcalc import __version__

    if __version__ != version:
        raise UsageError(f"a worker has archcalc {__version__}, and this is {version}")
    return chunk(stream, number)


def keep_chunk(target: Path, number: int, content: bytes) -> int:
    """Writes a chunk that was computed; its number. Raises UsageError where it cannot."""
    folder = folder_of(target)
    path = _chunk(folder, number)
    with refused_by_system(path):
        _whole(path, folder, lambda part: part.write_bytes(content))
    return number


def finish(stream: Stream, target: Path) -> None:
    """Makes one file of all chunks, and removes them.

    Raises:
        UsageError: the file cannot be written.
    """
    folder = folder_of(target)
    with refused_by_system(target):
        _whole(target, folder, lambda part: _joined(part, folder, stream.chunks))
        shutil.rmtree(folder)


def _joined(path: Path, folder: Path, chunks: int) -> None:
    from pyarrow import ArrowInvalid, memory_map
    from pyarrow.ipc import open_file
    from pyarrow.parquet import ParquetWriter

    def tables() -> Iterator[Any]:
        for number in range(chunks):
            path = _chunk(folder, number)
            try:
                with memory_map(str(path)) as file:
                    table = open_file(file).read_all()
            except ArrowInvalid:
                raise UsageError(f"{path} is damaged; without it, it is computed again") from None
            yield table

    with memory_map(str(_chunk(folder, 0))) as file:
        schema = open_file(file).schema
    with ParquetWriter(path, schema, **_encoding(schema)) as writer:
        for number, table in enumerate(tables()):
            if table.num_rows or not number:
                writer.write_table(table, row_group_size=max(1, table.num_rows))


def _encoding(schema: Any) -> dict[str, Any]:
    """How columns are written: figures and draws are mostly different, which a dictionary of
    them would find out again for each chunk; whole numbers are shorter as differences."""
    from pyarrow import types

    return {
        "use_dictionary": [f.name for f in schema if not types.is_primitive(f.type)],
        "store_schema": False,  # of Arrow, in which the networks are a dictionary, and not texts
        "column_encoding": {
            field.name: "DELTA_BINARY_PACKED" for field in schema if types.is_int64(field.type)
        },
    }


def _chunk(folder: Path, number: int) -> Path:
    return folder / f"{number:08}.arrow"


def _whole(path: Path, folder: Path, write: Any) -> None:
    """Has a file written under another name, and gives it its own when it is on the disk.

    Args:
        folder: of that other name: whoever is killed leaves the half of a file in it.
    """
    part = folder / f".{path.name}.{os.getpid()}.part"
    try:
        write(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _table(selection: Selection, quantities: tuple[str, ...]) -> Any:
    import pyarrow

    labels = selection.figures.labels
    columns = dict(
        zip([*labels, *quantities], selection.columns([*labels, *quantities]), strict=True)
    )
    found: dict[str, Any] = {}
    for name, column in columns.items():
        values, missing = column.values, ~column.known | column.least
        if name in labels:
            if values.dtype == object:
                found[name] = pyarrow.array([*map(_text, values)], type=pyarrow.string())
            else:
                found[name] = pyarrow.array(values)
        elif values.dtype == object and not missing.all():
            raise UsageError(f"{name} is no whole number at some settings, as a stream takes them")
        else:
            found[name] = pyarrow.array(
                values.astype("int64", copy=False) if values.dtype != object else [0] * len(values),
                type=pyarrow.int64(), mask=missing,
            )  # fmt: skip
    found["valid"] = pyarrow.array(selection.figures.valid(selection.rows))
    network, number = selection.figures.sweeps[0].about, bytes(len(selection.rows))
    found["network"] = pyarrow.DictionaryArray.from_arrays(
        pyarrow.Array.from_buffers(pyarrow.int8(), len(number), [None, pyarrow.py_buffer(number)]),
        [network],
    )
    return pyarrow.table(found)


def _text(value: Any) -> str:
    return str(plain(value))
