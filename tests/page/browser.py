"""Chromium, driven by its own driver: opens pages from files, and says what went wrong in them."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_CHROMIUM, _DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
# Nothing is looked for elsewhere: neither for updates nor by what runs beside a page.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
)
# Before any script of the page: errors, and what the content security policy has stopped.
_WATCH = """
  window.wrong = [];
  addEventListener("error", (event) => wrong.push(String(event.message)));
  addEventListener("unhandledrejection", (event) => wrong.push(String(event.reason)));
  addEventListener("securitypolicyviolation", (event) =>
    wrong.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""

needs_chromium = pytest.mark.skipif(
    _CHROMIUM is None or _DRIVER is None or importlib.util.find_spec("selenium") is None,
    reason="Chromium, its driver or selenium is not installed",
)


class Browser:
    """One tab. `open` shows a page; what is asked and done is about the page that is open."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})

    def open(
        self,
        path: Path,
        link: str = "",
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
    ) -> None:
        """Opens a page anew, in a window of this size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get("about:blank")
        self.driver.get(path.as_uri() + link)
        self.settle()

    def run(self, script: str, *arguments: object) -> Any:
        """What a script returns, the body of a function of `arguments`."""
        return self.driver.execute_script(script, *arguments)

    def wait_for(self, script: str, *arguments: object) -> Any:
        """What a script hands to the function that is its last argument."""
        return self.driver.execute_async_script(script, *arguments)

    def settle(self) -> None:
        """Waits until what was asked for is drawn: two frames."""
        self.wait_for(
            "const [done] = arguments; requestAnimationFrame(() => requestAnimationFrame(done))"
        )

    def press(self, *keys: str) -> None:
        """Presses keys, one after another, in what has the focus; `ArrowDown` and such by name."""
        for key in keys:
            active = self.driver.switch_to.active_element
            active.send_keys(_KEYS.get(key, key))
        self.settle()

    def click(self, selector: str) -> None:
        """Clicks the first element."""
        self.driver.find_element("css selector", selector).click()
        self.settle()

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements, as they are."""
        found = self.run(
            "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)",
            selector,
        )
        return list(found)

    def wrong(self) -> list[str]:
        """Errors, and what the content security policy has stopped, since the page is open."""
        logged = [entry["message"] for entry in self.driver.get_log("browser")]
        return [*self.run("return wrong"), *logged]


# What the WebDriver protocol has for keys that write nothing.
_KEYS: Mapping[str, str] = {
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "End": "\ue010",
    "Home": "\ue011",
    "ArrowLeft": "\ue012",
    "ArrowUp": "\ue013",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of its own, with nothing kept from before."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(_CHROMIUM)
    for flag in _FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(_DRIVER))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
