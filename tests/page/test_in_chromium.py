"""Pages in Chromium as `archcalc page` makes them: they compute what the walk says.

`python -m tests.page.equality` holds twenty of them to it, at 200 settings each.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.page.browser import Browser, needs_chromium
from tests.page.equality import IMPORTED, NETWORKS, compared

pytestmark = needs_chromium

IS_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
SETTINGS = 200 if IS_THOROUGH else 10


@pytest.mark.parametrize("name", NETWORKS if IS_THOROUGH else ("mobilenet_v1", IMPORTED))
def test_what_chromium_computes_is_what_the_walk_says(
    name: str, browser: Browser, tmp_path: Path
) -> None:
    row = compared(browser, tmp_path, name, SETTINGS)
    assert row.differences == {}
    assert row.valid >= 0.6 * SETTINGS
    assert browser.run("return document.body.textContent").count("MACs") > 0
