"""Maps that are read at places that are computed, and bilinear forms."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.library import Library

from archcalc.importing.capture.capturing import capture
from archcalc.importing.kinds import statements
from archcalc.importing.model import flat_spec
from archcalc.torch_backend.build import build
from archcalc.walk import analyze
from tests.importing.kinds.judge import same


class Read(nn.Module):
    """A map read where a convolution of it says."""

    def __init__(self, **settings: object) -> None:
        super().__init__()
        self.places = nn.Conv2d(3, 2, 3, padding=1)
        self.settings = settings

    def forward(self, x: Tensor) -> Tensor:
        grid = torch.tanh(self.places(x)).permute(0, 2, 3, 1)
        return F.grid_sample(x, grid, **self.settings)  # type: ignore[arg-type]  # drawn


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align_corners", [False, True])
def test_a_map_is_read_at_the_places_of_a_grid(
    mode: str, padding_mode: str, align_corners: bool
) -> None:
    settings = {"mode": mode, "padding_mode": padding_mode, "align_corners": align_corners}
    found = same(Read(**settings), (3, 5, 6))
    assert found.kinds == ["conv", "tanh", "rearrange", "grid_sample"]
    defaults = {"mode": "bilinear", "padding_mode": "zeros", "align_corners": False}
    given = {name: each for name, each in settings.items() if each != defaults[name]}
    assert found.fields("grid_sample") == given


@pytest.mark.parametrize("bias", [True, False])
def test_a_bilinear_form_of_two_inputs(bias: bool) -> None:
    module = nn.Bilinear(3, 4, 5, bias=bias).double()
    model = statements(capture(module, [(7, 3), (7, 4)]), "a test")
    (layer,) = model.statements
    assert (layer.kind, layer.shape) == ("bilinear", (7, 5))
    assert analyze(flat_spec(model)).params == sum(p.numel() for p in module.parameters())
    twin = build(flat_spec(model)).double().eval()
    twin.load_state_dict({f"{layer.name}.{key}": x for key, x in module.state_dict().items()})
    pair = torch.rand(2, 7, 3).double(), torch.rand(2, 7, 4).double()
    torch.testing.assert_close(twin(*pair), module(*pair))


class Unpooled(nn.Module):
    """A max pool, a convolution of what it gives, and the pool undone."""

    def __init__(self, kernel: int, padding: int, size: list[int] | None) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(kernel, padding=padding, return_indices=True)
        self.conv = nn.Conv2d(3, 3, 1)
        self.unpool = nn.MaxUnpool2d(kernel, padding=padding)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        pooled, indices = self.pool(x)
        found: Tensor = self.unpool(self.conv(pooled), indices, output_size=self.size)
        return found


@pytest.mark.parametrize(
    ("kernel", "padding", "size", "given"),
    [
        (2, 0, None, {}),
        (3, 1, [10, 11], {"padding": 1, "output": [10, 11]}),
        (3, 1, [10, 10], {"padding": 1}),
    ],
)
def test_what_undoes_a_max_pool_names_it(
    kernel: int, padding: int, size: list[int] | None, given: dict[str, object]
) -> None:
    sizes = (3, *(size or [8, 10]))
    found = same(Unpooled(kernel, padding, size), sizes)
    assert found.kinds == ["max_pool", "conv", "max_unpool"]
    assert found.fields("max_unpool") == {"indices": "pool", "kernel": kernel, **given}


# ----- torchvision's operator, which need not be installed -----

_FORM = (
    "deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, "
    "SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, "
    "SymInt dilation_w, SymInt groups, SymInt offset_groups, bool use_mask) -> Tensor"
)


@pytest.fixture(scope="module")
def _operator() -> None:
    """Registers it as torchvision does, unless that has."""
    if hasattr(torch.ops.torchvision, "deform_conv2d"):
        return
    library = Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]  # torch's own
    library.define(_FORM)  # type: ignore[no-untyped-call]  # as above

    def shaped(x: Tensor, weight: Tensor, offset: Tensor, *others: object) -> Tensor:
        return x.new_empty((len(x), len(weight), *offset.shape[2:]))

    library.impl("deform_conv2d", shaped, "Meta")  # type: ignore[no-untyped-call]  # as above
    _operators.append(library)


_operators: list[Library] = []  # which live as long as what they have defined


class Deformed(nn.Module):
    """A deformable convolution as torchvision calls it."""

    def __init__(self, masked: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(6, 4, 3, 3))
        self.bias = nn.Parameter(torch.rand(6))
        self.offset = nn.Conv2d(4, 36, 3, stride=2, padding=1)
        self.mask = nn.Conv2d(4, 18, 3, stride=2, padding=1) if masked else None

    def forward(self, x: Tensor) -> Tensor:
        masked = self.mask is not None
        mask = torch.sigmoid(self.mask(x)) if self.mask is not None else torch.zeros(len(x), 1)
        found: Tensor = torch.ops.torchvision.deform_conv2d(
            x, self.weight, self.offset(x), mask.to(x), self.bias, 2, 2, 1, 1, 1, 1, 1, 2, masked
        )
        return found


@pytest.mark.usefixtures("_operator")
@pytest.mark.parametrize("masked", [True, False])
def test_a_deformable_convolution_of_torchvision(masked: bool) -> None:
    module = Deformed(masked)
    model = statements(capture(module, (4, 8, 10)), "a test")
    *others, layer = model.statements
    assert [each.kind for each in others] == [*["conv", "sigmoid"] * masked, "conv"]
    assert layer.kind == "deform_conv"
    assert layer.fields == {"channels": 6, "kernel": 3, "stride": 2, "padding": 1}
    assert (len(layer.inputs), layer.shape) == (2 + masked, (6, 4, 5))
    assert analyze(flat_spec(model)).params == sum(p.numel() for p in module.parameters())
