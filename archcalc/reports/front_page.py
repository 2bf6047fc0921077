"""A design space, and the settings of it that no other one beats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from archcalc.errors import MissingExtraError, require_extra
from archcalc.identity import value_text
from archcalc.loading import load
from archcalc.parametric.axes import read_axes
from archcalc.render import escape
from archcalc.render.numbers import exact, short_bytes
from archcalc.render.plots import COLORS, GREY, new_figure, save_figure
from archcalc.reports.page import Page, code, table
from archcalc.reports.site import Site

if TYPE_CHECKING:
    from archcalc.parametric.choosing.selection import Selection

PATH = "comparisons/mobilenet_front.md"
TITLE = "A design space of MobileNet, and its front"
_NAME = "mobilenet_v1"
_SPACE = ("alpha=0.25:1:0.01", "resolution=96:320:32")
_FIGURES = ("params", "macs", "peak_bytes")
_BUDGET = "macs <= 150M"
_BEST = ("-params", "-resolution")


def front_page(site: Site) -> Page:
    """All settings of MobileNet in steps, and those that no other one beats."""
    page = site.page(PATH, TITLE)
    command = " ".join(
        ["archcalc sweep", _NAME, *[f"--over {axis}" for axis in _SPACE],
         f"--where '{_BUDGET}'", f"--pareto={','.join(_BEST)}"]
    )  # fmt: skip
    page.add(
        "Each setting of the width multiplier and of the resolution is a network of its own; all "
        "figures come from one sweep. A budget of 150 million multiply-accumulates can go into "
        "width or into resolution. On the front are the settings that keep to it and that no "
        "other one beats: to have more parameters a network has to see a smaller image, and the "
        "other way round."
    )
    page.add(f"`{command}`")
    try:
        every, kept, front = _settings()
    except MissingExtraError as missing:
        site.leave_out(missing)
        return page
    page.add(
        f"Of {len(every)} settings {len(kept)} keep to the budget, and {len(front)} of these are "
        "on the front."
    )
    site.plot(
        page,
        "comparison-mobilenet-front",
        f"Width and resolution of {len(every)} settings of {_NAME}; the front stands out.",
        lambda path: _draw(path, every, kept, front),
    )
    headings = [code("alpha"), code("resolution"), "params", "MACs", "peak at inference"]
    rows = [
        [value_text(alpha), value_text(pixels), exact(params), exact(macs), short_bytes(peak)]
        for alpha, pixels, params, macs, peak in front
    ]
    page.add(table(headings, rows, "rrrrr"))
    return page


def _settings() -> list[list[tuple[Any, ...]]]:
    """The values and figures of all settings, of those within the budget, and of the front."""
    require_extra("the page of a design space", "numpy", "arrays")
    from archcalc.parametric.choosing.columns import Figures
    from archcalc.parametric.choosing.selection import choose
    from archcalc.parametric.choosing.space import settings_of, swept

    settings = settings_of(read_axes(_SPACE), None)
    figures = Figures([swept(load(_NAME), settings, batch=1, dtype="float32")], order=settings)
    every = choose(figures, _FIGURES)
    kept = every.where(_BUDGET)
    return [_rows(every), _rows(kept), _rows(kept.pareto(_BEST).sort(["resolution"]))]


def _rows(chosen: Selection) -> list[tuple[Any, ...]]:
    columns = chosen.columns([*chosen.figures.labels, *_FIGURES])
    return [tuple([c.cell(n) for c in columns]) for n in range(len(chosen.rows))]


def _draw(path: str, *groups: Sequence[tuple[Any, ...]]) -> None:
    """Draws all settings, those within the budget over them, and the front over these.

    Raises:
        UsageError: the file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = new_figure(8, 3.2)
    looks = (("others", GREY, 1.5), ("within the budget", COLORS[5], 2.5),
             ("on the front", COLORS[3], 5))  # fmt: skip
    for rows, (label, color, size) in zip(groups, looks, strict=True):
        axes.plot([float(row[1]) for row in rows], [float(row[0]) for row in rows], "o",
                  color=color, markersize=size, label=escape.plot(label))  # fmt: skip
    axes.set_xticks(sorted({int(row[1]) for row in groups[0]}))
    axes.set_xlabel("resolution", color=GREY)
    axes.set_ylabel("alpha", color=GREY)
    axes.legend(labelcolor=GREY, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    save_figure(figure, path)
