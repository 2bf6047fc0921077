"""A torch module of the user's own, called by where it is: `package.module:factory`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from torch import nn

from archcalc.errors import UsageError


def module_called(text: str) -> nn.Module:
    """The module at `package.module:name`, which is looked for where one is working, too.

    Args:
        text: of a module, or of a class or function that makes one without arguments.

    Raises:
        UsageError: there is none, or importing or making it fails.
    """
    package, colon, path = text.partition(":")
    if not (package and colon and path):
        raise UsageError(f"{text}: expected package.module:factory", argument="module")
    here = str(Path.cwd())
    if here not in sys.path:  # where Python itself would look, but not an installed command
        sys.path.insert(0, here)
    try:
        found: object = import_module(package)
        for name in path.split("."):
            found = getattr(found, name)
        made = found if isinstance(found, nn.Module) or not callable(found) else found()
    except Exception as error:  # whatever code of the user's may raise
        raise UsageError(f"{text}: {type(error).__name__}: {error}", argument="module") from error
    if not isinstance(made, nn.Module):
        kind = type(made).__name__
        raise UsageError(f"{text}: it gives {kind}, which is not a torch module", argument="module")
    return made
