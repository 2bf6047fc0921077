"""Claims in a spec, their verdicts, and what `archcalc check` makes of them."""

from __future__ import annotations

import pathlib

import pytest

from archcalc.claims.checking import check_family, check_library, problem
from archcalc.claims.printed import Verdict
from archcalc.cli import main
from archcalc.errors import SpecError
from archcalc.spec.library import read_family

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
    ],
)
def test_a_verdict_is_computed(spec: pathlib.Path, claim: str, verdict: Verdict) -> None:
    assert verdicts(spec, claim) == [verdict]


def test_a_verdict_that_is_not_the_recorded_one_is_a_problem(spec: pathlib.Path) -> None:
    verdicts(
        spec,
        "id: X1, quantity: params, value: 128, verdict: differs",
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
        ("quantity: params, value: lots", 47, "'lots' is no figure"),
        ("quantity: params", 5, "a claim needs `value`"),
        ("quantity: params, value: 1, verdict: wrong", 59, "no verdict is called 'wrong'"),
        ("quantity: params, valu: 1", 40, "did you mean 'value'"),
        ("quantity: params, value: 3x3", 5, "3x3 cannot be held against 128"),
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


def test_check_exits_1_on_a_changed_verdict(
    spec: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts(spec, "id: Y, quantity: params, value: 128, verdict: unexplained")
    assert main(["check", str(spec)]) == 1
    shown = capsys.readouterr()
    assert "128" in shown.out
    assert "recorded: differs, unexplained" in shown.err


def test_check_exits_0_where_all_verdicts_are_as_recorded(
    spec: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts(spec, "id: Z, quantity: params, value: 128")
    assert main(["check", str(spec)]) == 0
    assert "1 published figures: agrees 1" in capsys.readouterr().err


def test_every_claim_that_comes_with_archcalc_has_its_recorded_verdict() -> None:
    problems = [str(error) for error in map(problem, check_library()) if error is not None]
    assert problems == []


def test_claim_ids_are_unique() -> None:
    ids = [checked.claim.id for checked in check_library()]
    assert len(ids) == len(set(ids))
    assert all(ids)
