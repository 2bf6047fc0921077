"""A module becomes a trace: what ran, where, with which arguments, for any batch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archcalc.errors import UsageError
from archcalc.importing.capture.capturing import capture
from archcalc.importing.trace import BUFFER, PARAMETER, Held, Operation, Ref, Trace, Varying


class Residual(nn.Module):
    """A block that calls one ReLU twice, once in place of what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.relu(x + self.relu(self.bn1(self.conv1(x))))
        return y


def called(trace: Trace) -> list[str]:
    return [operation.operator for operation in trace.operations]


def only(trace: Trace, operator: str) -> Operation:
    (found,) = [each for each in trace.operations if each.operator == operator]
    return found


def test_a_trace_has_the_operators_with_their_modules_and_arguments() -> None:
    trace = capture(nn.Sequential(Residual(), nn.Flatten(), nn.Linear(64, 3)), (4, 4, 4))
    assert called(trace) == ["conv2d", "batch_norm", "relu", "add", "relu", "flatten", "linear"]
    conv, _, first, add, second, *_, linear = trace.operations
    assert (conv.path, conv.module) == ("0.conv1", "Conv2d")
    assert conv.arguments["padding"] == (1, 1)
    assert trace.held[conv.arguments["weight"].tensor] == Held("0.conv1.weight", PARAMETER)
    assert conv.arguments["bias"] is None
    assert add.arguments == {"input": Ref(trace.inputs["input"]), "other": Ref(first.outputs[0])}
    assert (first.path, first.call, first.in_place) == ("0.relu", 1, True)
    assert (second.path, second.call, second.in_place) == ("0.relu", 2, True)
    assert trace.outputs == {"output": linear.outputs[0]}
    assert trace.tensors[linear.outputs[0]].shapes == ((1, 3), (2, 3))
    counter = Held("0.bn1.num_batches_tracked", BUFFER, trainable=False)
    assert trace.unused == {counter: ()}


class Run(nn.Module):
    """A module whose `forward` is a function."""

    def __init__(self, does: Any) -> None:
        super().__init__()
        self.does = does

    def forward(self, x: Tensor) -> Any:
        return self.does(x)


def test_what_differs_between_the_runs_is_told_for_each() -> None:
    trace = capture(Run(lambda x: x.view(x.shape[0], -1)), (3, 4))
    assert only(trace, "view").arguments["size"] == [Varying((1, 2)), -1]


def test_code_that_treats_one_image_apart_is_run_on_more() -> None:
    trace = capture(Run(lambda x: x.squeeze() + 1), (3, 4))
    assert trace.batches == (2, 3)
    assert trace.tensors[trace.outputs["output"]].shapes == ((2, 3, 4), (3, 3, 4))
    assert trace.flops == 0


def test_code_that_depends_on_the_batch_is_told_of_one_batch_and_says_so() -> None:
    trace = capture(Run(lambda x: torch.cat([y.relu() for y in x])), (3, 4))
    assert trace.batches == (1,)
    assert called(trace) == ["unbind", "relu", "cat"]
    assert "depends on the number of images" in trace.notes[-1]


def test_recurrent_layers_and_attention_stay_whole() -> None:
    def both(x: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(x, x, x, is_causal=True)

    assert called(capture(Run(both), (5, 8))) == ["scaled_dot_product_attention"]
    for kind in (nn.LSTM, nn.GRU, nn.RNN):
        operator = "rnn_tanh" if kind is nn.RNN else kind.__name__.lower()
        trace = capture(kind(8, 4, batch_first=True), (5, 8))
        assert called(trace)[-1] == operator
        names = [trace.held[ref.tensor].name for ref in trace.operations[-1].arguments["params"]]
        assert names == ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]


@pytest.mark.parametrize("norm_first", [False, True])
def test_multihead_attention_is_whole_with_its_operators_inside(norm_first: bool) -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first)
    trace = capture(layer, (5, 8))
    whole = only(trace, "multi_head_attention_forward")
    assert whole.path == "self_attn"
    assert whole.arguments["num_heads"] == 2
    weight = trace.held[whole.arguments["in_proj_weight"].tensor]
    assert weight == Held("self_attn.in_proj_weight", PARAMETER)
    inside = [each.operator for each in whole.inside]
    assert inside.count("linear") == 2
    assert "scaled_dot_product_attention" in inside
    assert whole.outputs[0] in {n for each in whole.inside for n in each.outputs}


def test_a_dropout_in_evaluation_gives_another_tensor() -> None:
    trace = capture(Run(lambda x: x + F.dropout(x, 0.5, training=False)), (3,))
    dropout, add = trace.operations
    assert add.arguments == {"input": Ref(0), "other": Ref(dropout.outputs[0])}


