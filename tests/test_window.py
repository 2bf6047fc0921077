"""Windows against their definition: every placement and every padded position, one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import LayerError, symbol
from archcalc.quantity.arithmetic import plain
from archcalc.quantity.conditions import is_symbol
from archcalc.window import Window

sizes = st.integers(1, 40)
windows = st.builds(
    Window,
    kernel=st.integers(1, 7),
    stride=st.integers(1, 5),
    before=st.integers(0, 4),
    after=st.integers(0, 4),
    dilation=st.integers(1, 4),
)
# Rounding up is for pools, where torch wants equal padding of at most half a window.
pools = windows.map(lambda w: evenly_padded(w, min(w.before, w.extent // 2)))
WINDOWS = [(False, windows), (True, pools)]


def evenly_padded(window: Window, padding: int) -> Window:
    return Window(window.kernel, window.stride, padding, padding, window.dilation)


def taps(window: Window, start: int) -> list[int]:
    """The positions that a window looks at, counted from the first padded one."""
    return [start + window.dilation * tap for tap in range(window.kernel)]


def placed(window: Window, size: int, ceil: bool) -> int:
    """How many windows there are: slide it along, and look at its last tap."""
    padded = size + window.before + window.after
    count, start = 0, 0
    while taps(window, start)[-1] < padded:
        count, start = count + 1, start + window.stride
    covered = taps(window, start - window.stride)[-1] >= padded - 1
    if ceil and not covered and start < size + window.before:
        count += 1  # one more hangs over the end, if it starts before the padding after
    return count


@pytest.mark.parametrize(("ceil", "strategy"), WINDOWS)
@given(data=st.data(), size=sizes)
def test_the_formula_counts_the_placements(
    ceil: bool, strategy: st.SearchStrategy[Window], data: st.DataObject, size: int
) -> None:
    window = data.draw(strategy)
    count = placed(window, size, ceil)
    if count == 0:
        with pytest.raises(LayerError, match="does not fit"):
            window.placements(size, ceil)
    else:
        assert window.placements(size, ceil) == count


@given(window=windows, size=sizes)
def test_a_window_extends_from_its_first_tap_to_its_last(window: Window, size: int) -> None:
    assert window.extent == taps(window, 0)[-1] + 1


@pytest.mark.parametrize(("ceil", "strategy"), WINDOWS)
@given(data=st.data(), size=sizes)
def test_the_formula_of_a_free_size_is_right_at_every_size(
    ceil: bool, strategy: st.SearchStrategy[Window], data: st.DataObject, size: int
) -> None:
    window = data.draw(strategy)
    if placed(window, size, ceil):
        assert value_at(window.placements(symbol("n"), ceil), size) == placed(window, size, ceil)


def value_at(formula: int, size: int) -> object:
    return plain(formula.subs(symbol("n"), size)) if is_symbol(formula) else formula  # type: ignore[attr-defined]  # is_symbol says so


def padding_that_gives(outputs: int, kernel: int, stride: int, dilation: int, size: int) -> int:
    """The least padding with which a window is placed so often."""
    padding = 0
    while placed(Window(kernel, stride, 0, padding, dilation), size, ceil=False) < outputs:
        padding += 1
    return padding


@given(kernel=st.integers(1, 7), stride=st.integers(1, 5), dilation=st.integers(1, 4), size=sizes)
def test_same_padding_is_the_least_that_gives_an_output_for_every_stride(
    kernel: int, stride: int, dilation: int, size: int
) -> None:
    window = Window.same(kernel, stride, dilation, size)
    outputs = len(range(0, size, stride))
    padding = padding_that_gives(outputs, kernel, stride, dilation, size)
    assert (window.before, window.after) == (padding // 2, padding - padding // 2)
    assert window.placements(size) == placed(window, size, ceil=False) == outputs
    free = Window.same(kernel, stride, dilation, symbol("n"))
    assert value_at(free.placements(symbol("n")), size) == outputs
    assert value_at(free.before, size) == window.before


def test_a_formula_has_no_case_that_cannot_occur() -> None:
    n = symbol("n")
    assert "Min" not in str(Window(3, 2).placements(n, ceil=True))
    assert "Max" not in str(Window.same(3, 2, 1, n).placements(n))


@pytest.mark.parametrize(
    ("window", "size", "fact"),
    [
        (Window(0), 5, "a kernel of 0"),
        (Window(3, 0), 5, "a stride of 0"),
        (Window(3, 1, 0, 0, 0), 5, "a dilation of 0"),
        (Window(6), 5, "a window of 6 does not fit in 5"),
        (Window(3, 1, 0, 0, 3), 5, "a window of 7 does not fit in 5"),
        (Window(9, 1, 1, 2), 5, "a window of 9 does not fit in 5 padded by 1 before and 2 after"),
        (
            Window(1, 1, -3, -3),
            5,
            "a window of 1 does not fit in 5 padded by -3 before and -3 after",
        ),
        (Window.same(0, 1, 1, 5), 5, "a kernel of 0"),
    ],
)
def test_a_window_that_does_not_fit_is_refused(window: Window, size: int, fact: str) -> None:
    with pytest.raises(LayerError) as raised:
        window.placements(size)
    assert str(raised.value) == fact


# Sizes that the literature prints: AlexNet conv1 (227-11)/4+1, VGG's convolutions, GoogLeNet's
# pools with rounding up (112-3)/2+1 = 55.5 -> 56, ZFNet's first pool 110 -> 55, ResNet's stem.
@pytest.mark.parametrize(
    ("window", "size", "ceil", "out"),
    [
        (Window(11, 4), 227, False, 55),
        (Window(3, 1, 1, 1), 224, False, 224),
        (Window(3, 2), 112, True, 56),
        (Window(3, 2), 112, False, 55),
        (Window(3, 2), 110, True, 55),
        (Window(7, 2, 3, 3), 224, False, 112),
        (Window(2, 3), 3, True, 1),  # the second window would start in the padding: none
    ],
)
def test_sizes_of_the_literature(window: Window, size: int, ceil: bool, out: int) -> None:
    assert window.placements(size, ceil) == out


@pytest.mark.parametrize(
    "mistake",
    [
        lambda self, size, ceil=False: (size + self.before + self.after - self.kernel)
        // self.stride + 1,  # the dilation forgotten
        lambda self, size, ceil=False: -(
            -(size + self.before + self.after - self.extent) // self.stride
        ) + 1,  # rounded up
        lambda self, size, ceil=False: (size + 2 * self.before - self.extent)
        // self.stride + 1,  # one side's padding for both
    ],
)  # fmt: skip
def test_a_mistake_in_the_formula_would_be_seen(
    mistake: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Window, "placements", mistake)
    with pytest.raises((AssertionError, pytest.fail.Exception, BaseExceptionGroup)):
        test_the_formula_counts_the_placements(ceil=False, strategy=windows)
