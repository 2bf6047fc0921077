"""Other networks that a spec names: found once each, and not too many."""

from __future__ import annotations

from archcalc.errors import Place, SpecError, UsageError
from archcalc.spec.files import MOST, Files, is_path
from archcalc.spec.library import shipped_network, variant_of
from archcalc.spec.parser import parse_family
from archcalc.spec.syntax import Family, Network


class Others:
    """The other networks that one network is made of, itself and through one another."""

    def __init__(self) -> None:
        self._files = Files()
        self._families: dict[str | None, Family] = {}
        self._networks: dict[tuple[str | None, str], Network] = {}

    def network(self, name: str, place: Place) -> Network:
        """The network that is named at a place: one of archcalc's, `FILE` or `FILE#VARIANT`.

        Raises:
            SpecError: there is none, or it is not to be had from there, or there are too many.
        """
        path, _, variant = name.partition("#")
        in_file = is_path(path)
        key = (place.source.path if in_file else None, name)
        if key not in self._networks:
            if len(self._networks) >= MOST:
                raise SpecError(f"a network of more than {MOST} others", place)
            try:
                self._networks[key] = (
                    variant_of(self._family(path, place), variant)
                    if in_file
                    else shipped_network(name)
                )
            except UsageError as error:
                raise SpecError(str(error), place) from None
        return self._networks[key]

    def _family(self, path: str, place: Place) -> Family:
        source = self._files.source(path, place)
        if source.path not in self._families:
            self._families[source.path] = parse_family(source, self._files)
        return self._families[source.path]
