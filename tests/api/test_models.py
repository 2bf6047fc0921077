"""Torch models from Python."""

from __future__ import annotations

import archcalc


def test_an_export_says_of_what_it_is() -> None:
    source = archcalc.export("lenet5", classes=7)
    assert "archcalc.export of lenet5 (classes=7)" in source
    names: dict[str, object] = {}
    exec(source, names)
    assert "LeNet5" in names
