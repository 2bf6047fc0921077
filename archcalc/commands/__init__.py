"""The commands of the command line, one module each.

A module offers `configure(parser)`, which declares its arguments, `run(arguments)`, which carries
it out and returns the exit status, `EXAMPLES`, two command lines, where it may return 1, in `FAILS`
what that means, and where its output has words to explain, `NOTES` on them. It is imported only
when its command is called.
"""

from __future__ import annotations

from importlib import import_module
from keyword import iskeyword
from types import ModuleType

from archcalc.errors import ArchcalcError

COMMANDS: dict[str, str] = {
    "list": "the networks that archcalc knows",
    "table": "every figure of a network, layer by layer",
    "explain": "how each figure comes about: the rule, the values put in, the result",
    "formula": "the closed form of a quantity in a network's parameters and sizes",
    "scale": "how the figures grow with width, depth and resolution",
    "sweep": "the figures at many settings: which hold, which are best",
    "solve": "the largest value that keeps to a budget, or the smallest",
    "field": "receptive fields: of all layers, or what one unit sees",
    "memory": "what a network needs at inference, and in a training step",
    "compare": "networks side by side, by totals and by stages",
    "diff": "what changes from one network to another, layer by layer",
    "draw": "a network as a diagram: Mermaid, DOT, SVG or PNG",
    "roofline": "the least time of each layer by itself on a device",
    "conventions": "the totals that other tools print, and by which rules",
    "which": "the networks that a printed number may be about, and by whose count",
    "verify": "the rules beside what torch measures, layer by layer",
    "check": "published figures against computed ones",
    "errata": "the published figures that are wrong, differ or are unexplained",
    "export": "a network as one readable PyTorch source file",
    "import": "a model from elsewhere as a spec, with its blocks and repeats found",
    "kinds": "the layer kinds, and the fields of one",
    "show": "a network's own spec, as it is written",
    "expand": "a network's spec, fully written out",
    "page": "networks in one HTML file, whose figures follow what you change in it",
    "report": "networks as pages with diagrams, tables and plots",
    "schema": "the JSON Schema of specs, or of the JSON that a command prints",
    "completion": "a completion script for your shell",
}


def module_of(command: str) -> ModuleType:
    """The module of a command, imported; that of a word of Python ends in _."""
    return import_module(
        f"{__name__}.{command}_" if iskeyword(command) else f"{__name__}.{command}"
    )


def message(error: ArchcalcError) -> str:
    """What an error says, with the argument that it names as an option: `--symbols: …`."""
    return f"--{error}" if getattr(error, "argument", None) is not None else str(error)
