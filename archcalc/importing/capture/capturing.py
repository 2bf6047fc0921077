"""From a torch module to the trace of what it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from archcalc.errors import UsageError
from archcalc.importing.capture.inputs import Inputs, inputs_of
from archcalc.importing.capture.merging import Differs, operations_of, tensors_of
from archcalc.importing.capture.places import place_of, told
from archcalc.importing.capture.recording import WantsIntegers
from archcalc.importing.capture.running import FAKE, META, REAL, Run, run
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
    runs, batches, notes = _runs(_Capturing(module, given, again), batches)
    first = runs[0]
    return Trace(
        name=type(module).__name__,
        batches=batches,
        tensors=tensors_of(runs),
        inputs=first.inputs,
        held=first.held,
        unused=first.unused,
        operations=operations_of(runs),
        outputs=first.outputs,
        notes=notes,
        flops=first.flops,
        modules={path: type(part).__name__ for path, part in module.named_modules() if path},
    )


def _runs(
    capturing: _Capturing, batches: tuple[int, ...]
) -> tuple[list[Run], tuple[int, ...], tuple[str, ...]]:
    """Runs that are one trace, their batch sizes, and what is to be said of them."""
    runs = capturing.all(batches)
    try:
        _require_alike(runs)
    except Differs as difference:
        apart = difference
    else:
        return runs, batches, capturing.notes(runs)
    larger = tuple(batch + 1 for batch in batches)
    runs = capturing.all(larger)
    try:
        _require_alike(runs)
    except Differs:
        note = (
            f"What {capturing.name} does depends on the number of images ({apart}): "
            f"this is what it does with {batches[0]}."
        )
        return capturing.all(batches[:1]), batches[:1], (*capturing.notes(runs), note)
    return runs, larger, capturing.notes(runs)


def _require_alike(runs: Sequence[Run]) -> None:
    operations_of(runs)
    tensors_of(runs)


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
            again = bool(self._done)
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

    def notes(self, runs: Sequence[Run]) -> tuple[str, ...]:
        notes = []
        if self._on == REAL:
            notes.append(
                f"{self.name} asks for the values of its tensors{self._asked}: what follows from "
                "there depends on the image."
            )
        if runs[0].silenced:
            parts = ", ".join(path or self.name for path in runs[0].silenced)
            notes.append(f"The hooks of {parts} were not called.")
        return tuple(notes)


class _Again(Exception):
    """Other tensors are needed."""
