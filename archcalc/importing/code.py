"""Torch modules as networks: what a user has in hand, or names as `package.module:factory`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from archcalc.errors import UsageError, require_extra
from archcalc.importing.model import Model
from archcalc.importing.network import family_of
from archcalc.importing.trace import Trace
from archcalc.record import replace
from archcalc.spec.syntax import Network

_PACKAGES = ("torchvision", "timm", "transformers")  # whose versions are worth a word
_LONGEST_NAME = 100
_NO_NAME = re.compile(r"[^A-Za-z0-9_.\-]+")


def network_of_module(
    module: Any,
    inputs: Any = None,
    *,
    name: str | None = None,
    origin: str | None = None,
    again: Callable[[], Any] | None = None,
) -> Network:
    """A torch module as a network.

    It runs, in evaluation mode and without values, and is left as it was.

    Args:
        module: any `torch.nn.Module`.
        inputs: as for `archcalc.importing.capture.capturing.capture`.
        name: what to call it; its class where none is given.
        origin: where it comes from, in one line.
        again: makes the module with values, where it has none and its code asks for them.

    Raises:
        UsageError: as `capture`.
        MissingExtraError: torch is not installed.
    """
    require_extra("reading a torch module", "torch", "torch")
    model = traced(module, inputs, name=name, origin=origin, again=again)[1]
    (network,) = family_of(model, model.name, module).networks.values()
    return network


def traced(
    module: Any,
    inputs: Any = None,
    *,
    name: str | None = None,
    origin: str | None = None,
    again: Callable[[], Any] | None = None,
) -> tuple[Trace, Model]:
    """What a torch module did, and the layers that this is; arguments as `network_of_module`.

    Where images of a batch are mixed, so that nothing can be said of one, it is what the module
    does with a single one.
    """
    from archcalc.importing.capture.capturing import capture
    from archcalc.importing.kinds import statements

    trace = capture(module, inputs, again=again)
    called = name or trace.name
    origin = origin or f"the torch module {called}"
    trace = replace(trace, name=called)
    try:
        return trace, statements(trace, origin)
    except UsageError as mixed:
        if len(trace.batches) < 2:
            raise
        alone = capture(module, inputs, again=again, batches=(1,))
        note = f"What {called} does with one image cannot be told where there are several ({mixed})"
        alone = replace(alone, name=called, notes=(*alone.notes, f"{note}: this is with 1."))
        try:
            return alone, statements(alone, origin)
        except UsageError:
            raise mixed from None


def network_called(
    name: str, shapes: Mapping[str, tuple[int, ...]], arguments: Mapping[str, Any]
) -> Network:
    """The network that a name such as `package.module:factory` or `file.py:Name` makes.

    Args:
        shapes: for one image, of inputs by name, or by "" of the only one; where there are none,
            those that it was made for, where it says so.
        arguments: of the factory, by name.

    Raises:
        UsageError: there is none, or its code fails; and as `network_of_module`.
        MissingExtraError: torch is not installed.
    """
    require_extra(name, "torch", "torch")
    from archcalc.importing.capture.factories import made

    found = made(name, arguments)
    sizes: Any = shapes.get("", shapes) if shapes else found.size
    told = [value for value in arguments.values() if isinstance(value, str)]  # such as which model
    short = _NO_NAME.sub("-", "-".join([name.rpartition(":")[2], *told]))[:_LONGEST_NAME]
    origin = _origin(name, arguments)
    network = network_of_module(found.module, sizes, name=short, origin=origin, again=found.again)
    assert network.imported is not None, "it was read from a module"
    given = [("set", f"{key}={value}") for key, value in arguments.items()]
    for key, shape in shapes.items():
        sizes = "x".join(map(str, shape))
        given.append(("input", f"{key}={sizes}" if key else sizes))
    imported = replace(network.imported, called=name, given=tuple(given))
    return replace(network, imported=imported)


def _origin(name: str, arguments: Mapping[str, Any]) -> str:
    """Where it comes from: the name, its arguments, the version of a package that is well known."""
    given = ", ".join(f"{key}={value}" for key, value in arguments.items())
    package = name.partition(".")[0].partition(":")[0]
    version = ""
    if package in _PACKAGES:
        from importlib.metadata import PackageNotFoundError
        from importlib.metadata import version as version_of

        try:
            version = f", {package} {version_of(package)}"
        except PackageNotFoundError:
            version = ""
    return f"{name}{f'({given})' if given else ''}{version}"
