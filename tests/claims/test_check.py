"""Claims in a spec and their verdicts."""

from __future__ import annotations

import pathlib
import re

import pytest

from archcalc.claims.check import check_family, problem
from archcalc.claims.printed import Verdict
from archcalc.claims.works import printings
from archcalc.errors import SpecError
from archcalc.spec.expression import parse
from archcalc.spec.keys import DIFFERENCES
from archcalc.spec.library import read_family
from tests.claims.library import checked_library

NETWORK = """\
name: tiny
input: [3, 8, 8]
parameters: {width: 4}
layers:
  - conv: {name: conv1, channels: width, kernel: 3, padding: 1}
  - conv: {name: conv2, channels: width, kernel: 1, bias: false}
claims:
"""
# conv1: 3*4*9 = 108 weights + 4 biases; conv2: 16 weights. MACs: (108 + 16) * 64 = 7936.


@pytest.fixture
def spec(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "tiny.yaml"


def verdicts(spec: pathlib.Path, *claims: str) -> list[Verdict]:
    spec.write_text(NETWORK + "".join(f"  - {{source: a book, {claim}}}\n" for claim in claims))
    return [checked.verdict for checked in check_family(read_family(str(spec)))]


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("quantity: params, value: 128", Verdict.AGREES),
        ("quantity: macs, value: 7.9K", Verdict.AGREES),
        ("quantity: macs, value: 7K", Verdict.TRUNCATED),
        ("quantity: params, value: ~130", Verdict.APPROXIMATELY),
        ("quantity: params, value: 124", Verdict.UNEXPLAINED),
        ("quantity: params, value: 124, shown_by: weights", Verdict.DIFFERS),
        ("quantity: params, value: 124, shown_by: biases == 4", Verdict.DIFFERS),
        ("quantity: params, value: 124, shown_by: biases == 5", Verdict.UNEXPLAINED),
        ("quantity: params, value: 124, shown_by: macs", Verdict.UNEXPLAINED),
        # 3*8*9 + 8 + 8*8 = 288
        ("quantity: params, value: 288, set: {width: 8}", Verdict.AGREES),
        ("quantity: macs, value: 31744, input: [3, 16, 16]", Verdict.AGREES),
        ('quantity: "layers[conv1].output", value: 4x8x8', Verdict.AGREES),
        ("quantity: biases < weights, value: true", Verdict.AGREES),
        ("statement: learns fast, because: it is measured", Verdict.UNDECIDABLE),
        # 108 + 16 weights by the figures of the book: not 120 (and 124 is right)
        (
            "quantity: weights, value: 120, arithmetic: a + b, "
            "parts: {a: [27*4, 'a book, page 1'], b: [16, a book]}",
            Verdict.WRONG,
        ),
        # They contradict the figure, but archcalc computes another one than they make.
        (
            "quantity: weights, value: 120, arithmetic: a + b, "
            "parts: {a: [107, a book], b: [16, a book]}",
            Verdict.UNEXPLAINED,
        ),
        # They make the printed figure, and so explain it.
        (
            "quantity: weights, value: 120, arithmetic: a - b, "
            "parts: {a: [136, a book], b: [16, a book]}",
            Verdict.DIFFERS,
        ),
        # What agrees is not made wrong by an arithmetic.
        (
            "quantity: weights, value: 124, arithmetic: a, parts: {a: [99, a book]}",
            Verdict.AGREES,
        ),
        # Cut to the last printed digit, 0.12K is 0.124K.
        (
            "quantity: weights, value: 0.13K, arithmetic: a, parts: {a: [0.12K, a book]}",
            Verdict.WRONG,
        ),
        (
            "quantity: weights < biases, value: true, arithmetic: a < b, "
            "parts: {a: [108, a book], b: [4, a book]}",
            Verdict.WRONG,
        ),
        (
            'quantity: "layers[conv1].sizes", value: 7x7, arithmetic: "[n - 1 + 1, n]", '
            "parts: {n: [8, a book]}",
            Verdict.WRONG,
        ),
    ],
)
def test_a_verdict_is_computed(spec: pathlib.Path, claim: str, verdict: Verdict) -> None:
    assert verdicts(spec, claim) == [verdict]


def test_a_verdict_that_is_not_the_recorded_one_is_a_problem(spec: pathlib.Path) -> None:
    verdicts(
        spec,
        "id: X1, quantity: params, value: 128, verdict: differs, by: rounding",
        "quantity: macs, value: 7936",
    )
    wrong, right = check_family(read_family(str(spec)))
    error = problem(wrong)
    assert error is not None
    assert "claim X1: params is 128, printed 128: agrees; recorded: differs" in str(error)
    assert problem(right) is None


