"""What a tool counts: a rule for each class of torch that it knows, and 0 for all others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from archcalc.analysis import Analysis
from archcalc.other_tools.call import Call, calls_of
from archcalc.quantity.arithmetic import Quantity
from archcalc.quantity.at_least import UNKNOWN
from archcalc.record import Record

Count: TypeAlias = Callable[[Call], Quantity]

# Classes of the exported source that are many operators of torch, each counted by itself; and
# what has no class, as nobody knows what torch would run.
_UNKNOWN = ("DeformConv", "RoIAlign", "")


class Convention(Record):
    """How another tool counts a network.

    Attributes:
        name: by which it is asked for.
        tool: the package, with the version whose code the rules were read in and proven by.
        call: what prints the total.
        prints: what the tool itself calls that.
        unit: what it is in fact: "MACs", "FLOPs", "operations", "values", "parameters", "bytes".
        rule: what is counted, in a line.
        counts: the rule for each name of a `Call`.
        others: the rule for all others; None where the tool counts them as 0, in silence.
        wrong: what it counts wrongly, or leaves out without a word; "" where there is nothing.
    """

    name: str
    tool: str
    call: str
    prints: str
    unit: str
    rule: str
    counts: Mapping[str, Count]
    others: Count | None = None
    wrong: str = ""

    @property
    def is_of_operations(self) -> bool:
        """Whether its total can be held beside multiply-accumulates."""
        return self.unit in ("MACs", "FLOPs", "operations")

    def of(self, call: Call) -> Quantity:
        """What the tool counts for one layer, for one image; it may be unknown."""
        if call.name in _UNKNOWN:
            return UNKNOWN
        count = self.counts.get(call.name, self.others)
        return count(call) * call.times if count is not None else 0

    def by_layer(self, analysis: Analysis) -> dict[str, Quantity]:
        """What the tool counts for each layer that runs at inference, for one image."""
        return {call.layer.name: self.of(call) for call in calls_of(analysis)}

    def total(self, analysis: Analysis) -> Quantity:
        """The total that the tool prints for one image."""
        return self.total_of(calls_of(analysis))

    def total_of(self, calls: Iterable[Call]) -> Quantity:
        """As `total`, of a network whose calls are known."""
        return sum([self.of(call) for call in calls])
