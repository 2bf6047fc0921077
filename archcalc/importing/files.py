"""Files that hold models of elsewhere, told apart by how their names end."""

from __future__ import annotations

from collections.abc import Mapping

from archcalc.errors import UsageError
from archcalc.importing.model import Model
from archcalc.spec.files import PICKLES, WEIGHTS
from archcalc.spec.reader import read_file


def read_model(path: str, given: Mapping[str, tuple[int, ...]] | None = None) -> Model:
    """The model in a file; none of its code runs, and no other file is read.

    Args:
        given: the shapes for one image of inputs, by name, where the file does not say them; by
            the name "" that of the first.

    Raises:
        UsageError: it cannot be read, or holds no network, or code that would run.
        SpecError: what is in it is wrong.
        MissingExtraError: what reads it is not installed.
    """
    if path.endswith(PICKLES):
        raise UsageError(
            f"{path}: to read a pickle is to run the code in it, which archcalc does not; name "
            "what makes the model instead: package.module:factory, or file.py:Name"
        )
    if path.endswith(WEIGHTS):
        raise UsageError(f"{path} holds the weights of a network, and not its layers")
    if path.endswith(".prototxt"):
        from archcalc.importing.caffe.network import read_caffe

        return read_caffe(read_file(path, path, "a prototxt"), given)
    if path.endswith(".cfg"):
        from archcalc.importing.darknet.network import read_darknet

        return read_darknet(read_file(path, path, "a .cfg of layers"))
    from archcalc.importing.onnx.reading import read_onnx

    return read_onnx(path, given)
