"""What is noted of networks that are probably not meant so; and of none that come with archcalc."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from archcalc import Analysis, Graph, SpecError, analyze, load, noticing
from archcalc.cli import main
from archcalc.noticing import RULES, notes_on
from archcalc.render.contract import contract_schema, to_contract
from archcalc.spec.keys import NOTICED


def noted(input: list[int], *layers: Any, **keys: Any) -> dict[str, str]:
    """By its rule what is noted of a network."""
    analysis = analyze({"name": "net", "input": input, "layers": [*layers], **keys})
    return {note.rule: note.text for note in notes_on(analysis.graph, analysis)}


def conv(**fields: Any) -> dict[str, Any]:
    """A convolution of 8 channels with a kernel of 3, unless `fields` say otherwise."""
    return {"conv": {"name": "conv", "channels": 8, "kernel": 3, **fields}}


NORM = {"batch_norm": {"name": "norm"}}
LINEAR = {"linear": {"name": "fc", "features": 5}}
# A network that breaks the rule, and one beside it that does not.
EXAMPLES: dict[str, tuple[list[Any], list[Any]]] = {
    "channels_last": ([[32, 32, 3], conv()], [[32, 32, 32], conv()]),
    "batch_in_input": ([[8, 3, 32, 32], conv()], [[3, 8, 32, 32], conv()]),
    "linear_on_map": (
        [[3, 9, 9], conv(), {"relu": {}}, LINEAR],
        [[3, 9, 9], conv(), {"relu": {}}, {"flatten": {}}, LINEAR],
    ),
    "kernel_exceeds_map": (
        [[3, 4, 9], conv(kernel=5, padding=2)],
        [[3, 5, 9], conv(kernel=5, padding=2)],
    ),
    "stride_skips": (
        [[3, 9, 9], conv(kernel=1, stride=2)],
        [[3, 9, 9], conv(kernel=2, stride=2)],
    ),
    "dilation_holes": (
        [[3, 19, 19], conv(dilation=2)],
        [[3, 19, 19], {"max_pool": {"kernel": 2, "stride": 1}}, conv(dilation=2)],
    ),
    "memory_order": (
        [[9, 9, 8], {"rearrange": {"axes": "h w c -> c h w", "copy": "needed"}}, conv()],
        [[9, 9, 8], {"rearrange": {"axes": "h w c -> c h w"}}, conv()],
    ),
    "bias_before_norm": ([[3, 9, 9], conv(), NORM], [[3, 9, 9], conv(bias=False), NORM]),
}


def test_every_rule_has_an_example_and_a_name_that_specs_know() -> None:
    assert [*EXAMPLES] == [*RULES]
    assert (*RULES, "unused") == NOTICED


@pytest.mark.parametrize("rule", EXAMPLES)
def test_a_rule_notes_what_breaks_it_and_nothing_else(rule: str) -> None:
    (breaks, *layers), (keeps, *others) = EXAMPLES[rule]
    assert [*noted(breaks, *layers)] == [rule]
    assert noted(keeps, *others) == {}
    assert noted(breaks, *layers, silence={rule: "it is meant so"}) == {}


def test_what_is_read_by_others_too_is_not_skipped() -> None:
    shortcut = conv(kernel=1, stride=2, **{"from": "stem"})
    main = {"conv": {"name": "main", "from": "stem", "channels": 8, "kernel": 3, "stride": 2,
                     "padding": 1}}  # fmt: skip
    add = {"add": {"from": ["main", "conv"]}}
    stem = {"conv": {"name": "stem", "channels": 8, "kernel": 3, "padding": 1}}
    assert noted([3, 9, 9], stem, main, shortcut, add) == {}


def test_a_bias_that_something_else_reads_stays() -> None:
    both = {"add": {"from": ["conv", "norm"]}}
    assert noted([3, 9, 9], conv(), NORM, both) == {}


def test_taps_of_units_that_lie_side_by_side_leave_no_holes() -> None:
    first = {"conv": {"name": "first", "channels": 8, "kernel": 3}}
    assert noted([3, 19, 19], first, conv(dilation=3)) == {}
    text = noted([3, 19, 19], first, conv(dilation=4))["dilation_holes"]
    assert text.endswith(", 4 apart, and each sees 3")


def test_a_note_names_three_layers_with_their_places_and_counts_the_rest() -> None:
    layers = []
    for number in range(5):
        layers += [{"conv": {"name": f"c{number}", "channels": 8, "kernel": 1}}, {"batch_norm": {}}]
    text = noted([3, 9, 9], *layers)["bias_before_norm"]
    assert text.startswith("a bias is taken away again by the norm behind it: c0 (")
    assert "c2 (" in text and "c3" not in text and text.endswith(" and 2 more")


def test_sizes_that_are_free_are_not_noted() -> None:
    spec = {"name": "net", "input": [3, "h", "w"], "layers": [conv(kernel=7, padding=3)]}
    analysis = analyze(spec)
    assert notes_on(analysis.graph, analysis) == []


def test_what_no_output_needs_is_noted_without_shapes_and_silenced() -> None:
    layers = [conv(), {"conv": {"name": "side", "from": "input", "channels": 2, "kernel": 1}},
              {"relu": {"from": "conv"}}]  # fmt: skip
    spec = {"name": "net", "input": [3, 9, 9], "layers": layers}
    (note,) = notes_on(load(spec))
    assert (note.rule, note.layers) == ("unused", ("side",))
    assert notes_on(load({**spec, "silence": {"unused": "shown in a lecture"}})) == []


@pytest.mark.parametrize(
    ("silence", "message"),
    [
        ({"bias_before_nrom": "x"}, "did you mean 'bias_before_norm'"),
        ({"bias_before_norm": None}, "say why it is meant so"),
        ({"bias_before_norm": ""}, "say why it is meant so"),
        ("bias_before_norm", "silence"),
    ],
)
def test_a_silence_that_says_nothing_is_refused(silence: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        load({"name": "net", "input": [3, 9, 9], "layers": [conv()], "silence": silence})


def test_a_broken_budget_is_noted_of_one_image() -> None:
    keys = {"budget": ["params <= 100", "macs > 1"]}
    assert noted([3, 9, 9], conv(), **keys) == {
        "budget": "net breaks its budget: params is 224, not <= 100"
    }


def test_json_has_the_notes() -> None:
    contract = to_contract(analyze({"name": "net", "input": [3, 9, 9], "layers": [conv(), NORM]}))
    (note,) = contract["notes"]
    assert (note["rule"], note["layers"]) == ("bias_before_norm", ("conv",))
    jsonschema.validate(json.loads(json.dumps(contract)), contract_schema())


def test_notes_are_told_unless_quiet_and_fail_where_strict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("{name: net, input: [32, 32, 3], layers: [conv: {channels: 8, kernel: 3}]}")
    for command in (
        ["table"], ["compare", "lenet5"], ["roofline"], ["explain"], ["draw"], ["formula"],
        ["memory"], ["expand"],
    ):  # fmt: skip
        assert main([*command, str(path)]) == 0
        assert "not 3x32x32" in capsys.readouterr().err
        assert main([*command, str(path), "--quiet"]) == 0
        assert capsys.readouterr().err == ""
    assert main(["table", str(path), "--strict"]) == 1
    assert "not 3x32x32" in capsys.readouterr().err
    assert main(["table", str(path), "--strict", "--quiet"]) == 1
    assert main(["table", "vgg16", "--strict"]) == 0


def test_notes_are_found_once_and_are_there_from_python(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("{name: net, input: [32, 32, 3], layers: [conv: {channels: 8, kernel: 3}]}")
    (note,) = analyze(str(path)).notes
    assert (note.rule, note.layers) == ("channels_last", ())
    looked = []

    def look(graph: Graph, analysis: Analysis) -> list[noticing.Note]:
        looked.append(graph.name)
        return [note]

    monkeypatch.setattr(noticing, "notes_on", look)
    assert main(["table", str(path), "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert note.text in out
    assert note.text in err
    assert looked == ["net"]


def test_a_network_that_fails_midway_says_what_was_noted_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        "{name: net, input: [32, 32, 3], layers: [conv: {channels: 8, kernel: 3},"
        " conv: {channels: 8, kernel: 99}]}"
    )
    assert main(["roofline", str(path)]) == 2
    note, error = capsys.readouterr().err.splitlines()
    assert "not 3x32x32" in note
    assert "a window of 99 does not fit in 3" in error
