"""What all plots share: nothing of it stays behind in matplotlib."""

from __future__ import annotations

from pathlib import Path

import pytest

matplotlib = pytest.importorskip("matplotlib")


def test_a_plot_leaves_the_settings_of_matplotlib_as_they_were(tmp_path: Path) -> None:
    from archcalc.render.plots import new_figure, save_figure

    before = dict(matplotlib.rcParams)
    figure, axes = new_figure(2, 1)
    axes.set_title("a title")
    save_figure(figure, str(tmp_path / "plot.svg"))
    assert dict(matplotlib.rcParams) == before
    written = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert "a title</text>" in written  # as text: the settings were in force
