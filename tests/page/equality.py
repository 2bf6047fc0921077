"""Holds pages in Chromium to the walk: every figure, at settings drawn at random, counted.

    python -m tests.page.equality [NETWORK…] --rows FILE --to reports/verification/pages.md

Of each network four of five settings are drawn among those that give a network, and the others
number by number, whatever comes of it: then the page has to say what the command line says. What
came of each network is kept in the file of rows as it comes, and not done again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill
from typing import Any, NamedTuple

from tests.page.browser import Browser, chromium
from tests.page.walked import REPLACER, WITHOUT_FORM, LivePage, read_answers

IMPORTED = "tests.page.imported:Classifier"
NETWORKS = (
    "alexnet", "vgg16", "googlenet", "inception_v3", "resnet18", "resnet152", "densenet121",
    "squeezenet1_1", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "shufflenet_v2_x1_0",
    "efficientnet_b0", "vit_b_16", "convnext_tiny", "unet", "fcn_resnet50", "gpt2", "wavenet",
    IMPORTED,
)  # fmt: skip
SETTINGS = 200
LEAST_VALID, MOST_UNKNOWN = 0.6, 0.03  # of the settings
_LINES: Any = {"width": 100, "break_on_hyphens": False, "break_long_words": False}
_AT_ONCE = 20  # settings in a question to the browser
_INPUTS = {IMPORTED: [3, 64, 64]}


class Row(NamedTuple):
    """What came of a network.

    Attributes:
        name, layers: it, and how many layers it has.
        numbers: what its page lets one change.
        valid, refused: settings with a network, and without.
        unknown: settings of which the page says that it has no closed form for them.
        figures: that were compared, of layers and of the network.
        differences: figures, and words, that are not those of the walk.
    """

    name: str
    layers: int
    numbers: str
    valid: int
    refused: int
    unknown: int
    figures: int
    differences: dict[str, int]


def compared(browser: Browser, folder: Path, name: str, count: int) -> Row:
    """A network's page beside the walk, at some settings."""
    live = LivePage(name, input=_INPUTS.get(name))
    path = folder / "page.html"
    path.write_text(live.html(), encoding="utf-8")
    browser.open(path)
    assert browser.wrong() == []  # nothing was stopped by the policy
    plain = count // 5
    settings = [*live.networks(count - plain, seed=1), *live.settings(plain, seed=2)]
    differences: Counter[str] = Counter()
    valid = 0
    for start in range(0, len(settings), _AT_ONCE):
        asked = settings[start : start + _AT_ONCE]
        for setting, answer in zip(asked, answers(browser, live, asked), strict=True):
            valid += answer["problem"] is None
            differences += live.differences(setting, answer)
    graph = live.live.graph
    numbers = ", ".join(offer.label for offer in live.live.offers)
    layers, unknown = len(graph.nodes), differences.pop(WITHOUT_FORM, 0)
    refused = len(settings) - valid - unknown
    found = dict(differences)
    return Row(graph.name, layers, numbers, valid, refused, unknown, live.compared, found)


def answers(browser: Browser, live: LivePage, settings: Sequence[Any]) -> list[Any]:
    """What the page that is open says of settings."""
    script = f"return JSON.stringify(JSON.parse(arguments[0]).map(archcalcEvaluate[0]), {REPLACER})"
    return read_answers(browser.run(script, json.dumps([*map(live.values, settings)])))


def page_of(rows: Sequence[Row], code: str) -> str:
    """The rows as a page of the report."""
    settings = sum(row.valid + row.refused + row.unknown for row in rows)
    valid, refused = sum(row.valid for row in rows), sum(row.refused for row in rows)
    unknown = sum(row.unknown for row in rows)
    figures = sum(row.figures for row in rows)
    differences = sum(sum(row.differences.values()) for row in rows)
    lines = [
        "# Pages that compute, held to the walk",
        "",
        fill(
            "Made by `python -m tests.page.equality --rows FILE --to FILE`, in Chromium, with the "
            f"code of {code}.",
            **_LINES,
        ),
        "",
        fill(
            "Each page, as `archcalc page` makes it, was asked for its figures at settings drawn "
            "at random among those that its sliders have, the data type and the device among "
            "them; each setting was then walked. Compared are every figure of every layer, the "
            "shapes, the totals, the memory step by step, and, where there is no network, what is "
            "said. Whole numbers have to be equal in all digits, times in all bits. A page has "
            "the closed forms of the cases that are common; where it has none it says so.",
            **_LINES,
        ),
        "",
        fill(
            f"{len(rows)} networks, {settings:,} settings: {valid:,} give a network, {refused:,} "
            f"are refused, for {unknown:,} there is no closed form. {figures:,} figures were "
            f"compared: **{differences:,} differences**.",
            **_LINES,
        ),
        "",
        "| network | layers | what was changed, with data type and device | networks | refused "
        "| no form | figures | differences |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        cells = (
            row.name, f"{row.layers:,}", row.numbers, row.valid, row.refused, row.unknown,
            f"{row.figures:,}", sum(row.differences.values()),
        )  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def _kept(path: Path | None) -> dict[str, Row]:
    """The rows in a file, each under what was compared."""
    lines = path.read_text("utf-8").splitlines() if path is not None and path.exists() else []
    return {name: Row(*row) for name, row in map(json.loads, lines)}


def main() -> int:
    """Compares, prints what came of each network, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", default=NETWORKS)
    parser.add_argument("--settings", type=int, default=SETTINGS)
    parser.add_argument("--rows", type=Path, help="where rows are kept")
    parser.add_argument("--to", type=Path, help="where the page is written")
    parser.add_argument("--code", default="this commit", help="what the page says it was made with")
    arguments = parser.parse_args()
    known = _kept(arguments.rows)
    with TemporaryDirectory() as folder, chromium() as browser:
        for name in arguments.names:
            if name in known:
                continue
            start = time.perf_counter()
            known[name] = row = compared(browser, Path(folder), name, arguments.settings)
            print(f"{json.dumps(row)} {time.perf_counter() - start:.0f} s", flush=True)
            if arguments.rows is not None:
                with arguments.rows.open("a", encoding="utf-8") as file:
                    print(json.dumps([name, row]), file=file)
    rows = [known[name] for name in arguments.names]
    text = page_of(rows, arguments.code)
    if arguments.to is not None:
        arguments.to.write_text(text, encoding="utf-8")
    else:
        print(text)
    count = arguments.settings
    few = [row.name for row in rows if row.valid < LEAST_VALID * count]
    open_ = [row.name for row in rows if row.unknown > MOST_UNKNOWN * count]
    print(f"too few networks among the settings: {', '.join(few) or 'of none'}")
    print(f"too many settings without a closed form: {', '.join(open_) or 'of none'}")
    return 1 if few or open_ or any(row.differences for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
