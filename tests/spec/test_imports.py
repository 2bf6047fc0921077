"""`import`: blocks from other files."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from archcalc import Analysis, LayerError, SpecError, analyze, load
from archcalc.errors import Source
from archcalc.spec import files
from archcalc.spec.files import spec_sources
from archcalc.spec.schema import spec_schema

SPEC = Draft202012Validator(spec_schema())
HEAD = "name: outer\ninput: [3, 8, 8]\n"
UNIT = """\
functions:
  twice: {parameters: [v], value: 2*v}
  fourfold: {parameters: [v], value: twice(twice(v))}
blocks:
  unit:
    parameters: [width: 4]
    let: {hidden: fourfold(width)}
    layers: [conv: {name: wide, channels: hidden, kernel: 1}, narrow: {width: width}]
  narrow: {parameters: [width], layers: [conv: {channels: width, kernel: 'in_shape[1] - 5'}]}
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def outer(imports: str, layers: str = "[unit]", **others: str) -> Analysis:
    """The network of `layers`, with these imports, beside files of these texts."""
    for name, text in others.items():
        Path(f"{name}.yaml").write_text(text)
    Path("outer.yaml").write_text(f"{HEAD}import: {imports}\nlayers: {layers}\n")
    return analyze(load("outer.yaml"))


def shapes(analysis: Analysis) -> list[tuple[str, object, object]]:
    return [(x.name, x.output, x.params) for x in analysis.layers]


# ----- what comes along -----


def test_a_block_comes_with_what_it_uses() -> None:
    found = outer("lib.yaml", "[unit, unit: {width: 1}]", lib=UNIT)
    assert [(x.name, x.output.shape) for x in found.layers] == [
        ("unit1.wide", (16, 8, 8)),
        ("unit1.narrow1.conv1", (4, 6, 6)),
        ("unit2.wide", (4, 6, 6)),
        ("unit2.narrow1.conv1", (1, 6, 6)),
    ]
    assert found.graph.blocks["unit1.narrow1"] == "narrow"


@pytest.mark.parametrize(
    "imports",
    ["lib.yaml", "[lib.yaml]", "{lib.yaml: }", "{lib.yaml: unit}", "{lib.yaml: [unit, narrow]}"],
)
def test_all_ways_to_name_blocks(imports: str) -> None:
    assert len(outer(imports, lib=UNIT).layers) == 2
    SPEC.validate(yaml.safe_load(Path("outer.yaml").read_text()))
    SPEC.validate(yaml.safe_load(UNIT))


def test_only_blocks_that_are_named_can_be_called() -> None:
    with pytest.raises(SpecError, match="unknown layer kind 'narrow'"):
        outer("{lib.yaml: [unit]}", "[narrow: {width: 1}]", lib=UNIT)


def test_functions_of_two_files_do_not_meet() -> None:
    other = UNIT.replace("2*v", "3*v").replace("unit", "other").replace("narrow", "thin")
    found = outer("[a.yaml, b.yaml]", "[unit, other]", a=UNIT, b=other)
    assert [found["unit1.wide"].output.shape[0], found["other1.wide"].output.shape[0]] == [16, 36]
    with pytest.raises(SpecError, match="unknown function 'twice'"):
        outer("lib.yaml", "[conv: {channels: twice(2), kernel: 1}]", lib=UNIT)


def test_files_import_from_files() -> None:
    Path("sub").mkdir()
    Path("sub/deep.yaml").write_text(UNIT)
    lib = "import: {sub/deep.yaml: unit}\nblocks:\n  pair: {layers: [unit, unit]}\n"
    assert len(outer("lib.yaml", "[pair]", lib=lib).layers) == 4
    with pytest.raises(SpecError, match=r"lib.yaml has no block 'unit'; did you mean|it has pair"):
        outer("{lib.yaml: unit}", "[pair]", lib=lib)


def test_a_whole_spec_lends_what_needs_none_of_its_parameters() -> None:
    spec = f"{HEAD}parameters: {{classes: 10}}\nlayers: [relu]\n{UNIT}"
    spec += "  last: {layers: [conv: {channels: classes, kernel: 1}]}\n"
    spec += "  around: {layers: [last]}\n"
    assert len(outer("{lib.yaml: unit}", lib=spec).layers) == 2
    for imports in ("lib.yaml", "{lib.yaml: last}", "{lib.yaml: around}"):
        with pytest.raises(SpecError, match=r"^lib.yaml:14:.*'classes': a block that others impo"):
            outer(imports, lib=spec)


def test_a_block_of_ones_own_hides_one_that_is_not_named() -> None:
    own = "[narrow]\nblocks: {narrow: {layers: [relu]}}"
    found = outer("lib.yaml", own, lib=UNIT)
    assert [x.kind for x in found.layers] == ["relu"]
    with pytest.raises(SpecError, match="a block 'narrow' is defined here too"):
        outer("{lib.yaml: [narrow]}", own, lib=UNIT)


def test_a_block_may_name_layers_around_it() -> None:
    lib = "blocks:\n  skip: {parameters: [to], layers: [add: {from: [in, '{to}']}]}\n"
    layers = "[relu: {name: first}, tanh, skip: {to: \"'first'\"}]"
    assert outer("lib.yaml", layers, lib=lib).graph.nodes[-1].inputs == ("tanh1", "first")


def test_a_refusal_says_where_in_the_imported_file() -> None:
    with pytest.raises(LayerError, match=r"unit1.narrow1.conv1 .*, lib.yaml:9:"):
        outer("lib.yaml", "[conv: {channels: 1, kernel: 5}, unit]", lib=UNIT)
    with pytest.raises(SpecError, match=r"^lib.yaml:3:31: unknown parameter 'wdth'"):
        outer("lib.yaml", lib="blocks:\n  unit:\n    layers: [conv: {channels: wdth, kernel: 1}]\n")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=1, max_size=5), st.data())
