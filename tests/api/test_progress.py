"""How far something has come: on a terminal, in a notebook, and nowhere else."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import archcalc
from archcalc.api import progress
from archcalc.api.progress import watched

Capture = pytest.CaptureFixture[str]


class Place:
    """What IPython gives for something shown: it can be shown anew."""

    def __init__(self, shown: list[str]) -> None:
        self.update = shown.append


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a notebook is given to show, with no patience needed."""
    shown: list[str] = []

    def display(text: str, *, display_id: bool) -> Place:
        assert display_id, "else it could not be written anew"
        shown.append(text)
        return Place(shown)

    ipython: Any = ModuleType("IPython")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=None)
    inside: Any = ModuleType("IPython.display")
    inside.HTML, inside.display = str, display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", inside)
    monkeypatch.setattr(progress, "_PATIENCE", 0)
    monkeypatch.setattr(progress, "_PAUSE", 0)
    return shown


def test_a_notebook_has_a_bar_that_is_gone_at_the_end(notebook: list[str]) -> None:
    assert list(watched("ab", "<nets>", before=1)) == ["a", "b"]
    first, second, last = notebook
    assert first == '<progress value="1" max="3"></progress> 2/3 &lt;nets&gt;'
    assert second.startswith('<progress value="2" max="3"></progress> 3/3 &lt;nets&gt; (')
    assert last == ""


def test_it_is_gone_where_the_work_ends_early(notebook: list[str]) -> None:
    items = watched("abc", "nets")
    next(items)
    items.close()
    assert notebook[-1] == ""


def test_what_is_short_leaves_no_place_behind(
    notebook: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 60)
    assert [*watched("ab", "nets")] == ["a", "b"]
    assert [*watched("a", "nets"), *watched("", "nets")] == ["a"]
    assert notebook == []


def test_functions_of_the_door_say_how_far_they_are(notebook: list[str]) -> None:
    archcalc.which("lenet5", "alexnet", params="61.71K")
    archcalc.networks("lenet", figures=True)
    assert notebook.count("") == 2
    assert any("1/2 networks" in text for text in notebook)


def test_a_terminal_has_a_line(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [*watched("ab", "nets")] == ["a", "b"]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert [*watched("ab", "nets")] == ["a", "b"]
    shown = capsys.readouterr().err
    assert "1/2 nets" in shown and shown.endswith("\r\x1b[K")


def test_ipython_on_a_terminal_is_no_notebook(
    notebook: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: SimpleNamespace())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert [*watched("ab", "nets")] == ["a", "b"]
    assert notebook == []
    assert "1/2 nets" in capsys.readouterr().err
