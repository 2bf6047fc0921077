"""The cut of a network into checkpointed stretches that needs the least, or the cheapest that fits.

Stretches lie between the points at which a single tensor crosses from what has run to what will,
as in Chen et al. 2016 (arXiv:1604.06174), section 4.2: layers are gathered into a stretch until
they would keep more than so many bytes. Which number of bytes is best, and whether
it is better with a stretch less or with one that is shorter or longer, is tried out: each cut is
judged by the peak of the whole step, to the byte. It is no proof: another cut may need less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from archcalc.analysis import Analysis
from archcalc.graph import Graph, indices_of, stretch_of
from archcalc.memory_use.checkpointing import runs_again
from archcalc.memory_use.moments import Course
from archcalc.memory_use.totals import saved_bytes
from archcalc.memory_use.training_step import training_step
from archcalc.record import replace

_MOST_LAYERS = 30_000  # that are replayed to judge cuts: some seconds
_FEWEST_TRIED = 30
_MOST_STRETCHES = 24  # in the cuts that are tried first

Borders = tuple[tuple[int, int], ...]  # of stretches: from a unit to before another


class Cut(NamedTuple):
    """A cut into stretches.

    Attributes:
        graph: the network with them.
        peak_bytes: of a training step.
        macs: the multiply-accumulates that run again, for the batch.
        tried: how many cuts were looked at.
        budget: the bytes that a step may need; None for as few as can be.
    """

    graph: Graph
    peak_bytes: int
    macs: int
    tried: int
    budget: int | None

    @property
    def missing(self) -> int:
        """The bytes that the step needs beyond the budget."""
        return 0 if self.budget is None else max(0, self.peak_bytes - self.budget)


def find_cut(
    analysis: Analysis, course_of: Callable[[Analysis], Course], budget: int | None
) -> Cut:
    """As `training.best_cut`.

    Args:
        course_of: what happens in a step of the network with some stretches.
    """
    return _Search(analysis, course_of, budget).best()


class _Search:
    def __init__(
        self, analysis: Analysis, course_of: Callable[[Analysis], Course], budget: int | None
    ) -> None:
        self._analysis = replace(analysis, graph=replace(analysis.graph, stretches=()))
        self._course_of = course_of
        self._budget = budget
        self._units = _units(self._analysis)
        saved = saved_bytes(self._analysis)
        self._kept = [sum(saved[name] for name in unit) for unit in self._units]
        self._tried: dict[Borders, Cut] = {}
        self._most = max(_FEWEST_TRIED, _MOST_LAYERS // len(analysis.layers))

    def best(self) -> Cut:
        """The best cut that was found."""
        for borders in self._gathered():
            self._try(borders)
        while any(self._try(near) for near in _neighbours(self._found, len(self._units))):
            pass
        return self._tried[self._found]._replace(tried=len(self._tried))

    @property
    def _found(self) -> Borders:
        return min(self._tried, key=lambda borders: self._rank(self._tried[borders]))

    def _rank(self, cut: Cut) -> tuple[bool, int, int]:
        """What is better comes first."""
        if self._budget is not None and not cut.missing:
            return False, cut.macs, cut.peak_bytes
        return True, cut.peak_bytes, cut.macs

    def _try(self, borders: Borders) -> bool:
        """Judges a cut; whether it is the best so far."""
        if borders in self._tried or len(self._tried) == self._most:
            return False
        layers = [
            tuple([name for unit in self._units[first:end] for name in unit])
            for first, end in borders
        ]
        graph = replace(self._analysis.graph, stretches=tuple(map(stretch_of, layers)))
        cut_up = replace(self._analysis, graph=graph)
        course = self._course_of(cut_up)
        times = runs_again(course.tape)
        macs = sum(layer.macs * times.get(layer.name, 0) for layer in cut_up.layers)
        peak = training_step(course).peak.bytes
        self._tried[borders] = Cut(graph, peak, macs, 0, self._budget)
        return self._found == borders

    def _gathered(self) -> Iterator[Borders]:
        """No stretch; then cuts into stretches that would keep about equally much, more and more.

        Each with the last stretch, and without it: that runs backward at once.
        """
        yield ()
        for count in range(1, min(len(self._units), _MOST_STRETCHES) + 1):
            borders = tuple(self._gather(sum(self._kept) / count))
            yield borders
            yield borders[:-1]

    def _gather(self, most: float) -> Iterator[tuple[int, int]]:
        first, kept = 0, 0
        for number, unit in enumerate(self._kept):
            kept += unit
            if kept > most or number == len(self._kept) - 1:
                yield first, number + 1
                first, kept = number + 1, 0


def _neighbours(borders: Borders, units: int) -> Iterator[Borders]:
    """The cuts without one of the stretches, and with one of them a unit shorter or longer.

    A unit that one stretch wins, the one beside it loses.
    """
    for place, (first, end) in enumerate(borders):
        before, after = borders[:place], borders[place + 1 :]
        yield (*before, *after)
        for changed in ((first, end - 1), (first + 1, end), (first, end + 1), (first - 1, end)):
            a, b = changed
            if 0 <= a < b <= units:
                others = [(c, min(d, a)) for c, d in before] + [(max(c, b), d) for c, d in after]
                yield tuple(sorted([changed, *[(c, d) for c, d in others if c < d]]))


def _units(analysis: Analysis) -> list[tuple[str, ...]]:
    """The layers that run, in the smallest groups between which a single tensor crosses."""
    nodes = [layer.node for layer in analysis.used_layers]
    last = {name: number for number, node in enumerate(nodes) for name in node.taken}
    units: list[tuple[str, ...]] = []
    gathered: list[str] = []
    waiting = (
        analysis.graph.inputs.keys() & last.keys()
    )  # what is there and is taken by what is still to run
    for number, node in enumerate(nodes):
        gathered.append(node.name)
        made = [name for name in (node.name, indices_of(node.name)) if name in last]
        waiting = {name for name in {*waiting, *node.taken, *made} if last[name] > number}
        if len(waiting) <= 1:
            units.append(tuple(gathered))
            gathered = []
    return [*units, *([tuple(gathered)] if gathered else [])]
