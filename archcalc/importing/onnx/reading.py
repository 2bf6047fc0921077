"""An ONNX file as a model: its nodes carried out as calls of torch, and these captured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from archcalc.errors import UsageError, require_extra
from archcalc.importing.kinds.naming import plain_name
from archcalc.importing.model import Input, Model
from archcalc.importing.onnx.graph import Nodes, read_nodes, with_own_vectors
from archcalc.record import replace


def read_onnx(path: str, sizes: Mapping[str, Sequence[int]] | None = None) -> Model:
    """The network in an ONNX file; values of weights are not read, and no other file is.

    Args:
        path: of the file.
        sizes: of one image, for inputs by name, where the file leaves some open; by the name ""
            those of the first.

    Raises:
        UsageError: it cannot be read, or contradicts itself; an input has a size that is not
            known; archcalc has no rule for an operator, and the file does not say what it gives.
        MissingExtraError: onnx, or torch, is not installed.
    """
    graph, shared = with_own_vectors(read_nodes(path))
    require_extra(path, "torch", "onnx")
    from archcalc.importing.capture.capturing import capture
    from archcalc.importing.kinds import statements
    from archcalc.importing.onnx.module import OnnxModule
    from archcalc.importing.recognizing.rules import recognized

    images = _images(graph, path)
    given = {
        name: Input(_shape(name, graph, path, sizes or {}), _integers(graph.inputs[name].dtype))
        for name in graph.inputs
    }
    module = OnnxModule(graph, images, path)
    first = images or 1
    trace = capture(module, [*given.values()], batches=(first, 2 * first))
    names = dict(zip(trace.inputs.values(), graph.inputs, strict=True))
    notes = trace.notes + module.notes
    if shared:
        vectors = "a vector" if shared == 1 else f"{shared} vectors"
        notes += (
            f"{path} holds {vectors} once for several layers; each is counted as having its own",
        )
    file = Path(path)
    trace = replace(
        trace,
        name=file.stem,
        inputs={names[n]: n for n in trace.inputs.values()},
        notes=notes,
        modules={},  # a file says no classes
    )
    model = statements(trace, f"{file.name}, ONNX operator set {graph.opset}")
    return recognized(model)  # an exporter takes apart what the model had as one


def _images(graph: Nodes, path: str) -> int | None:
    """How many images the file is written for; None where it takes any number."""
    firsts = {input.sizes[0] for input in graph.inputs.values() if input.sizes}
    fixed = {size for size in firsts if isinstance(size, int)}
    if not graph.inputs:
        raise UsageError(f"{path} has no input")
    return min(fixed) if fixed and fixed == firsts else None


def _shape(
    name: str, graph: Nodes, path: str, sizes: Mapping[str, Sequence[int]]
) -> tuple[int, ...]:
    """The shape of an input for one image: as the file fixes it, else as it is given."""
    own = graph.inputs[name].sizes[1:]
    first = sizes.get("", ()) if name == next(iter(graph.inputs)) else ()
    given = sizes.get(name) or sizes.get(plain_name(name)) or first
    if given:
        if own and len(given) != len(own):
            raise UsageError(f"{path}: input {name!r} takes {len(own)} sizes of an image", "input")
        if own and isinstance(own[0], int) and own[0] != given[0]:
            raise UsageError(f"{path} fixes the first size of {name!r} to {own[0]}", "input")
        # Its layers are those of the sizes that it fixes, and then walked on what is given.
        return tuple([m if isinstance(m, int) else n for n, m in zip_longest(given, own)])
    unknown = [str(size) for size in own if not isinstance(size, int)]
    if unknown or not graph.inputs[name].sizes:
        raise UsageError(
            f"{path}: input {name!r} has sizes that are not known ({', '.join(unknown) or 'all'}); "
            "say those of one image, such as 3x224x224",
            "input",
        )
    return tuple([size for size in own if isinstance(size, int)])


def _integers(dtype: str) -> str | None:
    """A dtype of an input as a model has it: none where it is a float's."""
    return None if "float" in dtype else dtype
