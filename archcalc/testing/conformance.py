"""All that a layer kind has to pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archcalc.layers import Layer
from archcalc.testing import checks, facts, training
from archcalc.testing.strategies import Example

_varied: st.SearchStrategy[checks.Varied] = st.sampled_from(["inputs", "layer", "both"])
_placed: st.SearchStrategy[training.Placed] = st.sampled_from(["normed", "on the images"])
_batches = st.integers(1, 2)
# Those that are of a rule alone: all that a kind without a twin can be held to.
OF_THE_RULE = (
    "the symbol and the number agree",
    "the array and the number agree",
    "an array never wraps",
    "its widths widen it",
)
_changes = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=4)

# By what has to hold; each takes an example, and data to draw more from.
CHECKS: dict[str, Callable[[Example, st.DataObject], None]] = {
    "torch agrees": lambda example, data: checks.check_torch_agrees(example),
    "autograd keeps what the rule says": lambda example, data: checks.check_saved(example),
    "its operators are those that torch runs in training": lambda example, data: (
        training.check_operators(example, data.draw(_placed), data.draw(_batches))
    ),
    "the symbol and the number agree": lambda example, data: checks.check_symbols(
        example, data.draw(_varied)
    ),
    "the array and the number agree": lambda example, data: checks.check_arrays(
        example, data.draw(_varied), data.draw(_changes)
    ),
    "an array never wraps": lambda example, data: checks.check_huge_arrays(
        example, 2 ** data.draw(st.integers(8, 61))
    ),
    "its facts are torch's": lambda example, data: facts.check_facts(example),
    "its widths widen it": lambda example, data: facts.check_widths(example),
    "its probe sees what its units see": lambda example, data: facts.check_probe(
        example, data.draw(st.integers(0, 2**32))
    ),
}


def check_layer_kind(kind: type[Layer], examples: st.SearchStrategy[Example]) -> None:
    """Every check, all on the same examples, as many as the profile of hypothesis says.

    Of a kind without a twin (`has_twin`) those of its rule.

    Args:
        kind: registered, and with a spelling.
        examples: layers of this kind with every value of every field, on shapes that they meet,
            and now and then what the rule refuses (`examples_of`, `Example`).

    Raises:
        AssertionError: a check fails; hypothesis shows the example, and a note says which.
        UsageError: it is not registered, a field has no type of specs, or it has no spelling.
    """
    facts.check_kind(kind, examples)
    _run([name for name in CHECKS if kind.has_twin or name in OF_THE_RULE], examples)


def check_example(example: Example, data: st.DataObject, checks: Iterable[str]) -> None:
    """Some of `CHECKS` on one example: to draw it takes longer than most of them.

    Raises:
        AssertionError: a check fails; a note says which.
    """
    for name in checks:
        try:
            CHECKS[name](example, data)
        except AssertionError as error:
            error.add_note(f"Check that fails: {name}")
            raise


def _run(checks: Sequence[str], examples: st.SearchStrategy[Example]) -> None:
    # No verdict depends on the clock of a busy machine.
    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(examples, st.data())
    def run(example: Example, data: st.DataObject) -> None:
        check_example(example, data, checks)

    run()
