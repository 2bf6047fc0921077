"""Numbers of a page are those of the command line, and what one types into it is exact."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from itertools import pairwise
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
        const read = (key, value) => (value?.$int ? BigInt(value.$int) : value);
        const write = (key, value) =>
            (typeof value === "bigint" ? {{ $int: `${{value}}` }} : value);
        const all = JSON.parse(readFileSync(0, "utf8"), read);
        console.log(JSON.stringify(all.map((given) => {function}(...given)), write));
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


def sent(number: int) -> Any:
    """A count as a page has it: above 2^53 a BigInt."""
    return number if abs(number) < 2**53 else {"$int": str(number)}


def large() -> list[int]:
    """Counts that no number of JavaScript has exactly, and such as are near to the next step."""
    random = Random(2)
    near = [10**power + more for power in range(16, 30) for more in (-1, 0, 1)]
    halves = [odd * 125 * 1000**step for odd in range(1, 999, 7) for step in (5, 6)]
    return [2**53, *near, *halves, *(random.randrange(2**53, 2**90) for _ in range(999))]


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


def test_counts_above_2_to_the_53_have_all_digits() -> None:
    numbers = [n for n in large() if n >= 2**53]
    assert asked("short", [[sent(n), "COUNT"] for n in numbers]) == [*map(short, numbers)]
    found = asked("short", [[sent(n), "BYTES"] for n in numbers])
    assert [text.replace("\u202f", "") for text in found] == [*map(short_bytes, numbers)]
    written = asked("full", [[sent(n), "COUNT"] for n in numbers])
    assert [int(text.replace("\u202f", "")) for text in written] == numbers


def test_sums_of_counts_are_exact() -> None:
    random = Random(3)
    numbers = [random.randrange(2**bits) for bits in range(40, 66) for _ in range(20)]
    pairs = [*pairwise(numbers), (2**53 - 1, 1), (2**53 - 1, 2), (2**60, 1)]
    assert asked("added", [[*map(sent, pair)] for pair in pairs]) == [sent(a + b) for a, b in pairs]
    times = [random.random() / 10**6 for _ in range(99)]
    assert asked("added", [[a, b] for a, b in pairwise(times)]) == [
        a + b for a, b in pairwise(times)
    ]


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
