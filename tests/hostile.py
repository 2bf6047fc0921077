"""Texts that mean something in another language, and a network whose names and title are such."""

from __future__ import annotations

from archcalc import Analysis, FeatureMap, analyze
from archcalc.layers.convolution import Conv
from archcalc.record import replace
from archcalc.spec.syntax import About
from tests.graphs import graph, node

TEXTS = (
    "**bold** _x_ __y__ ~~z~~ `code` [link](https://example.org) ![picture](x) $a^2$",
    "# heading",
    "1. first",
    "- item",
    "a | b || c",
    '<script>alert("1")</script> <b>b</b> &lt; &amp; &#60; \' "',
    "\\textbf{x} \\input{/etc/passwd} $x_1^2$ 100% # & ~ {} \\",
    '"]; click n1 "javascript:alert(1)" %%{init: {}}%% end',
    "#quot; #35; ﬂ°°60¶ß fa:fa-car",
    '"]; n1 -> n2; } \\N \\l \\',
    "two\nlines\tand a tab\r\n",
    "\x1b[31mred\x1b[0m \x07 \u202eturned\u202c \x00",
)


def hostile_analysis() -> Analysis:
    """A chain of convolutions with these names, in a network with all of them for a title."""
    names = [f"{number}{text}" for number, text in enumerate(TEXTS)]
    nodes = [
        node(name, Conv(channels=4, kernel=1), *before)
        for name, before in zip(names, [(), *((name,) for name in names)], strict=False)
    ]
    built = graph(FeatureMap(3, (4, 4)), nodes)
    about = About(title=" ".join(TEXTS), authors=TEXTS[5], year=2020, paper=TEXTS[6])
    return analyze(replace(built, network=replace(built.network, about=about)))
