"""A graph as one file of PyTorch source."""

from __future__ import annotations

import re
import textwrap

from archcalc import __version__
from archcalc.analysis import Analysis, require_numbers
from archcalc.errors import UsageError
from archcalc.exporting.grouping import classes_of
from archcalc.exporting.helpers import needed_helpers
from archcalc.exporting.layout import WIDTH
from archcalc.exporting.records import Path
from archcalc.exporting.writing import class_lines
from archcalc.graph import INPUT, WEIGHT, Graph, require_twin
from archcalc.render.escape import one_line
from archcalc.torch_spelling.module_names import module_names
from archcalc.walk import analyze

_WEIGHT_NORM = re.compile(r"(?<![\w.])weight_norm\(")
_PARAMETRIZATIONS = "torch.nn.utils.parametrizations"
_MOST_NAMED = 5  # layers in a sentence
_DEEPEST = 60  # modules within modules; Python itself reads no more than 100 brackets in brackets


def torch_source(graph: Graph, made_by: str) -> str:
    """The source of a file that defines the network as a torch module, ready to be trained.

    It imports nothing but torch; the class of the network stands last. Modules have the names of
    the spec's layers, so that the keys of the state_dict are those of `archcalc.build`'s; a name
    that torch cannot have, such as `forward`, gets an underscore behind.

    Args:
        made_by: the command that writes it, for the docstring.

    Layers that no output depends on are left out, and named in the docstring.

    Raises:
        UsageError: a size is not a plain number; or names are nested too deep.
        LayerError: as `analyze`.
    """
    whole = analyze(graph)
    _require_writable(whole)
    analysis = analyze(whole.graph.without_unused())
    (*blocks, network), brought = classes_of(analysis)
    code = ["\n".join(class_lines(block, is_root=False)) for block in blocks]
    head, *rest = class_lines(network, is_root=True, frozen=_frozen(analysis))
    code = [*needed_helpers("\n".join([*code, *rest]), brought), *code]
    imports = _imports("\n".join([*code, *rest]))
    code.append("\n".join([head, *_docstring(analysis, whole, made_by), "", *rest]))
    return "\n\n\n".join([imports, *map(str.rstrip, code)]) + "\n"


def _require_writable(analysis: Analysis) -> None:
    require_numbers(analysis)
    require_twin(analysis.graph)
    for layer in analysis.layers:
        if layer.name.count(".") >= _DEEPEST:
            raise UsageError(f"{layer.name[:60]}…: more than {_DEEPEST} dots in a name")


def _frozen(analysis: Analysis) -> list[Path]:
    """The parts that do not learn, modules and parameters: as few as can be, () for everything."""
    names = module_names({layer.name: bool(layer.effect.state) for layer in analysis.layers})
    tensors = {
        (*names[layer.name].split("."), tensor.name): layer.learns
        for layer in analysis.layers
        for tensor in layer.effect.parameters
        if layer.node.weights is None or (layer.node.weight_alone and tensor.name != WEIGHT)
    }
    learning = {path[:n] for path, learns in tensors.items() if learns for n in range(len(path))}
    found = [
        next(path[:n] for n in range(len(path) + 1) if path[:n] not in learning)
        for path, learns in tensors.items()
        if not learns
    ]
    return list(dict.fromkeys(found))


def _imports(code: str) -> str:
    """The imports that `code` needs, as isort orders them."""
    lines = [
        *(["import math", ""] if re.search(r"\bmath\.", code) else []),
        *(["import torch"] if re.search(r"\btorch\.", code) else []),
        *(["import torch.nn.functional as F"] if re.search(r"\bF\.", code) else []),
        "from torch import Tensor, nn",
        *([f"from {_PARAMETRIZATIONS} import weight_norm"] if _WEIGHT_NORM.search(code) else []),
    ]
    return "\n".join(lines)


def _docstring(analysis: Analysis, whole: Analysis, made_by: str) -> list[str]:
    """The lines of the docstring of the network's class; `whole` has its unused layers as well."""
    about = analysis.graph.about
    authors = ", ".join(part for part in (about.authors, str(about.year or "")) if part)
    side = analysis.training_only_totals.params
    heads = f", and {side:,} of heads for training" if side else ""
    texts = [
        about.title or str(analysis.identity),
        "\n".join(text for text in (authors, about.paper) if text),
        f"{_what_it_takes(analysis)}\nParameters: {analysis.totals.params:,}{heads}\n"
        f"Multiply-accumulates per image: {analysis.totals.macs:,}",
        _what_it_returns(analysis),
        _what_is_missing(whole),
        f"Written by archcalc {__version__}: {made_by}",
    ]
    lines: list[str] = []
    for text in filter(None, texts):
        paragraph = [
            line.replace("\\", "\\\\").replace('"""', r"\"\"\"")
            for part in text.splitlines()
            for line in textwrap.wrap(one_line(part), WIDTH - 4)
        ]
        lines += ["", *paragraph] if lines else paragraph
    return [f"    {line}".rstrip() for line in (f'"""{lines[0]}', *lines[1:], '"""')]


def _what_is_missing(analysis: Analysis) -> str:
    """A sentence about the heads and layers of the spec that are left out."""
    heads = [left_out.head for left_out in analysis.graph.left_out]
    unused = [layer.name for layer in analysis.unused_layers]
    more = f" and {len(unused) - _MOST_NAMED} more" if len(unused) > _MOST_NAMED else ""
    sentences = (
        f"Without {', '.join(heads)}, for training only, which does not fit." if heads else "",
        f"Without the layers that no output depends on: {', '.join(unused[:_MOST_NAMED])}{more}."
        if unused
        else "",
    )
    names = [stretch.name for stretch in analysis.graph.stretches]
    again = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    asked = f"Without the gradient checkpointing of {', '.join(names[:_MOST_NAMED])}{again}."
    return " ".join(filter(None, (*sentences, asked if names else "")))


def _what_it_takes(analysis: Analysis) -> str:
    """`Input: (N, 3, 224, 224)`; of those with names, a line for each."""
    inputs = analysis.graph.inputs
    kinds = {
        name: f"({', '.join(map(str, ('N', *x.shape)))}){f', {x.dtype}' if x.dtype else ''}"
        for name, x in inputs.items()
    }
    if [*inputs] == [INPUT]:
        return f"Input: {kinds[INPUT]}"
    return "\n".join(["Inputs:", *[f"{name}: {kind}" for name, kind in kinds.items()]])


def _what_it_returns(analysis: Analysis) -> str:
    """A sentence about the outputs, where there are several."""
    graph = analysis.graph
    main, *heads = graph.outputs
    first = "the main output" if graph.network.outputs is None else graph.output_name(main)
    training_only = {layer.name for layer in analysis.layers if layer.training_only}
    side = [name for name in heads if name in training_only]
    always = [name for name in heads if name not in side]
    if not heads:
        return ""
    always, side = ([graph.output_name(name) for name in names] for names in (always, side))
    returned = f"Returns a tuple: {', '.join([first, *always])}." if always else ""
    more = f"In training it also returns {' and '.join(side)}." if side else ""
    return " ".join(filter(None, (returned, more)))
