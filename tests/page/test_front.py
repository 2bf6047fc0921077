"""Pages in Chromium, as readers use them: with the mouse, with the keyboard, at both widths."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import TEXTS
from tests.page.browser import Browser, needs_chromium
from tests.page.made_up import chain, network, residual, write_page

pytestmark = needs_chromium

AXE = Path(__file__).parents[2] / "page" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    large = network("large", residual(), residual(2, 2))
    small = network("small", residual(1, 1))
    many = [f"{n}{TEXTS[n % len(TEXTS)]}" for n in range(10_000)]
    hostile = network(
        TEXTS[5],
        [(n.replace(".", ""), k, [b.replace(".", "") for b in i]) for n, k, i in chain(many)],
        title=" ".join(TEXTS),
        notes=[*TEXTS],
    )
    return {
        "large": write_page(folder / "large.html", large),
        "two": write_page(folder / "two.html", small, large),
        "hostile": write_page(folder / "hostile.html", hostile),
    }


@pytest.fixture(autouse=True)
def nothing_went_wrong(browser: Browser) -> Iterator[None]:
    """No page logs an error, nor does what its policy forbids."""
    yield
    assert browser.wrong() == []


def rows(browser: Browser, view: str = "") -> list[str]:
    """The first cells of the rows in sight, without their marks, from the top."""
    return list(
        browser.run(
            """return [...document.querySelectorAll(arguments[0])]
                .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
                .map((row) => row.querySelector(".label").textContent)""",
            f"{view} .rows .row",
        )
    )


def nodes(browser: Browser) -> list[str]:
    return [text.partition(":")[0] for text in browser.texts(".diagram .node title")]


def cell(browser: Browser, layer: str, column: str) -> str:
    """What a row has under a heading."""
    return str(
        browser.run(
            """const [layer, column] = arguments;
            const heads = [...document.querySelectorAll(".head [role=columnheader]")];
            const named = heads.map((head) => head.textContent.replace(/ [▾▴]/, ""));
            const place = named.indexOf(column);
            const row = [...document.querySelectorAll(".rows .row")]
              .find((row) => row.querySelector(".label").textContent === layer);
            return row.children[place].textContent""",
            layer,
            column,
        )
    )


def chosen(browser: Browser) -> list[str]:
    return browser.texts(".detail h3")


def type_in(browser: Browser, label: str, text: str) -> None:
    """Types a value into the field of a setting."""
    browser.run(
        """const labels = [...document.querySelectorAll(".setting label")];
        const label = labels.find((label) => label.textContent === arguments[0]);
        const field = document.getElementById(label.htmlFor);
        field.focus();
        field.value = arguments[1];
        field.dispatchEvent(new Event("input", { bubbles: true }));""",
        label,
        text,
    )
    browser.settle()


def link(browser: Browser) -> str:
    return str(browser.run("return decodeURIComponent(location.hash)"))


def test_blocks_fold_in_the_diagram_and_in_the_table_at_once(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["large"])
    stages = ["stage1", "stage2", "stage3", "stage4"]
    units = [f"{stage}.{n}" for stage in stages for n in range(3)]
    assert [name for name in nodes(browser) if "." in name][:6] == units[:6]  # in sight
    assert rows(browser) == ["stem", *(x for s in stages for x in (s, "0", "1", "2")), "fc"]
    browser.click("#" + node_id(browser, "stage1.1"))
    assert "stage1.1.conv2" in nodes(browser)
    assert rows(browser)[3:8] == ["1", "conv1", "relu", "conv2", "add"]
    assert "layer=stage1.1" in link(browser)
    browser.click(".diagram .tools button:nth-of-type(4)")
    assert rows(browser) == ["stem", *stages, "fc"]
    assert nodes(browser) == ["input", "stem", *stages, "fc"]
    browser.click(".rows .row.block")
    assert rows(browser) == ["stem", "stage1", "0", "1", "2", *stages[1:], "fc"]


def node_id(browser: Browser, name: str) -> str:
    return str(
        browser.run(
            """const start = `${arguments[0]}:`;
            return [...document.querySelectorAll(".diagram .node")]
              .find((node) => node.querySelector("title").textContent.startsWith(start)).id""",
            name,
        )
    )


def test_sorted_rows_are_ranked_and_back_again(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["large"])
    before = rows(browser)
    head = ".head [role=columnheader]:nth-child(4) button"
    browser.click(head)
    ranked = [cell(browser, name, "params") for name in rows(browser)]
    assert [float(x.rstrip("K")) * (1000 if "K" in x else 1) for x in ranked] == sorted(
        [float(x.rstrip("K")) * (1000 if "K" in x else 1) for x in ranked], reverse=True
    )
    assert "stage1" not in rows(browser) and "stage1.0" in rows(browser)
    assert "sort=params" in link(browser)
    assert browser.run("return document.activeElement.textContent") == "params ▾"
    browser.click(head)
    assert cell(browser, rows(browser)[0], "params") == "0"
    browser.click(head)
    assert rows(browser) == before


def test_what_is_looked_for_is_found_wherever_it_stands(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["large"])
    browser.press("/", *"stage2 conv2")
    assert rows(browser) == [f"stage2.{n}.conv2" for n in range(3)]
    assert browser.texts(".table .count") == ["3 of 50 layers"]
    dim = browser.run("return document.querySelectorAll('.diagram .node:not(.dim)').length")
    assert dim == 4  # the stage, which is open, and its units
    browser.press("Enter")
    assert "stage2.0.conv2" in nodes(browser)
    assert browser.texts(".detail h3") == ["stage2.0.conv2"]
    browser.press("Escape")
    browser.run(
        """const kinds = document.querySelectorAll(".finder select")[0];
        kinds.value = "add"; kinds.dispatchEvent(new Event("change"))"""
    )
    assert len(rows(browser)) == 12
    assert "kind=add" in link(browser)


def test_a_link_restores_what_one_saw(browser: Browser, pages: dict[str, Path]) -> None:
    asked = "#alpha=0.5&batch=4&layer=stage3.1.relu&sort=macs&heat=params&find=stage3"
    browser.open(pages["large"], asked)
    assert browser.texts(".detail h3") == ["stage3.1.relu"]
    assert rows(browser)[:2] == ["stage3.2.add", "stage3.2.conv1"]
    seen = link(browser)
    for part in asked[1:].split("&"):
        assert part in seen.replace("#", "&").split("&")
    type_in(browser, "batch", "2")
    browser.click(".diagram .tools button:nth-of-type(4)")
    seen, before = link(browser), rows(browser)
    totals = browser.texts(".totals dd")
    browser.open(pages["large"], seen)
    assert (link(browser), rows(browser), browser.texts(".totals dd")) == (seen, before, totals)


def test_all_is_new_when_a_setting_changes_and_can_be_restored(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["large"], "#layer=stem")
    before = [cell(browser, "stem", name) for name in ("params", "MACs", "memory")]
    assert before == ["1.00K", "1.02M", "32.77\u202fKB"]
    steps = ".derivation .step"
    assert browser.texts(steps) == ["= 3·3·8·8", "= 576"]
    type_in(browser, "H", "64")
    assert cell(browser, "stem", "MACs") == "4.10M"
    assert browser.texts(steps) == ["= 1\u202f000"]  # what was put in is of the own values
    type_in(browser, "alpha", "0.5")
    assert cell(browser, "stem", "MACs") == "2.05M"
    assert browser.texts(".setting.changed label") == ["H", "alpha"]
    assert "×2" in browser.texts(".totals .changed .own")[0]
    assert browser.texts(".rows .output.changed")[0] == "8×64×64"
    assert browser.run("return document.querySelectorAll('.rows .changed').length") > 10
    browser.click(".restore")
    assert [cell(browser, "stem", name) for name in ("params", "MACs", "memory")] == before
    assert link(browser) == "#layer=stem"
    assert browser.texts(steps) == ["= 3·3·8·8", "= 576"]


def test_other_layers_come_with_a_setting(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["large"], "#layer=stage1.1.relu")
    browser.click("#" + node_id(browser, "stage2.0"))
    before = rows(browser)
    type_in(browser, "depth", "2")
    assert browser.texts(".table .count") == ["18 layers"]
    assert [name for name in rows(browser) if "stage" in name] == ["stage1", "stage2"]
    assert {"stage1.1.relu", "stage2.0.relu"} < {*nodes(browser)}
    assert chosen(browser) == ["stage2.0"]
    seen, at = rows(browser), link(browser)
    browser.click(".restore")
    assert rows(browser) == before
    browser.open(pages["large"], at)
    assert rows(browser) == seen


def test_a_slider_takes_exact_steps(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["large"])
    browser.run("document.querySelectorAll('input[type=range]')[1].focus()")
    browser.press("ArrowLeft")
    assert "alpha=0.75" in link(browser)
    assert cell(browser, "stem", "MACs") == "768.00K"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("8", "layer 1: no window of 3 fits a size of 8 <b>"),
        ("33", "H: a number from 8 to 256 in steps of 8 (it is 33)"),
        ("x", "H: a number from 8 to 256 in steps of 8"),
    ],
)
def test_no_number_stands_where_there_is_no_network(
    browser: Browser, pages: dict[str, Path], text: str, problem: str
) -> None:
    browser.open(pages["large"], "#layer=stem")
    type_in(browser, "H", text)
    assert browser.texts("[role=alert]") == [problem]
    shown = [
        *browser.texts(".totals dd"),
        *browser.texts(".rows .number"),
        *browser.texts(".rows .output"),
    ]
    assert set(shown) <= {"", "–"}
    assert set(browser.texts(".diagram .value") + browser.texts(".diagram .shape")) == {""}
    assert browser.texts(".plots section:not([hidden])") == []
    assert "numbers" in browser.texts(".detail .about")[-1]
    type_in(browser, "H", "32")
    assert browser.texts("[role=alert]") == [""]
    assert cell(browser, "stem", "MACs") == "1.02M"


def test_the_keyboard_is_enough(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["large"])
    browser.run("document.querySelector('.diagram .scroller').focus()")
    seen = []
    for _ in range(4):
        browser.press("ArrowDown")
        seen += chosen(browser)
    assert seen == ["input", "stem", "stage1", "stage1.0"]
    browser.press("Enter", "ArrowDown", "ArrowDown")
    assert chosen(browser) == ["stage1.0.relu"]
    active = """const id = document.activeElement.getAttribute("aria-activedescendant");
        return document.getElementById(id).querySelector("title").textContent"""
    assert str(browser.run(active)).startswith("stage1.0.relu: relu, ")
    browser.press("ArrowUp", "ArrowUp")
    assert chosen(browser) == ["stage1.0"]
    browser.press("ArrowDown", "Escape")
    assert chosen(browser) == ["stage1.0"]
    assert "stage1.0.relu" not in nodes(browser)
    browser.run("document.querySelector('[role=treegrid]').focus()")
    browser.press("Home", "ArrowDown", "ArrowLeft")
    assert rows(browser)[:3] == ["stem", "stage1", "stage2"]
    browser.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert rows(browser)[2:5] == ["0", "conv1", "relu"]
    browser.press("End")
    assert chosen(browser) == ["fc"]


def test_what_a_unit_sees_is_drawn(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["large"], "#layer=stage1.0.conv1")
    assert browser.run("return document.querySelector('svg.field').ariaLabel") == "5×5"
    widths = """return ["input", "seen"]
        .map((name) => document.querySelector(`.field .${name}`).width.baseVal.value)"""
    whole, seen = browser.run(widths)
    assert seen / whole == pytest.approx(5 / 32)
    browser.open(pages["large"], "#layer=fc")
    assert browser.texts(".detail figure .note")[0].endswith("it sees all.")


def test_two_networks_stand_side_by_side(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["two"], "#network=small&2.network=large&2.layer=fc&2.batch=2")
    assert browser.texts(".view h2") == ["small, made up", "large, made up"]
    assert browser.texts(".view .setting.changed label") == ["batch"]
    assert rows(browser, ".view:first-child")[-1] == "fc"
    edges = """return [...document.querySelectorAll(".view")]
        .map((view) => view.getBoundingClientRect()).flatMap(({ left, right }) => [left, right])"""
    left, middle, also, right = browser.run(edges)
    assert left < middle == also < right
    assert "2.batch=2" in link(browser)


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(
    browser: Browser, pages: dict[str, Path], width: int
) -> None:
    for name, path in pages.items():
        browser.open(path, "#batch=2" if name == "hostile" else "#layer=fc", width=width)
        over = "return document.documentElement.scrollWidth - innerWidth"
        assert browser.run(over) <= 0, name


def test_hostile_names_are_texts_and_ten_thousand_layers_are_quick(
    browser: Browser, pages: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    browser.open(pages["hostile"])
    assert browser.texts(".table .count") == ["10000 layers"]
    tags = browser.run(
        "return [...new Set([...document.querySelectorAll('#archcalc *')].map((e) => e.tagName))]"
    )
    assert not {"SCRIPT", "B", "IMG", "A"} & {tag.upper() for tag in tags}
    assert browser.texts(".notes li") == [*TEXTS]
    took: dict[str, float] = {}
    acts: dict[str, Callable[[], object]] = {
        "unfold": lambda: browser.click(".diagram .tools button:nth-of-type(5)"),
        "scroll": lambda: browser.run("document.querySelector('[role=treegrid]').scrollTop = 1e6"),
        "find": lambda: browser.press("/", "9", "9", "9"),
        "set": lambda: type_in(browser, "batch", "3"),
    }
    for what, act in acts.items():
        start = time.perf_counter()
        act()
        browser.settle()
        took[what] = time.perf_counter() - start
    with capsys.disabled():
        print("\n  10,000 layers:", {what: f"{seconds:.2f} s" for what, seconds in took.items()})
    elements = browser.run("return document.querySelectorAll('*').length")
    assert elements < 20_000  # only what is in sight is there
    assert browser.run("return document.querySelectorAll('.rows .row').length") < 100


@pytest.mark.skipif(
    not AXE.exists(), reason="page/node_modules has no axe-core: .ci/page installs it"
)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("large", "#layer=stage1.0.conv1&H=64"),
        ("large", "#H=8&find=conv"),
        ("two", "#network=small&2.network=large"),
    ],
)
def test_axe_finds_nothing(
    browser: Browser, pages: dict[str, Path], name: str, asked: str, dark: bool
) -> None:
    browser.open(pages[name], asked, dark=dark, width=390 if name == "large" and dark else 1280)
    browser.run("for (const menu of document.querySelectorAll('details')) menu.open = true")
    browser.run(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = browser.wait_for(
        "const done = arguments[0]; axe.run(document).then(({ violations }) => done(violations))"
    )
    assert [(v["id"], v["nodes"][0]["html"], v["nodes"][0]["failureSummary"]) for v in found] == []


def test_times(
    browser: Browser, pages: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Prints how long the first paint and a move of a slider take: no verdict hangs on it."""
    browser.open(pages["large"], "#layer=stem")
    paint = browser.run(
        "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
    )
    browser.run("performance.clearMeasures()")
    for size in range(40, 200, 8):
        type_in(browser, "H", str(size))
    moves = browser.run(
        "return performance.getEntriesByName('archcalc-update').map((m) => m.duration)"
    )
    assert len(moves) == 20
    with capsys.disabled():
        took = f"a move {sorted(moves)[10]:.1f} ms, the longest {max(moves):.1f} ms"
        print(f"\n  first paint {paint:.0f} ms, {took}")
