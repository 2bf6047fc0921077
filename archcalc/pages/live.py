"""Closed forms of a network for a page: what its reader may change, and every figure by cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from random import Random
from typing import Any

from archcalc.analysis import DTYPES, Analysis
from archcalc.errors import UsageError
from archcalc.graph import Graph
from archcalc.pages.offering import (
    THE_BATCH,
    Offer,
    built_at,
    candidates,
    drawn_setting,
    offers_of,
    own_setting,
    shapes_the_graph,
)
from archcalc.parametric.formulas.every_figure import (
    BATCH,
    BYTES,
    EveryFigure,
    every_figure,
    of_any_batch,
)
from archcalc.parametric.formulas.exact import Exact
from archcalc.parametric.formulas.following import Course, Definitions
from archcalc.parametric.formulas.tracing import REFUSALS, Fork, Leaf, Refusal, Traces
from archcalc.quantity.conditions import following, is_symbol
from archcalc.record import Record
from archcalc.walk import walk

PROBES = 40  # values of one variable that tell how many cases there are
DRAWS = 200  # of settings, to see which cases there are
MORE_DRAWS = 2000  # where something is true or false: what is rare is rare on either side
MOST_CORNERS = 12  # that nobody has walked to
MOST_WALKED = 4000  # layers, with symbols, in the search for these cases
MOST_LEAVES, MOST_LAYERS = 24, 1500  # cases of a network, and layers of all of them together
# What Python ends in where it is given a symbol and wants a number.
UNFORESEEN = (TypeError, AttributeError, NotImplementedError, AssertionError, ZeroDivisionError)


class NotOffered(Record):
    """A variable that a page does not offer, and why in a line."""

    label: str
    why: str


class Live(Record):
    """A network in closed form.

    Attributes:
        graph: the network.
        offers: what may be changed, the batch last.
        fixed: what else has a symbol, and keeps its own value.
        not_offered: what may not be changed.
        traces: its figures, case by case.
    """

    graph: Graph
    offers: list[Offer]
    fixed: list[Offer]
    not_offered: list[NotOffered]
    traces: Traces[EveryFigure]

    @property
    def own(self) -> Leaf:
        """The network as it is."""
        setting = own_setting([*self.offers, *self.fixed])
        found = self.traces.at(setting)[0]
        assert isinstance(found, Leaf), "there is this network"
        return found

    def setting(self, chosen: Mapping[Any, Exact]) -> dict[Any, Exact]:
        """A setting of all symbols."""
        return {**own_setting(self.fixed), **chosen}

    def walked(self, setting: Mapping[Any, Exact]) -> Analysis:
        """The plain walk at a setting.

        Raises:
            UsageError, SpecError, LayerError: there is no network.
        """
        return walked(self.graph, [*self.offers, *self.fixed], self.setting(setting))


def walked(graph: Graph, offers: Sequence[Offer], setting: Mapping[Any, Exact]) -> Analysis:
    """The plain walk at a setting."""
    dtype = next(name for name, each in DTYPES.items() if each == setting[BYTES])
    return walk(built_at(graph, offers, setting), int(setting[BATCH]), dtype)


def live(graph: Graph) -> Live:
    """Finds the closed forms of a network.

    Raises:
        UsageError: its inputs are no plain numbers.
    """
    if any(map(is_symbol, graph.input_sizes)):
        raise UsageError(
            f"{graph.name} has free sizes, and a page starts from plain ones: give its input",
            "input",
        )
    not_offered: list[NotOffered] = []
    usable = _usable(graph, not_offered)
    try:
        search = _Search(graph, usable)
    except UNFORESEEN:
        for label, why in _failing(graph, usable).items():
            usable = [kinds for kinds in usable if kinds[0].label != label]
            not_offered.append(NotOffered(label, f"no closed form: {why}"))
        search = _Search(graph, usable)
    search.choose()
    return search.found(not_offered)


def _usable(graph: Graph, not_offered: list[NotOffered]) -> list[list[Offer]]:
    """The ways to offer each variable with which the network can be built as a symbol."""
    shaping = {one: shapes_the_graph(graph, one) for one in candidates(graph)}
    usable = [[*offers_of(one, one.input is not None, shapes)] for one, shapes in shaping.items()]
    try:
        whole = _required_alone(graph, [kinds[0] for kinds in usable])
    except (*REFUSALS, *UNFORESEEN):  # which of them is it?
        whole = set()
        for kinds in [*usable]:
            try:
                whole |= _required_alone(graph, kinds[:1])
            except (*REFUSALS, *UNFORESEEN) as error:
                not_offered.append(NotOffered(kinds[0].label, f"no closed form: {_line(error)}"))
                usable.remove(kinds)
    return [
        [*offers_of(one, True, shaping[one])]
        if (one := kinds[0].variable) is not None and kinds[0].symbol in whole
        else kinds
        for kinds in usable
    ]


def _required_alone(graph: Graph, offers: Sequence[Offer]) -> set[Any]:
    """The symbols of which the spec requires something by themselves: to be whole, say."""
    course = Course(Definitions(), {one.symbol: one.own for one in offers})
    with following(course):
        built_at(graph, offers, {one.symbol: one.symbol for one in offers})
    shown = [one.requirement.shown for one in course.questions if one.requirement is not None]
    return {each[0] for each in shown if len(each) == 1}


def _line(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__


def _failing(graph: Graph, usable: Sequence[list[Offer]]) -> dict[str, str]:
    """The variables with which there are no closed forms; all, if it is none by itself."""
    found = {}
    for kinds in usable:
        try:
            _Search(graph, [kinds])
        except UNFORESEEN as error:
            found[kinds[0].label] = _line(error)
    return found or {kinds[0].label: "together with others" for kinds in usable}


class _Search:
    """Looks for what a page can offer: as many values as have few cases between them."""

    def __init__(self, graph: Graph, usable: Sequence[list[Offer]]) -> None:
        self._graph = graph
        self._usable = [list(kinds) for kinds in usable]
        self._fixed: list[Offer] = []
        self._why: list[NotOffered] = []
        self._ends: dict[int, Any] = {}  # of the tree, that settings were drawn for
        self._condition: Any = None  # the latest that nobody has walked behind
        self._all = [*[kinds[0] for kinds in usable], THE_BATCH]
        self._own = own_setting(self._all)
        self._traces: Traces[EveryFigure] = Traces(self._find, self._refusal)
        self._random = Random(0)
        self._walks = max(6, MOST_WALKED // len(graph.nodes))
        self._most = max(3, min(MOST_LEAVES, MOST_LAYERS // len(graph.nodes)))
        self._traces.add(self._own)
        if isinstance(refusal := self._traces.at(self._own)[0], Refusal):
            raise AssertionError(f"refused with symbols alone: {refusal.text}")

    def _find(self) -> EveryFigure:
        symbols = {offer.symbol: offer.symbol for offer in self._all}
        graph = built_at(self._graph, self._all, symbols)
        return every_figure(of_any_batch(walk(graph, 1, "float32")))

    def _refusal(self, setting: Mapping[Any, Exact]) -> str | None:
        try:
            walked(self._graph, self._all, setting)
        except REFUSALS as error:
            return str(error)
        return None

    def choose(self) -> None:
        """Chooses how each variable is offered: first those by which cases do not differ."""
        traces = self._traces
        used = traces.used_symbols()
        told = traces.symbols_in(traces.at(self._own)[0].found.expressions())  # type: ignore[union-attr]  # a leaf
        waiting: list[list[Offer]] = []
        for kinds in [kinds for kinds in self._usable if self._is_used(kinds, used, told)]:
            known: dict[Exact, Any] = {}
            while len(kinds) > 1 and not self._is_simple(kinds[0], known):
                del kinds[0]
            waiting.append(kinds)
        smooth = [kinds for kinds in waiting if self._is_smooth(kinds[0])]
        self._usable = smooth
        while smooth and not self._covers(DRAWS):
            self._coarsen()
        others = [kinds for kinds in waiting if kinds not in smooth]
        for kinds in sorted(others, key=lambda kinds: kinds[0].is_flag):  # numbers come first
            self._usable = [*self._usable, kinds]
            while kinds in self._usable and not self._covers(DRAWS):
                self._coarsen(kinds)
        if any(kinds[0].is_flag for kinds in self._usable):
            self._look(MORE_DRAWS, self._ends)
        self._look_at_corners()
        order = {id(kinds): place for place, kinds in enumerate(waiting)}
        self._usable.sort(key=lambda kinds: order[id(kinds)])

    def _is_smooth(self, offer: Offer) -> bool:
        """Whether its values lead where the network's own does, or to no network."""
        numbers = range(0, offer.count, max(1, offer.count // PROBES))
        return None not in [
            self._traces.at({**self._own, offer.symbol: offer.value(n)})[0] for n in numbers
        ]

    def _covers(self, draws: int) -> bool:
        """Whether settings that are drawn lead to few enough cases; walks along those."""
        ends: dict[int, Any] = {}
        found = self._look(draws, ends)
        if found:
            self._ends |= ends
        return found

    def _look(self, draws: int, ends: dict[int, Any]) -> bool:
        """Enters to what settings lead that are drawn, until there are too many cases."""
        for _ in range(draws):
            setting = {**self._own, **drawn_setting(self._offers(), self._random)}
            end, _, self._condition = self._traces.at(setting)
            if end is None:
                several = sum(isinstance(one, Leaf) for one in ends.values())
                if several >= self._most or self._walks == 0:
                    return False
                self._walks -= 1
                self._traces.add(setting)
                end = self._traces.at(setting)[0]
            ends[id(end)] = end
        return True

    def _look_at_corners(self) -> None:
        """Enters to what it leads where any two variables are at an end: to no network, often."""
        walks = MOST_CORNERS
        for one, other in combinations(self._offers(), 2):
            for a, b in product((one.least, one.most), (other.least, other.most)):
                setting = {**self._own, one.symbol: a, other.symbol: b}
                end = self._traces.at(setting)[0]
                if end is None and walks:
                    walks -= 1
                    self._traces.add(setting)
                    end = self._traces.at(setting)[0]
                several = sum(isinstance(known, Leaf) for known in self._ends.values())
                if isinstance(end, Refusal) or (end is not None and several < self._most):
                    self._ends[id(end)] = end

    def _is_used(self, kinds: list[Offer], used: set[Any], told: set[Any]) -> bool:
        """Whether any figure depends on a variable; one that none does keeps its own value."""
        offer = kinds[0]
        if offer.symbol in told or (offer.symbol in used and self._changes(offer)):
            return True
        self._fixed.append(offer)
        return False

    def _changes(self, offer: Offer) -> bool:
        """Whether figures change with a variable that is asked about, and in none of them."""
        before = self._traces.at(self._own)[0]
        for value in (offer.least, offer.most):
            setting = {**self._own, offer.symbol: value}
            if self._traces.at(setting)[0] is None:
                self._traces.add(setting)
            after = self._traces.at(setting)[0]
            if not (isinstance(before, Leaf) and isinstance(after, Leaf)):
                continue
            if [*before.found.expressions()] != [*after.found.expressions()]:
                return True
        return False

    def _is_simple(self, offer: Offer, known: dict[Exact, Any]) -> bool:
        """Whether by itself it gives networks, mostly, and few cases."""
        if offer.count < 2:
            return True
        numbers = range(offer.count)
        if offer.count > PROBES:
            numbers = sorted(self._random.sample(numbers, PROBES))  # type: ignore[assignment]  # any numbers
        refused, conditions = 0, set()
        for value in dict.fromkeys(map(offer.value, numbers)):
            if value not in known:
                known[value] = self._traces.at({**self._own, offer.symbol: value})
            end, _, condition = known[value]
            refused += isinstance(end, Refusal)
            conditions |= {condition} if end is None else set()
        return refused * 2 <= min(offer.count, PROBES) and len(conditions) <= 1

    def _offers(self) -> list[Offer]:
        return [*[kinds[0] for kinds in self._usable], THE_BATCH]

    def _coarsen(self, kinds: list[Offer] | None = None) -> None:
        """Offers a variable in coarser steps, or not at all where there are none.

        Args:
            kinds: the variable; if None, one that the latest condition depends on.
        """
        if kinds is None:
            symbols = self._traces.symbols_in([self._condition])
            those = [kinds for kinds in self._usable if kinds[0].symbol in symbols] or self._usable
            kinds = max(those, key=lambda kinds: (len(kinds) > 1, kinds[0].count))
        if len(kinds) > 1:
            del kinds[0]
        else:
            self._leave_out(kinds)

    def _leave_out(self, kinds: list[Offer]) -> None:
        self._why.append(NotOffered(kinds[0].label, f"more than {self._most} cases of figures"))
        self._fixed.append(kinds[0])
        self._usable = [other for other in self._usable if other is not kinds]

    def found(self, not_offered: list[NotOffered]) -> Live:
        """What was chosen, with the cases that it needs alone."""
        own = self._traces.at(self._own)[0]
        assert own is not None, "it was walked first"
        for kinds in [kinds for kinds in self._usable if kinds[0].count == 1]:
            self._leave_out(kinds)
        self._traces.keep_only([own, *self._ends.values()])
        why = [*not_offered, *self._why]
        return Live(self._graph, self._offers(), self._fixed, why, self._traces)


__all__ = ["Fork", "Leaf", "Live", "NotOffered", "Refusal", "live"]
