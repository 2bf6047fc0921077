"""Which layers of a prototxt are part of the network that is run."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.importing.caffe.fields import Fields

_PHASES = ("TRAIN", "TEST")
_LOWEST, _HIGHEST = -(2**31), 2**31 - 1


class State(NamedTuple):
    """What the rules of the layers are held against."""

    phase: str
    level: int
    stages: frozenset[str]

    def has(self, layer: Fields) -> bool:
        """Whether a layer is part of it.

        Raises:
            SpecError: it has rules of both kinds, or a wrong one.
        """
        included, excluded = layer.inners("include"), layer.inners("exclude")
        if included and excluded:
            raise layer.error("include and exclude together", "exclude")
        if included:
            return any(map(self._meets, included))
        return not any(map(self._meets, excluded))

    def _meets(self, rule: Fields) -> bool:
        if rule.word("phase", _PHASES, self.phase) != self.phase:
            return False
        low = rule.whole("min_level", _LOWEST, least=_LOWEST)
        high = rule.whole("max_level", _HIGHEST, least=_LOWEST)
        return (
            low <= self.level <= high
            and self.stages.issuperset(rule.texts("stage"))
            and self.stages.isdisjoint(rule.texts("not_stage"))
        )


def layers_of(net: Fields, layers: list[Fields], notes: list[str]) -> list[Fields]:
    """The layers that run in use: in the phase TEST, and where there is one the stage "deploy".

    Where nothing has images then, those of training, with a note.
    """
    given = net.inner("state")
    stages = frozenset(given.texts("stage"))
    phase = given.word("phase", _PHASES, "TEST")
    level = given.whole("level", 0, least=_LOWEST)
    named = {
        stage
        for layer in layers
        for rule in (*layer.inners("include"), *layer.inners("exclude"))
        for name in ("stage", "not_stage")
        for stage in rule.texts(name)
    }
    if "stage" not in given and "deploy" in named:
        stages = frozenset(("deploy",))
        notes.append('of its stages the one that is called "deploy" is read')
    found = list(filter(State(phase, level, stages).has, layers))
    if "phase" in given or any(_gives_data(layer) for layer in found) or "input" in net:
        return found
    training = list(filter(State("TRAIN", level, stages).has, layers))
    if not any(map(_gives_data, training)):
        return found
    notes.append("it has images in training only: the layers are those of that phase")
    return training


def _gives_data(layer: Fields) -> bool:
    return "bottom" not in layer and "top" in layer
