"""Formulas that are wrong somewhere are seen, wherever that is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sympy

from archcalc import ArchcalcError, UsageError
from archcalc.parametric.formulas import derivation
from archcalc.parametric.formulas.deriving import derive_formulas
from archcalc.parametric.formulas.domains import Domain
from archcalc.parametric.formulas.formula import Formulas
from archcalc.parametric.formulas.progressions import WHOLE_NUMBERS, Progression
from archcalc.record import replace
from archcalc.spec.library import find_network

REAL = """\
name: real
input: [3, 32, 32]
parameters: {a: 1.0, n: 3}
layers:
  - conv: {channels: "max(1, floor(10*a))", kernel: 1, bias: false}
  - repeat: n
    layers:
      - conv: {channels: 8, kernel: 1, bias: false}
"""


@pytest.fixture
def network(tmp_path: Path) -> Any:
    (tmp_path / "real.yaml").write_text(REAL)
    return find_network(str(tmp_path / "real.yaml"))


@pytest.mark.parametrize(
    ("symbol", "error"),
    [
        ("a", lambda a: sympy.Max(0, a - 9)),  # above what anyone would look at first
        ("a", lambda a: sympy.Min(0, a)),  # below zero
        ("a", lambda a: sympy.ceiling(10 * a) - sympy.floor(10 * a)),  # where it is a fraction
        ("a", lambda a: 1 - sympy.Min(1, sympy.Max(9 * a, -9 * a))),  # at zero
        ("n", lambda n: sympy.Max(0, n - 90)),  # of more layers than one would read
        ("n", lambda n: sympy.Max(0, 2 - n)),
        ("n", lambda n: n % 2),
    ],
)
def test_an_error_at_some_settings_is_seen(
    symbol: str, error: Any, network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(self: Any) -> Any:
        (formula,) = derive(self)
        (found,) = formula.symbols
        cases = [
            case._replace(values=tuple(value + error(found) for value in case.values))
            for case in formula.cases
        ]
        return (replace(formula, cases=tuple(cases)),)

    derive = derivation.Derivation._formulas
    monkeypatch.setattr(derivation.Derivation, "_formulas", wrong)
    monkeypatch.setattr(derivation.Derivation, "_learns_from", lambda self, difference: False)
    with pytest.raises(UsageError, match=f"was found that holds: at {symbol} = "):
        derive_formulas(network, ["params"], [symbol])


def test_the_message_says_where_and_what(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivation, "tidy", lambda value, sizes: value + 1)
    with pytest.raises(ArchcalcError) as caught:
        derive_formulas(network, ["macs"], ["a"])
    assert str(caught.value) == (
        "no formula of macs in a was found that holds: at a = 1 it gives 243,713, and the walk "
        "243,712"
    )


@pytest.mark.parametrize(
    ("symbols", "quantities"),
    [(["a"], ["params"]), (["n"], ["params", "macs"]), (["a", "n"], ["macs"]), (["H"], ["macs"])],
)
def test_twenty_settings_are_compared_and_no_fewer(
    symbols: list[str], quantities: list[str], network: Any
) -> None:
    found: Formulas = derive_formulas(network, quantities, symbols)
    assert found.settings >= 20


@pytest.mark.parametrize(
    ("domain", "inside", "outside"),
    [
        (Domain(), [Fraction(-3, 2), 0], []),
        (Domain(WHOLE_NUMBERS, 1), [1, 2], [0, Fraction(3, 2), -1]),
        (Domain(Progression.of(Fraction(16), 1, 0), Fraction(1, 16)), [Fraction(1, 16), 1],
         [0, Fraction(1, 3)]),
        (Domain(None, 0), [0, Fraction(1, 9)], [-1]),
    ],
)  # fmt: skip
def test_a_domain_holds_what_it_says(domain: Domain, inside: list[Any], outside: list[Any]) -> None:
    assert all(value in domain for value in inside)
    assert not any(value in domain for value in outside)


def test_two_domains_are_within_the_one_around_both() -> None:
    whole, sixteenths = Domain(WHOLE_NUMBERS, 1), Domain(Progression.of(Fraction(16), 1, 0), 0)
    assert whole.around(sixteenths) == sixteenths
    assert whole.around(Domain()) == Domain()
