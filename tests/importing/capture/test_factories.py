"""A module by the name of what makes it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from archcalc.errors import UsageError
from archcalc.importing.capture.capturing import capture
from archcalc.importing.capture.factories import is_factory, made

NETS = '''
import torch
from torch import nn
from beside import WIDTH

class Net(nn.Module):
    def __init__(self, width=WIDTH, weights="some"):
        super().__init__()
        assert weights is None
        self.fc = nn.Linear(3, width)

    def forward(self, x):
        return self.fc(x)

class Reckoning(Net):
    """Asks for values where it reckons its width."""
    def __init__(self):
        super().__init__(int(torch.linspace(4, 8, 2)[1]), None)

class Nested:
    Inner = Net

ready = nn.ReLU()
number = 3

def fails():
    raise ValueError("not today")

def fetches():
    torch.hub.load_state_dict_from_url("https://example.org/x.pth", model_dir="nowhere")

def numbers():
    return 3
'''


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "my_nets.py").write_text(NETS)
    (tmp_path / "beside.py").write_text("WIDTH = 5")
    (tmp_path / "broken.py").write_text("x = = 1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("my_nets", "beside", "broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return str(tmp_path / "my_nets.py")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("torchvision.models:resnet50", True),
        ("net.py:Net", True),
        ("some where/net.py:Nested.Inner", True),
        ("resnet50", False),
        ("net.yaml", False),
        ("net.yaml#variant", False),
        ("C:\\nets\\net.yaml", False),
        ("net.py", False),
        ("a:b:c", False),
    ],
)
def test_a_factory_is_told_by_its_form(name: str, is_one: bool) -> None:
    assert is_factory(name) is is_one


@pytest.mark.parametrize("where", ["my_nets", "my_nets.py", "./my_nets.py"])
def test_a_module_is_made_without_values(nets: str, where: str) -> None:
    module = made(f"{where}:Net", {"width": 7}).module
    assert [x.device.type for x in module.parameters()] == ["meta", "meta"]
    assert capture(module, (3,)).tensors[3].shapes == ((1, 7), (2, 7))
    assert str(Path(nets).parent) in sys.path


def test_it_is_made_with_values_where_its_code_asks_for_some(nets: str) -> None:
    module = made("my_nets:Reckoning").module
    assert [(*x.shape,) for x in module.parameters()] == [(8, 3), (8,)]


def test_a_module_that_is_there_is_taken(nets: str) -> None:
    assert type(made("my_nets.py:ready").module).__name__ == "ReLU"
    assert type(made("my_nets.py:Nested.Inner").module).__name__ == "Net"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("my_nets", {}, "my_nets: expected package.module:factory, or file.py:Name"),
        ("nowhere:Net", {}, "nowhere:Net: ModuleNotFoundError: No module named 'nowhere'"),
        ("nowhere.py:Net", {}, "nowhere.py: no such file"),
        ("my_nets:Nett", {}, "my_nets:Nett: my_nets has no 'Nett'; did you mean 'Net'?"),
        ("my_nets:number", {}, "my_nets:number is an int, which makes no torch module"),
        ("my_nets:numbers", {}, "my_nets:numbers makes an int, which is no torch module"),
        ("my_nets:ready", {"x": 1}, "my_nets:ready is a module already: it takes no arguments"),
        ("my_nets:Net", {"widht": 1}, "my_nets:Net has no argument 'widht'; did you mean 'width'?"),
        ("my_nets:fails", {}, "my_nets:fails: ValueError: not today (my_nets.py:27, in fails)"),
        ("broken.py:Net", {}, "broken.py:Net: SyntaxError: invalid syntax (broken.py:1)"),
    ],
)
def test_what_makes_no_module_is_told_in_one_line(
    nets: str, name: str, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError) as refused:
        made(name, arguments)
    assert str(refused.value) == message


def test_nothing_is_downloaded(nets: str) -> None:
    with pytest.raises(UsageError, match=r"it would download https://example.org/x.pth"):
        made("my_nets:fetches")
