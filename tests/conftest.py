"""Profiles of hypothesis: how many examples each property is tried on.

`ci` by default; `HYPOTHESIS_PROFILE=thorough` for a night. The count is printed at the end.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# The same examples in every run: a change is judged by what it changes. `thorough` looks for more.
settings.register_profile("ci", max_examples=40, deadline=None, derandomize=True)
settings.register_profile(
    "thorough", max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

EXAMPLES_TRIED = pytest.StashKey[dict[str, int]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[EXAMPLES_TRIED] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    statistics: str = getattr(item, "hypothesis_statistics", "")
    tried = sum(map(int, re.findall(r"(\d+) passing", statistics)))
    if tried:
        module = item.nodeid.partition("::")[0]
        counts = item.config.stash[EXAMPLES_TRIED]
        counts[module] = counts.get(module, 0) + tried
    return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = terminalreporter.config.stash[EXAMPLES_TRIED]
    if not counts:
        return
    terminalreporter.section(f"hypothesis examples, profile {settings.get_current_profile_name()}")
    for module, count in sorted(counts.items()):
        terminalreporter.write_line(f"{count:>9,}  {module}")
    terminalreporter.write_line(f"{sum(counts.values()):>9,}  in all")