def test_what_is_changed_in_place_is_another_tensor_from_then_on() -> None:
    def fill(x: Tensor) -> Tensor:
        x[:, 0] = 1
        x += 1
        return x

    trace = capture(Run(fill), (3,))
    first, second = trace.operations
    assert (first.operator, first.in_place) == ("__setitem__", True)
    assert second.arguments == {"input": Ref(first.outputs[0]), "other": 1}
    assert trace.outputs == {"output": second.outputs[0]}


def test_what_is_changed_through_a_view_is_another_tensor_too() -> None:
    def fill(x: Tensor) -> Tensor:
        part = x[:, :2]
        part.relu_()
        return x + 1

    view, relu, change, add = capture(Run(fill), (3,)).operations
    assert relu.arguments == {"input": Ref(view.outputs[0])}
    assert change.operator == "change_of_view"
    assert change.arguments == {"input": Ref(0), "value": Ref(relu.outputs[0])}
    assert add.arguments["input"] == Ref(change.outputs[0])


@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(2), nn.Linear(36, 5)),
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        nn.LSTM(8, 4, batch_first=True),
    ],
    ids=lambda module: type(module).__name__,
)
def test_flops_are_those_of_torchs_counter(module: nn.Module) -> None:
    size = (3, 8, 8) if isinstance(module, nn.Sequential) else (5, 8)
    on_meta = module.to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        on_meta(torch.empty(1, *size, device="meta"))
    assert capture(module, size).flops == counter.get_total_flops() > 0


def test_flops_are_counted_where_one_image_is_treated_apart() -> None:
    class Squeezed(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x).squeeze()

    trace = capture(Squeezed(5, 4, bias=False), (5,))
    assert trace.batches == (2, 3)
    assert trace.flops == 2 * 2 * 5 * 4


def test_outputs_have_their_names() -> None:
    trace = capture(Run(lambda x: {"out": x + 1, "aux": (x + 2, x + 3)}), (3,))
    assert list(trace.outputs) == ["out", "aux_0", "aux_1"]
    assert list(capture(Run(lambda x: (x + 1, x + 2)), (3,)).outputs) == ["output_0", "output_1"]


def test_an_error_of_a_module_is_told_with_its_place() -> None:
    def wrong(x: Tensor) -> Tensor:
        raise KeyError("no such thing")

    refused = r"the Run refuses an input of \(1, 3\): KeyError: 'no such thing'"
    with pytest.raises(UsageError, match=rf"{refused} \(.*test_capturing.py:\d+, in wrong\)"):
        capture(Run(wrong), (3,))


def test_values_that_depend_on_no_input_are_at_hand() -> None:
    class Table(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("index", torch.tensor([[0, 1], [1, 0]]))

        def forward(self, x: Tensor) -> Tensor:
            assert isinstance(self.index, Tensor)
            places = torch.arange(2, device=x.device)
            places[0] = 1
            return x[:, self.index] + places + torch.ones(1)

    module = Table()
    trace = capture(module, (2,))
    values = {trace.tensors[n].values for n in trace.inputs.values()}
    assert values == {None}
    (index,) = [n for n, held in trace.held.items() if held.name == "index"]
    assert trace.tensors[index].values == [[0, 1], [1, 0]]
    first, changed = only(trace, "arange"), only(trace, "__setitem__")
    assert trace.tensors[first.outputs[0]].values is None  # it is another one now
    assert trace.tensors[changed.outputs[0]].values == [1, 1]
    assert trace.tensors[only(trace, "ones").outputs[0]].values == [1.0]


def test_code_may_ask_for_values_that_depend_on_no_input() -> None:
    def asks(x: Tensor) -> Tensor:
        mask = torch.ones(3, 3, device=x.device).tril().bool()
        rows = mask.nonzero()
        return x * int(mask.sum()) if mask.any() else x[:, rows.max().item() :]

    trace = capture(Run(asks), (3,))
    assert only(trace, "mul").arguments["other"] == 6
    assert trace.notes == ()


def test_code_that_asks_for_values_of_its_input_is_run_on_real_ones_and_says_so() -> None:
    trace = capture(Run(lambda x: x + 1 if x.sum() >= 0 else x), (3,))
    assert called(trace) == ["sum", "ge", "add"]
    assert "asks for the values of its tensors (" in trace.notes[0]


@pytest.mark.filterwarnings("ignore:.*torch.jit.script. is deprecated:DeprecationWarning")
def test_what_nobody_sees_is_refused() -> None:
    scripted = torch.jit.script(_doubled)
    with pytest.raises(UsageError, match="comes from where nothing is seen"):
        capture(Run(lambda x: scripted(x) + 1), (3,))


def _doubled(x: Tensor) -> Tensor:
    return x + x
