"""The library of specs, and the files of users."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc import SpecError, UsageError, load
from archcalc.spec import files, reader
from archcalc.spec.files import spec_sources
from archcalc.spec.library import families, find_network, is_file, network_names

NET = "name: tiny\ninput: [3, 8, 8]\nlayers: [relu]\n"
TWO = "name: pair\ninput: [3, 8, 8]\nvariants: {one: , two: }\nlayers: [relu]\n"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_names_read_off_the_specs_are_those_of_their_networks() -> None:
    assert network_names() == [name for family in families() for name in family.networks]


def test_a_name_belongs_to_one_network() -> None:
    names = network_names()
    assert len(names) == len(set(names))


def test_a_shipped_network_is_found_from_any_directory() -> None:
    network = find_network("vgg16")
    assert (network.name, network.source.name) == ("vgg16", "specs/vgg.yaml")


def test_the_specs_are_found_inside_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "archcalc" / "specs").mkdir(parents=True)
    (tmp_path / "archcalc" / "specs" / "tiny.yaml").write_text(NET)
    monkeypatch.setattr(files, "_PACKAGE", str(tmp_path / "archcalc"))
    assert [source.name for source in spec_sources()] == ["specs/tiny.yaml"]
    assert network_names() == ["tiny"]


def test_a_file_is_a_network_or_several() -> None:
    Path("net.yaml").write_text(NET)
    Path("pair.yml").write_text(TWO)
    assert load("net.yaml").name == "tiny"
    assert load("./net.yaml#tiny").name == "tiny"
    assert load("pair.yml#two").name == "two"


@pytest.mark.parametrize("name", ["net", "a#b", "a b", "ü"])
def test_a_file_may_be_called_anything(name: str) -> None:
    Path(name).write_text(NET)
    assert load(name).name == "tiny"
    Path(f"{name}.yaml").write_text(NET)
    assert load(f"{name}.yaml").name == "tiny"


def test_a_file_in_the_way_does_not_hide_a_shipped_network() -> None:
    Path("vgg16").write_bytes(b"\x80 weights")
    assert not is_file("vgg16")
    assert find_network("vgg16").source.name == "specs/vgg.yaml"
    assert is_file("./vgg16")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lenet", "unknown network 'lenet'; did you mean 'lenet5'?"),
        ("ResNet50", "unknown network 'ResNet50'; did you mean 'resnet50'?"),
        ("qqqqqqq", "unknown network 'qqqqqqq'; `archcalc list` shows all"),
        ("", "unknown network ''; `archcalc list` shows all"),
        ("lenet5#C1", "unknown network 'lenet5#C1'; did you mean 'lenet5'?"),
        ("missing.yaml", "missing.yaml: No such file or directory"),
        ("a/b", "a/b: No such file or directory"),
        (".", ".: Is a directory"),
        ("./", "./: Is a directory"),
        ("pair.yaml", "pair.yaml has 2 variants; say which: pair.yaml#one, #two"),
        ("many.yaml", "many.yaml has 6 variants; say which: many.yaml#v0, #v1, #v2, #v3, …"),
        ("pair.yaml#onee", "pair.yaml has no variant 'onee'; did you mean 'one'?"),
        ("pair.yaml#zzz", "pair.yaml has no variant 'zzz'; it has one, two"),
        ("a\0b", "unknown network 'a\\x00b'; `archcalc list` shows all"),
        ("a\0b.yaml", "'a\\x00b.yaml' is not the name of a file"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(name: str, message: str) -> None:
    Path("pair.yaml").write_text(TWO)
    many = "".join(f"  v{number}: {{}}\n" for number in range(6))
    Path("many.yaml").write_text(f"name: m\ninput: [1]\nvariants:\n{many}layers: [relu]\n")
    with pytest.raises(UsageError) as raised:
        load(name)
    assert str(raised.value) == message


def test_a_name_longer_than_a_path_may_be_is_unknown() -> None:
    with pytest.raises(UsageError):
        load("a" * 100_000)
    with pytest.raises(UsageError, match="File name too long"):
        load("a" * 100_000 + ".yaml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "net.yaml: not UTF-8 text, from byte 0 on"),
        (b"name: \xff", "net.yaml: not UTF-8 text, from byte 6 on"),
        (b"\x7fELF\x02\x01\x01\x00", "net.yaml:1:1: not YAML: a control character"),
        (b"\x00" * 1000, "net.yaml:1:1: not YAML: a control character"),
        (b"#" * 2_000_000, "net.yaml: more than 1,048,576 bytes; a spec is far smaller"),
        (b"", "net.yaml: empty"),
        (b"\xef\xbb\xbf", "net.yaml: empty"),
    ],
    ids=["picture", "latin-1", "program", "zeros", "large", "empty", "byte order mark"],
)
def test_a_file_that_is_no_spec_is_refused(content: bytes, message: str) -> None:
    Path("net.yaml").write_bytes(content)
    with pytest.raises(SpecError) as raised:
        load("net.yaml")
    assert str(raised.value).splitlines()[0] == message


def test_a_file_that_may_not_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(reader, "open", forbidden, raising=False)
    with pytest.raises(UsageError, match=r"^net\.yaml: Permission denied$"):
        load("net.yaml")
