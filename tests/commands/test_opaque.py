"""Every command on a network with opaque layers: none is silent about costs that nobody knows."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from archcalc.render.contract import contract_schema
from archcalc.render.output import FORMS
from archcalc.spec.schema import spec_schema
from tests.commands.calling import assert_refused, called
from tests.spec_opaque import DETECTOR, costing

pytestmark = pytest.mark.usefixtures("own_folder")

NAMED = "opaque: nms (torchvision.ops.nms, cost unknown), sort (sort), tail.roi"
# What shows figures of a network, each with whether it shows MACs.
CALLS = {
    "table detector.yaml": True,
    "table detector.yaml --depth 1": True,
    "explain detector.yaml": True,
    "compare detector.yaml lenet5": True,
    "diff detector.yaml lenet5": True,
    "diff lenet5 detector.yaml": True,
    "roofline detector.yaml": True,
    "roofline detector.yaml --fused": True,
    "field detector.yaml": False,
}
REFUSED = {
    "memory detector.yaml": "what nms (opaque) makes and keeps is not known",
    "table detector.yaml --columns name,training_peak": "what nms (opaque) makes and keeps is not",
    "verify detector.yaml": "detector cannot be built in torch: nothing here does the same as "
    "nms (torchvision.ops.nms), sort (sort), tail.roi (torchvision.ops.roi_align)",
    "export detector.yaml": "detector cannot be built in torch: nothing here does the same as nms",
    "field detector.yaml stem --effective": "detector cannot be built in torch",
    "formula detector.yaml": "nms was captured on 8x7x7; what it gives elsewhere is not known",
    "formula detector.yaml --input 3x16x16 --quantity macs": "macs is at least 12512, and no "
    "formula gives the rest: what it takes is not known of opaque layers (nms, sort, tail.roi)",
    "formula detector.yaml --input 3x16x16 --quantity peak_bytes": "what nms (opaque) makes",
    "scale detector.yaml": "detector has no width, depth, resolution that could grow",
    "scale detector.yaml --quantity macs": "macs is at least 12512: how it grows depends on costs "
    "not known",
    "table detector.yaml --input 3x20x20": "nms was captured on 8x7x7",
    "compare detector.yaml lenet5 --plot x.svg": "no bar shows costs that are not known",
}


@pytest.fixture(autouse=True)
def detector(own_folder: None) -> None:
    Path("detector.yaml").write_text(DETECTOR)


def answer(capsys: pytest.CaptureFixture[str], words: str) -> str:
    status, out, err = called(capsys, *shlex.split(words))
    assert (status, err) == (int(words.startswith("diff") and "again" not in words), "")
    return out


@pytest.mark.parametrize("words", CALLS)
def test_the_first_lines_name_what_is_opaque_and_totals_say_so(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = answer(capsys, words)
    assert NAMED in " ".join(" ".join(out.splitlines()[:9]).split())
    assert ("?" in out) or not CALLS[words]
    opaque = [line for line in out.splitlines() if line.startswith("opaque:")]
    assert all(len(line) <= 80 for line in opaque)


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("text", "parquet")])
@pytest.mark.parametrize("words", CALLS)
def test_no_form_has_a_number_for_what_is_unknown(
    words: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known = answer(capsys, f"{words} --format {form}")
    Path("detector.yaml").write_text(costing(DETECTOR, 0))
    none = answer(capsys, f"{words} --format {form}")
    assert (known != none) or not CALLS[words]


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_said_is_refused_by_name(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = called(capsys, *shlex.split(words))
    assert status == 2
    assert REFUSED[words] in err
    assert err.count("\n") == 1


def test_what_is_known_is_derived(capsys: pytest.CaptureFixture[str]) -> None:
    out = answer(capsys, "explain detector.yaml nms")
    assert "params             64 + 8" in out or "72" in out
    assert "MACs               not known: the operator is opaque\n" in out
    out = answer(capsys, "formula detector.yaml --input 3x16x16 --quantity params")
    assert "params" in out


def test_the_contract_and_the_spec_follow_their_schemas(capsys: pytest.CaptureFixture[str]) -> None:
    import yaml

    contract = json.loads(answer(capsys, "table detector.yaml --format json"))
    jsonschema.validate(contract, contract_schema())
    expanded = answer(capsys, "expand detector.yaml")
    for spec in (DETECTOR, expanded):
        jsonschema.validate(yaml.safe_load(spec), spec_schema())
    Path("again.yaml").write_text(expanded)
    assert "layers: 8 same" in answer(capsys, "diff detector.yaml again.yaml")


def test_json_of_comparisons_says_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(answer(capsys, "compare detector.yaml lenet5 --format json"))["networks"]
    assert found[0]["totals"]["macs"] is None
    assert found[0]["totals"]["at_least"]["macs"] == 12512
    assert [*found[0]["opaque"]] == ["nms", "sort", "tail.roi"]
    assert "opaque" not in found[1]
    assert found[1]["ratios"]["macs"] is None
    diff = json.loads(answer(capsys, "diff detector.yaml lenet5 --format json"))
    assert [*diff["opaque"]["before"]] == ["nms", "sort", "tail.roi"]
    assert diff["opaque"]["after"] == {}
    roofline: dict[str, Any] = json.loads(answer(capsys, "roofline detector.yaml --format json"))
    nms = next(layer for layer in roofline["layers"] if layer["name"] == "nms")
    assert (nms["flops"], nms["intensity"], nms["limit"]) == (None, None, "unknown")
    assert nms["seconds"] > 0


@pytest.mark.parametrize(
    ("budget", "verdict"),
    [
        ("macs < 12K", "breaks its budget: macs is at least 12512, not < 12K"),
        ("macs < 1M", "may break its budget: macs is at least 12512, and whether it is < 1M"),
        ("macs > 1M", "may break its budget"),
        ("macs > 12K", ""),
        ("params < 1M", ""),
        ("layers[nms].macs < 1M", "may break its budget: layers[nms].macs is unknown"),
        ("macs + 2 * other_ops < 1M", "may break its budget"),
        ("macs / params < 50", "may break its budget"),
        ("1000 / macs < 5", "'1000 / macs' does not work on macs = at least 12512"),
        ("macs - flops < 5", "'macs - flops' does not work on macs = at least 12512, flops"),
        ("max(macs, params) < 5", "does not work on macs = at least 12512, params = 702"),
        ("-1 * macs < 5", "does not work on macs = at least 12512"),
        ("peak < 1M", "what nms (opaque) makes and keeps is not known"),
    ],
)
def test_a_budget_is_held_against_what_is_known(
    budget: str, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("detector.yaml").write_text(DETECTOR.replace("params < 1M", f'"{budget}"'))
    status, out, err = called(capsys, "check", "detector.yaml")
    assert bool(status) == bool(verdict)
    assert verdict in out + err


@pytest.mark.parametrize(
    ("printed", "verdict"),
    [("14.5K", "not decidable"), ("9K", "unexplained"), ("1G", "not decidable"), ("~13K", "not d")],
)
def test_a_claim_is_not_confirmed_by_what_is_known(
    printed: str, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    claim = f'claims: [{{id: X1, quantity: macs, value: "{printed}", source: Kim}}]\n'
    Path("detector.yaml").write_text(DETECTOR + claim)
    _, out, err = called(capsys, "check", "detector.yaml")
    assert verdict in out + err
    assert "at least 12,512" in out


def test_a_page_says_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    called(capsys, "report", "detector.yaml", "-o", "pages")
    page = Path("pages/networks/detector.md").read_text(encoding="utf-8")
    for said in (
        NAMED,
        "at least 12,512",
        "The bars leave out what is not known of opaque layers.",
        "The peak is not known: what nms (opaque) makes and keeps is not known.",
    ):
        assert said in page


def test_a_diagram_has_their_operators(capsys: pytest.CaptureFixture[str]) -> None:
    assert '"nms<br>opaque: torchvision.ops.nms"' in answer(capsys, "draw detector.yaml")
    assert_refused(
        called(capsys, "draw", "detector.yaml", "--input", "3x9x9"), "was captured on 8x7x7"
    )
