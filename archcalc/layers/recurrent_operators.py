"""What torch runs for a recurrent layer in training, on the CPU: `recurrent_memory` has how."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.layers.effect import Extra
from archcalc.layers.operator import Circumstances, Gradient, Kept, Made, Operator, Order, Taken
from archcalc.layers.recurrent_memory import (
    Pass,
    Recurrence,
    dropout_mask,
    onednn_workspace,
    stand_ins,
)
from archcalc.quantity.arithmetic import Quantity, certainly_one
from archcalc.record import replace


def operators_of(of: Recurrence, at: Circumstances) -> tuple[Operator, ...]:
    """The operators, in order, of plain numbers, on the CPU."""
    return tuple(_Writing(of, at).all())


class _Writing:
    """Writes the operators of a layer.

    Tensors are called as in torch's documentation, with the suffix of a layer and direction, and
    the number of a step where there is one of each.
    """

    def __init__(self, of: Recurrence, at: Circumstances) -> None:
        self.of = of
        self.copied = at.copied
        self.apart = at.behind_gaps
        self.learns = at.learns
        # Else images lie within steps anyway.
        moved = at.several_images and not certainly_one(of.steps)
        self.order = Order.CHANGED if moved else Order.OWN
        self.held: list[str] = []  # by the layer as a whole, until it is done
        self.held_by_both: list[str] = []  # by what runs two directions, until they are one tensor
        self.products = ""  # the latest, which it holds until it has others
        self.outputs: list[str] = []  # the latest of each direction, which a kernel's caller holds
        self.last: list[str] = []  # states of each layer and direction
        self.last_cells: list[str] = []

    def all(self) -> Iterator[Operator]:
        of = self.of
        states = {"h": of.output, "c": of.width} if of.cell == "lstm" else {"h": of.output}
        passes = [*of.passes()]
        for name, values in states.items():
            whole = values * len(passes)
            yield Operator("zeros", (), whole, makes=f"{name}_0")
            self.held.append(f"{name}_0")
        yield self._view("transpose", Taken(0, Gradient.SAME, self.order), self._taken, "steps")
        taken = "steps"
        if of.by_one_kernel and self.copied:
            yield Operator("clone", (Taken(taken, Gradient.SAME),), self._taken, makes="input")
            taken = "input"
            self.held.append(taken)
        for layer in range(of.layers):
            own = [one for one in passes if one.layer == layer]
            for one in own:
                for name, values in states.items():
                    start = f"{name}{one.suffix}_0"
                    yield self._select(f"{name}_0", values, start)
                run = self._kernel if of.by_one_kernel else self._written_out
                yield from run(one, taken)
            outputs = [f"output{one.suffix}" for one in own]
            if of.by_one_kernel:
                self.outputs = outputs
            self.held_by_both.append(taken)
            taken = f"output_{layer}" if len(own) == 2 else outputs[0]
            if len(own) == 2:
                parts = tuple([Taken(name, Gradient.PART) for name in outputs])
                held = tuple([name for name in (*self.held_by_both, self.products) if name])
                yield Operator("concat", parts, of.sequence, makes=taken, holds=held)
            self.held_by_both, self.products = [], ""
            if of.dropout and layer < of.layers - 1:
                yield from self._dropout(taken, f"input_{layer + 1}")
                taken = f"input_{layer + 1}"
        yield from self._result(taken)

    @property
    def _taken(self) -> Quantity:
        return self.of.steps * self.of.inputs

    @staticmethod
    def _view(name: str, taken: Taken, values: Quantity, makes: str) -> Operator:
        return Operator(name, (taken._replace(viewed=True),), values, view=True, makes=makes)

    @staticmethod
    def _select(taken: str, values: Quantity, makes: str) -> Operator:
        """A view whose gradient is none: zeros, and among them that of the part."""
        return Operator("select", (Taken(taken),), values, view=True, makes=makes)

    def _dropout(self, taken: str, makes: str) -> Iterator[Operator]:
        mask = dropout_mask(self.of)
        yield Operator("mask", (), mask.values, makes=f"mask {makes}", per_image=mask.per_image)
        takes = (Taken(taken, order=Order.KEPT), Taken(f"mask {makes}"))
        kept = (Kept(f"mask {makes}"),)
        yield Operator("dropout", takes, self.of.sequence, kept=kept, makes=makes)

    def _result(self, outputs: str) -> Iterator[Operator]:
        """The states of the end as one tensor, and what the layer puts out."""
        of = self.of
        ends = {"h_n": (self.last, of.output)}
        if of.cell == "lstm":
            ends["c_n"] = (self.last_cells, of.width)
            if not of.by_one_kernel:  # the compiler evaluates arguments from the last on
                ends = dict(reversed(ends.items()))
        for name, (states, values) in ends.items():
            parts = tuple([Taken(state, Gradient.PART) for state in states])
            whole = values * len(states)
            held = (*self.held, *self.outputs)
            yield Operator("stack", parts, whole, makes=name, holds=held)
        in_order = self._view(
            "transpose", Taken(outputs, Gradient.SAME, self.order), of.sequence, ""
        )
        held = (*self.held, *self.outputs, *ends)
        if not of.last:
            yield replace(in_order, holds=held)
            return
        yield replace(in_order, makes="outputs", holds=held)
        if of.directions == 2:
            names = ("h_n forward", "h_n reverse")
            yield from [self._select("h_n", of.output, name) for name in names]
            both = tuple([Taken(name, Gradient.PART) for name in names])
            yield Operator("concat", both, 2 * of.output)
        elif of.layers == 1:
            yield self._select("h_n", of.output, "")
        else:
            yield self._select("h_n", of.output, "h_n of the last layer")
            yield Operator("clone", (Taken("h_n of the last layer", Gradient.SAME),), of.output)

    # ----- by one kernel -----

    def _kernel(self, one: Pass, taken: str) -> Iterator[Operator]:
        """A layer in one direction as oneDNN runs it."""
        of, suffix = self.of, one.suffix
        weights = [f"weight_ih{suffix}", f"weight_hh{suffix}"]
        biases = [f"bias_ih{suffix}", f"bias_hh{suffix}"]
        if not of.bias:
            for name, zeros in zip(biases, stand_ins(of, one), strict=True):
                yield Operator("zeros", (), zeros.values, per_image=False, makes=f"{name} zeros")
                of_bias = self._view("select", Taken(f"{name} zeros"), of.gates * of.width, name)
                yield replace(of_bias, per_image=False)
        output, state, cell = f"output{suffix}", f"h{suffix}", f"c{suffix}"
        starts = [f"{state}_0", f"{cell}_0"]
        made = {output: of.steps * of.output, state: of.output}
        takes = [taken, *weights, *biases, *starts]
        yield Operator(
            "lstm",
            tuple([Taken(name, always=True) for name in takes]),
            made[output],
            kept=tuple([Kept(name) for name in (*takes, None, state)]),
            beside_kept=(Extra(cell, of.width), *onednn_workspace(of, one)),
            makes=output,
            also=(Made(state, made[state]),),
            holds=tuple(self.outputs[one.reverse :]),
        )
        self.held += [state, cell]
        self.last.append(state)
        self.last_cells.append(cell)

    # ----- step by step -----

    def _written_out(self, one: Pass, taken: str) -> Iterator[Operator]:
        """A layer in one direction, step by step."""
        of, suffix = self.of, one.suffix
        yield from self._products(one, taken)
        numbers = range(of.steps)
        products = [f"products{suffix}_{number}" for number in numbers]
        first, *others = products
        values = of.gates * of.width
        yield Operator(
            "unbind",
            (Taken(f"products{suffix}"),),
            values,
            view=True,
            makes=first,
            also=tuple([Made(name, values) for name in others]),
            holds=(self.products,) if self.products else (),
        )
        self.products = first
        step = {"rnn": self._rnn, "gru": self._gru, "lstm": self._lstm}[of.cell]
        in_order = reversed(products) if one.reverse else products
        for number, product in enumerate(in_order, 1):
            yield from step(suffix, product, number - 1, number)
        states = [f"h{suffix}_{number}" for number in range(1, of.steps + 1)]
        parts = tuple([Taken(name, Gradient.PART) for name in states])
        output = f"output{suffix}"
        yield Operator("stack", parts, of.steps * of.output, makes=output, holds=(first, taken))
        self.held_by_both += states
        self.held.append(states[-1])
        self.last.append(states[-1])
        if of.cell == "lstm":
            self.held.append(f"c{suffix}_{of.steps}")
            self.last_cells.append(f"c{suffix}_{of.steps}")

    def _products(self, one: Pass, taken: str) -> Iterator[Operator]:
        """The products of all steps with the weights of the input."""
        of, makes = self.of, f"products{one.suffix}"
        weight, values = f"weight_ih{one.suffix}", of.steps * of.gates * of.width
        copies = bool(self.copied) and one.layer == 0
        if copies:
            copy = f"input{one.suffix}"
            yield Operator("clone", (Taken(taken, Gradient.SAME),), self._taken, makes=copy)
            taken = copy
        takes = [Taken(taken, viewed=True, by_view=True), Taken(weight, viewed=True, by_view=True)]
        kept = (Kept(taken, towards=weight), Kept(weight, towards=taken))
        bias = f"bias_ih{one.suffix}"
        apart = of.bias and self.apart and one.layer == 0
        if of.bias and not apart:
            takes.insert(0, Taken(bias, Gradient.REDUCED, viewed=True))
        name = f"{makes} without bias" if apart else makes
        yield Operator("linear", tuple(takes), values, kept=kept, makes=name, merges=1)
        if apart:
            added = (Taken(name, Gradient.SAME), Taken(bias, Gradient.REDUCED, viewed=True))
            yield Operator("add_bias", added, values, makes=makes)

    def _of_state(self, suffix: str, state: str, makes: str, values: Quantity) -> Operator:
        """The product of a state with its weights."""
        weight = f"weight_hh{suffix}"
        takes = [Taken(state), Taken(weight, viewed=True, by_view=True)]
        if self.of.bias:  # whose gradient arrives first
            takes.insert(0, Taken(f"bias_hh{suffix}", Gradient.REDUCED, viewed=True))
        kept = (Kept(state, towards=weight), Kept(weight, towards=state))
        return Operator("linear", tuple(takes), values, kept=kept, makes=makes)

    def _rnn(self, suffix: str, product: str, before: int, number: int) -> Iterator[Operator]:
        width, own = self.of.width, f"{suffix}_{number}"
        yield self._of_state(suffix, f"h{suffix}_{before}", f"state product{own}", width)
        yield self._in_place("add", f"state product{own}", product, width, f"sum{own}")
        kept = (Kept(None),)
        name = self.of.nonlinearity
        yield Operator(name, (Taken(f"sum{own}"),), width, kept=kept, makes=f"h{own}")

    def _gru(self, suffix: str, product: str, before: int, number: int) -> Iterator[Operator]:
        width, own = self.of.width, f"{suffix}_{number}"
        state = f"h{suffix}_{before}"
        of_input = [f"input {gate}{own}" for gate in "rzn"]
        of_state = [f"state {gate}{own}" for gate in "rzn"]
        yield self._chunks(product, of_input)
        yield self._of_state(suffix, state, f"state product{own}", 3 * width)
        yield self._chunks(f"state product{own}", of_state)
        for gate, mine, other in zip("rz", of_state, of_input, strict=False):
            yield self._in_place("add", mine, other, width, f"sum {gate}{own}")
            yield self._function("sigmoid", f"sum {gate}{own}", f"{gate}{own}")
        yield self._in_place("mul", of_state[2], f"r{own}", width, f"reset{own}")
        both = (Taken(of_input[2], Gradient.SAME), Taken(f"reset{own}", Gradient.SAME))
        yield Operator("add", both, width, makes=f"sum n{own}")
        yield self._function("tanh", f"sum n{own}", f"n{own}")
        both = (Taken(state, Gradient.SAME), Taken(f"n{own}"))
        yield Operator("sub", both, width, makes=f"change{own}")
        yield self._in_place("mul", f"change{own}", f"z{own}", width, f"part{own}")
        found = self._in_place("add", f"part{own}", f"n{own}", width, f"h{own}")
        yield replace(found, holds=(f"state product{own}",))

    def _lstm(self, suffix: str, product: str, before: int, number: int) -> Iterator[Operator]:
        width, own = self.of.width, f"{suffix}_{number}"
        cell = f"c{suffix}_{before}"
        yield self._of_state(suffix, f"h{suffix}_{before}", f"state product{own}", 4 * width)
        yield self._in_place("add", f"state product{own}", product, 4 * width, f"sum{own}")
        sums = [f"sum {gate}{own}" for gate in "ifgo"]
        yield self._chunks(f"sum{own}", sums)
        for gate, name in zip("ifgo", sums, strict=True):
            yield self._function("tanh" if gate == "g" else "sigmoid", name, f"{gate}{own}")
        yield self._times(f"f{own}", cell, f"kept cell{own}")
        yield self._times(f"i{own}", f"g{own}", f"new cell{own}")
        kept_cell, new_cell = f"kept cell{own}", f"new cell{own}"
        yield self._in_place("add", kept_cell, new_cell, width, f"c{own}")
        kept = (Kept(None),)
        yield Operator("tanh", (Taken(f"c{own}"),), width, kept=kept, makes=f"tanh c{own}")
        weight, whole = f"weight_hr{suffix}", f"h{own} before its projection"
        projected = self.of.projected
        yield self._times(f"o{own}", f"tanh c{own}", whole if projected else f"h{own}")
        if projected:
            takes = (Taken(whole), Taken(weight, viewed=True, by_view=True))
            factors = (Kept(whole, towards=weight), Kept(weight, towards=whole))
            holds = (f"state product{own}", cell)
            yield Operator(
                "linear", takes, self.of.output, kept=factors, makes=f"h{own}", holds=holds
            )

    def _chunks(self, whole: str, parts: list[str]) -> Operator:
        first, *others = parts
        also = tuple([Made(name, self.of.width) for name in others])
        taken = (Taken(whole),)
        return Operator("chunk", taken, self.of.width, view=True, makes=first, also=also)

    def _function(self, name: str, taken: str, makes: str) -> Operator:
        """A function in place, by whose output its gradient is found."""
        kept = (Kept(None),)
        return Operator(name, (Taken(taken),), self.of.width, kept=kept, view=True, makes=makes)

    def _times(self, a: str, b: str, makes: str) -> Operator:
        kept = (Kept(b, towards=a), Kept(a, towards=b))
        return Operator("mul", (Taken(a), Taken(b)), self.of.width, kept=kept, makes=makes)

    def _in_place(
        self, name: str, taken: str, other: str, values: Quantity, makes: str
    ) -> Operator:
        """A sum or a product that is written where its first factor lies, of which it keeps a
        copy for the gradient of the second."""
        if name == "add":
            both = (Taken(taken, Gradient.SAME), Taken(other, Gradient.SAME))
            return Operator(name, both, values, view=True, makes=makes)
        copies = (Extra(f"{taken} before", values),) if self.learns else ()
        kept = (Kept(other, towards=taken),)
        both = (Taken(taken), Taken(other))
        return Operator(name, both, values, kept=kept, beside_kept=copies, view=True, makes=makes)
