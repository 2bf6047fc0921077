"""The order of execution in which a network needs the least memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from archcalc.errors import UsageError
from archcalc.memory_use.liveness import Storages, made_by, most_alive, step_by_step

MOST_TRIED = 40_000  # layers that the search runs, over all orders that it follows


class Order(NamedTuple):
    """An order of execution.

    Attributes:
        layers: their names.
        is_best: whether no other order has a lower peak; if not, the search was cut short.
    """

    layers: list[str]
    is_best: bool


def better_order(storages: Storages) -> Order:
    """The order of execution with the lowest peak; as written where no other has a lower one.

    Goes through all orders that the inputs allow, side by side, one layer at a time; of those that
    have run the same layers only the best goes on, and a layer that costs nothing runs at once.
    Where that is too much work, only the best so far go on.

    Raises:
        UsageError: the sizes are not plain numbers.
    """
    if not all(type(size) is int for size in storages.bytes.values()):
        raise UsageError("free sizes have no order; give plain numbers as input")
    search = _Search(storages)
    written = Order([layer.name for layer in storages.layers], is_best=True)
    least, peak = search.least(), most_alive(step_by_step(storages))
    if peak == least:
        return written
    states = {0: _State(0, storages.at_first, (), search.ready_at_first)}
    is_best = True
    most = MOST_TRIED // len(storages.layers)
    for _ in storages.layers:
        following: dict[int, _State] = {}
        for done, state in states.items():
            for then, reached in search.after(done, state):
                best = following.get(then)
                if best is None or reached.rank() < best.rank():
                    following[then] = reached
        if sum(len(state.ready) for state in following.values()) > most:
            kept = _best_of(following, most)
            is_best = is_best and len(kept) == len(following)
            following = kept
        states = following
    (best,) = states.values()
    names = [storages.layers[number].name for number in best.order()]
    is_best = is_best or best.peak == least
    return Order(written.layers if best.peak >= peak else names, is_best)


@dataclass(slots=True)
class _State:
    """Where one order stands: `past` is the last layer's number, behind the past before it."""

    peak: int
    alive: int
    past: tuple  # type: ignore[type-arg]  # (number, past), without end
    ready: tuple[int, ...]

    def rank(self) -> tuple[int, int]:
        return self.peak, self.alive

    def order(self) -> list[int]:
        numbers, past = [], self.past
        while past:
            number, past = past
            numbers.append(number)
        return numbers[::-1]


def _best_of(states: dict[int, _State], most: int) -> dict[int, _State]:
    """The best states, one at the least, from which up to `most` layers can run."""
    kept: dict[int, _State] = {}
    for done, state in sorted(states.items(), key=lambda item: item[1].rank()):
        most -= len(state.ready)
        if kept and most < 0:
            break
        kept[done] = state
    return kept


class _Search:
    """The network with layers and storages as numbers, and sets of layers as bits."""

    def __init__(self, storages: Storages) -> None:
        number = {layer.name: n for n, layer in enumerate(storages.layers)}
        self._before = [0] * len(number)
        self._after: list[list[int]] = [[] for _ in number]
        for layer in storages.layers:
            for name in storages.before[layer.name]:
                self._before[number[layer.name]] |= 1 << number[name]
                self._after[number[name]].append(number[layer.name])
        self._bytes = storages.bytes
        self._kept = storages.kept
        self._users: dict[str, int] = {}
        self._uses: list[list[str]] = [[] for _ in number]
        for storage, names in storages.users.items():
            self._users[storage] = sum(1 << number[name] for name in names)
            for name in names:
                self._uses[number[name]].append(storage)
        # The network's inputs are there from the start.
        self._makes = [
            [made for made in made_by(layer.name, storages) if made not in storages.inputs]
            for layer in storages.layers
        ]
        self._makers: dict[str, int] = {}
        for n, made in enumerate(self._makes):
            for storage in made:
                self._makers[storage] = self._makers.get(storage, 0) | 1 << n
        self.ready_at_first = tuple(n for n, before in enumerate(self._before) if not before)

    def least(self) -> int:
        """A peak that no order is below: what the layer needs that needs most."""
        needed = [{*makes, *uses} for makes, uses in zip(self._makes, self._uses, strict=True)]
        return max(sum(self._bytes[storage] for storage in each) for each in needed)

    def after(self, done: int, state: _State) -> list[tuple[int, _State]]:
        """The sets of layers that have run, and where the orders stand, after one more layer.

        A layer that raises no peak, and behind which no more is alive than before, can run at once
        in every order without harm: then there is no other.
        """
        found = []
        for number in state.ready:
            then, reached = self._run(number, done, state)
            if reached.peak == state.peak and reached.alive <= state.alive:
                return [(then, reached)]
            found.append((then, reached))
        return found

    def _run(self, number: int, done: int, state: _State) -> tuple[int, _State]:
        """After the layer `number`."""
        then = done | 1 << number
        alive = state.alive
        for storage in self._makes[number]:
            if not self._makers[storage] & done:
                alive += self._bytes[storage]
        peak = max(state.peak, alive)
        for storage in self._uses[number]:
            if storage not in self._kept and not self._users[storage] & ~then:
                alive -= self._bytes[storage]
        ready = [n for n in state.ready if n != number]
        ready += [n for n in self._after[number] if not self._before[n] & ~then]
        return then, _State(peak, alive, (number, state.past), tuple(dict.fromkeys(ready)))
