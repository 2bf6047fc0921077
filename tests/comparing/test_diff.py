"""What changes from one network to another."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc import Analysis, analyze
from archcalc.comparing.diff import Change, Difference, LayerChange, Status, difference


def analysis(folder: Path, text: str) -> Analysis:
    path = folder / f"net{len(list(folder.iterdir()))}.yaml"
    path.write_text(f"name: net\ninput: [8, 16, 16]\nlayers:\n{text}")
    return analyze(str(path))


def changed(folder: Path, before: str, after: str) -> dict[str, LayerChange]:
    """The layers that are not the same, by their name after; before, where they are gone."""
    found = difference(analysis(folder, before), analysis(folder, after))
    return {each.layer.name: each for each in found.layers if each.status is not Status.SAME}


BEFORE = """
  - conv: {name: a, channels: 4, kernel: 3, padding: 1}
  - relu: {name: r}
  - conv: {name: b, channels: 4, kernel: 3, padding: 1}
  - add: {name: sum, from: [r, b]}
"""


@pytest.mark.parametrize("name", ["resnet50", "googlenet", "fractalnet20", "deconv_unpool"])
def test_a_network_does_not_differ_from_itself(name: str) -> None:
    assert difference(analyze(name), analyze(name)).is_empty


def with_heads(folder: Path, *heads: str) -> Analysis:
    """The network of `BEFORE`, which returns the outputs of the layers `heads` as well."""
    head = "  - head: {training_only: false, layers: []}"
    lines = [
        f"{line}\n{head}" if any(f"name: {name}" in line for name in heads) else line
        for line in BEFORE.splitlines()
    ]
    return analysis(folder, "\n".join(lines))


@pytest.mark.parametrize(
    ("before", "after"), [((), ("r",)), (("r",), ("b",)), (("a", "b"), ("a", "r", "b"))]
)
def test_networks_that_return_other_outputs_differ(
    before: tuple[str, ...], after: tuple[str, ...], tmp_path: Path
) -> None:
    first, second = with_heads(tmp_path, *before), with_heads(tmp_path, *after)
    found = difference(first, second)
    assert all(layer.status is Status.SAME for layer in found.layers)
    assert found.outputs == Change("outputs", ("sum", *before), ("sum", *after))
    assert not found.is_empty
    assert difference(first, with_heads(tmp_path, *before)).is_empty


def test_a_new_last_layer_leaves_the_output_where_it_is(tmp_path: Path) -> None:
    found = difference(analysis(tmp_path, BEFORE), analysis(tmp_path, BEFORE + "  - relu\n"))
    assert found.outputs is None
    assert not found.is_empty


def test_an_output_that_is_gone_is_told_beside_a_new_last_layer(tmp_path: Path) -> None:
    longer = analysis(tmp_path, BEFORE + "  - relu\n")
    change = Change("outputs", ("sum", "r"), ("relu1",))
    assert difference(with_heads(tmp_path, "r"), longer).outputs == change


def test_a_field_is_told_before_and_after(tmp_path: Path) -> None:
    after = BEFORE.replace(
        "{name: b, channels: 4, kernel: 3, padding: 1}",
        "{name: b, channels: 4, kernel: 5, padding: 2}",
    )
    found = changed(tmp_path, BEFORE, after)
    assert list(found) == ["b"]
    assert found["b"].status is Status.CHANGED
    assert found["b"].changes == (Change("kernel", 3, 5), Change("padding", 1, 2))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("conv: {name: x, channels: 4, kernel: 3}", "conv: {name: x, channels: 4, kernel: [3, 3]}"),
        (
            "conv: {name: x, channels: 4, kernel: [3, 1], padding: valid}",
            "conv: {name: x, channels: 4, kernel: [3, 1], padding: [0, [0, 0]]}",
        ),
        (
            "conv: {name: x, channels: 4, kernel: 3, padding: [[1, 0], [1, 1]], dilation: [2, 2]}",
            "conv: {name: x, channels: 4, kernel: 3, padding: [[1, 0], 1], dilation: 2}",
        ),
        ("max_pool: {name: x, kernel: 2}", "max_pool: {name: x, kernel: [2, 2], stride: 2}"),
        ("avg_pool: {kernel: [2, 1]}", "avg_pool: {kernel: [2, 1], stride: [2, 1]}"),
        ("pad: {name: x, sides: 1}", "pad: {name: x, sides: [[1, 1], [1, 1]]}"),
        ("max_pool: {kernel: 2}", "max_pool: {kernel: 2, stride: 2}"),
    ],
)  # fmt: skip
def test_what_is_merely_spelled_otherwise_is_the_same(one: str, other: str, tmp_path: Path) -> None:
    before, after = (analysis(tmp_path, f"  - {text}\n") for text in (one, other))
    assert difference(before, after).is_empty
    assert difference(after, before).is_empty


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("{kernel: 2}", "{kernel: 3}", [Change("kernel", 2, 3)]),
        ("{kernel: 2}", "{kernel: 3, stride: 2}", [Change("kernel", 2, 3)]),
        ("{kernel: 2}", "{kernel: 2, stride: [2, 1]}", [Change("stride", None, (2, 1))]),
        ("{kernel: 3, padding: 0}", "{kernel: 3, padding: [0, 1]}", [Change("padding", 0, (0, 1))]),
        ("{kernel: 3, padding: 1}", "{kernel: 3, padding: same}", [Change("padding", 1, "same")]),
    ],
)  # fmt: skip
def test_what_means_something_else_is_a_change(
    before: str, after: str, changes: list[Change], tmp_path: Path
) -> None:
    found = changed(tmp_path, f"  - max_pool: {before}\n", f"  - max_pool: {after}\n")
    (only,) = found.values()
    assert list(only.changes) == changes


def test_a_shape_is_no_list_of_axes(tmp_path: Path) -> None:
    flat, deep = "  - reshape: {shape: [2048]}\n", "  - reshape: {shape: [2048, 1]}\n"
    assert len(changed(tmp_path, flat, deep)) == 1


def test_a_layer_put_between_two_others_rewires_none_of_them(tmp_path: Path) -> None:
    after = BEFORE.replace("  - conv: {name: b,", "  - batch_norm: {name: n}\n  - conv: {name: b,")
    found = changed(tmp_path, BEFORE, after)
    assert {name: each.status for name, each in found.items()} == {"n": Status.ADDED}


def test_a_join_put_around_layers_rewires_none_of_them(tmp_path: Path) -> None:
    plain = "  - relu: {name: r}\n  - relu: {name: s}\n  - relu: {name: t}\n"
    residual = (
        "  - relu: {name: r}\n  - relu: {name: s}\n  - add: {name: sum, from: [s, r]}\n"
        "  - relu: {name: t}\n"
    )
    assert {n: each.status for n, each in changed(tmp_path, plain, residual).items()} == {
        "sum": Status.ADDED
    }
    assert {n: each.status for n, each in changed(tmp_path, residual, plain).items()} == {
        "sum": Status.REMOVED
    }


def test_an_input_from_elsewhere_is_a_change(tmp_path: Path) -> None:
    found = changed(tmp_path, BEFORE, BEFORE.replace("from: [r, b]", "from: [a, b]"))
    assert found["sum"].changes == (Change("inputs", ("r", "b"), ("a", "b")),)


def test_an_input_that_is_only_called_otherwise_is_none(tmp_path: Path) -> None:
    after = BEFORE.replace("name: r}", "name: act}").replace("[r, b]", "[act, b]")
    found = changed(tmp_path, BEFORE, after)
    assert {name: each.status for name, each in found.items()} == {"act": Status.RENAMED}


def test_what_follows_from_a_change_is_affected(tmp_path: Path) -> None:
    before = BEFORE.replace("  - add: {name: sum, from: [r, b]}\n", "")
    found = changed(
        tmp_path, before, before.replace("{name: a, channels: 4", "{name: a, channels: 6")
    )
    # b has the same fields, and more weights: 6 channels come in.
    assert {name: each.status for name, each in found.items()} == {
        "a": Status.CHANGED,
        "r": Status.AFFECTED,
        "b": Status.AFFECTED,
    }


def test_shared_weights_and_heads_are_compared(tmp_path: Path) -> None:
    same = "channels: 8, kernel: 3, padding: 1}"
    before = f"  - conv: {{name: a, {same}\n  - conv: {{name: b, {same}\n"
    shared = f"  - conv: {{name: a, {same}\n  - conv: {{name: b, weights: a, {same}\n"
    assert changed(tmp_path, before, shared)["b"].changes == (Change("weights", None, "a"),)
    head = f"{before}  - head: {{name: h, training_only: true, layers: [relu: {{name: r}}]}}\n"
    found = changed(tmp_path, head, head.replace("true", "false"))
    assert found["h.r"].changes == (Change("training_only", True, False),)


def test_parameters_and_input_are_settings() -> None:
    found = difference(analyze("vgg16"), analyze("vgg19", input=[3, 64, 64]))
    assert found.settings == (
        Change("input", (3, 224, 224), (3, 64, 64)),
        Change("depths", [2, 2, 3, 3, 3], [2, 2, 4, 4, 4]),
    )
    assert not difference(analyze("vgg16"), analyze("vgg16", input=[3, 64, 64])).is_empty


def test_the_totals_are_those_of_both() -> None:
    found: Difference = difference(analyze("resnet50"), analyze("resnet50_v1"))
    before, after = found.totals
    # Three 1x1 convolutions at half the resolution: 3 x (102,760,448 - 25,690,112).
    assert before.macs - after.macs == 3 * (102_760_448 - 25_690_112)
    assert before.params == after.params
    assert [each.layer.name for each in found.of_status(Status.CHANGED)] == [
        f"layer{stage}.0.conv{number}" for stage in (2, 3, 4) for number in (1, 2)
    ]


def test_networks_of_one_name_get_the_labels_given() -> None:
    one = analyze("resnet18")
    assert difference(one, one, ("a", "b")).labels == ("a", "b")
    assert difference(one, analyze("resnet34"), ("a", "b")).labels == ("resnet18", "resnet34")


def test_inputs_of_other_names_are_the_same_in_their_order() -> None:
    head = "name: net\ninputs: {{{}: [8, 16, 16]}}\nlayers:\n{}"
    first, second = [analyze(head.format(name, BEFORE)) for name in ("image", "x.1")]
    found = difference(first, second)
    assert found.settings == (Change("input image, name", "image", "x.1"),)
    assert all(layer.status is Status.SAME for layer in found.layers)
    assert not found.is_empty
