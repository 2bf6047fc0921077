"""One browser for the tests of pages: to start it takes a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.page.browser import Browser, chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, with one tab; for tests that are marked `needs_chromium`."""
    with chromium() as opened:
        yield opened
