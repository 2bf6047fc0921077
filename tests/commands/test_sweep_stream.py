"""`archcalc sweep -o FILE.parquet`: chunks that are written once, and the same bytes in the end."""

from __future__ import annotations

import csv
import gc
import io
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from archcalc.parametric.choosing import streaming
from archcalc.quantity.integer_array import IntegerArray
from archcalc.render import parts
from tests.commands.calling import assert_refused, called
from tests.commands.small_sweeps import DRAWN, SPACE, TINY

pyarrow_parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(TINY)
    monkeypatch.setattr(streaming, "CHUNK", 100)


def rows_of(file: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in pyarrow_parquet.read_table(file).to_pylist()]


@pytest.mark.parametrize("more", [(), ("--where", "macs <= 100K and params > 1K")])
@pytest.mark.parametrize("space", [SPACE, DRAWN], ids=["all", "drawn"])
def test_the_settings_are_those_of_the_call_without_a_file(
    space: tuple[str, ...], more: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = called(capsys, *space, *more, "-o", "a.parquet")
    assert (status, out, err) == (0, "", "")
    printed = called(capsys, *space, *more, "--format", "csv")[1]
    _, *expected = csv.reader(io.StringIO(printed))
    found = rows_of("a.parquet")
    assert [[*map(str, row[:4])] for row in found] == [row[:4] for row in expected]
    assert {row[4:] for row in found} == {(True, "tiny")}
    assert not Path("a.parquet.parts").exists()
    if not more:
        assert pyarrow_parquet.ParquetFile("a.parquet").num_row_groups == len(found) // 100 + (
            len(found) % 100 > 0
        )


def test_invalid_settings_have_no_figures(capsys: pytest.CaptureFixture[str]) -> None:
    called(capsys, "sweep", "lenet5", "--over", "H=8,32", "--figures", "macs", "-o", "a.parquet")
    (bad, good) = rows_of("a.parquet")
    assert bad == (8, None, False, "lenet5")
    assert good[2] is True


def test_several_processes_write_the_same_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    called(capsys, *DRAWN, "-o", "one.parquet")
    assert called(capsys, *DRAWN, "-o", "two.parquet", "--workers", "2")[0] == 0
    assert Path("one.parquet").read_bytes() == Path("two.parquet").read_bytes()


def test_what_is_there_is_not_computed_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    called(capsys, *SPACE, "-o", "whole.parquet")
    write, written = parts._table, 0

    def stopped(*given: Any) -> Any:
        nonlocal written
        written += 1
        if written == 4:
            raise KeyboardInterrupt
        return write(*given)

    monkeypatch.setattr(parts, "_table", stopped)
    assert called(capsys, *SPACE, "-o", "a.parquet")[0] == 130
    folder = Path("a.parquet.parts")
    assert sorted(path.name for path in folder.iterdir()) == [
        "00000000.arrow", "00000001.arrow", "00000002.arrow", "plan.json",
    ]  # fmt: skip
    (folder / ".00000003.arrow.1.part").write_bytes(b"half of it")
    status, _, err = called(capsys, *SPACE, "-o", "a.parquet")
    assert (status, written) == (0, 4 + 7)
    assert "note: 3 of 10 chunks are there" in err
    assert Path("a.parquet").read_bytes() == Path("whole.parquet").read_bytes()


def test_memory_does_not_grow_with_the_chunks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arrays in circles are many bytes in few objects, which Python would collect late."""
    table, alive = parts._table, list[int]()

    def counted(*given: Any) -> Any:
        alive.append(sum(type(found) is IntegerArray for found in gc.get_objects()))
        return table(*given)

    monkeypatch.setattr(parts, "_table", counted)
    gc.disable()
    try:
        real = ("sweep", "tiny.yaml", "--over", "n=1..9,0.5", "--over", "H=1..50")
        called(capsys, *real, "--figures", "macs", "-o", "a.parquet")
    finally:
        gc.enable()
    assert len(alive) == 5
    assert max(alive) - min(alive) <= 1  # that of a chunk itself may be one more


KILLED = """
from archcalc.parametric.choosing import streaming
from archcalc.cli import main
streaming.CHUNK = 100
main({words})
"""


def test_killed_at_any_moment_it_gives_the_same_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    called(capsys, *SPACE, "-o", "whole.parquet")
    code = KILLED.format(words=[*SPACE, "-o", "a.parquet"])
    process = subprocess.Popen([sys.executable, "-c", code])
    first = Path("a.parquet.parts/00000001.arrow")
    end = time.monotonic() + 60
    while not first.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if not Path("a.parquet").exists():
        assert called(capsys, *SPACE, "-o", "a.parquet")[0] == 0
    assert Path("a.parquet").read_bytes() == Path("whole.parquet").read_bytes()


def test_chunks_of_other_settings_are_not_taken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*given: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(parts, "_table", stopped)
        called(capsys, *SPACE, "-o", "a.parquet")
    answer = called(capsys, *SPACE, "--batch", "2", "-o", "a.parquet")
    assert_refused(answer, "a.parquet.parts has chunks of other settings; remove it to start anew")


def test_a_file_that_is_there_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.parquet").write_text("mine")
    assert_refused(called(capsys, *SPACE, "-o", "a.parquet"), "a.parquet is there already")
    assert Path("a.parquet").read_text() == "mine"


REFUSED = {
    "--sort macs": "--sort: looks at all settings at once, and a file is written in chunks",
    "--latin --sample 9": "--latin: looks at all settings at once",
    "--figures training_peak": "training_peak takes a walk for each setting",
    "--figures macs/params": "macs/params is no whole number at some settings",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_a_file_cannot_have_is_refused(
    words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archcalc.parametric.choosing.columns.MOST_WALKED", 50)
    given = [word for word in SPACE if not ("figures" in words and word in SPACE[-2:])]
    assert_refused(called(capsys, *given, *words.split(), "-o", "a.parquet"), REFUSED[words])
    assert [path.name for path in Path().iterdir()] == ["tiny.yaml"]


def test_a_file_that_cannot_be_written_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(called(capsys, *SPACE, "-o", "no/a.parquet"), "No such file or directory")


def test_a_file_that_is_no_parquet_has_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert called(capsys, *SPACE, "-o", "a.csv") == (0, "", "")
    _, out, _ = called(capsys, *SPACE, "--format", "csv")
    assert Path("a.csv").read_text() == out


def test_force_starts_a_file_anew(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.parquet").write_text("mine")
    assert called(capsys, *SPACE, "-o", "a.parquet", "--force")[0] == 0
    assert Path("a.parquet").read_bytes().startswith(b"PAR1")
