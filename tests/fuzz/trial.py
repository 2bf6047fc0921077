"""Tries of the checks on many graphs, and what is said of those that fail."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from archcalc import ArchcalcError
from tests.fuzz import check_fields, check_figures, check_memory, check_refusals, check_values
from tests.fuzz.checking import Check, Comparison, Difference, subject
from tests.fuzz.generator import Drawn, drawn, text_of
from tests.fuzz.interpreter import LOADER, Spec, WrongSpecError
from tests.fuzz.reduction import reduced
from tests.fuzz.windows import Refused

CHECKS: tuple[Check, ...] = (
    check_figures.check_layers,
    check_figures.check_totals,
    check_memory.check_training,
    check_memory.check_step,
    check_memory.check_inference,
    check_fields.check_units,
    check_fields.check_layers,
    check_fields.check_paths,
    check_values.check_values,
    check_refusals.check_last_layers,
)
# What a spec may end in from which something was taken away.
SENSELESS = (ArithmeticError, LookupError, NameError, TypeError, ValueError)


class Count(NamedTuple):
    """Graphs tried, figures compared, those that archcalc calls unknown, those that differ."""

    graphs: int
    figures: int
    unknown: int
    differences: int

    def __add__(self, other: object) -> Count:
        assert isinstance(other, Count)
        return Count(*[a + b for a, b in zip(self, other, strict=True)])

    def __str__(self) -> str:
        return ", ".join(f"{n:,} {what}" for what, n in self._asdict().items())


def counted(comparison: Comparison) -> Count:
    """The counts of one graph."""
    return Count(1, comparison.compared, comparison.unknown, len(comparison.differences))


def compare(graph: Drawn, path: Path, checks: Sequence[Check] = CHECKS) -> Comparison:
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
    for check in checks:
        try:
            check(found, comparison)
        except Exception:  # one graph more that fails; the others go on
            comparison.of(check.__name__, "", traceback.format_exc(limit=-3), "no error")
    return comparison


def try_seeds(
    seeds: Iterable[int], path: Path, checks: Sequence[Check] = CHECKS
) -> tuple[Count, list[tuple[Drawn, list[Difference]]]]:
    """The counts, and the graphs that fail with what differs."""
    count, failures = Count(0, 0, 0, 0), []
    for seed in seeds:
        graph = drawn(seed)
        comparison = compare(graph, path, checks)
        count += counted(comparison)
        if comparison.differences:
            failures.append((graph, comparison.differences))
    return count, failures


def told(
    graph: Drawn, differences: list[Difference], path: Path, checks: Sequence[Check] = CHECKS
) -> str:
    """A failure, with the smallest spec that shows it and the command that does so again."""
    wanted = differences[0].quantity

    def fails(spec: Spec) -> bool:
        candidate = graph._replace(text=text_of(spec))
        try:
            found = compare(candidate, path, checks).differences
        except (WrongSpecError, Refused, RecursionError, *SENSELESS):
            return False  # no longer a network, or one without an end
        return wanted in {difference.quantity for difference in found}

    small = graph._replace(text=text_of(reduced(yaml.load(graph.text, LOADER), fails)))
    shown = [str(d) for d in compare(small, path, checks).differences[:5]]
    again = f"python -m tests.fuzz {graph.seed}"
    options = f"batch {graph.batch}, {graph.dtype}"
    return "\n".join([f"seed {graph.seed}, {options}: {again}", *shown, small.text])
