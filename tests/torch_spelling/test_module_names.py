"""What modules are called: as their layers, but where torch cannot have the name."""

from __future__ import annotations

from archcalc.torch_spelling.module_names import module_names


def names(*layers: str, with_state: bool = True) -> list[str]:
    """The names of the modules of these layers, all with parameters or all without."""
    found = module_names(dict.fromkeys(layers, with_state))
    return [found[layer] for layer in layers]


def test_an_ordinary_name_stays() -> None:
    ordinary = ["conv1", "layer1.0.conv1", "3x3", "conv-1", "class", "_x"]
    assert names(*ordinary) == ordinary


def test_what_modules_have_is_renamed_wherever_it_stands() -> None:
    assert names("type", "half.forward", "a.training.b") == [
        "type_",
        "half_.forward_",
        "a.training_.b",
    ]
    assert names("__init__", "a..b", "é") == ["__init___", "a._.b", "_"]


def test_no_two_modules_have_one_name() -> None:
    assert names("type", "type_", "type__") == ["type_", "type__", "type___"]
    assert names("type_", "type") == ["type_", "type__"]
    assert names("a.type", "b.type") == ["a.type_", "b.type_"]
    assert names("type.a", "type_") == ["type_.a", "type__"]


def test_a_container_hangs_on_the_layer_of_its_name_if_that_has_state() -> None:
    assert names("a", "a.b") == ["a", "a.b"]
    assert names("type.b", "type") == ["type_.b", "type_"]
    assert names("a", "a.b", with_state=False) == ["a_", "a.b"]
