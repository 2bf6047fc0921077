"""From a torch module to the trace of what it does."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from archcalc.errors import UsageError
from archcalc.importing.capture.inputs import Inputs, inputs_of
from archcalc.importing.capture.merging import Differs, operations_of, tensors_of
from archcalc.importing.capture.recording import WantsIntegers
from archcalc.importing.capture.running import FAKE, META, REAL, Run, run
from archcalc.importing.trace import Trace

# Where frames of a traceback do not say what a user could change.
_LIBRARIES = (f"{Path(torch.__file__).parent}{os.sep}", f"{Path(__file__).parents[2]}{os.sep}")
_PYTHON = f"{Path(os.__file__).parent}{os.sep}"


def capture(module: nn.Module, inputs: Any = None, *, batches: tuple[int, ...] = (1, 2)) -> Trace:
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

    Raises:
        UsageError: the module raises an error, which is told with its place; it cannot be copied;
            the inputs are not what it takes; a tensor comes from where nothing is seen.
    """
    if not isinstance(module, nn.Module):
        raise UsageError(f"a torch.nn.Module, not {type(module).__name__}", "module")
    given = inputs_of(module, inputs)
    runs, batches, notes = _runs(module, given, batches)
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
    )


def _runs(
    module: nn.Module, given: Inputs, batches: tuple[int, ...]
) -> tuple[list[Run], tuple[int, ...], tuple[str, ...]]:
    """Runs that are one trace, their batch sizes, and what is to be said of them."""
    capturing = _Capturing(module, given)
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
            f"What {type(module).__name__} does depends on the number of images ({apart}): "
            f"this is what it does with {batches[0]}."
        )
        return capturing.all(batches[:1]), batches[:1], (*capturing.notes(runs), note)
    return runs, larger, capturing.notes(runs)


def _require_alike(runs: Sequence[Run]) -> None:
    operations_of(runs)
    tensors_of(runs)


class _Capturing:
    """Runs a module on tensors without values as long as its code lets itself be run so."""

    def __init__(self, module: nn.Module, given: Inputs) -> None:
        self._module = module
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
            return run(self._module, self._given, batch, self._on, counted)
        except (UsageError, WantsIntegers):
            raise
        except Exception as error:  # whatever a user's own module may raise
            if self._on == META and "meta" in f"{type(error).__name__} {error}".lower():
                self._on = FAKE
            elif self._on == FAKE:
                self._on, self._asked = REAL, place_of(error)
            else:
                name, sizes = type(self._module).__name__, self._given.sizes(batch)
                refused = f"the {name} refuses an input of {sizes}"
                raise UsageError(f"{refused}: {told(error)}") from error
            raise _Again from None

    def notes(self, runs: Sequence[Run]) -> tuple[str, ...]:
        name = type(self._module).__name__
        notes = []
        if self._on == REAL:
            notes.append(
                f"{name} asks for the values of its tensors{self._asked}: what follows from there "
                "depends on the image."
            )
        if runs[0].silenced:
            parts = ", ".join(path or name for path in runs[0].silenced)
            notes.append(f"The hooks of {parts} were not called.")
        return tuple(notes)


class _Again(Exception):
    """Other tensors are needed."""


def told(error: Exception) -> str:
    """An error of a user's code in one line: what it says and where it was raised."""
    lines = str(error).strip().splitlines()
    return f"{lines[0] if lines else type(error).__name__}{place_of(error)}"


def place_of(error: BaseException) -> str:
    """`" (net.py:12, in forward)"`: the innermost line that is a user's; empty where none is."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _is_torchs(f.filename)]
    frames = [f for f in frames if not f.filename.startswith(_PYTHON)] or frames
    if not frames:
        return ""
    last = frames[-1]
    shown = os.path.relpath(last.filename)
    file = last.filename if shown.startswith("..") else shown
    return f" ({file}:{last.lineno}, in {last.name})"


def _is_torchs(file: str) -> bool:
    return file.startswith((*_LIBRARIES, "<"))
