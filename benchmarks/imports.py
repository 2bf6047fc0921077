"""Public models, captured and held to themselves: torchvision's and timm's, as far as installed.

    python benchmarks/imports.py torchvision timm --rows rows.jsonl --to results.md

Each model is made without weights, captured, and made a model of archcalc's, whose parameters
have to be as many as the module's, its multiply-accumulates what torch's FLOP counter counts, and
the output of each layer as large as the module had it. Installs and downloads nothing. What came of
each model is kept in the file of rows as it comes, and not done again.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from archcalc.importing.code import traced
from archcalc.importing.model import flat_spec
from archcalc.quantity.at_least import is_open
from archcalc.walk import analyze

FRAMES = 16  # of a video
DETECTION = 128  # pixels a side, where the model says nothing else: it runs on real tensors


class Row(NamedTuple):
    """What became of a model.

    Attributes:
        name: it.
        layers: how many there are.
        params, macs, sizes: whether they are the module's; an empty text, or what differs.
        unreached: parameters that neither inference nor training reaches.
        opaque: the operators that no kind covers, and how often each is there.
        seconds: to capture it, and to make a model of that.
        notes: what archcalc says of the capture.
        failure: why there is none, or empty.
        absence: why the model is not looked at, or empty.
    """

    name: str
    layers: int = 0
    params: str = ""
    unreached: int = 0
    macs: str = ""
    sizes: str = ""
    opaque: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    failure: str = ""
    absence: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.params or self.macs or self.sizes or self.failure or self.absence)


def main() -> None:
    """Captures all models of the libraries named, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", nargs="+", choices=["torchvision", "timm"])
    parser.add_argument("--only", default="", help="names to take: a regular expression")
    parser.add_argument("--every", type=int, default=1, help="take one of so many")
    parser.add_argument("--most", type=float, default=160e6, help="parameters of timm's models")
    parser.add_argument("--rows", type=Path, help="where rows are kept, one a line")
    parser.add_argument("--to", type=Path, help="where the table is written to")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    kept = _Kept(arguments.rows)
    parts = []
    for library in arguments.library:
        names = [name for name in _NAMES[library]() if re.search(arguments.only, name)]
        names = names[:: arguments.every]
        for name in names:
            if (library, name) not in kept.rows:
                row = _built_row(library, name, arguments.most if library == "timm" else inf)
                print(f"{name}: {'equal' if row.is_equal else row}", file=sys.stderr, flush=True)
                kept.keep(library, row)
        parts.append(_table(library, [kept.rows[library, name] for name in names]))
    text = "\n".join(parts)
    print(text) if arguments.to is None else arguments.to.write_text(text)


class _Kept:
    """The rows made so far, here and in a file."""

    def __init__(self, path: Path | None) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        self._path = path
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                library, row = json.loads(line)
                self.rows[library, row["name"]] = Row(**row)

    def keep(self, library: str, row: Row) -> None:
        self.rows[library, row.name] = row
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps([library, row._asdict()]) + "\n")


def _built_row(library: str, name: str, most: float) -> Row:
    make, size = _MAKERS[library](name)
    try:
        module = _made(make)
    except Exception as error:  # whatever a library raises: that model is not there to look at
        return Row(name, absence=_line(error))
    if sum(p.numel() for p in module.parameters()) > most:
        return Row(name, absence=f"more than {most:,.0f} parameters")
    return _row(name, module, size(module), lambda: make().eval())


def _row(name: str, module: nn.Module, size: Any, again: Callable[[], nn.Module]) -> Row:
    start = time.perf_counter()
    try:
        trace, model = traced(module, size, name=name, again=again)
        seconds = time.perf_counter() - start
        analysis = analyze(flat_spec(model), batch=trace.batches[0])
    except Exception as error:  # one that is no message of archcalc's stands in the table too
        return Row(name, failure=_line(error))
    has = sum(p.numel() for p in module.parameters())
    unreached = sum(_count(shape) for held, shape in trace.unused.items() if held.role != "buffer")
    found = analysis.params + analysis.training_only_totals.params
    params = "" if found + unreached == has else f"{found:,} of {has:,}"
    opaque = Counter(s.fields["operator"] for s in model.statements if s.kind == "opaque")
    counted = None if trace.flops is None else trace.flops // 2
    macs: Any = analysis.macs
    known = macs.known if is_open(macs) and opaque else macs
    wanted = {each.name: each.shape for each in model.statements}
    other = [layer.name for layer in analysis.layers if layer.output.shape != wanted[layer.name]]
    return Row(
        name,
        layers=len(model.statements),
        params=params,
        unreached=unreached,
        macs="" if known == counted else f"{macs}, counted {counted}",
        sizes=", ".join(other[:3]),
        opaque=", ".join(f"{count} {operator}" for operator, count in opaque.items()),
        seconds=seconds,
        notes=trace.notes,
    )


