"""Kinds are registered under their name, archcalc's own and those that other packages bring."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

import archcalc
from archcalc import FeatureMap, SpecError, UsageError, analyze, register
from archcalc.comparing.diff import difference
from archcalc.layers import Category, Effect, Layer, own_kinds, pointwise, registry
from archcalc.layers.functions import FUNCTIONS
from archcalc.layers.registry import GROUP, KINDS, LATER, all_kinds, kind_called
from archcalc.render.drawing import draw
from archcalc.spec.fields import fields_of
from tests.spec_texts import graph_of

LAYERS = Path(str(archcalc.__file__)).parent / "layers"


class Cube(Layer):
    """x³. Shapes unchanged."""

    kind: ClassVar[str] = "cube"
    category: ClassVar[Category] = Category.ACTIVATION
    pointwise: ClassVar[bool] = True

    def effect_on(self, x: FeatureMap, /) -> Effect:
        return pointwise(x, ops_each=2, saved=())


NET = """\
name: net
input: [1, 4]
layers:
  - cube
"""


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """What a test registers, or pretends to have installed, is gone after it."""
    before = dict(KINDS)
    yield
    KINDS.clear()
    KINDS.update(before)
    registry.installed.cache_clear()


def bring(folder: Path, patch: pytest.MonkeyPatch, entry_points: str, code: str = "") -> None:
    """Installs a package with these entry points in `folder`: its module is `brought`."""
    folder.mkdir()
    information = folder / f"{folder.name}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {folder.name}\n")
    (information / "entry_points.txt").write_text(f"[{GROUP}]\n{entry_points}\n")
    (folder / "brought.py").write_text(code)
    patch.syspath_prepend(folder)
    patch.delitem(sys.modules, "brought", raising=False)
    registry.installed.cache_clear()


def test_a_kind_that_is_registered_stands_in_specs() -> None:
    with pytest.raises(SpecError, match="unknown layer kind 'cube'"):
        graph_of(NET)
    assert register(Cube) is Cube
    assert analyze(graph_of(NET)).totals.other_ops == 8
    assert [kind.kind for kind in all_kinds() if kind.category is Category.ACTIVATION][-1] == "cube"


def test_a_kind_defined_again_takes_its_own_place() -> None:
    register(Cube)
    again = type("Cube", (Cube,), {"__module__": Cube.__module__, "__qualname__": "Cube"})
    register(again)
    assert KINDS["cube"] is again


class _Nameless(Layer):
    def effect_on(self, x: FeatureMap, /) -> Effect:
        raise NotImplementedError


class _OtherReLU(Cube):
    kind: ClassVar[str] = "relu"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Cube(), "is not a layer kind: not a subclass of archcalc.layers.Layer"),
        (dict, "<class 'dict'> is not a layer kind"),
        (Layer, "Layer is not a layer kind yet: it lacks effect_on, kind, category"),
        (_Nameless, "_Nameless is not a layer kind yet: it lacks kind, category"),
        (_OtherReLU, r"two layer kinds named 'relu': .*activation\.ReLU and .*_OtherReLU"),
    ],
)
def test_what_is_not_a_new_kind_is_refused(kind: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        register(kind)


def test_a_field_that_no_spec_can_give_is_refused() -> None:
    class Odd(Cube):
        words: Literal["a", "b"]
        other: dict[str, int]

    with pytest.raises(UsageError, match=r"cube: .* type 'dict\[str, int\]' of 'other'; the types"):
        fields_of(Odd)
    del Odd.types["other"]
    assert fields_of(Odd)["words"].type.words == ("a", "b")


def test_annotations_have_to_be_text() -> None:
    with pytest.raises(TypeError, match="write `from __future__ import annotations` above"):
        type("Odd", (Layer,), {"__annotations__": {"width": int}})


def test_every_class_with_a_name_is_registered() -> None:
    """By the text of the modules: what is forgotten would be met by no other test."""
    written = set[str]()
    for path in LAYERS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                given = [line for line in node.body if isinstance(line, ast.AnnAssign)]
                kinds = [x.value for x in given if ast.unparse(x.target) == "kind" and x.value]
                written.update(map(ast.literal_eval, kinds))
    in_the_table = {function.kind for function in FUNCTIONS}
    assert written | in_the_table == {kind.kind for kind in own_kinds()}


# ----- kinds of other packages -----

CODE = """
from __future__ import annotations
from archcalc.layers import Category
from tests.layers.test_registry import Cube

class Brought(Cube):
    kind = "cube"
"""


def test_a_kind_of_another_package_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(tmp_path / "one", monkeypatch, "cube = brought:Brought", CODE)
    assert analyze(graph_of(NET)).layers[0].kind == "cube"
    assert "cube" in [kind.kind for kind in all_kinds()]


def test_a_block_goes_before_a_kind_of_another_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(tmp_path / "one", monkeypatch, "cube = brought:Brought", CODE)
    block = "name: net\ninput: [1, 4]\nblocks:\n  cube: {layers: [relu]}\nlayers:\n  - cube\n"
    assert [layer.kind for layer in analyze(graph_of(block)).layers] == ["relu"]


def test_a_misspelled_kind_of_another_package_is_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(tmp_path / "one", monkeypatch, "cube = brought:Brought", CODE)
    with pytest.raises(SpecError, match="unknown layer kind 'cubes'; did you mean 'cube'"):
        graph_of(NET.replace("cube", "cubes"))


@pytest.mark.parametrize(
    ("entry_points", "code", "message"),
    [
        ("cube = brought:Brought", "1 / 0", "'cube' cannot be loaded: ZeroDivisionError: "),
        ("cube = brought:Missing", CODE, "'cube' cannot be loaded: AttributeError: "),
        ("cube = brought:Brought", CODE.replace('"cube"', '"tube"'), "'tube', and not .* 'cube'"),
        ("cube = brought:Category", CODE, "is not a layer kind: not a subclass"),
    ],
)
def test_a_package_that_brings_no_such_kind_is_refused(
    entry_points: str, code: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(tmp_path / "one", monkeypatch, entry_points, code)
    with pytest.raises(UsageError, match=message):
        graph_of(NET)


def test_two_packages_with_one_kind_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(tmp_path / "one", monkeypatch, "cube = brought:Brought", CODE)
    bring(tmp_path / "two", monkeypatch, "cube = brought:Another", CODE)
    with pytest.raises(UsageError, match="more than one package brings a layer kind 'cube': "):
        kind_called("cube")


# ----- where a class stands -----


def test_a_class_that_moves_to_another_file_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def seen() -> tuple[Any, ...]:
        a, b = analyze("resnet18"), analyze("plain18")
        return draw(a, depth=2), difference(a, b)

    before = seen()
    for kind in own_kinds():
        monkeypatch.setattr(kind, "__module__", "elsewhere")
    assert seen() == before


def test_what_is_imported_on_demand_is_where_it_is_looked_for() -> None:
    own_kinds()
    homes = {kind.kind: kind.__module__.rpartition(".")[2] for kind in KINDS.values()}
    on_demand = {*LATER.values()}
    assert {name: home for name, home in homes.items() if home in on_demand} == LATER
