"""A torch module called by where it is made: `package.module:factory`, `path/to/net.py:Net`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from archcalc.errors import UsageError, suggestion
from archcalc.importing.capture.places import told

if TYPE_CHECKING:
    from torch import nn

_NAME = r"[^\W\d]\w*"
_IN_PACKAGE = re.compile(rf"{_NAME}(\.{_NAME})*:{_NAME}(\.{_NAME})*")
_IN_FILE = re.compile(rf".*\.py:{_NAME}(\.{_NAME})*", re.DOTALL)

# Arguments of torchvision's and others' factories that would fetch weights, and what keeps them
# from it.
_FETCHING = {"weights": None, "weights_backbone": None, "pretrained": False}
_FETCHING |= {"pretrained_backbone": False}


class Made(NamedTuple):
    """A module that was made.

    Attributes:
        module: on the meta device, where its code lets itself be run there.
        size: of an image that it was made for, where its library says so; or None.
        again: makes it with values.
    """

    module: nn.Module
    size: tuple[int, ...] | None
    again: Callable[[], nn.Module]


def is_factory(name: str) -> bool:
    """Whether a name is of the form `package.module:factory` or `path/to/net.py:Net`."""
    return bool(_IN_PACKAGE.fullmatch(name) or _IN_FILE.fullmatch(name))


def made(name: str, arguments: Mapping[str, Any] | None = None) -> Made:
    """The module of that name. Nothing is downloaded.

    Args:
        name: of a function or class that makes a module, or of a module. A package is looked for
            where one is working, too; a file is imported, and what stands beside it can be.
        arguments: of the function or class, by name.

    Raises:
        UsageError: there is none; it takes no such arguments; its code raises an error, which is
            told with its place.
    """
    import torch

    found = _found(name)
    arguments = dict(arguments or {})
    if isinstance(found, torch.nn.Module):
        if arguments:
            raise UsageError(f"{name} is a module already: it takes no arguments")
        return Made(found, None, lambda: found)
    if not callable(found):
        raise UsageError(f"{name} is {_a(found)}, which makes no torch module")
    arguments = _without_weights(name, found, arguments)

    def again() -> nn.Module:
        try:
            with _nothing_downloaded(), redirect_stdout(sys.stderr):  # stdout has the figures
                module = found(**arguments)
        except (Exception, SystemExit) as error:  # whatever a user's own code may raise
            raise UsageError(f"{name}: {told(error)}") from error
        if not isinstance(module, torch.nn.Module):
            raise UsageError(f"{name} makes {_a(module)}, which is no torch module")
        return module

    try:
        with torch.device("meta"):
            module = again()
    except UsageError:  # some code asks for values where it reckons sizes
        module = again()
    return Made(module, _size_for(found, module), again)


def _found(name: str) -> Any:
    """What stands under a name."""
    if not is_factory(name):
        raise UsageError(f"{name}: expected package.module:factory, or file.py:Name")
    place, _, path = name.rpartition(":")
    try:
        with redirect_stdout(sys.stderr):
            found: Any = _file(place) if place.endswith(".py") else _package(place)
    except UsageError:
        raise
    except (Exception, SystemExit) as error:  # whatever a user's own code may raise
        raise UsageError(f"{name}: {told(error)}") from error
    for part in path.split("."):
        if not hasattr(found, part):
            known = [each for each in vars(found) if not each.startswith("_")]
            raise UsageError(f"{name}: {place} has no {part!r}{suggestion(part, known)}")
        found = getattr(found, part)
    return found


def _package(name: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:  # where Python itself would look, but not an installed command
        sys.path.insert(0, here)
    return importlib.import_module(name)


def _file(path: str) -> Any:
    """A file as a module, as if it ran from its own folder."""
    file = Path(path).resolve()
    if not file.is_file():
        raise UsageError(f"{path}: no such file")
    name = file.stem
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be imported")
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module  # where its classes look for themselves
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
        raise
    return module


def _without_weights(
    name: str, found: Callable[..., Any], arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments, and those that keep weights from being fetched.

    Raises:
        UsageError: there is no such argument.
    """
    try:
        taken = inspect.signature(found).parameters
    except (TypeError, ValueError):
        return dict(arguments)
    if not any(each.kind is each.VAR_KEYWORD for each in taken.values()):
        for given in arguments:
            if given not in taken:
                raise UsageError(f"{name} has no argument {given!r}{suggestion(given, taken)}")
    fetching = {key: value for key, value in _FETCHING.items() if key in taken}
    return {**fetching, **arguments}


@contextmanager
def _nothing_downloaded() -> Iterator[None]:
    """Without torch.hub's downloads: weights are no matter here."""
    from torch import hub

    def refuse(url: str, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"it would download {url}, which archcalc has no use for")

    before = hub.download_url_to_file
    hub.download_url_to_file = refuse
    try:
        yield
    finally:
        hub.download_url_to_file = before


def _size_for(found: Callable[..., Any], module: nn.Module) -> tuple[int, ...] | None:
    """The size for which torchvision has published figures, where an image is one of pixels."""
    models = sys.modules.get("torchvision.models")
    home = str(getattr(found, "__module__", ""))
    if models is None or not home.startswith("torchvision.models"):
        return None
    try:
        transforms = models.get_model_weights(found).DEFAULT.transforms
    except ValueError:
        return None
    said = getattr(transforms, "keywords", {})
    size = getattr(module, "image_size", said.get("crop_size", said.get("resize_size")))
    if not isinstance(size, int) or ".video" in home or ".detection" in home:
        return None
    return (3, size, size)


def _a(value: object) -> str:
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiouAEIOU" else f"a {name}"
