"""Many graphs in processes of their own: what is told of those that differ, crash, or are left."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.fuzz import many
from tests.fuzz.checking import Comparison, Subject
from tests.fuzz.generator import drawn
from tests.fuzz.many import try_many


def differ_or_crash(subject: Subject, comparison: Comparison) -> None:
    """Of three graphs the second differs, and the first crashes."""
    if subject.text == drawn(0).text:
        os.kill(os.getpid(), signal.SIGSEGV)
    comparison.of("a figure", "", "relu" in subject.text, "relu" in subject.text)
    if subject.text == drawn(1).text:
        comparison.of("another", "", 1, 2)


def take_long(subject: Subject, comparison: Comparison) -> None:
    time.sleep(600)


def test_a_crash_takes_one_graph_along() -> None:
    said: list[str] = []
    tried = try_many(range(3), 1, say=said.append, every=2, checks=[differ_or_crash])
    assert tried.count.graphs == 2
    assert tried.count.differences == 1
    assert tried.crashed == {0: "SIGSEGV"}
    assert [*tried.differing] == [1]
    assert "another: archcalc 1, oracle 2" in tried.differing[1]
    assert "python -m tests.fuzz 1" in tried.differing[1]
    assert not tried.is_good
    assert said == ["seed 0: torch crashed (SIGSEGV)", tried.differing[1], str(tried.count)]
    assert str(tried).splitlines()[1:] == ["differ: 1", "torch crashed: 0 (SIGSEGV)"]


def test_what_there_is_no_time_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "GRACE", 0.0)
    tried = try_many(range(5, 9), 2, seconds=0.2, checks=[take_long])
    assert tried.is_good
    assert tried.left == [5, 6, 7, 8]
    assert str(tried).endswith("no time for 4, from seed 5")


def test_nothing_is_tried_of_nothing() -> None:
    assert str(try_many(())) == "0 graphs, 0 figures, 0 unknown, 0 differences"
