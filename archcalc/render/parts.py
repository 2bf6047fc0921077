"""Settings of a space in a Parquet file, written chunk by chunk, each as a row group.

Each chunk is a file in a folder beside it, which gets its name when all of it is there: what is
half written never counts, and what is there is not computed again. In the end they become one file.
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
            _whole(known, lambda part: part.write_text(plan, encoding="utf-8"))
    return [n for n in range(stream.chunks) if not _chunk(folder, n).exists()]


@contextmanager
def left_clean(target: Path) -> Iterator[None]:
    """Within it, what is wrong before any chunk is there leaves no folder behind."""
    try:
        yield
    except UsageError:
        folder = folder_of(target)
        if not [*folder.glob("*.parquet")]:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def write_chunk(stream: Stream, target: Path, number: int) -> int:
    """Computes a chunk and writes it; its number.

    Raises:
        UsageError: a figure is unknown or no whole number; the file cannot be written.
    """
    from pyarrow.parquet import write_table

    table = _table(stream.chunk(number), stream.quantities)
    gc.collect()  # arrays in circles: few objects, and most of the memory
    path = _chunk(folder_of(target), number)
    with refused_by_system(path):
        _whole(path, lambda part: write_table(table, part))
    return number


def finish(stream: Stream, target: Path) -> None:
    """Makes one file of all chunks, and removes them.

    Raises:
        UsageError: the file cannot be written.
    """
    folder = folder_of(target)
    with refused_by_system(target):
        _whole(target, lambda part: _joined(part, folder, stream.chunks))
        shutil.rmtree(folder)


def _joined(path: Path, folder: Path, chunks: int) -> None:
    from pyarrow.parquet import ParquetWriter, read_schema, read_table

    with ParquetWriter(path, read_schema(_chunk(folder, 0))) as writer:
        for number in range(chunks):
            table = read_table(_chunk(folder, number))
            if table.num_rows or not number:
                writer.write_table(table, row_group_size=max(1, table.num_rows))


def _chunk(folder: Path, number: int) -> Path:
    return folder / f"{number:08}.parquet"


def _whole(path: Path, write: Any) -> None:
    """Has a file written under another name, and gives it its own when it is on the disk."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
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
    network = selection.figures.sweeps[0].about
    found["network"] = pyarrow.repeat(pyarrow.scalar(network), len(selection.rows))
    return pyarrow.table(found)


def _text(value: Any) -> str:
    return str(plain(value))
