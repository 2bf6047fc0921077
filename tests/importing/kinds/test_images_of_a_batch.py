"""Modules that put batches together, take images out of them, or look at what is in an image."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from archcalc.importing.capture.capturing import capture
from archcalc.importing.code import traced
from archcalc.importing.kinds import statements
from archcalc.importing.model import flat_spec
from archcalc.walk import analyze
from tests.importing.kinds.judge import imported, same


class ComparesImages(nn.Module):
    """Two images through one convolution, put one batch behind the other for that."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        both: Tensor = self.conv(torch.cat([x, y], dim=0))
        first, second = both.chunk(2, dim=0)
        return first * second


def test_batches_one_behind_the_other_are_maps_of_one_image() -> None:
    found = same(ComparesImages(), (3, 6, 5), (3, 6, 5))
    assert found.kinds.count("conv") == 1 and "opaque" not in found.kinds


def test_three_batches_and_parts_of_unequal_length() -> None:
    class Splits(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            first, two = torch.split(torch.cat([x, y, x * 2]), [len(x), 2 * len(x)])
            last: Tensor = two.chunk(2)[1]
            return first - last

    assert "opaque" not in same(Splits(), (3, 4, 5), (3, 4, 5)).kinds


def test_parts_that_mix_images_are_none_of_one_image() -> None:
    class Mixes(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            first, second = torch.cat([x.flatten(0, 1), x.flatten(0, 1) * 2])[::2].chunk(2)
            return first + second

    trace = capture(Mixes(), (2, 4))
    found = {each.kind for each in statements(trace, "a test").statements}
    assert "opaque" in found


class Detects(nn.Module):
    """As detectors do: images one by one, then in a batch; what stands out is looked at again."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold
        self.conv, self.norm, self.again = nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        images = [(image - 0.5) / torch.tensor([0.5, 0.2, 0.1])[:, None, None] for image in x]
        images = [nn.functional.interpolate(each[None], size=(4, 6))[0] for each in images]
        features = self.norm(self.conv(torch.stack(images)))
        rows = features.flatten(2).transpose(1, 2)[0]
        kept = rows[rows[:, 0] > self.threshold]
        regions = self.again(kept[:, :, None, None].expand(-1, -1, 2, 2))
        return {"regions": regions.mean((2, 3)), "classes": self.head(kept).softmax(-1)}


def test_what_depends_on_the_image_is_that_of_one_image() -> None:
    found = imported(Detects(threshold=-1e9), (3, 5, 5))
    assert found.kinds.count("conv") == 2 and found.kinds.count("linear") == 1
    assert found.analysis.layers[-1].output.shape == (24, 4)
    first, second = found.model.notes[:2]
    assert "asks for the values of its tensors" in first and "depends on the image" in first
    assert "unbind of Detects gives tensors: 1 in one, 2 in the other" in second


def test_where_nothing_is_found_in_an_image_the_layers_before_that_are_there() -> None:
    module = Detects(threshold=1e9).eval()
    model = statements(capture(module, (3, 5, 5)), "a test")
    kinds = [each.kind for each in model.statements]
    assert kinds.count("conv") == 1 and "batch_norm" in kinds and "linear" not in kinds
    conv = next(each for each in analyze(flat_spec(model)).layers if each.name == "conv")
    assert conv.macs == 4 * 6 * 3 * 8
    notes = " ".join(model.notes)
    assert "nothing of the image was left to what follows it" in notes
    assert "parameters that nothing takes at inference are not counted: again.weight" in notes


def test_a_module_that_mixes_images_is_read_with_one() -> None:
    """Its products of all images with all are those of an image with itself then."""

    class Mixes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            rows: Tensor = self.conv(x).flatten(1)
            alike = (rows @ rows.T).softmax(-1)
            return alike.flatten() @ alike.flatten()[:, None] * rows

    trace, model = traced(Mixes().eval(), (3, 4, 5))
    analysis = analyze(flat_spec(model))
    assert trace.batches == (1,) and analysis.params == 16
    assert analysis.macs == 4 * 5 * 3 * 4 + 4 * 5 * 4 + 1
    assert "cannot be told where there are several" in model.notes[-1]


def test_attention_among_the_images_is_that_of_an_image_to_itself() -> None:
    class Attends(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            scores = (x @ x.T).softmax(-1)
            return scores @ x * x[:, 0].sigmoid()[:, None]

    _, model = traced(Attends().eval(), (5,))
    kinds = {each.kind for each in model.statements}
    assert "matmul" in kinds and "opaque" not in kinds
