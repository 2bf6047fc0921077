"""`network`: another network, or a part of it, as a block."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archcalc import Analysis, AnalysisStopped, Graph, SpecError, analyze, load
from archcalc.render.spec_text import spec_text
from archcalc.spec import files, others
from archcalc.torch_backend.verify import verify
from tests.spec_texts import analysis_of

HEAD = "name: outer\ninput: [3, 64, 64]\nlayers:\n"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def loaded(text: str, **parameters: Any) -> Graph:
    """The network of a file in the present folder."""
    Path("outer.yaml").write_text(text)
    return load("outer.yaml", **parameters)


def outer(*statements: str) -> Graph:
    """The network of these layers on 3x64x64, in a file of the present folder."""
    return loaded(HEAD + "".join(f"  - {statement}\n" for statement in statements))


def figures(analysis: Analysis, within: str = "") -> list[tuple[Any, ...]]:
    """What a table says of each layer, with the names that layers have inside a block."""
    return [
        (x.name.removeprefix(within), x.output, x.params, x.macs, x.receptive_field, x.jump)
        for x in analysis.layers
        if x.name.startswith(within)
    ]


# ----- the same as by hand -----

EACH = st.sampled_from(
    [
        "conv: {channels: 4, kernel: 3, padding: 1}",
        "conv: {channels: in_channels + 1, kernel: 1}",
        "relu",
        "block: {width: 5}",
        "block: {width: factor}",
        "add: [[batch_norm], []]",
        "concat: [[{if: factor > 2, then: [relu]}], [{repeat: factor, layers: [sigmoid]}]]",
        "max_pool: {kernel: 2, stride: 1, padding: same}",
    ]
)
INNER = "inner"
BODIES = st.lists(st.one_of(EACH, st.just(INNER)), min_size=1, max_size=4)
SHARED = """\
blocks:
  block:
    parameters: [width]
    let: {double: 2*width}
    layers:
      - conv: {name: wide, channels: double_of(width), kernel: 1}
      - relu
      - conv: {channels: double, kernel: "1 if shape_of(wide)[0] > 9 else 3", padding: same}
