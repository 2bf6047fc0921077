"""`archcalc export`: the source of a network, and the module that it makes."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch
from torch import nn

from archcalc.analysis import analyze, load
from archcalc.cli import main
from archcalc.render.torch_source import torch_source
from archcalc.spec.library import network_names
from archcalc.torch_backend.build import build

SMALL = (
    "lenet5", "lenet5_1998", "highway_mnist10", "local_7_3", "deconv_unpool", "resnet20",
    "densenet_40_12", "fractalnet20", "nin_cifar10", "reduced_vgg", "wrn_16_8", "fire_module",
    "stochastic_depth110", "inception_bottleneck",
)  # fmt: skip


def module_of(source: str, name: str) -> nn.Module:
    """The network's module: the last class of the file."""
    module = types.ModuleType(name)
    exec(compile(source, f"{name}.py", "exec"), vars(module))  # the file under test
    last = [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)][-1]
    made: nn.Module = getattr(module, last)()
    return made


@pytest.mark.parametrize("name", network_names())
def test_the_module_has_the_parameters_of_the_network(name: str) -> None:
    analysis = analyze(name)
    with torch.device("meta"):
        module = module_of(torch_source(analysis.graph, "a test"), name)
    apart = analysis.training_only_totals
    params = sum(parameter.numel() for parameter in module.parameters())
    buffers = sum(buffer.numel() for buffer in module.buffers())
    assert params == analysis.totals.params + apart.params
    assert buffers == analysis.totals.buffers + apart.buffers
    assert set(module.state_dict()) == set(build(analysis.graph, device="meta").state_dict())


@pytest.mark.parametrize("name", SMALL)
def test_the_module_computes_what_the_twin_computes(name: str) -> None:
    graph = load(name)
    twin = build(graph).eval()
    module = module_of(torch_source(graph, "a test"), name).eval()
    module.load_state_dict(twin.state_dict())
    images = torch.randn(2, *graph.input.shape)
    with torch.no_grad():
        assert torch.equal(module(images), twin(images))


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "googlenet", "mobilenet_v1"])
def test_the_file_is_clean_and_formatted(name: str) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    assert ruff is not None
    source = torch_source(load(name), "a test")
    for command in (["check", "--select", "E,F,I", "-"], ["format", "--check", "-"]):
        done = subprocess.run(
            [ruff, command[0], "--isolated", "--line-length", "100", *command[1:]],
            input=source, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def test_training_returns_the_heads_as_well() -> None:
    with torch.device("meta"):
        module = module_of(torch_source(load("googlenet"), "a test"), "googlenet")
        outputs = module(torch.empty(2, 3, 224, 224))
    assert [tuple(output.shape) for output in outputs] == [(2, 1000)] * 3


def test_a_file_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.py"
    assert main(["export", "lenet5", "-o", str(path)]) == 0
    written = path.read_text()
    assert "archcalc export lenet5" in written
    assert main(["export", "lenet5", "-o", str(path)]) == 2
    assert "is there already; --force replaces it" in capsys.readouterr().err
    assert main(["export", "mlp_7_3", "-o", str(path), "--force"]) == 0
    assert path.read_text() != written
    assert [found.name for found in tmp_path.iterdir()] == ["model.py"]


def test_a_folder_that_is_not_there_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "lenet5", "-o", str(tmp_path / "none" / "model.py")]) == 2
    error = capsys.readouterr().err
    assert "No such file or directory" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("title", ['""" + evil() + """', "a\\", "line\\nend", "'quotes'", "<b>&%"])
def test_a_hostile_title_stays_text(tmp_path: Path, title: str) -> None:
    path = tmp_path / "hostile.yaml"
    quoted = title.replace("\\", "\\\\").replace('"', '\\"')
    path.write_text(
        f'name: class\ntitle: "{quoted}"\ninput: [1, 4, 4]\n'
        "layers: [conv: {name: forward, channels: 1, kernel: 1}, relu: {name: class}]\n"
    )
    source = torch_source(load(str(path)), "a test")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    assert "evil" not in [call.func.id for call in calls if isinstance(call.func, ast.Name)]
    module_of(source, "hostile")
