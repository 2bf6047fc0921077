"""Networks side by side, as a plot."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from archcalc import UsageError, analyze, symbol
from archcalc.comparing.compare import Contrast, contrast
from archcalc.render.compare_plot import draw_contrast

pytest.importorskip("matplotlib")


def drawn(path: Path, found: Contrast) -> list[str]:
    """The texts in the plot."""
    draw_contrast(str(path), found)
    texts = ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(text.itertext()) for text in texts]


def test_the_plot_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    found = contrast([analyze("vgg16"), analyze("resnet50")])
    for name in ("a.svg", "b.svg"):
        draw_contrast(str(tmp_path / name), found)
    first, second = (tmp_path / name for name in ("a.svg", "b.svg"))
    assert first.read_bytes() == second.read_bytes()


def test_it_names_networks_stages_and_totals(tmp_path: Path) -> None:
    texts = drawn(tmp_path / "a.svg", contrast([analyze("vgg16"), analyze("resnet50")]))
    for text in ("vgg16", "resnet50", "138.36M", "4.09G", "/1", "/32", "vectors", "MACs"):
        assert text in texts


def test_a_label_is_no_formula(tmp_path: Path) -> None:
    found = contrast([analyze("resnet18"), analyze("resnet18")], ["$x^{$ <b>", "_b_ $$"])
    texts = drawn(tmp_path / "a.svg", found)
    assert "$x^{$ <b>" in texts
    assert "_b_ $$" in texts


def test_symbols_cannot_be_drawn(tmp_path: Path) -> None:
    sides = 32 * symbol("h"), 32 * symbol("w")
    found = contrast([analyze("resnet18", input=[3, *sides]), analyze("resnet18")])
    with pytest.raises(UsageError, match="plain numbers"):
        draw_contrast(str(tmp_path / "a.svg"), found)
