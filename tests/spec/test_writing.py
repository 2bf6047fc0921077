"""What a spec says, written: in lines that fit a screen, and read back as it was."""

from __future__ import annotations

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from archcalc.spec.writing import WIDTH, in_lines, text_of

# Of the signs that mean something to YAML, to JSON or to who breaks lines.
TEXTS = st.text(st.sampled_from('ab "\\,:{}[]#-\n é'), max_size=160)
FIELDS = st.one_of(TEXTS, st.lists(st.integers(0, 10**6), max_size=30), st.lists(TEXTS, max_size=4))


@given(st.dictionaries(st.sampled_from(["a", "channels", "k" * 30]), FIELDS), st.integers(0, 9))
@example({"a": "word " * 40}, 2)
@example({"a": [10**5] * 40}, 50)
def test_a_line_in_several_says_the_same(fields: dict[str, object], indent: int) -> None:
    line = f"{' ' * indent}- conv: {text_of(fields)}"
    lines = list(in_lines(line))
    assert yaml.safe_load("\n".join(lines)) == [{"conv": fields}]
    assert all(len(each) <= WIDTH or list(in_lines(each)) == [each] for each in lines)


def test_lines_end_behind_commas_and_in_quotes_between_words() -> None:
    fields = {"channels": 64, "kernel": 3, "padding": "same", "dilation": 2, "groups": "channels"}
    assert list(in_lines(f"  - conv: {text_of(fields | {'bias': False, 'name': 'last'})}")) == [
        "  - conv: {channels: 64, kernel: 3, padding: same, dilation: 2,",
        "           groups: channels, bias: false, name: last}",
    ]
    words = "one word and another " * 5
    assert list(in_lines(f'source: "{words.strip()}"')) == [
        'source: "one word and another one word and another one word and another one word',
        '    and another one word and another"',
    ]
    assert list(in_lines(f"name: {'n' * 90}")) == [f"name: {'n' * 90}"]