@pytest.mark.parametrize(
    ("claim", "column", "message"),
    [
        ("quantity: parms, value: 1", 5, "did you mean 'params'"),
        ("quantity: params, value: lots", 47, "'lots' is not a figure"),
        ("quantity: params", 5, "a claim needs `value`"),
        ("quantity: params, value: 1, verdict: right", 59, "no verdict is called 'right'"),
        ("quantity: params, value: 1, verdict: wrong", 5, "the verdict 'wrong' needs `arithmetic`"),
        ("quantity: params, value: 1, verdict: differs", 5, "the verdict 'differs' needs `by`"),
        ("quantity: params, value: 1, verdict: differs, by: magic", 72, "do not differ by 'magic'"),
        ("quantity: params, value: 1, by: rounding", 54, "`by` is for a claim that differs"),
        ("statement: it is fast", 5, "the verdict 'undecidable' needs `because`"),
        ("quantity: params, value: 1, arithmetic: a", 62, "needs its `parts`"),
        ("quantity: params, value: 1, parts: {a: [1, a book]}", 57, "without an `arithmetic`"),
        (
            "quantity: params, value: 1, arithmetic: a, parts: {a: [1, another book]}",
            80,
            "a comes from 'another book', which does not print this figure",
        ),
        ("quantity: params, value: 1, arithmetic: a, parts: {a: [params, a book]}", 77, "unknown"),
        ("quantity: params, value: 1, arithmetic: b, parts: {a: [1, a book]}", 5, "unknown"),
        ("quantity: params, valu: 1", 40, "did you mean 'value'"),
        ("quantity: params, value: 3x3", 5, "3x3 cannot be compared with 128"),
    ],
)
def test_a_wrong_claim_is_reported_at_its_place(
    spec: pathlib.Path, claim: str, column: int, message: str
) -> None:
    with pytest.raises(SpecError) as raised:
        verdicts(spec, claim)
    assert message in raised.value.fact
    assert raised.value.place is not None
    assert (raised.value.place.line, raised.value.place.column) == (8, column)


def test_every_claim_that_comes_with_archcalc_has_its_recorded_verdict() -> None:
    problems = [str(error) for error in map(problem, checked_library()) if error is not None]
    assert problems == []


def test_claim_ids_are_unique() -> None:
    claims = [checked.claim for checked in checked_library()]
    ids = [each for claim in claims for each in (claim.id, *claim.also)]
    assert len(ids) == len(set(ids))
    assert all(ids)


def test_no_figure_is_claimed_twice() -> None:
    """A figure that several works print is one claim with several sources."""
    seen: dict[object, str] = {}
    for checked in checked_library():
        claim = checked.claim
        if claim.printed is not None:
            about = (claim.network, claim.parameters, claim.input, claim.quantity.split())
            key = (repr(about), claim.printed.text)
            assert key not in seen, (claim.id, seen[key])
            seen[key] = claim.id


def test_a_figure_is_wrong_only_by_an_arithmetic_over_figures_of_its_own_source() -> None:
    wrong = [checked for checked in checked_library() if checked.verdict is Verdict.WRONG]
    assert wrong
    for checked in wrong:
        claim = checked.claim
        arithmetic, printed = claim.arithmetic, claim.printed
        assert arithmetic is not None, claim.id
        assert printed is not None, claim.id
        works = {printing.work for printing in printings(claim.source)}
        for part in arithmetic.parts:
            assert {printing.work for printing in printings(part.source)} <= works, claim.id
        # Nothing goes in but these parts: no quantity of archcalc's, no number of another origin.
        names = parse(arithmetic.expression).names
        assert names == {part.name for part in arithmetic.parts}, claim.id
        assert set(re.findall(r"[\d.]+", arithmetic.expression)) <= {"1"}, claim.id
        # It contradicts the figure, and archcalc computes what it makes.
        assert printed.verdict(arithmetic.value) is Verdict.DIFFERS, claim.id
        assert printed.is_near(arithmetic.value, checked.computed), claim.id


def test_a_figure_that_differs_says_by_what_and_shows_it() -> None:
    for checked in checked_library():
        if checked.verdict is Verdict.DIFFERS:
            claim = checked.claim
            assert claim.by in DIFFERENCES, claim.id
            assert claim.shown_by or claim.arithmetic, claim.id
            assert checked.because, claim.id


def test_statements_that_nothing_decides_have_a_reason_and_no_figure_of_archcalcs() -> None:
    for checked in checked_library():
        if checked.verdict is Verdict.UNDECIDABLE:
            assert checked.because, checked.claim.id
            assert checked.computed is None, checked.claim.id
