"""The peak of a training step over the number of images: exact for every batch, from two replays.

Every tensor takes so many bytes for each image, and so many whatever their number; and from the
second image on nothing else happens in a step, however many there are. So what is alive at each of
its events lies on a line over the batch, and the peak is the highest of these lines. Of a single
image torch copies less, and some batch norms refuse it: it stands by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archcalc.analysis import Analysis, require_numbers
from archcalc.errors import UsageError
from archcalc.memory_use.moments import Direction, Event
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.training import USUAL, as_trained, course_of, refused_in_training
from archcalc.memory_use.training_step import events
from archcalc.record import Record

# So many images that, in a sum of bytes, those that do not depend on their number stand apart.
_MANY = 2**64


class Peak(NamedTuple):
    """The peak of a training step with a batch.

    Attributes:
        batch: the number of images.
        bytes: the most that is alive at once.
        layer: the layer that runs then, `LOSS` or `OPTIMIZER`.
        direction: forward, backward, or the optimizer's step.
    """

    batch: int
    bytes: int
    layer: str
    direction: Direction


class Piece(NamedTuple):
    """Batches for which the peak lies at one place: `each` n + `always` bytes for n images.

    Attributes:
        first: the smallest batch.
        last: the largest; None where there is none.
        each: the bytes for each image.
        always: the bytes whatever their number.
        layer, direction: as a `Peak`'s.
    """

    first: int
    last: int | None
    each: int
    always: int
    layer: str
    direction: Direction

    def at(self, batch: int) -> int:
        """The bytes for a batch."""
        return self.each * batch + self.always


class Peaks(Record):
    """The peak of a training step over the batch.

    Attributes:
        pieces: in order, from the smallest batch that torch trains on: 1, or 2 where a batch norm
            would have a single value per channel.
    """

    pieces: tuple[Piece, ...]

    @property
    def least(self) -> int:
        """The smallest batch that torch trains on."""
        return self.pieces[0].first

    def at(self, batch: int) -> Peak:
        """The peak with a batch.

        Raises:
            UsageError: torch does not train on it.
        """
        for piece in reversed(self.pieces):
            if batch >= piece.first:
                return Peak(batch, piece.at(batch), piece.layer, piece.direction)
        raise UsageError(f"torch does not train on fewer than {self.least} images", "batch")

    def within(self, budget: int) -> Peak | None:
        """The peak with the largest batch that trains in `budget` bytes; None where none does.

        It fits, and one image more does not.
        """
        for piece in reversed(self.pieces):
            if piece.at(piece.first) <= budget:
                if piece.last == piece.first:
                    return self.at(piece.first)
                fitting = (budget - piece.always) // piece.each  # the images themselves take some
                return self.at(fitting if piece.last is None else min(fitting, piece.last))
        return None


def peaks_over_batches(analysis: Analysis, options: TrainingOptions = USUAL) -> Peaks:
    """The peak of a training step over the batch, whatever the analysis' own batch and dtype.

    Where it is checkpointed automatically, by the best cut for the analysis' own batch.

    Raises:
        UsageError: free sizes; and as `TrainingOptions.check`.
    """
    require_numbers(analysis)
    analysis, options = as_trained(analysis, options), options.without_patterns
    pieces = _highest(_events(analysis, options, _MANY))
    one = analysis.of_batch(1, analysis.dtype)
    if not refused_in_training(one):
        peak = max(_events(analysis, options, 1), key=lambda event: event.bytes)
        more = pieces[0]
        if (more.at(1), more.layer, more.direction) == peak:
            pieces[0] = more._replace(first=1)
        else:
            pieces.insert(0, Piece(1, 1, 0, peak.bytes, peak.layer, peak.direction))
    return Peaks(tuple(pieces))


def _events(analysis: Analysis, options: TrainingOptions, batch: int) -> list[Event]:
    return events(course_of(analysis.of_batch(batch, analysis.dtype), options))


def _highest(at_many: Sequence[Event]) -> list[Piece]:
    """The upper envelope, from two images on, of the lines that events with `_MANY` lie on."""
    lines: dict[tuple[int, int], Event] = {}
    for event in at_many:
        lines.setdefault(divmod(event.bytes, _MANY), event)
    found: list[Piece] = []
    for (each, always), event in sorted(lines.items(), key=lambda item: item[0]):
        first = 2  # from where on it is the highest; in the end a steeper line is
        while found:
            flatter = found[-1]
            if each > flatter.each:
                first = max(2, (flatter.always - always) // (each - flatter.each) + 1)
            if each > flatter.each and first > flatter.first:
                found[-1] = flatter._replace(last=first - 1)
                break
            found.pop()
        found.append(Piece(first, None, each, always, event.layer, event.direction))
    return found
