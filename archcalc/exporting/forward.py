"""The `forward` of a module: its steps on few lines, with few names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archcalc.exporting.names import unique, variable_name
from archcalc.exporting.records import Body, Item, ModuleClass
from archcalc.torch_spelling.spelling import Weight

_LONGEST_NESTED = 66  # characters of an expression that stands inside another
_MOST_CALLS = 4  # modules that are called in one expression


def forward_lines(body: Body, call_of: Callable[[Item], str], is_root: bool) -> list[str]:
    """The statements of `forward`, its head first.

    Args:
        call_of: the call of an item with its module filled in, `{0}` … left for its inputs.
        is_root: whether it is the whole network's: what is there in training only is then left
            out at other times; elsewhere it is None.
    """
    return _Forward(body, call_of, is_root).lines()


class _Forward:
    """Decides first which values stand inside the expressions that read them, then what the
    others are called, and writes."""

    def __init__(self, body: Body, call_of: Callable[[Item], str], is_root: bool) -> None:
        self._body = body
        self._is_root = is_root
        self._names: dict[int, str] = {}
        self._held: dict[str, int] = {}  # the value that a name stands for now
        items = body.items
        self._call = {item.outputs: call_of(item) for item in items}
        self._maker = {value: item for item in items for value in item.outputs}
        self._readers: dict[int, list[Item | None]] = {}  # None: it is returned
        for item in items:
            for value in item.inputs:
                self._readers.setdefault(value, []).append(item)
        for value, _ in body.outputs:
            self._readers.setdefault(value, []).append(None)
        # Where the first item is a norm or an activation, these go with what follows them.
        self._pre = bool(items) and items[0].weight is Weight.LIGHT and items[0].callee is not None
        self._nested: set[int] = set()
        for item in items:
            if self._can_nest(item):
                self._nested.update(item.outputs)
        self._keep_order()
        self._statements = [item for item in items if not self._nested.issuperset(item.outputs)]
        self._reads = [
            [leaf for value in item.inputs for leaf in self._leaves(value)]
            for item in self._statements
        ]
        self._read_at: dict[int, list[int]] = {}
        for number, reads in enumerate(self._reads):
            for value in reads:
                self._read_at.setdefault(value, []).append(number)
        self._last_use = {value: numbers[-1] for value, numbers in self._read_at.items()}
        for value, _ in body.outputs:
            self._last_use |= dict.fromkeys(self._leaves(value), len(self._statements))

    def lines(self) -> list[str]:
        """The whole method."""
        extra = self._body.inputs - 1
        skips = ["skip"] if extra == 1 else [f"skip{n + 1}" for n in range(extra)]
        for value, name in enumerate(["x", *skips]):
            self._call_it(value, unique(self._body.names.get(value, name), self._held))
        parameters = ", ".join(f"{name}: Tensor" for name in self._names.values())
        head = f"def forward(self, {parameters}) -> {self._return_type()}:"
        steps = [self._statement(number) for number in range(len(self._statements))]
        return [head, *steps, *self._returns()]

    # ----- what stands inside what -----

    def _can_nest(self, item: Item) -> bool:
        """Whether what `item` gives stands inside the expression that reads it."""
        readers = self._readers.get(item.outputs[0], [])
        if len(item.outputs) > 1 or len(readers) != 1:
            return False
        reader = readers[0]
        if reader is None:
            return len(self._body.outputs) == 1 and not item.training_only
        place = f"{{{reader.inputs.index(item.outputs[0])}}}"
        often = self._call[reader.outputs].count(place) > 1
        text = self._call[item.outputs].format(*map(self._expression, item.inputs))
        long = len(text) > _LONGEST_NESTED or self._calls(item) >= _MOST_CALLS
        if often or long or item.training_only != reader.training_only:
            return False
        return self._goes_with(item, reader)

    def _keep_order(self) -> None:
        """Takes out of expressions what would run later there than in its turn, as that changes
        what is alive meanwhile. A learned tensor is there always."""
        turns = [item for item in self._body.items if item.inputs]
        turn = {item.outputs: n for n, item in enumerate(turns)}
        returned = [value for value, _ in self._body.outputs]
        for n, inputs in reversed([*enumerate([*map(self._as_read, turns), returned])]):
            if n < len(turns) and self._nested.issuperset(turns[n].outputs):
                continue
            inside, expected = self._inside(inputs), n - 1
            while inside:
                last = inside.pop()
                if turn[last.outputs] == expected:
                    expected -= 1
                else:
                    self._nested.difference_update(last.outputs)
                    del inside[len(inside) - len(self._inside(last.inputs)) :]

    def _inside(self, values: Sequence[int]) -> list[Item]:
        """What runs inside of an expression of some values, in order."""
        found = []
        for value in values:
            if value in self._nested:
                maker = self._maker[value]
                found += [*self._inside(self._as_read(maker)), *([maker] if maker.inputs else [])]
        return found

    def _as_read(self, item: Item) -> list[int]:
        """The inputs of an item in the order in which its code has them."""
        call = self._call[item.outputs]
        places = sorted(range(len(item.inputs)), key=lambda place: call.find(f"{{{place}}}"))
        return [item.inputs[place] for place in places]

    def _goes_with(self, item: Item, reader: Item) -> bool:
        """Whether a reader would look for the two on one line."""
        if reader.weight is Weight.JOIN:
            return self._calls(item) <= 1 if reader.operator else self._is_view(item)
        if item.weight is Weight.JOIN:
            return True
        if item.weight is Weight.LIGHT:
            return reader.weight is Weight.LIGHT or self._pre or self._is_view(item)
        if reader.weight is Weight.LIGHT:
            return not self._pre or reader.callee is None
        return self._is_short_branch(item, reader)

    def _is_view(self, item: Item) -> bool:
        """Whether it is an expression without any call of a module, as `x.flatten(1)`."""
        return item.weight is Weight.LIGHT and self._calls(item) == 0

    def _is_short_branch(self, item: Item, reader: Item) -> bool:
        """Whether the two alone lead from a value that others read as well to a join."""
        after = self._readers.get(reader.outputs[0], [])
        forked = len(item.inputs) == 1 and len(self._readers[item.inputs[0]]) > 1
        joined = len(after) == 1 and after[0] is not None and after[0].weight is Weight.JOIN
        return forked and joined and self._calls(item) == 1

    def _calls(self, item: Item) -> int:
        """The modules that are called in the expression of an item."""
        inner = [self._maker[value] for value in item.inputs if value in self._nested]
        return (item.callee is not None) + sum(map(self._calls, inner))

    def _leaves(self, value: int) -> list[int]:
        """The values with a name that the expression of a value reads."""
        if value not in self._nested:
            return [value]
        return [leaf for v in self._maker[value].inputs for leaf in self._leaves(v)]

    # ----- names -----

    def _call_it(self, value: int, name: str) -> None:
        self._names[value] = name
        self._held[name] = value

    def _name_for(self, value: int, number: int) -> str:
        """A name for what statement `number` gives."""
        if value not in self._last_use:
            return "_"
        item = self._statements[number]
        wanted: list[str | None]
        if value in self._body.names:
            return unique(self._body.names[value], self._names_held_after(number))
        if not self._reads[number]:  # from no input
            return unique(self._own_name(value) or "parameter", {*self._names.values()})
        source = self._reads[number][0]
        goes_on = self._read_at[source] == [number] and self._last_use[source] == number
        if value != item.outputs[0] and not isinstance(item.callee, ModuleClass):
            wanted = [f"{self._own_name(value) or 'pool'}_indices"]
        elif self._lasts(value, number):
            wanted = [self._own_name(value)]
        elif goes_on and item.weight is not Weight.JOIN:
            # What is made of an input with a name is no longer that.
            named = source in self._body.names
            wanted = ["x", self._own_name(value)] if named else [self._names[source]]
        else:
            wanted = self._names_of_branch(value)
        live = self._names_held_after(number)
        good = [name for name in wanted if name is not None]
        free = next((name for name in good if name not in live), None)
        return free or unique((*good, "out")[0], live)

    def _names_held_after(self, number: int) -> set[str]:
        """The names of what is read after statement `number`."""
        return {name for name, v in self._held.items() if self._last_use.get(v, -1) > number}

    def _lasts(self, value: int, number: int) -> bool:
        """Whether a value is read again after other steps have come between."""
        readers = self._read_at.get(value, [])
        if len(self._readers[value]) == 1:
            return False
        if self._last_use[value] == len(self._statements):
            return bool(readers)
        made = {output for n in readers for output in self._statements[n].outputs}
        meet = any(made.intersection(self._reads[n]) for n in readers)
        return meet or readers != list(range(number + 1, number + 1 + len(readers)))

    def _names_of_branch(self, value: int) -> list[str | None]:
        """Names for a value at which a branch begins: by where the branch leads."""
        while len(readers := self._readers[value]) == 1 and readers[0] is not None:
            reader = readers[0]
            if reader.weight is Weight.JOIN:
                return [self._name_before(reader, value), self._own_name(value)]
            if len(reader.outputs) > 1:
                break
            value = reader.outputs[0]
        is_side = any(value == output for output, _ in self._body.outputs[1:])
        return [self._own_name(value)] if is_side else ["x", self._own_name(value)]

    def _name_before(self, join: Item, value: int) -> str:
        """A name for a value that only a join reads: numbered, if that joins several such."""
        branches = [v for v in join.inputs if v in self._maker and len(self._readers[v]) == 1]
        if len(branches) == 1 or (join.operator and len(join.inputs) == 2):
            return "out"
        return f"branch{join.inputs.index(value) + 1}"

    def _own_name(self, value: int) -> str | None:
        return variable_name("_".join(self._maker[value].path))

    # ----- statements -----

    def _statement(self, number: int) -> str:
        item = self._statements[number]
        text = self._call[item.outputs].format(*self._operands(item))
        if item.training_only:
            absent = ", ".join(["None"] * len(item.outputs))
            text += f" if self.training else {absent if len(item.outputs) == 1 else f'({absent})'}"
        for value in item.outputs:
            self._call_it(value, self._name_for(value, number))
        return f"{', '.join([self._names[value] for value in item.outputs])} = {text}"

    def _expression(self, value: int) -> str:
        """A value as code: its name, or what it is made by."""
        if value not in self._nested:
            return self._names.get(value, "out")
        item = self._maker[value]
        return self._call[item.outputs].format(*self._operands(item))

    def _operands(self, item: Item) -> list[str]:
        """The inputs of an item as code, in parentheses where needed."""
        call = self._call[item.outputs]
        texts = []
        for place, value in enumerate(item.inputs):
            operator = self._maker[value].operator if value in self._nested else ""
            bound = item.operator and (operator, item.operator) != ("*", "+")
            member = any(f"{{{place}}}{mark}" in call for mark in ".[")
            text = self._expression(value)
            texts.append(f"({text})" if operator and (bound or member) else text)
        return texts

    def _returns(self) -> list[str]:
        always = [self._expression(value) for value, only in self._body.outputs if not only]
        both = [self._expression(value) for value, _ in self._body.outputs]
        if len(always) == len(both) or not self._is_root:
            return [f"return {', '.join(both)}"]
        return [
            "if self.training:",
            f"    return {', '.join(both)}",
            f"return {', '.join(always)}",
        ]

    def _return_type(self) -> str:
        only = [only for _, only in self._body.outputs]
        if len(only) == 1:
            return "Tensor | None" if only[0] else "Tensor"
        if not any(only):
            return "tuple[Tensor, ...]"
        if not self._is_root:
            return "tuple[Tensor | None, ...]"
        single = only.count(False) == 1
        return "Tensor | tuple[Tensor, ...]" if single else "tuple[Tensor, ...]"
