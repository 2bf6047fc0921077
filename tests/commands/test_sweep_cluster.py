"""`archcalc sweep -o FILE.parquet --scheduler tcp://…`: chunks that a Dask cluster computes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.record import Record
from archcalc.render import parts
from tests.commands.calling import assert_refused, called
from tests.commands.small_sweeps import DRAWN

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.usefixtures("many_chunks")
NOWHERE = "tcp://127.0.0.1:9"  # the port of a service that throws all away, and is not there


class Cluster(Record):
    """A scheduler and its workers, each a process."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of two workers, started once: the tests kill it, one process after the other."""
    folder = tmp_path_factory.mktemp("cluster")
    known, processes = folder / "scheduler.json", list[subprocess.Popen[bytes]]()

    def start(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words, "--scheduler-file", str(known)]
        quiet = subprocess.DEVNULL
        processes.append(subprocess.Popen(command, stdout=quiet, stderr=quiet))
        return processes[-1]

    try:
        scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        place = ("--no-dashboard", "--local-directory", str(folder))
        workers = [start("worker", "--nthreads", "1", "--no-nanny", *place) for _ in range(2)]
        address = _address(known)
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield Cluster(address, scheduler, workers)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _address(known: Path) -> str:
    """What a scheduler writes into a file, as soon as all of it is there."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(OSError, ValueError):
            address: str = json.loads(known.read_text())["address"]
            return address
        time.sleep(0.01)
    raise AssertionError("the scheduler does not start")


def killing(monkeypatch: pytest.MonkeyPatch, *processes: subprocess.Popen[bytes]) -> None:
    """Has processes killed when two chunks have been written."""
    keep, kept = parts.keep_chunk, list[int]()

    def counted(*given: Any) -> int:
        kept.append(keep(*given))
        if len(kept) == 2:
            for process in processes:
                process.send_signal(signal.SIGKILL)
                process.wait()
        return kept[-1]

    monkeypatch.setattr("archcalc.commands.streams.keep_chunk", counted)


# In this order: each leaves less of the cluster.


def test_a_cluster_gives_the_same_bytes(
    cluster: Cluster, drawn_bytes: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = called(capsys, *DRAWN, "-o", "a.parquet", "--scheduler", cluster.address)
    assert answer == (0, "", "")
    assert Path("a.parquet").read_bytes() == drawn_bytes


def test_what_is_wrong_on_a_worker_is_one_line(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*DRAWN[:-1], "macs/params", "-o", "a.parquet", "--scheduler", cluster.address)
    assert_refused(called(capsys, *words), "macs/params is no whole number at some settings")
    assert not Path("a.parquet.parts").exists()


def test_a_worker_of_another_version_is_refused(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    version = archcalc.__version__
    monkeypatch.setattr("archcalc.__version__", "0.0.1")
    words = (*DRAWN, "-o", "a.parquet", "--scheduler", cluster.address)
    assert_refused(called(capsys, *words), f"has archcalc {version}, and this is 0.0.1")
    # One that comes later says so itself.
    monkeypatch.setattr("archcalc.commands.cluster._require_version", lambda *given: None)
    assert_refused(called(capsys, *words), f"has archcalc {version}, and this is 0.0.1")


def test_a_worker_that_dies_is_done_without(
    cluster: Cluster,
    drawn_bytes: bytes,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killing(monkeypatch, cluster.workers[0])
    answer = called(capsys, *DRAWN, "-o", "a.parquet", "--scheduler", cluster.address)
    assert answer == (0, "", "")
    assert Path("a.parquet").read_bytes() == drawn_bytes


def test_without_any_worker_it_ends_and_can_go_on(
    cluster: Cluster,
    drawn_bytes: bytes,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killing(monkeypatch, *cluster.workers)
    monkeypatch.setattr("archcalc.commands.cluster.PATIENCE", 0.5)
    words = (*DRAWN, "-o", "a.parquet")
    answer = called(capsys, *words, "--scheduler", cluster.address)
    assert_refused(answer, f"--scheduler: {cluster.address} has no worker")
    assert not Path("a.parquet").exists()
    status, _, err = called(capsys, *words)
    assert (status, "of 13 chunks are there" in err) == (0, True)
    assert Path("a.parquet").read_bytes() == drawn_bytes


def test_a_scheduler_that_dies_is_one_line(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archcalc.commands.cluster.PATIENCE", 60)
    waiting = distributed.wait

    def killed(*given: Any, **named: Any) -> Any:
        cluster.scheduler.send_signal(signal.SIGKILL)
        return waiting(*given, **named)

    monkeypatch.setattr("archcalc.commands.cluster.wait", killed)
    answer = called(capsys, *DRAWN, "-o", "a.parquet", "--scheduler", cluster.address)
    assert_refused(answer, f"--scheduler: the connection to {cluster.address} is lost")


def test_without_the_package_it_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    answer = called(capsys, *DRAWN, "-o", "a.parquet", "--scheduler", NOWHERE)
    assert_refused(answer, "--scheduler needs distributed, which is not installed: pip install 'ar")


def test_a_scheduler_that_is_not_there_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archcalc.commands.cluster.CONNECTING", 0.3)
    answer = called(capsys, *DRAWN, "-o", "a.parquet", "--scheduler", NOWHERE)
    assert_refused(answer, f"--scheduler: no Dask scheduler answers at {NOWHERE}")
    assert not Path("a.parquet.parts").exists()
