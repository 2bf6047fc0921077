"""Rule beside measurement: agreement, and every kind of mistake seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archcalc import FeatureMap, Graph, MeasurementError, UsageError, analyze, load
from archcalc.layers import Effect
from archcalc.layers.activation import ReLU
from archcalc.layers.convolution import Conv
from archcalc.layers.joining import Add
from archcalc.layers.linear import Linear
from archcalc.layers.normalization import BatchNorm
from archcalc.layers.pooling import GlobalAvgPool, MaxPool
from archcalc.layers.reshaping import Flatten
from archcalc.layers.state import buffers
from archcalc.record import replace
from archcalc.render.verify import comparison_lines
from archcalc.torch_backend import verify as verifying
from archcalc.torch_backend.compare import compare
from archcalc.torch_backend.verify import conditions, verify
from archcalc.verification import Comparison, Conditions, Figure
from archcalc.window import Window
from tests.graphs import chain, graph, node
from tests.spec_opaque import with_opaque

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

# A network in small, as the spec has it and as a user may have written it.
NETWORK = graph(
    FeatureMap(4, (9, 9)),
    [
        node("conv", Conv(channels=8, kernel=3, stride=2, padding=1, groups=2)),
        node("norm", BatchNorm(), "conv"),
        node("act", ReLU(), "norm"),
        node("body", Conv(channels=8, kernel=3, padding=2, dilation=2, bias=False), "act"),
        node("pool", MaxPool(kernel=2, ceil=True), "body"),
        node("mean", GlobalAvgPool(), "pool"),
        node("skip", GlobalAvgPool(), "act"),
        node("join", Add(), "mean", "skip"),
        node("flat", Flatten(), "join"),
        node("fc", Linear(features=3), "flat"),
    ],
)


class Handwritten(nn.Module):
    """As NETWORK; the join is no module, so nothing answers for it."""

    def __init__(self, **changed: nn.Module) -> None:
        super().__init__()
        parts: dict[str, nn.Module] = {
            "conv": nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2),
            "norm": nn.BatchNorm2d(8),
            "act": nn.ReLU(),
            "body": nn.Conv2d(8, 8, 3, padding=2, dilation=2, bias=False),
            "pool": nn.MaxPool2d(2, ceil_mode=True),
            "mean": nn.AdaptiveAvgPool2d(1),
            "skip": nn.AdaptiveAvgPool2d(1),
            "flat": nn.Flatten(),
            "fc": nn.Linear(8, 3),
        }
        for name, part in (parts | changed).items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Tensor:
        x = self.run(x, "conv", "norm", "act")
        joined = self.run(x, "body", "pool", "mean") + self.run(x, "skip")
        return self.run(joined, "flat", "fc")

    def run(self, x: Tensor, *names: str) -> Tensor:
        for name in names:
            x = self.get_submodule(name)(x)
        return x


def different(comparison: Comparison) -> set[tuple[str, str]]:
    return {(figure.quantity, figure.layer) for figure in comparison.differences}


# ----- a user's own module -----


def test_a_module_that_follows_its_spec_agrees() -> None:
    found = compare(Handwritten(), NETWORK)
    assert found.differences == ()
    assert found.unmatched == ("join",)
    assert "  no part alone for 1 layer: join" in comparison_lines(found)
    assert {figure.subject for figure in found.figures} == {"sizes", "params", "macs"}


MISTAKES: dict[str, tuple[nn.Module, str, set[str]]] = {
    # the part that is wrong: what it is called, and the quantities of it that give it away
    "a dilation": (nn.Conv2d(8, 8, 3, padding=2, bias=False), "body", {"output", "macs"}),
    "a stride": (nn.Conv2d(4, 8, 3, stride=1, padding=1, groups=2), "conv", {"output", "macs"}),
    "a group": (nn.Conv2d(4, 8, 3, stride=2, padding=1), "conv", {"weights", "macs"}),
    "a bias too many": (nn.Conv2d(8, 8, 3, padding=2, dilation=2), "body", {"biases"}),
    "floor for ceil": (nn.MaxPool2d(2), "pool", {"output"}),
    "padding on one side": (
        nn.Sequential(nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(4, 8, 3, stride=2, groups=2)),
        "conv",
        {"output", "macs"},
    ),
    "a norm without weights": (nn.BatchNorm2d(8, affine=False), "norm", {"weights", "biases"}),
    "a norm without statistics": (
        nn.BatchNorm2d(8, track_running_stats=False),
        "norm",
        {"buffers"},
    ),
    "a feature too many": (nn.Linear(8, 4), "fc", {"output", "weights", "biases", "macs"}),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_part_shows(mistake: str) -> None:
    part, name, quantities = MISTAKES[mistake]
    found = different(compare(Handwritten(**{name: part}), NETWORK))
    assert {quantity for quantity, layer in found if layer == name} == quantities


def test_a_parameter_that_no_layer_has_shows_in_the_totals() -> None:
    module = Handwritten()
    module.register_parameter("extra", nn.Parameter(torch.zeros(5)))
    assert different(compare(module, NETWORK)) == {("weights", "")}


def test_a_part_that_runs_twice_matches_no_layer() -> None:
    shared = nn.ReLU()
    found = compare(Handwritten(act=shared, flat=nn.Sequential(nn.Flatten(), shared)), NETWORK)
    assert set(found.unmatched) == {"join", "act"}
    assert found.differences == ()


def test_the_batch_is_part_of_every_size() -> None:
    found = compare(Handwritten(), NETWORK, what=["sizes"], batch=5)
    assert found.differences == ()
    assert {figure.rule[0] for figure in found.figures if isinstance(figure.rule, tuple)} == {5}


def test_a_module_in_another_dtype_is_compared_in_it() -> None:
    found = compare(Handwritten().double(), NETWORK)
    assert found.differences == ()
    assert found.conditions.dtype == "float64"


def test_a_module_that_refuses_the_input_says_so() -> None:
    with pytest.raises(UsageError, match=r"the module refuses an input of \(1, 4, 9, 9\)"):
        compare(nn.Sequential(nn.Conv2d(3, 8, 3)), NETWORK)


def test_a_module_that_asks_for_values_is_compared() -> None:
    class Asks(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x if x.sum() > 0 else -x)

    spec = graph(FeatureMap(4, ()), [node("0", Linear(features=3))])
    found = compare(nn.Sequential(Asks(4, 3)), spec)
    assert not found.differences
    assert not found.unmatched


def test_a_module_that_cannot_be_copied_says_so() -> None:
    class Uncopyable(nn.Module):
        def __deepcopy__(self, memo: object) -> nn.Module:
            raise TypeError("one of its kind")

    with pytest.raises(UsageError, match=r"Uncopyable cannot be copied .* one of its kind"):
        compare(Uncopyable(), NETWORK)


def test_a_module_is_left_as_it_was() -> None:
    class Noisy(Handwritten):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x + torch.rand(1).item())

    module, seen = Noisy(drop=nn.Dropout()), list[Tensor]()
    conv, body, fc = map(module.get_submodule, ("conv", "body", "fc"))
    weight = conv.get_parameter("weight")
    module.train()
    module.get_submodule("act").eval()
    body.requires_grad_(False)
    fc.register_forward_hook(lambda part, given, found: seen.append(found))
    weight.grad = torch.ones_like(weight)
    flags = [part.training for part in module.modules()]
    values = {name: value.clone() for name, value in module.state_dict().items()}
    tensors = [*map(id, module.parameters()), *map(id, module.buffers())]
    random = torch.random.get_rng_state()
    assert compare(module, NETWORK).differences == ()
    assert [part.training for part in module.modules()] == flags
    assert all(torch.equal(values[name], v) for name, v in module.state_dict().items())
    assert tensors == [*map(id, module.parameters()), *map(id, module.buffers())]
    assert not any(p.requires_grad for p in body.parameters())
    assert weight.grad.sum() == weight.numel()
    assert torch.equal(torch.random.get_rng_state(), random)
    assert (seen, len(fc._forward_hooks)) == ([], 1)


def test_an_unknown_subject_gets_a_guess() -> None:
    with pytest.raises(UsageError, match="did you mean 'sizes'"):
        compare(Handwritten(), NETWORK, what=["size"])


# ----- archcalc's own twin -----

EVERYTHING = ("sizes", "params", "macs", "memory", "field")
CPU = conditions("cpu")


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "googlenet", "deconv_unpool"])
def test_a_network_agrees_in_everything(name: str) -> None:
    found = verify(name, what=EVERYTHING, under=CPU)
    assert found.differences == ()
    assert {figure.subject for figure in found.figures} == set(EVERYTHING)
    assert found.unmatched == ()


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_memory_agrees_in_every_dtype(dtype: str) -> None:
    # On a CPU torch takes twenty times as long for float16, whose values take as many bytes.
    network = load("resnet18", input=[3, 64, 64]) if dtype == "float16" else "resnet18"
    assert verify(network, what=["memory"], under=conditions("cpu", dtype)).differences == ()


def test_the_meta_device_counts_a_batch_that_no_memory_would_hold() -> None:
    under = conditions("meta", batch=100_000)
    found = verify("vgg16", what=["sizes", "params", "macs", "memory"], under=under)
    assert found.differences == ()
    assert "peak_bytes" not in {figure.quantity for figure in found.figures}


def test_a_norm_that_cannot_train_on_one_image_trains_on_two() -> None:
    network = chain(FeatureMap(3, (4, 4)), GlobalAvgPool(), Conv(channels=2, kernel=1), BatchNorm())
    found = verify(network, what=["memory"], under=CPU)
    saved = [figure for figure in found.figures if figure.quantity == "saved_bytes"]
    assert found.differences == ()
    assert {figure.note.partition(":")[0] for figure in saved} == {"for two images"}


def test_what_fvcore_cannot_count_is_said_and_no_difference() -> None:
    found = verify("deconv_unpool", what=["macs"], under=CPU)
    (figure,) = [figure for figure in found.figures if figure.quantity == "macs (fvcore)"]
    assert (figure.rule, figure.measured, figure.agrees) == (None, None, True)
    assert "torch cannot trace" in figure.note


def fvcore_figure(network: Graph) -> Figure:
    found = verify(network, what=["macs"], under=CPU).figures
    return next(figure for figure in found if figure.quantity == "macs (fvcore)")


def with_a_layer_that_leads_nowhere() -> Graph:
    return graph(
        FeatureMap(3, (8, 8)),
        [
            node("a", Conv(channels=4, kernel=3)),
            node("unused", Conv(channels=4, kernel=3), "a"),
            node("out", ReLU(), "a"),
        ],
    )


def test_fvcore_is_not_asked_for_layers_that_lead_nowhere() -> None:
    figure = fvcore_figure(with_a_layer_that_leads_nowhere())
    assert (figure.rule, figure.measured) == (36 * 4 * 27, 36 * 4 * 27)  # of `a` alone
    assert figure.note == "for one image"


def test_a_layer_that_leads_nowhere_hides_no_mistake_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = Conv.effect_on

    def wrong(layer: Conv, x: FeatureMap, /) -> Effect:
        effect = right(layer, x)
        return replace(effect, macs=effect.macs + (x.channels == 3))  # of `a` alone

    monkeypatch.setattr(Conv, "effect_on", wrong)
    assert not fvcore_figure(with_a_layer_that_leads_nowhere()).agrees


# A change in what the rule of a convolution answers, and the quantities that give it away.
SEEDED: dict[str, tuple[dict[str, Callable[[Effect], Any]], set[str]]] = {
    "a channel lost": (
        {"output": lambda e: FeatureMap(e.output.channels - 1, e.output.sizes)},
        {"output", "activation_bytes", "saved_bytes", "peak_bytes", "training_peak_bytes"},
    ),
    "a bias forgotten": (
        {"state": lambda e: e.state[:1]},
        {"biases", "training_peak_bytes"},
    ),
    "a kernel's tap forgotten": ({"macs": lambda e: e.macs - e.output.values}, {"macs"}),
    "a buffer too many": (
        {"state": lambda e: e.state + buffers(count=())},
        {"buffers", "training_peak_bytes"},
    ),
    # It is the images, which live all through a training step.
    "an input that is not kept": ({"saved": lambda e: ()}, {"saved_bytes"}),
}


@pytest.mark.parametrize("mistake", SEEDED)
def test_a_mistake_in_a_rule_shows(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    changes, quantities = SEEDED[mistake]
    network = chain(FeatureMap(3, (6, 6)), Conv(channels=4, kernel=3), ReLU())
    right = Conv.effect_on

    def wrong(layer: Conv, x: FeatureMap, /) -> Effect:
        effect = right(layer, x)
        return replace(effect, **{key: change(effect) for key, change in changes.items()})

    monkeypatch.setattr(Conv, "effect_on", wrong)
    found = verify(network, what=["sizes", "params", "macs", "memory"], under=CPU)
    layer_quantities = {quantity for quantity, _ in different(found)} - {"macs (fvcore)"}
    assert layer_quantities == quantities


def test_a_wrong_field_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    network = chain(FeatureMap(1, (12, 12)), Conv(channels=1, kernel=3), MaxPool(kernel=2))
    extent = Window.extent.fget  # type: ignore[attr-defined]  # a property
    monkeypatch.setattr(Window, "extent", property(lambda w: extent(w) + (w.kernel == 3)))
    found = verify(network, what=["field"], under=CPU)
    assert ("receptive_field", "conv0") in different(found)


# ----- records -----


@pytest.mark.parametrize(
    ("rule", "measured", "agrees"),
    [
        (5, 5, True),
        (5, 6, False),
        (None, 6, True),
        (5, None, False),
        ((1, 2), (1, 2), True),
        ((1, 2), (1, 3), False),
    ],
)
def test_figures_agree_exactly_or_not_at_all(rule: int, measured: int, agrees: bool) -> None:
    assert Figure("macs", "macs", "", rule, measured).agrees is agrees


def test_conditions_name_device_version_and_dtype() -> None:
    assert str(conditions("cpu", "float64", 3)) == (
        f"torch {torch.__version__} on cpu, float64, batch 3"
    )
    on_gpu = Conditions("cuda:0", "NVIDIA H200", "2.13", "float32", 1)
    assert "cuda:0 (NVIDIA H200)" in str(on_gpu)


@pytest.mark.parametrize(
    ("device", "dtype", "message"),
    [
        ("gpu", "float32", "unknown device 'gpu'"),
        ("cuda:99", "float32", "device 'cuda:99' is not here"),
        ("cpu", "int8", "torch does not compute in 'int8'"),
    ],
)
def test_conditions_that_cannot_be_had_are_refused(device: str, dtype: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        conditions(device, dtype)


# ----- memory that runs out, and other failures -----


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_memory_that_runs_out_is_one_clear_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*_: object) -> None:
        raise error

    monkeypatch.setattr(verifying, "layer_outputs", run_out)
    with pytest.raises(UsageError, match="lenet5: the memory of cpu ran out; take a smaller"):
        verify("lenet5", under=CPU)


def test_another_fault_is_not_taken_for_a_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(verifying, "layer_outputs", fail)
    with pytest.raises(MeasurementError, match=r"^lenet5: torch fails on cpu: something else$"):
        verify("lenet5", under=CPU)


# ----- on a GPU -----


@needs_gpu
@pytest.mark.parametrize("name", ["lenet5", "resnet18", "googlenet"])
def test_a_network_agrees_on_a_gpu(name: str) -> None:
    found = verify(name, what=EVERYTHING, under=conditions("cuda"))
    assert found.differences == ()
    quantities = {figure.quantity for figure in found.figures}
    assert quantities >= {"peak_bytes (allocator)", "training_peak_bytes (workspace)"}


@needs_gpu
def test_a_batch_too_large_for_a_gpu_is_not_measured() -> None:
    found = verify("vgg16", what=["memory"], under=conditions("cuda", batch=10**6))
    assert found.differences == ()
    assert any("on cuda" in figure.not_measured for figure in found.not_measured)


def test_of_costs_that_nobody_knows_the_module_says_alone() -> None:
    within = with_opaque(analyze(NETWORK), frozenset(["body", "pool"]))
    comparison = compare(Handwritten(), within)
    assert different(comparison) == set()
    macs = {figure.layer: figure for figure in comparison.figures if figure.quantity == "macs"}
    assert macs["body"].rule is macs[""].rule is None
    assert macs["body"].note == "known: unknown"
    assert macs["conv"].rule == macs["conv"].measured
    conv = nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=4)
    fewer = Handwritten(body=nn.Identity(), conv=conv)
    more = next(f for f in compare(fewer, within).figures if f.quantity == "macs" and not f.layer)
    assert not more.agrees
