"""Other specs that a spec names: found once each, below its own folder, and not too many.

A spec is untrusted text. It may name networks that come with archcalc, and files in the folder that
it lies in or below that; a text that lies in no folder may name the former alone.
"""

from __future__ import annotations

import os
import stat

from archcalc.errors import ArchcalcError, Place, Source, SpecError, UsageError
from archcalc.spec.library import shipped_network, variant_of
from archcalc.spec.parser import parse_family
from archcalc.spec.reader import MAX_BYTES, read_file
from archcalc.spec.syntax import Family, Network

MOST = 32  # other specs in one network, each of which takes time to read
_ENDINGS = (".yaml", ".yml")


class Others:
    """The other specs that one network is made of, itself and through one another."""

    def __init__(self) -> None:
        self._networks: dict[tuple[str | None, str], Network] = {}
        self._files: dict[str, Family] = {}
        self._bytes = 0

    def network(self, name: str, place: Place) -> Network:
        """The network that is named at a place: one of archcalc's, `FILE` or `FILE#VARIANT`.

        Raises:
            SpecError: there is none, or it is not to be had from there, or there are too many.
        """
        path, _, variant = name.partition("#")
        is_file = path.endswith(_ENDINGS) or "/" in path
        key = (place.source.path, name) if is_file else (None, name)
        if key not in self._networks:
            self._require_few(place)
            try:
                found = (
                    variant_of(self._file(path, place.source), variant)
                    if is_file
                    else shipped_network(name)
                )
            except SpecError:
                raise
            except ArchcalcError as error:
                raise SpecError(str(error), place) from None
            self._networks[key] = found
        return self._networks[key]

    def _require_few(self, place: Place) -> None:
        if len(self._networks) >= MOST:
            raise SpecError(f"a network of more than {MOST} others", place)

    def _file(self, path: str, beside: Source) -> Family:
        """What a file declares, whose path stands in another."""
        real = real_path(path, beside)
        if real not in self._files:
            shown = os.path.join(os.path.dirname(beside.name), path)
            source = Source(shown, read_file(real, shown).text, real)
            self._bytes += len(source.text)
            if self._bytes > MAX_BYTES:
                raise UsageError(f"other files of more than {MAX_BYTES:,} bytes")
            self._files[real] = parse_family(source)
        return self._files[real]


def real_path(path: str, beside: Source) -> str:
    """Where the file lies whose path stands in the text `beside`.

    Raises:
        UsageError: it is no YAML file, or lies neither in that one's folder nor below it.
    """
    if beside.path is None:
        raise UsageError(f"{path!r}: only a spec in a file may name other files")
    if not path.endswith(_ENDINGS):
        raise UsageError(f"{path!r}: a spec is a file that ends in .yaml or .yml")
    folder = os.path.dirname(beside.path)
    try:
        real = os.path.realpath(os.path.join(folder, path))
        is_within = os.path.commonpath([folder, real]) == folder
        if os.path.isabs(path) or ".." in path.split("/") or not is_within:
            raise UsageError(f"{path!r} lies outside the folder of {beside.name}")
        if not stat.S_ISREG(os.stat(real).st_mode):
            raise UsageError(f"{path!r} is no file")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise UsageError(f"{path!r} is not the name of a file") from None
    return real
