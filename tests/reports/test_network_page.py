"""What a network's page says where the input is no image: nothing that is untrue of it."""

from __future__ import annotations

from pathlib import Path

from archcalc.reports.index_page import index_page
from archcalc.reports.library import part_of_library
from archcalc.reports.report import write_report
from archcalc.reports.site import Site

TOKENS = """\
name: tokens
inputs:
  ids: {shape: [12], dtype: int64}
  types: {shape: [12], dtype: int64}
layers:
  - embedding: {name: of_ids, from: ids, rows: 50, features: 8}
  - embedding: {name: of_types, from: types, rows: 2, features: 8}
  - parameter: {name: positions, shape: [12, 8]}
  - add: {name: sum, from: [of_ids, of_types, positions]}
  - linear: {name: qkv, features: 24}
  - multi_head: {}
  - add: {name: out, from: [attend, sum]}
"""
ATTENTION = """\
scaled_dot_product_attention: {name: attend, from: [sum, sum, sum], heads: 2, causal: CAUSAL}\
"""


def page_of(folder: Path, spec: str) -> str:
    path = folder / "net.yaml"
    path.write_text(spec, encoding="utf-8")
    write_report(part_of_library([str(path)]), folder)
    (page,) = (folder / "networks").iterdir()
    return page.read_text(encoding="utf-8").partition("## How the figures")[0]


def tokens(causal: str) -> str:
    return TOKENS.replace("multi_head: {}", ATTENTION.replace("CAUSAL", causal))


def test_the_page_of_a_network_on_tokens_has_no_pixels(tmp_path: Path) -> None:
    page = page_of(tmp_path, tokens("false"))
    assert "| input | 12 | `ids`: tokens, as int64 |" in page
    assert "| input | 12 | `types`: tokens, as int64 |" in page
    assert "For one sequence, in float32." in page
    assert "From `out` on, every value depends on the whole sequence." in page
    assert "pixel" not in page
    assert "image" not in page
    assert "local receptive field" not in page  # attention is all that sees more than a token
    assert not (tmp_path / "plots" / "tokens-field.svg").exists()


def test_a_causal_network_sees_what_is_before(tmp_path: Path) -> None:
    page = page_of(tmp_path, tokens("true"))
    assert "From `out` on, every value depends on its own token and all before it." in page


def test_an_input_of_one_position_has_no_receptive_field(tmp_path: Path) -> None:
    page = page_of(
        tmp_path,
        "name: made\ninput: [8, 1, 1]\nlayers:\n"
        "  - conv_transpose: {name: a, channels: 4, kernel: 4}\n"
        "  - conv_transpose: {name: b, channels: 2, kernel: 2, stride: 2}\n",
    )
    assert "eceptive field" not in page
    assert "x4 is four along each axis for one of the positions." in page


def test_ways_to_save_are_both_named_where_neither_saves_alone(tmp_path: Path) -> None:
    write_report(part_of_library(["ghostnet"]), tmp_path)
    page = (tmp_path / "networks" / "ghostnet.md").read_text(encoding="utf-8")
    assert (
        "where activations and sums overwrite their input and branches are written into their "
        "concatenation."
    ) in page


def test_the_index_groups_networks_by_what_they_are_for(tmp_path: Path) -> None:
    library = part_of_library(["bert_base", "dcgan_generator", "r3d_18", "resnet18", "resnet20"])
    text = index_page(library, Site(tmp_path, [])).text()
    headings = [line for line in text.splitlines() if line.startswith("## ")][2:]
    assert headings == [
        "## ImageNet",
        "## CIFAR and MNIST",
        "## Text",
        "## Video",
        "## Other networks, modules and small examples",
    ]
