"""Tries of the checks on many graphs, and what is said of those that fail."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

import yaml

from archcalc import ArchcalcError
from tests.fuzz.checking import CHECKS, Comparison, Difference, subject
from tests.fuzz.generator import Drawn, drawn, text_of
from tests.fuzz.interpreter import LOADER, Spec, WrongSpecError
from tests.fuzz.operators import Refused
from tests.fuzz.reduction import reduced


class Count(NamedTuple):
    """Graphs tried, figures compared, and those that differ."""

    graphs: int
    figures: int
    differences: int

    def __add__(self, other: object) -> Count:
        assert isinstance(other, Count)
        return Count(*[a + b for a, b in zip(self, other, strict=True)])

    def __str__(self) -> str:
        return f"{self.graphs:,} graphs, {self.figures:,} figures, {self.differences:,} differences"


def compare(graph: Drawn, path: Path, checks: Collection[str] = tuple(CHECKS)) -> Comparison:
    """What archcalc says of a graph beside what the oracle says."""
    comparison = Comparison()
    try:
        found = subject(graph.text, path, graph.batch, graph.dtype)
    except ArchcalcError as error:  # torch takes it
        comparison.of("refused", "", str(error), None)
        return comparison
    names = [layer.name for layer in found.analysis.layers]
    comparison.of("names", "", names, [layer.name for layer in found.net.layers])
    if comparison.differences:
        return comparison  # there is nothing to compare layer by layer
    for name in checks:
        CHECKS[name](found, comparison)
    return comparison


def try_seeds(
    seeds: Iterable[int], path: Path, checks: Collection[str] = tuple(CHECKS)
) -> tuple[Count, list[tuple[Drawn, list[Difference]]]]:
    """The counts, and the graphs that fail with what differs."""
    count, failures = Count(0, 0, 0), []
    for seed in seeds:
        graph = drawn(seed)
        comparison = compare(graph, path, checks)
        count += Count(1, comparison.compared, len(comparison.differences))
        if comparison.differences:
            failures.append((graph, comparison.differences))
    return count, failures


def told(graph: Drawn, differences: list[Difference], path: Path) -> str:
    """A failure, with the smallest spec that shows it and the command that does so again."""
    wanted = differences[0].quantity

    def fails(spec: Spec) -> bool:
        candidate = graph._replace(text=text_of(spec))
        try:
            found = compare(candidate, path).differences
        except (WrongSpecError, Refused, ArithmeticError, LookupError, TypeError, ValueError):
            return False  # no longer a network
        return wanted in {difference.quantity for difference in found}

    small = graph._replace(text=text_of(reduced(yaml.load(graph.text, LOADER), fails)))
    shown = [str(d) for d in compare(small, path).differences[:5]]
    again = f"python -m tests.fuzz {graph.seed}"
    options = f"batch {graph.batch}, {graph.dtype}"
    return "\n".join([f"seed {graph.seed}, {options}: {again}", *shown, small.text])
