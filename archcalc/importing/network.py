"""A model from elsewhere as a network: what everything that is about networks takes."""

from __future__ import annotations

from typing import Any

from archcalc.errors import Source
from archcalc.importing.model import Model, flat_spec
from archcalc.record import replace
from archcalc.spec.parser import parse_family
from archcalc.spec.syntax import Family, Imported


def family_of(model: Model, shown_as: str, module: Any = None) -> Family:
    """The family of the one network that a model is.

    Args:
        shown_as: what messages call it.
        module: the torch module that it was read from, or None.

    Raises:
        SpecError: no network is like that.
    """
    family = parse_family(Source(f"{shown_as}, as a spec", flat_spec(model)))
    shapes = {s.name: s.shape for s in model.statements if s.shape is not None}
    imported = Imported(model.notes, shapes, model.modules, model.macs, module, shown_as)
    networks = {name: replace(each, imported=imported) for name, each in family.networks.items()}
    return replace(family, networks=networks)
