"""From a torch module to the trace of what it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from torch import nn

from archcalc.errors import UsageError
from archcalc.importing.capture.batches import Differs, Merged, merged
from archcalc.importing.capture.inputs import Inputs, inputs_of
from archcalc.importing.capture.places import place_of, told
from archcalc.importing.capture.recording import WantsIntegers
from archcalc.importing.capture.running import FAKE, META, REAL, Run, run
from archcalc.importing.capture.training import has_heads, may_differ, with_training
from archcalc.importing.trace import Trace


def capture(
    module: nn.Module,
    inputs: Any = None,
    *,
    batches: tuple[int, ...] = (1, 2),
    again: Callable[[], nn.Module] | None = None,
) -> Trace:
    """What a module does with its inputs, in evaluation mode.

    A copy of it runs once for each batch size, on tensors without values where it lets itself be
    run so, and on real ones where its code asks for values. The module itself does not run, and
    nothing about it changes.

    Args:
        module: any; where it lies does not matter.
        inputs: what `archcalc.importing.capture.inputs.inputs_of` takes: the size of one image, a
            tensor with its batch, several of them, or None.
        batches: numbers of images. Where one image is treated apart (`x.squeeze()`), one more is
            taken; where the operators differ with the batch still, only the first, which a note
            says.
        again: makes the module once more with values, where `module` has none and its code asks
            for some.

    Raises:
        UsageError: the module raises an error, which is told with its place; it cannot be copied;
            the inputs are not what it takes; a tensor comes from where nothing is seen.
    """
    if not isinstance(module, nn.Module):
        raise UsageError(f"a torch.nn.Module, not {type(module).__name__}", "module")
    given = inputs_of(module, inputs)
    capturing = _Capturing(module, given, again)
    made, batches, notes = capturing.with_training(*_evaluated(capturing, batches))
    first = made.runs[0]
    return Trace(
        name=capturing.name,
        batches=batches,
        tensors=made.tensors,
        inputs=first.inputs,
        held=first.held,
        unused=first.unused,
        operations=made.operations,
        outputs=first.outputs,
        training_operations=made.training_operations,
        training_outputs=first.training_outputs,
        training_places=first.training_places,
        notes=(*capturing.notes(), *notes),
        flops=first.flops,
        modules={path: type(part).__name__ for path, part in module.named_modules() if path},
    )


_Made = tuple[Merged, tuple[int, ...], tuple[str, ...]]


def _evaluated(capturing: _Capturing, batches: tuple[int, ...]) -> _Made:
    """Runs in evaluation mode that are alike, their batch sizes, and what is to be said of them."""
    try:
        return merged(capturing.all(batches)), batches, ()
    except Differs as difference:
        apart = difference
    if not capturing.needs_values:  # where these are at hand, each run takes time
        larger = tuple(batch + 1 for batch in batches)
        with suppress(Differs):
            return merged(capturing.all(larger)), larger, ()
    note = (
        f"What {capturing.name} does depends on the number of images ({apart}): this is what it "
        f"does with {batches[0]}."
    )
    return merged(capturing.all(batches[:1])), batches[:1], (note,)


class _Capturing:
    """Runs a module on tensors without values as long as its code lets itself be run so."""

    def __init__(
        self, module: nn.Module, given: Inputs, again: Callable[[], nn.Module] | None
    ) -> None:
        self.name = type(module).__name__
        self._module = module
        self._again = again
        self._given = given
        self._on = META
        self._asked = ""  # what its code asked for that no tensor without values can tell
        self._done: dict[int, Run] = {}

    @property
    def needs_values(self) -> bool:
        """Whether the module does not run without values."""
        return self._on == REAL

    def all(self, batches: Sequence[int]) -> list[Run]:
        """A run for each batch size, all on the same sort of tensors."""
        while True:
            try:
                for batch in batches:
                    counted = batch == batches[0]  # which takes time, and one tells enough
                    done = self._done.get(batch)
                    if done is None or (counted and not done.counted):
                        self._done[batch] = self._run(batch, counted)
            except WantsIntegers as error:
                self._given, self._done = self._given.with_integers(error.names), {}
            except _Again:
                self._done = {}
            else:
                return [self._done[batch] for batch in batches]

    def _run(self, batch: int, counted: bool) -> Run:
        try:
            again = bool(self._done) and not counted  # what does not run again is not counted
            return run(self._module, self._given, batch, self._on, counted=counted, again=again)
        except (UsageError, WantsIntegers):
            raise
        except Exception as error:  # whatever a user's own module may raise
            if self._on == META and "meta" in f"{type(error).__name__} {error}".lower():
                self._on, self._asked = FAKE, place_of(error)
            elif self._on == FAKE:
                self._on = REAL
                if self._again is not None and any(x.is_meta for x in self._module.parameters()):
                    self._module = self._again()
            else:
                refused = f"the {self.name} refuses an input of {self._given.sizes(batch)}"
                raise UsageError(f"{refused}: {told(error)}") from error
            raise _Again from None

    def with_training(
        self, made: Merged, batches: tuple[int, ...], notes: tuple[str, ...]
    ) -> _Made:
        """With what training does beside, where it can be run.

        A batch norm of single values refuses to train, so that heads need larger batches.
        """
        evaluated = made, batches, notes
        if len(batches) < 2 or self.needs_values or not may_differ(made.runs[0]):
            return evaluated
        larger = tuple(range(batches[-1], batches[-1] + len(batches)))
        runs = made.runs
        try:
            trained = [self._train(larger[0])] * len(runs)
            if has_heads(runs[-1], trained[0]):
                trained = [trained[0], *[self._train(batch) for batch in larger[1:]]]
                runs, batches = self.all(larger), larger
            found = [with_training(*each) for each in zip(runs, trained, strict=True)]
            return merged(found), batches, notes
        except Differs as difference:
            note = f"What {self.name} does in training alone differs: {difference}."
        except Exception as error:  # whatever a user's own module may raise
            note = f"{self.name} does not train with these inputs: {told(error)}."
        return (*evaluated[:2], (*notes, note))

    def _train(self, batch: int) -> Run:
        return run(self._module, self._given, batch, self._on, again=True, training=True)

    def notes(self) -> tuple[str, ...]:
        """What is to be said of how the module was run."""
        notes = []
        if self.needs_values:
            notes.append(
                f"{self.name} asks for the values of its tensors{self._asked}: what follows from "
                "there depends on the image."
            )
        silenced = next(iter(self._done.values())).silenced
        if silenced:
            parts = ", ".join(path or self.name for path in silenced)
            notes.append(f"The hooks of {parts} were not called.")
        return tuple(notes)


class _Again(Exception):
    """Other tensors are needed."""
