"""Files of models of elsewhere: read as what their names say, and refused with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.errors import SpecError, UsageError
from archcalc.spec.library import find_network
from archcalc.walk import analyze

DATA_OF_NO_SIZE = """
layer { name: "mnist" type: "Data" top: "data" top: "label" data_param { source: "images" } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 2 } }
"""


def test_a_file_that_does_not_say_the_size_of_its_images_is_read_with_the_one_given(
    tmp_path: Path,
) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(DATA_OF_NO_SIZE)
    with pytest.raises(
        SpecError, match=r"mnist \(line 2\) does not say what size 'data' has; give"
    ):
        analyze(path)
    assert analyze(path, input=[1, 4, 4]).params == 34
    assert analyze(path, input={"data": (1, 4, 4)}).params == 34
    with pytest.raises(SpecError, match="what size 'data' has"):
        analyze(path, input={"label": (1, 4, 4)})


def test_a_cfg_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tiny.cfg"
    path.write_text("[net]\nheight=4\nwidth=4\nchannels=3\n[convolutional]\nfilters=2\n")
    analysis = analyze(path)
    assert (analysis.graph.name, analysis.params) == ("tiny", 8)
    assert analysis.graph.blocks == {"0": "convolutional"}


@pytest.mark.parametrize("name", ["net.prototxt", "net.cfg"])
def test_what_is_too_large_is_not_called_a_spec(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"#" * 2_000_000)
    with pytest.raises(SpecError, match=r"1,048,576 bytes; a (prototxt|\.cfg of layers) is far"):
        find_network(str(path))


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
