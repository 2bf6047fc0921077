"""Files of models of elsewhere: read as what their names say, and refused with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.errors import UsageError
from archcalc.spec.library import find_network


@pytest.mark.parametrize("name", ["net.pt", "net.pth", "net.pkl", "weights.ckpt"])
def test_a_pickle_is_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(UsageError, match=r"run the code in it.*package\.module:factory"):
        find_network(str(path))


@pytest.mark.parametrize("name", ["net.caffemodel", "yolo.weights", "model.safetensors", "net.h5"])
def test_weights_are_no_network(name: str) -> None:
    with pytest.raises(UsageError, match="holds the weights of a network, and not its layers"):
        find_network(name)
