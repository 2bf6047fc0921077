"""What a model did when it ran once: its operators, in order, with the shapes of their tensors.

Code and files of operators become this first. Whatever they come from, an operator is called as
torch calls it, with its arguments under the names that torch's documentation has for them; so one
table says of all of them which layer kind they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from archcalc.record import Record

PARAMETER = "parameter"  # what learns
BUFFER = "buffer"  # what a module keeps beside
CONSTANT = "constant"  # what its code or a file brings along


class Ref(NamedTuple):
    """In an argument: the tensor of this number, alone or inside lists and tuples."""

    tensor: int


class Varying(NamedTuple):
    """In an argument: a number, or a list of them, that differs between the runs: one for each."""

    values: tuple[Any, ...]


class Tensor(Record):
    """A tensor that was seen.

    Attributes:
        shapes: its shape in each run, in torch's layout and with the batch: one run for each of
            the trace's batch sizes, so that two of them tell where the batch lies.
        dtype: as torch calls it, such as "float32".
        values: of a small one that does not depend on an input, its values as nested lists, where
            they were at hand; or None.
    """

    shapes: tuple[tuple[int, ...], ...]
    dtype: str = "float32"
    values: Any = None


class Held(NamedTuple):
    """A tensor that the model holds.

    Attributes:
        name: its path, such as `layer1.0.conv1.weight`; of a constant one that says what it is.
        role: PARAMETER, BUFFER or CONSTANT.
        trainable: whether it learns as the model stands.
    """

    name: str
    role: str
    trainable: bool = True


class Operation(Record):
    """One call of an operator.

    Attributes:
        operator: the name of the function of `torch`, `torch.nn.functional` or `torch.Tensor`,
            without where it is at home and without the `_` of what works in place: "conv2d",
            "add", "view", "__getitem__"; of what is not torch's own with its library:
            "torchvision.nms". A module that was compiled to TorchScript is "ScriptModule"; one
            that hands on what it takes is "identity", or "drop_path" with the probability `p` where
            it multiplies it by one random value for each image in training.
            Where a view of a tensor was changed in place (`x[:, 0].zero_()`), "change_of_view"
            stands behind, of what has changed with it.
        arguments: those that were given, by their names in torch's documentation ("input",
            "weight", "stride" …; `self` is "input", several by their position are a list);
            tensors as `Ref`, dtypes and devices as torch calls them ("float32"), what differs
            between the runs as `Varying`.
        outputs: the numbers of the tensors that it gave, in order; an operator that works in place
            gives a new number for the tensor that it changed.
        path: of the innermost module that called it, such as `layer1.0.relu`; empty for the model.
        module: the class of that module, such as "ReLU".
        call: which call of that module it was, from 1.
        in_place: whether it works in place.
        place: where a file says so, such as `net.prototxt:12`; empty for code.
        copies: of one that may give a view of what it takes, such as "reshape", whether it gave a
            copy, in any run.
        inside: of "multi_head_attention_forward" the operators that it is made of, which give its
            outputs too: for whom it is no kind as it stands.
    """

    operator: str
    arguments: Mapping[str, Any]
    outputs: tuple[int, ...]
    path: str = ""
    module: str = ""
    call: int = 1
    in_place: bool = False
    place: str = ""
    copies: bool = False
    inside: tuple[Operation, ...] = ()


class Trace(Record):
    """What a model did.

    Attributes:
        name: what the model is called.
        batches: the batch size of each run.
        tensors: every tensor by its number.
        inputs: the tensors that were given, by name.
        held: the tensors that the model holds, by number, where an operator took them.
        unused: those that no operator took, with their shapes.
        operations: in the order in which they ran.
        outputs: the tensors that the model returned, by name ("output" where there is one).
        training_operations: of modules that run in training alone, such as heads for a loss.
        training_outputs: what of these the model returns in training, by name.
        training_places: how many of `operations` run before each of these, by its first output.
        notes: what whoever sees the figures should know: a sentence each.
        modules: the class of each module, by its path.
        flops: what torch's FLOP counter counts in the run of the first batch size, 2 for each
            multiply-accumulate; None where it cannot be told.
    """

    not_shown: ClassVar[tuple[str, ...]] = ("tensors",)

    name: str
    batches: tuple[int, ...]
    tensors: Mapping[int, Tensor]
    inputs: Mapping[str, int]
    held: Mapping[int, Held]
    unused: Mapping[Held, tuple[int, ...]]
    operations: tuple[Operation, ...]
    outputs: Mapping[str, int]
    training_operations: tuple[Operation, ...] = ()
    training_outputs: Mapping[str, int] = {}
    training_places: Mapping[int, int] = {}
    notes: tuple[str, ...] = ()
    flops: int | None = None
    modules: Mapping[str, str] = {}
