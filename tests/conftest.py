"""Profiles of hypothesis: how many examples each property is tried on.

`ci` by default; `HYPOTHESIS_PROFILE=thorough` for a night, which also takes what is marked so.
The count is printed at the end.
"""

from __future__ import annotations

import gc
import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# No verdict hangs on the clock of a busy machine.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples in every run: a change is judged by what it changes. `thorough` looks for more.
settings.register_profile("ci", UNTIMED, max_examples=40, derandomize=True)
settings.register_profile("thorough", UNTIMED, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# The maps of tests are small: threads of torch would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

EXAMPLES_TRIED = pytest.StashKey[Counter[str]]()
_OF_WORKER = "hypothesis_examples"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[EXAMPLES_TRIED] = Counter()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is marked `thorough`, unless the profile is that or `-m` is about it."""
    if "thorough" not in (settings.get_current_profile_name(), *config.option.markexpr.split()):
        left_out = {item for item in items if item.get_closest_marker("thorough")}
        config.hook.pytest_deselected(items=[*left_out])
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Takes what is imported and collected, millions of objects, from the collector of cycles.

    It would go through all of them again and again, and they stay to the end.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    statistics: str = getattr(item, "hypothesis_statistics", "")
    tried = sum(map(int, re.findall(r"(\d+) passing", statistics)))
    if tried:
        item.config.stash[EXAMPLES_TRIED][item.nodeid.partition("::")[0]] += tried
    return (yield)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist hands its counts over."""
    counts: Counter[str] = session.config.stash[EXAMPLES_TRIED]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_OF_WORKER] = dict(counts)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker is done."""
    counts: Counter[str] = node.config.stash[EXAMPLES_TRIED]
    counts.update(getattr(node, "workeroutput", {}).get(_OF_WORKER, {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    _print_fuzz(terminalreporter)
    counts = terminalreporter.config.stash[EXAMPLES_TRIED]
    if not counts:
        return
    terminalreporter.section(f"hypothesis examples, profile {settings.get_current_profile_name()}")
    for module, count in sorted(counts.items()):
        terminalreporter.write_line(f"{count:>9,}  {module}")
    terminalreporter.write_line(f"{sum(counts.values()):>9,}  in all")


def _print_fuzz(terminalreporter: pytest.TerminalReporter) -> None:
    """What the tests of `tests/fuzz` have compared: graphs, figures, and differences."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    counts = [count for report in reports for key, count in report.user_properties if key == "fuzz"]
    if counts:
        terminalreporter.section("random graphs against the oracle")
        for what, column in zip(
            ("graphs", "figures", "unknown", "differences"), zip(*counts, strict=True), strict=True
        ):
            terminalreporter.write_line(f"{sum(column):>11,}  {what}")
