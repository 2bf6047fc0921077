"""Gradient checkpointing: stretches that run again in the backward pass, and when they do.

As `torch.utils.checkpoint.checkpoint(…, use_reentrant=False)`: what enters a stretch is kept, and
nothing of what is inside. The first of its operators whose turn comes in the backward pass, and
which needs anything that it kept, has the stretch run again, up to the last tensor that is kept;
each of these lives until its operator has used it. All that runs again counts to the layer whose
backward pass asks for it: it runs in the midst of that, and nobody else waits for it. Chen et al.
2016 (arXiv:1604.06174), section 3; torch/utils/checkpoint.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from archcalc.memory_use.recorded import Recorded, Tape
from archcalc.memory_use.sections import Section


class _Frame:
    """A stretch while a step runs.

    Attributes:
        section: where it is on the tape.
        around: the stretch that it stands in.
        waiting: of its operators, those whose turn backward is still to come and which keep
            anything.
        entered: the storages of what enters it, while they are held.
        kept: once it has run again, what each operator keeps, by its number.
        inner: likewise, what enters each stretch in it.
    """

    def __init__(self, section: Section, around: _Frame | None, waiting: int) -> None:
        self.section = section
        self.around = around
        self.waiting = waiting
        self.entered: list[int] = []
        self.kept: dict[int, list[int]] | None = None
        self.inner: dict[_Frame, list[int]] = {}


class Checkpointing(ABC):
    """The part of a replay that is about stretches; what follows the storages is given."""

    def __init__(self, tape: Tape) -> None:
        self._operators = tape.operators
        self._parameters = tape.parameters
        self._kept: dict[int, list[int]] = {}  # outside of stretches, by the operator's number
        self._innermost: dict[int, _Frame] = {}
        self._beginning: dict[int, list[_Frame]] = {}
        self._ending: dict[int, list[_Frame]] = {}
        frames: list[_Frame] = []
        for section in tape.sections:
            around = None if section.around is None else frames[section.around]
            numbers = range(section.first, section.end)
            waiting = sum(tape.operators[number].needs_kept for number in numbers)
            frame = _Frame(section, around, waiting)
            frames.append(frame)
            self._innermost |= dict.fromkeys(numbers, frame)
            self._beginning.setdefault(section.first, []).append(frame)
            self._ending.setdefault(section.end - 1, []).append(frame)

    # ----- what follows storages -----

    @abstractmethod
    def _make(self, operator: Recorded, of: dict[str, int]) -> None:
        """Makes what an operator puts out, and beside; `of` has the storages of tensors."""

    @abstractmethod
    def _new_of(self, tensor: str) -> int:
        """A storage for a tensor, held once."""

    @abstractmethod
    def _hold(self, storage: int) -> int:
        """Holds a storage once more; itself."""

    @abstractmethod
    def _drop(self, storage: int) -> None:
        """Lets go of a storage."""

    @abstractmethod
    def _keep(self, storage: int) -> int:
        """Holds a storage for the backward pass; itself."""

    @abstractmethod
    def _drop_kept(self, storage: int) -> None:
        """Lets go of a storage that was kept."""

    # ----- forward -----

    def _enter_stretches(self, number: int, of: dict[str, int]) -> None:
        """Before operator `number`: keeps what enters a stretch that begins with it."""
        for frame in self._beginning.get(number, ()):
            if frame.around is None:
                frame.entered = [self._keep(of[name]) for name in frame.section.enters]

    def _keep_for_backward(self, number: int, of: dict[str, int]) -> None:
        """Keeps what operator `number` needs, unless it will run again."""
        if number not in self._innermost:
            kept = self._operators[number].kept
            self._kept[number] = [self._keep(of[name]) for name in kept]

    def _leave_stretches(self, number: int) -> None:
        """After operator `number`: a stretch that needs nothing is forgotten."""
        for frame in self._ending.get(number, ()):
            if not frame.waiting:
                self._forget(frame)

    # ----- backward -----

    def _kept_by(self, number: int) -> list[int]:
        """What operator `number` has kept; its stretch may have to run again for that."""
        frame = self._innermost.get(number)
        if frame is None:
            return self._kept.pop(number)
        if not self._operators[number].needs_kept:
            return []
        return self._run_again(frame).pop(number)

    def _has_read(self, number: int, kept: list[int]) -> None:
        """Operator `number` has run backward; its gradients may still have to be summed up.

        What has run again is nowhere held but by whoever reads it. What was kept from the forward
        pass is let go of with the operator itself.
        """
        if number in self._innermost:
            for storage in kept:
                self._drop_kept(storage)
            kept.clear()

    def _has_used(self, number: int) -> None:
        """Operator `number` has used what it had kept."""
        frame = self._innermost.get(number)
        if not self._operators[number].needs_kept:
            return
        while frame is not None:
            frame.waiting -= 1
            if not frame.waiting:
                self._forget(frame)
            frame = frame.around

    def _forget(self, frame: _Frame) -> None:
        for storage in frame.entered:
            self._drop_kept(storage)
        frame.entered = []

    def _run_again(self, frame: _Frame) -> dict[int, list[int]]:
        """What the operators of a stretch keep, for which it runs again if it has not yet."""
        if frame.kept is not None:
            return frame.kept
        section, entered = frame.section, frame.entered
        if frame.around is not None:
            self._run_again(frame.around)
            entered = frame.around.inner.pop(frame)
        of = dict(zip(section.enters, map(self._hold, entered), strict=True))
        frame.kept = {}
        for number in range(section.first, section.again):
            operator = self._operators[number]
            self._keep_what_enters(frame, number, of)
            self._cast_again(operator, of)
            self._make(operator, of)
            self._keep_again(frame, number, of)
            for name in operator.released:
                if name in of and name not in section.enters:
                    self._drop(of.pop(name))
        if section.again < section.end:  # here it stops, once it has what is needed
            if self._innermost[section.again] is frame:
                self._cast_again(self._operators[section.again], of)
            self._keep_what_enters(frame, section.again, of)
            self._keep_again(frame, section.again, of)
        for storage in of.values():
            self._drop(storage)
        if frame.around is not None:
            for storage in entered:
                self._drop_kept(storage)
        return frame.kept

    def _cast_again(self, operator: Recorded, of: dict[str, int]) -> None:
        """Makes the casts of weights that autocast had from before the stretch, forward."""
        for argument in operator.arguments:
            if argument.tensor not in of and argument.tensor not in self._parameters:
                of[argument.tensor] = self._new_of(argument.tensor)

    def _keep_what_enters(self, frame: _Frame, number: int, of: dict[str, int]) -> None:
        """Keeps what enters a stretch right in `frame` that begins with operator `number`."""
        for inner in self._beginning.get(number, ()):
            if inner.around is frame and inner.waiting:
                frame.inner[inner] = [self._keep(of[name]) for name in inner.section.enters]

    def _keep_again(self, frame: _Frame, number: int, of: dict[str, int]) -> None:
        """Keeps what operator `number` needs, unless that is in a stretch within `frame`."""
        operator = self._operators[number]
        if self._innermost[number] is frame and operator.needs_kept and frame.kept is not None:
            frame.kept[number] = [self._keep(of[name]) for name in operator.kept]


def runs_again(tape: Tape) -> dict[str, int]:
    """How often the product of weights of each layer is computed again in the backward pass.

    What a stretch does after the last tensor that is kept in it does not run again.
    """
    times: dict[str, int] = {}
    weighing = _weighing(tape)
    for section in tape.sections:
        numbers = range(section.first, section.end)
        if any(tape.operators[number].needs_kept for number in numbers):
            for number in range(section.first, section.again):
                if number in weighing:
                    layer = tape.operators[number].layer
                    times[layer] = times.get(layer, 0) + 1
    return times


def _weighing(tape: Tape) -> set[int]:
    """The numbers of the operators that multiply with weights: of each layer the first."""
    found: dict[str, int] = {}
    for number, operator in enumerate(tape.operators):
        if any(argument.tensor in tape.parameters for argument in operator.arguments):
            found.setdefault(operator.layer, number)
    return set(found.values())