def test_where_a_block_is_written_makes_no_difference(
    calls: list[list[int]], data: st.DataObject
) -> None:
    """Each block calls some of those before it; the files of some import those of others."""
    where = [data.draw(st.integers(0, n)) for n in range(len(calls))]  # the file of each block
    bodies = [
        "".join(f"      - b{n % number}: {{w: 1 + w}}\n" for n in called if number)
        + "      - conv: {channels: 'f(w) + in_channels', kernel: 1}\n"
        for number, called in enumerate(calls)
    ]
    blocks = [f"  b{n}:\n    parameters: [w]\n    layers:\n{body}" for n, body in enumerate(bodies)]
    functions = "functions: {f: {parameters: [v], value: 2*v}}\n"
    layers = f"layers: [b{len(calls) - 1}: {{w: 1}}]\n"
    Path("one.yaml").write_text(f"{HEAD}{functions}{layers}blocks:\n{''.join(blocks)}")
    needed = [{n % number for n in called if number} for number, called in enumerate(calls)]
    # Files import blocks of those with smaller numbers: a block is never before one that it calls.
    place = [max(where[: n + 1]) for n in range(len(calls))]
    for file in range(max(place) + 1):
        own = [n for n in range(len(calls)) if place[n] == file]
        wanted: dict[str, list[str]] = {}
        for other in sorted({m for n in own for m in needed[n]} - {*own}):
            wanted.setdefault(f"file{place[other]}.yaml", []).append(f"b{other}")
        text = f"import: {yaml.dump(wanted, default_flow_style=True)}" if wanted else ""
        text += functions + "".join(["blocks:\n", *[blocks[n] for n in own]]) * bool(own)
        Path(f"file{file}.yaml").write_text(text)
    last = f"import: {{file{place[-1]}.yaml: b{len(calls) - 1}}}\n"
    Path("two.yaml").write_text(f"{HEAD}{last}{layers}")
    assert shapes(analyze(load("two.yaml"))) == shapes(analyze(load("one.yaml")))


# ----- what comes with archcalc -----


@pytest.mark.parametrize("source", [*spec_sources("blocks")], ids=lambda source: source.name)
def test_the_files_of_blocks_fit_the_schema(source: Source) -> None:
    SPEC.validate(yaml.safe_load(source.text))


# ----- refusals -----


@pytest.mark.parametrize(
    ("imports", "message"),
    [
        ("comon", "no file of blocks is called 'comon'; did you mean 'common'"),
        ("nothing", "no file of blocks is called 'nothing'; a file of yours ends in .yaml; archca"),
        ("{lib.yaml: unti}", "lib.yaml has no block 'unti'; did you mean 'unit'"),
        ("{lib.yaml: {unit: x}}", "the name|a block is text"),
        ("[[lib.yaml]]", "import is text"),
        ("[lib.yaml, lib.yaml]", "an import before has a block 'unit' too; name those"),
        ("missing.yaml", "missing.yaml: No such file"),
        ("../lib.yaml", "lies outside the folder of outer.yaml"),
        ("/etc/passwd", "a spec is a file that ends in"),
        ("outer.yaml", "outer.yaml would import itself|'outer.yaml' would"),
        ("bad.yaml", r"bad.yaml:1:1: bad.yaml has no 'block'; did you mean 'blocks'"),
        ("relu.yaml", "a block cannot be called 'relu'"),
    ],
)
def test_what_is_refused(imports: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        outer(imports, lib=UNIT, bad="block: {}\n", relu="blocks: {relu: {layers: []}}\n")


def test_a_text_imports_what_comes_with_archcalc_alone() -> None:
    Path("lib.yaml").write_text(UNIT)
    assert load(f"{HEAD}import: common\nlayers: [relu]\n").nodes
    assert load({"name": "t", "input": [3], "import": ["common"], "layers": ["relu"]}).nodes
    with pytest.raises(SpecError, match="only a spec in a file may name other files"):
        load(f"{HEAD}import: lib.yaml\nlayers: [unit]\n")


def test_files_that_import_one_another() -> None:
    files = {
        one: f"import: {other}.yaml\nblocks: {{{one}: {{layers: []}}}}\n"
        for one, other in ("ab", "ba")
    }
    with pytest.raises(SpecError, match=r"^b.yaml:1:9: a.yaml would import itself"):
        outer("a.yaml", "[a]", **files)


def test_a_file_of_blocks_is_no_network() -> None:
    Path("lib.yaml").write_text(UNIT)
    with pytest.raises(SpecError, match="a file of blocks, which specs `import`"):
        load("lib.yaml")


def test_the_limits_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = {
        f"f{n}": f"import: f{n + 1}.yaml\nblocks: {{b{n}: {{layers: []}}}}\n" for n in range(40)
    }
    with pytest.raises(SpecError, match=r"^f31.yaml:1:9: more than 32 other files"):
        outer("f0.yaml", "[relu]", **chain)
    many = f"blocks: {{unit: {{layers: [{'relu, ' * 21_000}relu]}}}}\n"
    assert len(outer("{lib.yaml: unit}", "[relu]", lib=many).layers) == 1
    with pytest.raises(SpecError, match=r"^b.yaml: more than 40,000 values, with the files"):
        outer("{a.yaml: unit, b.yaml: []}", "[relu]", a=many, b=many)
    monkeypatch.setattr(files, "MAX_BYTES", 700)
    with pytest.raises(SpecError, match="other files of more than 700 bytes"):
        outer("[a.yaml, b.yaml]", "[relu]", a=UNIT, b=UNIT)
