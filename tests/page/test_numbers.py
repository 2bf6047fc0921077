"""Numbers of a page are those of the command line, and what one types into it is exact."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

from archcalc.render.numbers import short, short_bytes

MODULE = Path(__file__).parents[2] / "page" / "src" / "numbers.js"

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def asked(function: str, arguments: list[list[Any]]) -> list[Any]:
    """What a function of the page's script answers, for each of some lists of arguments."""
    code = f"""
        import {{ {function} }} from {json.dumps(MODULE.as_uri())};
        import {{ readFileSync }} from "node:fs";
        const all = JSON.parse(readFileSync(0, "utf8"));
        console.log(JSON.stringify(all.map((given) => {function}(...given))));
    """
    done = subprocess.run(
        ["node", "--input-type=module", "-e", code],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout)
    return found


def shown(value: Fraction) -> Any:
    """A number as a page has it."""
    whole = value.denominator == 1
    return int(value) if whole else {"n": value.numerator, "d": value.denominator}


def counts() -> list[int]:
    """Small and large ones, and those that two decimals are as near to on both sides."""
    random = Random(0)
    near = [10**power + more for power in range(15) for more in (-1, 0, 1)]
    halves = [odd * 125 * 1000**step for odd in range(1, 999) for step in range(4)]
    return [
        *range(1200),
        *near,
        *halves,
        *(random.randrange(2 ** random.randrange(1, 53)) for _ in range(5000)),
    ]


def test_counts_and_bytes_are_shown_as_in_a_table() -> None:
    assert asked("short", [[n, "COUNT"] for n in counts()]) == [*map(short, counts())]
    found = asked("short", [[n, "BYTES"] for n in counts()])
    assert [text.replace("\u202f", "") for text in found] == [*map(short_bytes, counts())]


def test_what_is_typed_is_exact() -> None:
    random = Random(0)
    texts = [
        f"{random.randrange(10**4)}.{random.randrange(10**3):0{k}}"
        for k in (3, 4, 6)
        for _ in range(99)
    ]
    texts += [f"{random.randrange(999)}/{random.randrange(1, 999)}" for _ in range(300)]
    texts += ["0", "-3", "-0.50", ".5", "5."]
    values = [Fraction(text.removesuffix(".")) for text in texts]
    assert asked("exact", [[text] for text in texts]) == [*map(shown, values)]
    back = asked("typed", [[shown(value)] for value in values])
    assert [Fraction(text) for text in back] == values
    refused = ["", ".", "-", "1/0", "x", "1e3", "1 2", "0x10", "9" * 30, "1" + "0" * 16]
    assert asked("exact", [[text] for text in refused]) == [None] * len(refused)


def test_steps_of_a_slider_are_exact() -> None:
    random = Random(1)
    for _ in range(3):
        least = Fraction(random.randrange(40), random.randrange(1, 30))
        step = Fraction(random.randrange(1, 40), random.randrange(1, 30))
        most = least + 50 * step
        variable = {
            "own": shown(least),
            "choices": None,
            "minimum": shown(least),
            "maximum": shown(most),
            "step": shown(step),
        }
        values = [least + n * step for n in range(51)]
        assert asked("valueAt", [[variable, n] for n in range(51)]) == [*map(shown, values)]
        assert all(asked("isOffered", [[variable, shown(value)] for value in values]))
        others = [least - step, most + step, *(value + step / 3 for value in values)]
        assert not any(asked("isOffered", [[variable, shown(value)] for value in others]))