functions: {double_of: {parameters: [v], value: 2*v}}
"""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bodies=st.lists(BODIES, min_size=1, max_size=4),
    factors=st.lists(st.integers(1, 3), min_size=4, max_size=4),
)
def test_networks_in_one_another_are_what_their_layers_are_by_hand(
    bodies: list[list[str]], factors: list[int]
) -> None:
    """Each network is also written as a block, with its parameter put in."""
    blocks = ""
    for depth, (body, factor) in enumerate(zip(bodies, factors, strict=False)):
        inner = depth + 1
        given = f"{{of: n{inner}.yaml, name: n, parameters: {{factor: {factors[inner % 4]}}}}}"
        layers = [text for text in body if text != INNER or inner < len(bodies)]
        by_name = [text.replace(INNER, f"network: {given}") for text in layers]
        by_hand = [text.replace("factor", str(factor)) for text in layers]
        by_hand = [text.replace(INNER, f"part{inner}: {{name: n}}") for text in by_hand]
        own = f"parameters: {{factor: {9 if depth else factor}}}\n"
        head = f"name: t\ninput: [3, 6, 6]\n{own}{SHARED}layers:\n"
        Path(f"n{depth}.yaml").write_text(head + listed([*by_name, "identity"], "  "))
        blocks += f"  part{depth}:\n    layers:\n{listed([*by_hand, 'identity'], '      ')}"
    shared = SHARED.replace("functions:", f"{blocks}functions:")
    whole = f"name: t\ninput: [3, 6, 6]\n{shared}layers: [part0: {{name: top}}]\n"
    assert figures(analyze(load("n0.yaml"))) == figures(analysis_of(whole), "top.")


def listed(statements: list[str], indent: str) -> str:
    """Statements as lines of a list; those that are called n get names of their own."""
    return "".join(
        f"{indent}- {text.replace('name: n', f'name: n{number}')}\n"
        for number, text in enumerate(statements)
    )


@st.composite
def tangles(draw: st.DrawFn) -> list[str]:
    """Layers that keep their shape, with any earlier ones as inputs; some share weights."""
    layers: list[str] = []
    for number in range(draw(st.integers(1, 8))):
        earlier = st.sampled_from(["input", *(f"n{n}" for n in range(number))])
        if draw(st.booleans()):
            kind, given = "add", f"from: [{draw(earlier)}, {draw(earlier)}]"
        else:
            kind, given = "conv", f"from: {draw(earlier)}, channels: 2, kernel: 1"
            owners = [f"n{n}" for n, text in enumerate(layers) if "conv" in text]
            if draw(st.booleans()) and owners:
                given += f", weights: {draw(st.sampled_from(owners))}"
        layers.append(f"  - {kind}: {{name: n{number}, {given}}}\n")
    return layers


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layers=tangles(), data=st.data())
def test_a_part_has_the_layers_that_lead_to_its_end(layers: list[str], data: st.DataObject) -> None:
    head = "name: t\ninput: [2, 3, 3]\nlayers:\n"
    Path("inner.yaml").write_text(head + "".join(layers))
    end = data.draw(st.integers(0, len(layers) - 1))
    text = f"{head}  - network: {{of: inner.yaml, name: p, until: n{end}}}\n"
    ended = load(head + "".join(layers[: end + 1])).without_unused()
    assert figures(analyze(loaded(text)), "p.") == figures(analyze(ended))
    after = data.draw(st.integers(0, end))
    needed, before = {f"n{end}"}, {"input", *(f"n{n}" for n in range(after))}
    for node in reversed(ended.nodes):
        if node.name in needed and node.name != f"n{after}":
            needed.update(node.inputs)
    text = text.replace("until", f"after: n{after}, until")
    if needed.isdisjoint(before - {f"n{after}"}):
        rest = analyze(loaded(f"{text}  - relu: {{name: end}}\n"))
        written = [f"p.n{n}" for n in range(after + 1, end + 1) if f"n{n}" in needed]
        assert [x.name for x in rest.layers] == [*written, "end"]
    else:
        with pytest.raises(SpecError, match="comes before the part"):
            loaded(text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    widths=st.lists(st.integers(1, 5), min_size=1, max_size=6),
    at=st.integers(0, 5),
    size=st.integers(4, 9),
)
def test_two_parts_are_the_whole(widths: list[int], at: int, size: int) -> None:
    at %= len(widths)
    layers = "".join(
        f"  - block: {{name: b{n}, width: {width}}}\n" for n, width in enumerate(widths)
    )
    Path("inner.yaml").write_text(f"name: t\ninput: [3, 6, 6]\n{SHARED}layers:\n{layers}")
    both = loaded(
        f"name: t\ninput: [3, {size}, {size}]\nlayers:\n"
        f"  - network: {{of: inner.yaml, name: a, until: b{at}}}\n"
        f"  - network: {{of: inner.yaml, name: b, after: b{at}}}\n"
    )
    whole = analyze(load("inner.yaml", input=[3, size, size]))
    found = figures(analyze(both))
    assert [(name[2:], *rest) for name, *rest in found] == figures(whole)


def test_what_is_written_out_is_read_back_as_the_same() -> None:
    graph = outer(
        "network: {of: googlenet, name: g, until: inception_4a}",
        "conv: {name: low, from: g.inception_3a, channels: 64, kernel: 1}",
        "network: {of: resnet18, name: r, after: layer1, until: layer2.0}",
    )
    again = load(spec_text(graph))
    assert figures(analyze(again)) == figures(analyze(graph))


# ----- sizes, names, parameters -----


def test_layers_have_the_name_of_the_part_before_theirs() -> None:
    graph = outer("network: {of: resnet18, name: backbone, until: layer1.0}", "relu")
    assert [node.name for node in graph.nodes][:5] == [
        "backbone.conv1",
        "backbone.bn1",
        "backbone.relu",
        "backbone.maxpool",
        "backbone.layer1.0.conv1",
    ]
    assert graph.blocks["backbone"] == "resnet18"
    assert graph.blocks["backbone.layer1.0"] == "unit"
    assert graph.nodes[-1].inputs == (graph.nodes[-2].name,)


def test_stages_can_be_used_from_outside() -> None:
    graph = outer(
        "network: {of: resnet50, name: body, until: layer3}",
        "conv: {name: up, channels: 512, kernel: 1}",
        "upsample: {name: wide, size: 'shape_of(body.layer2)[1:]'}",
        "add: {name: sum, from: [wide, body.layer2]}",
    )
    analysis = analyze(graph)
    assert analysis["sum"].output == analysis["body.layer2.3.add"].output
    assert analysis["body.layer3.5.add"].output.shape == (1024, 4, 4)


def test_a_network_may_stand_for_itself_and_more_than_once() -> None:
    graph = outer(
        "network: {of: resnet18, until: layer1}", "network: {of: resnet18, after: maxpool}"
    )
    assert {name.partition(".")[0] for name in graph.blocks} == {"network1", "network2"}
    assert load(f"{HEAD}  - network: resnet18\n").nodes[0].name == "network1.conv1"


def test_parameters_of_the_network_take_its_place() -> None:
    narrow = outer("network: {of: mobilenet_v1, parameters: {alpha: 0.5, classes: 2*5}}")
    expected = analyze(load("mobilenet_v1", alpha=0.5, classes=10, input=[3, 64, 64]))
    assert figures(analyze(narrow), "network1.") == figures(expected)


def test_which_network_it_is_may_depend_on_a_parameter() -> None:
    text = "name: t\ninput: [3, 64, 64]\nparameters: {depth: 18}\nlayers:\n"
    text += "  - network: {of: 'resnet{depth}', until: layer1}\n"
    assert len(loaded(text).nodes) < len(loaded(text, depth=34).nodes)
    with pytest.raises(SpecError, match="unknown network 'resnet35'; did you mean 'resnet"):
        loaded(text, depth=35)


def test_a_network_sees_nothing_of_what_is_around_it() -> None:
    Path("inner.yaml").write_text("name: inner\ninput: [3, 8, 8]\nlayers: [relu: {from: stem}]\n")
    with pytest.raises(SpecError, match=r"inner.yaml:3:.*no earlier layer is called 'stem'"):
        outer("conv: {name: stem, channels: 3, kernel: 1}", "network: {of: inner.yaml}")


def test_its_input_is_the_one_that_is_given() -> None:
    text = "name: inner\ninput: [1, 2]\nlayers:\n"
    text += "  - conv: {channels: 'in_channels + shape_of(input)[1]', kernel: 1}\n"
    text += "  - conv: {name: last, from: input, channels: 'shape_of(in)[0]', kernel: 1}\n"
    Path("inner.yaml").write_text(text)
    graph = outer("conv: {name: stem, channels: 5, kernel: 1}", "network: {of: inner.yaml}")
    analysis = analyze(graph)
    assert [node.inputs for node in graph.nodes[1:]] == [("stem",)]  # the other leads nowhere
    assert analysis["last"].output.shape == (5, 64, 64)
    assert graph.asks_sizes


def test_several_inputs_are_given_in_their_order() -> None:
    inner = (
        "name: inner\ninputs: {a: [3, 8, 8], b: [3, 8, 8]}\nlayers: [subtract: {from: [a, b]}]\n"
    )
    Path("inner.yaml").write_text(inner)
    before = ("relu: {name: x}", "sigmoid: {name: y}")
    graph = outer(*before, "network: {of: inner.yaml, from: [y, x]}")
    assert graph.nodes[-1].inputs == ("y", "x")
    numbered = ("relu: {name: r1}", "sigmoid: {name: r2}")
    graph = outer(*numbered, "network: {of: inner.yaml, from: 'r{[2, 1]}'}")
    assert graph.nodes[-1].inputs == ("r2", "r1")
    with pytest.raises(SpecError, match="called 'b': nothing is given for this input of inner"):
        outer(*before, "network: {of: inner.yaml, from: y}")
    with pytest.raises(SpecError, match="inner takes a, b; 3 inputs are given"):
        outer(*before, "network: {of: inner.yaml, from: [y, x, y]}")


# ----- heads and outputs -----


def test_heads_are_left_out_unless_something_needs_them() -> None:
    whole = load("googlenet", input=[3, 224, 224])
    text = "name: outer\ninput: [3, 224, 224]\n{}layers:\n  - network: {{of: googlenet, name: g}}\n"
    without = loaded(text.format(""))
    assert not [name for name in without.blocks if name.endswith("aux1")]
    assert without.outputs == ("g." + whole.outputs[0],)
    asked = loaded(text.format(f"outputs: [g.{whole.outputs[0]}, g.aux1]\n"))
    assert [n for n in asked.nodes if n.training_only]
    assert asked.blocks["g.aux1"] == "head"
    assert analyze(load(spec_text(asked))).totals == analyze(asked).totals


def test_a_head_that_only_layers_need_is_no_output() -> None:
    inner = "name: inner\ninput: [3, 8, 8]\nlayers:\n"
    inner += "  - head: {name: side, layers: [sigmoid: {name: s}]}\n  - relu\n"
    Path("inner.yaml").write_text(inner)
    graph = outer("network: {of: inner.yaml, name: p}", "add: {from: [p.side, p.relu1]}")
    assert graph.outputs == ("add1",)
    assert graph.blocks["p.side"] == "branch"
    assert load(spec_text(graph)).outputs == ("add1",)


def test_the_first_output_flows_on_and_all_have_names() -> None:
    inner = "name: inner\ninput: [3, 8, 8]\noutputs: {mask: s, score: t}\nlayers:\n"
    inner += "  - sigmoid: {name: s}\n  - tanh: {name: t}\n  - relu\n"
    Path("inner.yaml").write_text(inner)
    graph = outer("network: {of: inner.yaml, name: p}", "relu: {name: r}")
    assert [node.name for node in graph.nodes] == ["p.s", "r"]
    graph = outer("network: {of: inner.yaml, name: p}", "add: {from: [p.mask, p.score]}")
    assert graph.nodes[-1].inputs == ("p.s", "p.t")


# ----- training -----


def test_a_backbone_may_be_frozen_checkpointed_and_shared() -> None:
    graph = outer(
        "network: {of: resnet18, name: a, until: layer1, trainable: false, checkpoint: true}",
        "network: {of: resnet18, name: b, from: input, until: layer1, weights: a}",
        "add: {from: [a, b]}",
    )
    assert not [node for node in graph.nodes if node.name.startswith("a.") and node.trainable]
    assert [stretch.name for stretch in graph.stretches] == ["a"]
    alone = analyze(outer("network: {of: resnet18, until: layer1}"))
    assert analyze(graph).totals.params == alone.totals.params


def test_a_part_that_ends_in_what_is_checkpointed() -> None:
    inner = "name: inner\ninput: [3, 8, 8]\nlayers:\n  - repeat: 1\n    checkpoint: true\n"
    inner += "    layers: [relu: {name: a}, tanh: {name: b}, sigmoid: {name: c}]\n"
    Path("inner.yaml").write_text(inner)
    graph = outer("network: {of: inner.yaml, name: p, until: b}")
    assert [stretch.layers for stretch in graph.stretches] == [("p.a", "p.b")]


def test_torch_agrees() -> None:
    graph = outer(
        "network: {of: googlenet, name: g, until: inception_3a.3x3}",
        "conv: {channels: 64, kernel: 1}",
        "network: {of: resnet18, name: r, after: layer1, until: layer2}",
    )
    assert not verify(graph).differences


# ----- refusals -----


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("of: resnet5O", "unknown network 'resnet5O'; did you mean 'resnet"),
        ("of: resnet50, parameters: {clases: 3}", "has no parameter 'clases'; did you mean 'clas"),
        ("of: resnet50, parameters: {classes: many}", "unknown parameter 'many'"),
        ("of: resnet50, parameters: {depths: 3}", "depths must be a list"),
        ("of: resnet50, until: layer5", "no layer or block 'layer5'; did you mean 'layer"),
        ("of: vgg16, until: conv1_1", "no layer or block 'conv1_1'; did you mean '.*[.]conv1_1'"),
        ("of: resnet50, after: conv9", "no layer or block 'conv9'; did you mean"),
        ("of: resnet50, after: layer3, until: layer2", "block 'layer3' before 'layer2'"),
        (
            "of: resnet50, after: layer1.0.conv1, until: layer1",
            "takes 'p.maxpool', which comes before the part",
        ),
        ("of: googlenet, until: aux1", "'p.aux1.*' exists in training only"),
        ("of: resnet50, depth: 3", "network has no 'depth'"),
        ("until: layer4", "network needs `of`"),
        ("of: resnet50, until: conv1, weights: backbone", "no earlier block is called 'backbone'"),
        ("of: missing.yaml", "missing.yaml: No such file"),
        ("of: outer.yaml#b", "outer.yaml has no variant 'b'"),
        ("of: outer.yaml", "'outer' would be a part of itself"),
        ("of: /etc/hosts", "a spec is a file that ends in"),
        ("of: /etc/hosts.yaml", "lies outside the folder of outer.yaml"),
        ("of: ../outer.yaml", "lies outside the folder"),
        ("of: sub/../outer.yaml", "lies outside the folder"),
        ("of: link.yaml", "lies outside the folder"),
        ("of: folder.yaml", "is no file"),
        ("of: pipe.yaml", "is no file"),
        ('of: "a\\0.yaml"', "is not the name of a file"),
    ],
)
def test_what_is_refused(given: str, message: str, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}.yaml"
    outside.write_text("name: t\ninput: [3, 8, 8]\nlayers: [relu]\n")
    Path("link.yaml").symlink_to(outside)
    Path("folder.yaml").mkdir()
    os.mkfifo("pipe.yaml")
    with pytest.raises(SpecError, match=message) as caught:
        outer(f"network: {{name: p, {given}}}")
    assert str(caught.value).startswith(("outer.yaml:4:", "specs/"))


def test_a_text_names_networks_of_archcalc_alone() -> None:
    Path("inner.yaml").write_text("name: t\ninput: [3, 8, 8]\nlayers: [relu]\n")
    with pytest.raises(SpecError, match="only a spec in a file may name other files"):
        load(f"{HEAD}  - network: inner.yaml\n")


def test_two_files_that_name_one_another() -> None:
    for one, other in ("ab", "ba"):
        text = f"name: {one}\ninput: [3, 8, 8]\nlayers: [network: {other}.yaml]\n"
        Path(f"{one}.yaml").write_text(text)
    with pytest.raises(SpecError, match=r"b.yaml:3:.*'a' would be a part of itself"):
        load("a.yaml")


def test_a_variant_may_be_a_part_of_another() -> None:
    text = "name: t\ninput: [3, 8, 8]\nvariants:\n  small: {layers: [relu]}\n"
    text += "  large: {layers: [network: 'outer.yaml#small', sigmoid]}\n"
    Path("outer.yaml").write_text(text)
    assert [node.layer.kind for node in load("outer.yaml#large").nodes] == ["relu", "sigmoid"]


def test_paths_are_from_the_file_that_they_stand_in() -> None:
    Path("sub").mkdir()
    Path("sub/a.yaml").write_text("name: a\ninput: [3, 8, 8]\nlayers: [network: b.yaml]\n")
    Path("sub/b.yaml").write_text(
        "name: b\ninput: [3, 8, 8]\nlayers: [tanh, conv: {channels: 0, kernel: 1}]\n"
    )
    with pytest.raises(AnalysisStopped, match=r"sub/b.yaml:3:"):
        analyze(outer("network: sub/a.yaml"))


def test_not_too_many_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "MOST", 2)
    few = ["network: {of: resnet18, until: conv1}", "network: {of: resnet34, from: input}"]
    outer(*few, few[0])
    with pytest.raises(SpecError, match="a network of more than 2 others"):
        outer(*few, "network: {of: resnet50, from: input}")
    monkeypatch.setattr(files, "MAX_BYTES", 100)
    for name in "ab":
        Path(f"{name}.yaml").write_text("name: t\ninput: [3, 8, 8]\nlayers: [relu]\n" + "#" * 30)
    with pytest.raises(SpecError, match="other files of more than 100 bytes"):
        outer("network: a.yaml", "network: b.yaml")
