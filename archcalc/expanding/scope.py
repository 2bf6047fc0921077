"""What names mean inside one instance of a block."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.spec.values import Value

IN = "in"  # what the input of a block is called inside it


class Scope:
    """What names mean inside one instance of a block, or of a head.

    Attributes:
        prefix: the dotted name of the instance, with a dot behind; empty at the top.
        environment: the parameters that are visible.
        present: the name of the layer whose output flows on; None where no layers stand.
        counts: how many layers of each kind were numbered so far.
        names: the layer that each local name stands for; `IN` for what flows in.
        outer: the scope of the caller, where names are looked up next.
    """

    def __init__(
        self,
        prefix: str,
        environment: dict[str, Value],
        outer: Scope | None,
        entering: str | None = None,
    ) -> None:
        self.prefix = prefix
        self.environment = environment
        self.present = entering
        self.counts: dict[str, int] = {}
        self.names: dict[str, str] = {} if entering is None else {IN: entering}
        self.outer = outer

    def chain(self) -> Iterator[Scope]:
        """It, and those around it, from the innermost out."""
        around: Scope | None = self
        while around is not None:
            yield around
            around = around.outer
