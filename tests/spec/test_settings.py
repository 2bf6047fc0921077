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


@pytest.mark.parametrize("text", ["alpha", "alpha=", "=1", "2x=1", "depths=[1"])
def test_what_is_no_setting_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^[^\n]*$"):
        read_setting(text)
