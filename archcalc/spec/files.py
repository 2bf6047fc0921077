"""The files that specs lie in: those that come with archcalc, and those that a spec names.

A spec is untrusted text. It may name files in the folder that it lies in or below that, and not too
many; a text that lies in no folder may name none.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator

from archcalc.errors import ArchcalcError, Place, Source, SpecError, UsageError
from archcalc.record import replace
from archcalc.spec.reader import MAX_BYTES, MAX_NODES, read_file
from archcalc.spec.syntax import BlockFile

MOST = 32  # other files, and networks, of one spec
ENDINGS = (".yaml", ".yml")
# Of models of elsewhere; and of files that hold none, which people try.
MODELS = (".prototxt", ".cfg", ".onnx")
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt")
WEIGHTS = (".caffemodel", ".weights", ".safetensors", ".npz", ".h5")
# What makes a torch module: `package.module:name`, `file.py:name`.
_CODE = re.compile(r"(.+\.py|[^\W\d]\w*(\.[^\W\d]\w*)*):[^\W\d]\w*(\.[^\W\d]\w*)*")
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def specs_folder() -> str:
    """Where the specs lie: inside the installed package, or beside it in a checkout."""
    installed = os.path.join(_PACKAGE, "specs")
    return installed if os.path.isdir(installed) else os.path.join(_PACKAGE, "..", "specs")


def spec_sources(subfolder: str = "", sought: str = "") -> Iterator[Source]:
    """The texts of the specs that come with archcalc, in alphabetical order of their files.

    Args:
        subfolder: a folder among them to read instead, such as `claims`.
        sought: the name of a network: first come the files whose names it begins with.
    """
    folder = os.path.join(specs_folder(), subfolder)
    files = sorted(os.listdir(folder))
    for name in sorted(files, key=lambda file: not sought.startswith(file.partition(".")[0])):
        if name.endswith(".yaml"):
            shown = "/".join(part for part in ("specs", subfolder, name) if part)
            yield read_file(os.path.join(folder, name), shown)


class Files:
    """The files that one spec names, itself and through one another.

    Attributes:
        values_left: how many values of YAML they may have together, from here on.
        blocks: what is known of those that blocks are imported from.
        open: those of them that are being read, from the outermost in.
    """

    def __init__(self) -> None:
        self.values_left = MAX_NODES
        self.blocks: dict[str, BlockFile] = {}
        self.open: list[str] = []
        self._sources: dict[str, Source] = {}
        self._bytes = 0

    def source(self, path: str, place: Place) -> Source:
        """The text of the file whose path stands at a place.

        Raises:
            SpecError: it is no YAML file, cannot be read, lies neither in the folder of the file
                that names it nor below, or is one too many.
        """
        try:
            read = _in_revision if place.source.revision else _on_disk
            real, reading = read(path, place.source)
            if real not in self._sources:
                if len(self._sources) >= MOST:
                    raise UsageError(f"more than {MOST} other files")
                source = reading()
                self._bytes += len(source.text)
                if self._bytes > MAX_BYTES:
                    raise UsageError(f"other files of more than {MAX_BYTES:,} bytes")
                self._sources[real] = source
        except ArchcalcError as error:
            raise SpecError(str(error), place) from None
        return self._sources[real]


def is_model(path: str) -> bool:
    """Whether a file is meant as a model of elsewhere, or holds the weights of one."""
    return path.endswith((*MODELS, *PICKLES, *WEIGHTS))


def is_code(name: str) -> bool:
    """Whether a name is meant as what makes a torch module, in a package or a file of Python.

    `HEAD:net.yaml` and `HEAD:net.onnx` are files in a revision of git.
    """
    return not (name.endswith(ENDINGS) or is_model(name)) and _CODE.fullmatch(name) is not None


def is_path(name: str) -> bool:
    """Whether a name in a spec is meant as that of a file, and not of what archcalc has."""
    return name.endswith(ENDINGS) or "/" in name


def _on_disk(path: str, beside: Source) -> tuple[str, Callable[[], Source]]:
    """The real path of the file whose path stands in the text `beside`, and what reads it."""
    real = _real_path(path, beside)
    shown = os.path.join(os.path.dirname(beside.name), path)
    return real, lambda: replace(read_file(real, shown), path=real)


def _in_revision(path: str, beside: Source) -> tuple[str, Callable[[], Source]]:
    """As `_on_disk`, where that text is from a revision: another one of the same revision."""
    from archcalc.spec.revisions import read_in_revision

    whole = f"{_folder(path, beside)}/{path}".lstrip("/")
    return whole, lambda: read_in_revision(f"{beside.revision}{whole}")


def _folder(path: str, beside: Source) -> str:
    """The folder of a text that names the file `path`.

    Raises:
        UsageError: it is no YAML file, or is not looked for from there.
    """
    if beside.path is None:
        raise UsageError(f"{path!r}: only a spec in a file may name other files")
    if not path.endswith(ENDINGS):
        raise UsageError(f"{path!r}: a spec is a file that ends in .yaml or .yml")
    if os.path.isabs(path) or ".." in path.split("/"):
        raise UsageError(f"{path!r} lies outside the folder of {beside.name}")
    return os.path.dirname(beside.path)


def _real_path(path: str, beside: Source) -> str:
    """Where the file lies whose path stands in the text `beside`.

    Raises:
        UsageError: it is no YAML file, or lies neither in that one's folder nor below it.
    """
    folder = _folder(path, beside)
    try:
        real = os.path.realpath(os.path.join(folder, path))
        if os.path.commonpath([folder, real]) != folder:
            raise UsageError(f"{path!r} lies outside the folder of {beside.name}")
        if not stat.S_ISREG(os.stat(real).st_mode):
            raise UsageError(f"{path!r} is no file")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise UsageError(f"{path!r} is not the name of a file") from None
    return real
