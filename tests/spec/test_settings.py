"""`KEY=VALUE` behind the name of a network."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archcalc.errors import UsageError
from archcalc.spec.settings import read_setting, split_settings


@pytest.mark.parametrize(
    ("text", "name", "settings"),
    [
        ("vgg16", "vgg16", {}),
        ("mobilenet_v1 alpha=0.5", "mobilenet_v1", {"alpha": Fraction(1, 2)}),
        ("vgg16  depths=[1,1] batch_norm=true ", "vgg16", {"depths": [1, 1], "batch_norm": True}),
        ("my specs/net.yaml#a classes=10", "my specs/net.yaml#a", {"classes": 10}),
        ("a=1", "a=1", {}),  # nothing stands before it that could be a name
        ("", "", {}),
    ],
)
def test_settings_stand_behind_the_name(text: str, name: str, settings: dict[str, object]) -> None:
    assert split_settings(text) == (name, settings)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("alpha=29/100", Fraction(29, 100)),
        ("alpha=-1.5/3", Fraction(-1, 2)),
        ("depths=1,1,2", [1, 1, 2]),
        ("depths=1,", [1]),
        ("widths=1/2, 0.25", [Fraction(1, 2), Fraction(1, 4)]),
        ("flags=true,false", [True, False]),
        ("shares=[1/3,[2]]", [Fraction(1, 3), [2]]),
        ("kinds=relu,gelu", "relu,gelu"),  # words are text, and may be one
        ("path=a/b", "a/b"),
        ("day=1/2/3", "1/2/3"),
    ],
)
def test_fractions_are_numbers_and_lists_go_without_brackets(text: str, value: object) -> None:
    assert read_setting(text)[1] == value


@pytest.mark.parametrize("text", ["alpha=1/0", "alpha", "alpha=", "=1", "2x=1", "depths=[1"])
def test_what_is_no_setting_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^[^\n]*$"):
        read_setting(text)