def _table(library: str, rows: list[Row]) -> str:
    absent = Counter(row.absence for row in rows if row.absence)
    rows = [row for row in rows if not row.absence]
    equal = sum(row.is_equal for row in rows)
    clear = sum(not row.opaque and not row.failure for row in rows)
    lines = [
        f"## {library}",
        "",
        f"{len(rows)} models; {equal} equal in parameters, MACs and all sizes; {clear} without an "
        f"opaque layer ({clear / max(len(rows), 1):.1%}).",
        *[f"Left out: {count}, {reason}." for reason, count in absent.most_common()],
        "",
        "| model | layers | parameters | MACs | sizes | opaque | seconds |",
        "| --- | ---: | --- | --- | --- | --- | ---: |",
    ]
    for row in rows:
        if row.failure:
            lines.append(f"| {row.name} | | {row.failure} | | | | |")
            continue
        all_reached = f"equal with {row.unreached:,} not reached" if row.unreached else "equal"
        shown = [row.params or all_reached, row.macs or "equal", row.sizes or "equal"]
        cells = [row.name, str(row.layers), *shown, row.opaque, f"{row.seconds:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200].replace("|", "/")


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


# ----- the libraries -----


class _Model(NamedTuple):
    """How a model is made, and what the module made takes."""

    make: Callable[[], nn.Module]
    size: Callable[[nn.Module], Any]


def _torchvision_models() -> Any:
    _without_operators()
    return import_module("torchvision.models")


def _without_operators() -> None:
    """Lets torchvision be imported where its compiled operators do not fit this torch."""
    register: Any = torch.library.register_fake

    def quiet(operator: Any, *arguments: Any, **named: Any) -> Any:
        if isinstance(operator, str) and operator.startswith("torchvision::"):
            return lambda function: function
        return register(operator, *arguments, **named)

    torch.library.register_fake = quiet


def _torchvision_names() -> list[str]:
    models = _torchvision_models()
    known: list[str] = models.list_models()
    return [name for name in known if not name.startswith("quantized_")]


def _torchvision(name: str) -> _Model:
    models = _torchvision_models()
    home = models.get_model_builder(name).__module__
    settings: dict[str, Any] = {"weights": None}
    if ".segmentation." in home or ".detection." in home:
        settings["weights_backbone"] = None
    side = 299 if name == "inception_v3" else 224
    size: Any = (3, side, side)
    if ".video." in home:
        size = (3, FRAMES, side, side)
    if ".detection." in home:
        size = (3, DETECTION, DETECTION)
        if "ssd" not in name:
            settings |= {"min_size": DETECTION, "max_size": DETECTION}
    if ".optical_flow." in home:
        size = [size, size]
    return _Model(lambda: models.get_model(name, **settings), lambda module: size)


def _timm_names() -> list[str]:
    _without_operators()
    names: list[str] = import_module("timm").list_models()
    return names


def _timm(name: str) -> _Model:
    timm = import_module("timm")

    def size(module: Any) -> tuple[int, ...]:
        return tuple(getattr(module, "default_cfg", {}).get("input_size", (3, 224, 224)))

    return _Model(lambda: timm.create_model(name, pretrained=False), size)


def _made(make: Callable[[], nn.Module]) -> nn.Module:
    """A module without values, or as it is where its code reads them."""
    try:
        with torch.device("meta"):
            module = make()
    except Exception:  # whatever it raises, it may do without
        module = make()
    return module.eval()


_NAMES = {"torchvision": _torchvision_names, "timm": _timm_names}
_MAKERS = {"torchvision": _torchvision, "timm": _timm}

if __name__ == "__main__":
    main()
