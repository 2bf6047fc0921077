"""Networks as discs over two axes, each with its label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log10, sqrt
from typing import TYPE_CHECKING, NamedTuple

from archcalc.render import escape
from archcalc.render.numbers import short
from archcalc.render.plots import GREY, new_figure, palette, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

_LARGEST_AREA = 600  # of a disc, in points squared
_FONT = 7.5  # points
_LETTER = 0.56  # mean width of a letter, in font sizes
_OFF = (0, 10, 20, 32, 46, 62)  # points from a disc to its label, tried in this order

_Line = tuple[tuple[float, float], tuple[float, float]]  # two x, and two y


class Point(NamedTuple):
    """A network.

    Attributes:
        group: what its colour stands for.
        area: what the area of its disc is in proportion to.
        hollow: whether its disc is a ring.
    """

    label: str
    group: str
    x: float
    y: float
    area: int
    hollow: bool = False


class _Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: _Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def within(self, other: _Box) -> bool:
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.bottom <= self.bottom
            and self.top <= other.top
        )


def draw_scatter(
    path: str,
    points: Sequence[Point],
    *,
    x: str,
    y: str,
    area: str,
    log_y: bool = False,
) -> None:
    """Draws points over a logarithmic x; where a label has no room, a line leads to it.

    Args:
        x, y, area: what the axes and the discs show.

    Raises:
        UsageError: the file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = new_figure(9.5, 6.5)
    groups = sorted({point.group for point in points})
    largest = max(point.area for point in points)
    for group, color in zip(groups, palette(len(groups)), strict=True):
        for hollow in (False, True):
            members = [p for p in points if p.group == group and p.hollow is hollow]
            axes.scatter(
                [point.x for point in members],
                [point.y for point in members],
                s=[point.area / largest * _LARGEST_AREA for point in members],
                facecolors="none" if hollow else color,
                edgecolors=color, alpha=0.75, linewidths=1.5,
            )  # fmt: skip
        axes.scatter([], [], s=40, color=color, label=group)
    for value in _round_areas(points):
        size = value / largest * _LARGEST_AREA
        axes.scatter([], [], s=size, color=GREY, alpha=0.5, label=f"{_tick(value)} {area}")
    axes.set_xscale("log")
    if log_y:
        axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis) if log_y else (axes.xaxis,):
        _tick_at_1_2_5(axis)
    axes.set_xlabel(x, color=GREY)
    axes.set_ylabel(y, color=GREY)
    axes.grid(color=GREY, alpha=0.2, linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(loc="outside right center", frameon=False, labelcolor=GREY, labelspacing=1)
    figure.draw_without_rendering()  # places the axes, and with them the points
    for label, left, bottom, line in _placed_labels(axes, points, largest):
        axes.text(
            left, bottom, escape.plot(label), fontsize=_FONT, color=GREY, va="bottom",
            transform=axes.transAxes,
        )  # fmt: skip
        if line:
            axes.plot(*line, color=GREY, linewidth=0.5, transform=axes.transAxes)
    save_figure(figure, path)


def _placed_labels(
    axes: Axes, points: Sequence[Point], largest: int
) -> Iterator[tuple[str, float, float, _Line | None]]:
    """Each label that has room, with its left and bottom as parts of the axes.

    A label stands beside its disc, on no other disc and on no label before it; or farther off,
    with a line from its disc to its middle.
    """
    extent = axes.get_window_extent()
    dots = 72 / axes.figure.dpi
    frame = _Box(0, 0, extent.width * dots, extent.height * dots)
    to_axes = axes.transData + axes.transAxes.inverted()
    places = [to_axes.transform((point.x, point.y)) for point in points]
    discs = []
    for point, (x, y) in zip(points, places, strict=True):
        radius = sqrt(point.area / largest * _LARGEST_AREA) / 2
        discs.append((x * frame.right, y * frame.top, radius))
    # The square within a disc: a label may touch the rim of another.
    taken = [_Box(x - r * 0.7, y - r * 0.7, x + r * 0.7, y + r * 0.7) for x, y, r in discs]
    for point, disc in zip(points, discs, strict=True):
        width = _LETTER * _FONT * len(point.label)
        places_of_label = (
            (off, box) for off in _OFF for box in _beside(disc[0], disc[1], disc[2] + off, width)
        )
        for off, box in places_of_label:
            if box.within(frame) and not any(box.meets(other) for other in taken):
                taken.append(box)
                at = box.left / frame.right, box.bottom / frame.top
                yield point.label, *at, _line(disc, box, frame) if off else None
                break


def _line(disc: tuple[float, float, float], box: _Box, frame: _Box) -> _Line:
    """From the middle of a disc to the nearest point of a box, as parts of the axes."""
    x = min(max(disc[0], box.left), box.right)
    y = min(max(disc[1], box.bottom), box.top)
    return (disc[0] / frame.right, x / frame.right), (disc[1] / frame.top, y / frame.top)


def _beside(x: float, y: float, radius: float, width: float) -> Iterator[_Box]:
    """Where the label of a disc may stand: at its right, left, top and bottom, then aslant."""
    height, gap = _FONT * 1.15, radius + 2
    aslant = gap * 0.75
    for left, bottom in (
        (x + gap, y - height / 2),
        (x - gap - width, y - height / 2),
        (x - width / 2, y + gap),
        (x - width / 2, y - gap - height),
        (x + aslant, y + aslant),
        (x - aslant - width, y + aslant),
        (x + aslant, y - aslant - height),
        (x - aslant - width, y - aslant - height),
    ):
        yield _Box(left, bottom, left + width, bottom + height)


def _tick_at_1_2_5(axis: Axis) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: _tick(value))


def _tick(value: float) -> str:
    """1000000.0 -> `1M`."""
    return short(round(value)).replace(".00", "")


def _round_areas(points: Sequence[Point]) -> list[int]:
    """Powers of ten among the areas, for the legend."""
    smallest, largest = (f(point.area for point in points) for f in (min, max))
    powers = [10**n for n in range(int(log10(max(smallest, 1))), int(log10(largest)) + 1)]
    return [power for power in powers if largest / 100 <= power <= largest]
