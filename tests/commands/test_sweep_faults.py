"""`archcalc sweep -o FILE.parquet` where the system fails: one line, and nothing half-written.

The same of a Dask cluster is in test_sweep_cluster.py.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest

from archcalc.render import parts
from tests.commands.calling import assert_refused, called
from tests.commands.small_sweeps import DRAWN

pytest.importorskip("pyarrow")
pytestmark = pytest.mark.usefixtures("many_chunks")
WORDS = (*DRAWN, "-o", "a.parquet")
FOLDER = Path("a.parquet.parts")


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Within it the system writes no file of more bytes, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def assert_goes_on(capsys: pytest.CaptureFixture[str], drawn_bytes: bytes, chunks: int) -> None:
    """Called again, it keeps the chunks that are there, and ends with the same bytes."""
    assert not Path("a.parquet").exists()
    assert len([*FOLDER.glob("*.arrow")]) == chunks
    note = f"archcalc: note: {chunks} of 13 chunks are there\n" if chunks else ""
    assert called(capsys, *WORDS) == (0, "", note)
    assert Path("a.parquet").read_bytes() == drawn_bytes
    assert not FOLDER.exists()


def test_a_disk_that_is_full_from_the_start(
    drawn_bytes: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also as it is told by another process."""
    with files_up_to(600):  # there is room for what says of which settings the chunks are
        answer = called(capsys, *WORDS, "--workers", "2")
    assert_refused(answer, ".arrow: File too large")
    assert not FOLDER.exists()
    assert_goes_on(capsys, drawn_bytes, 0)


def test_a_disk_that_gets_full(
    drawn_bytes: bytes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write, number = parts.write_chunk, 0

    def filling(*given: Any) -> int:
        nonlocal number
        number += 1
        with files_up_to(10**9 if number <= 3 else 600):
            return write(*given)

    with monkeypatch.context() as patched:
        patched.setattr("archcalc.commands.streams.write_chunk", filling)
        assert_refused(called(capsys, *WORDS), f"{FOLDER / '00000003.arrow'}: File too large")
    assert not [*FOLDER.glob(".*.part")]
    assert_goes_on(capsys, drawn_bytes, 3)


def test_a_disk_that_has_no_room_for_the_whole(
    drawn_bytes: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with files_up_to(len(drawn_bytes) - 1):
        assert_refused(called(capsys, *WORDS), "archcalc: a.parquet: File too large")
    assert not [*FOLDER.glob(".*.part")]
    assert_goes_on(capsys, drawn_bytes, 13)


def test_a_process_that_is_killed(
    drawn_bytes: bytes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = futures.wait

    def killing(*given: Any, **named: Any) -> Any:
        done = wait(*given, **named)
        for child in active_children()[:1]:  # none are left when this is called again
            child.kill()
        return done

    with monkeypatch.context() as patched:
        patched.setattr("archcalc.commands.processes.wait", killing)
        answer = called(capsys, *WORDS, "--workers", "2")
    assert_refused(answer, "archcalc: a process that computed settings has died; called again, the")
    assert_goes_on(capsys, drawn_bytes, len([*FOLDER.glob("*.arrow")]))


def test_a_chunk_that_the_disk_has_damaged(
    drawn_bytes: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with files_up_to(len(drawn_bytes) - 1):
        called(capsys, *WORDS)
    damaged = FOLDER / "00000007.arrow"
    content = damaged.read_bytes()
    for left in (b"", content[: len(content) // 2], content[:-1]):
        damaged.write_bytes(left)
        status, out, err = called(capsys, *WORDS)
        note, message = err.splitlines()
        assert (status, out, "13 of 13" in note) == (2, "", True)
        assert message == f"archcalc: {damaged} is damaged; without it, it is computed again"
    damaged.unlink()
    assert_goes_on(capsys, drawn_bytes, 12)


def test_what_a_killed_run_leaves_of_the_whole_goes_with_the_folder(
    drawn_bytes: bytes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(part: Path, *given: Any) -> None:
        (part.parent / ".that.of.another.part").write_bytes(b"half of it")  # no `finally` removes
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(parts, "_joined", killed)
        assert called(capsys, *WORDS)[0] == 130
    assert sorted(path.name for path in Path().iterdir()) == ["a.parquet.parts", "tiny.yaml"]
    assert_goes_on(capsys, drawn_bytes, 13)
