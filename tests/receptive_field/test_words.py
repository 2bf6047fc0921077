"""What an input is called: an image with pixels, a sequence with tokens, or neither."""

from __future__ import annotations

import pytest

from archcalc import FeatureMap
from archcalc.receptive_field.words import words_for


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (FeatureMap(3, (224, 224)), ("image", "pixel")),
        (FeatureMap(512, dtype="int64"), ("sequence", "token")),
        (FeatureMap(3, (16, 112, 112)), ("input", "position")),  # a clip, or a volume
        (FeatureMap(100, (1, 1)), ("input", "position")),
        (FeatureMap(7), ("input", "position")),
        (FeatureMap(16, (512, 512), dtype="bool"), ("input", "position")),
    ],
)
def test_an_input_is_called_what_it_is(x: FeatureMap, words: tuple[str, str]) -> None:
    assert words_for(x) == words
