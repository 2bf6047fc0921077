"""What torch does while a network runs: tensors made and freed, kept for backward, multiplied.

One mode sees every operator below autograd; a storage counts from the operator that makes it until
Python lets go of it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from tests.fuzz.interpreter import Layer, Net
from tests.fuzz.learned import Learned
from tests.fuzz.network import run


class Inference(NamedTuple):
    """What is alive at inference.

    Attributes:
        shapes: of each output, with the batch.
        alive: for each layer, the most bytes at once while it runs.
    """

    shapes: dict[str, tuple[int, ...]]
    alive: dict[str, int]


class Training(NamedTuple):
    """A forward pass in training.

    Attributes:
        macs: of each layer, as torch counts them.
        kept: for each layer, the bytes that autograd keeps on its account.
    """

    macs: dict[str, int]
    kept: dict[str, int]


class Step(NamedTuple):
    """A training step: forward, and backward from the sum of all outputs that are no integers.

    Attributes:
        forward: for each layer, the most bytes at once while it runs forward.
        most: the most at once.
        gradients: the bytes of the gradients that it leaves.
    """

    forward: dict[str, int]
    most: int
    gradients: int


def _macs_of_attention(args: Any) -> int:
    """Of queries (N, h, L, d) and S keys: of each query with each key, and its value."""
    return int(2 * args[0].numel() * args[1].shape[2])


def _macs_of_recurrence(args: Any) -> int:
    """Of one layer in one direction, on (L, N, C): its two weights at each step."""
    return int(args[0].shape[0] * args[0].shape[1] * (args[1].numel() + args[2].numel()))


def _macs_of_form(args: Any) -> int:
    """Of (…, n) and (…, m): of each feature the product with the first, and with the second."""
    first, weight = args[:2]
    if weight.dim() != 3:
        return 0  # backward, where torch takes them in another order
    features, n, m = weight.shape
    return int(first.numel() // n * features * m * (n + 1))


# What torch counts nothing for.
_FUSED = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _macs_of_attention,
    torch.ops.aten.mkldnn_rnn_layer: _macs_of_recurrence,
    torch.ops.aten._trilinear: _macs_of_form,
}


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch gives no types
    """Counts bytes and multiply-accumulates, operator by operator.

    Attributes:
        size: of each storage the bytes that lie in it: those of its first tensor.
        live: bytes of storages that are there now.
        most: the most of them since `reset`.
        macs: multiply-accumulates since then, by torch's own formulas.
    """

    def __init__(self, constant: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self.size: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        for tensor in constant:
            self.size[tensor.untyped_storage()] = 0
        self.live = self.most = self.macs = 0

    def reset(self) -> None:
        self.most, self.macs = self.live, 0

    def __torch_dispatch__(
        self, func: Any, types: object, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        returned = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.macs += formula(*args, **(kwargs or {}), out_val=returned) // 2
        elif func.overloadpacket in _FUSED:
            self.macs += _FUSED[func.overloadpacket](args)
        for tensor in tree_leaves(returned):
            if isinstance(tensor, Tensor):
                self.made(tensor)
        return returned

    def made(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage in self.size:
            return
        size = min(storage.nbytes(), tensor.numel() * tensor.element_size())
        self.size[storage] = size
        self.live += size
        self.most = max(self.most, self.live)
        weakref.finalize(storage, self.freed, size)

    def freed(self, size: int) -> None:
        self.live -= size


def inference(
    net: Net, learned: dict[str, Learned], make_images: Callable[[], list[Tensor]], layers: set[str]
) -> Inference:
    """A run of `layers`, where every tensor is let go after its last use."""
    watch = _Watch([tensor for own in learned.values() for tensor in own.values()])
    found = Inference({}, {})

    def note(layer: Layer, output: Tensor) -> None:
        found.shapes[layer.name] = tuple(output.shape)
        found.alive[layer.name] = watch.most

    with torch.no_grad(), watch:
        run(
            net, learned, make_images(), training=False, layers=layers,
            enter=lambda layer: watch.reset(), note=note,
        )  # fmt: skip
    return found


class _Kept:
    """What autograd holds for the backward pass, until the graph that needs it is gone."""

    def __init__(self, storage: Any, layer: str) -> None:
        self.storage = storage
        self.layer = layer


def training(net: Net, learned: dict[str, Learned], images: list[Tensor]) -> Training:
    """A forward pass of all layers.

    What several layers keep is on the account of the first of them, those that run in training
    only behind all others. What is let go with an output that nothing needs does not count.
    """
    constant = [tensor for own in learned.values() for tensor in own.values()]
    watch = _Watch(constant)
    parameters = {tensor.untyped_storage() for tensor in constant}
    running = ""
    kept: weakref.WeakSet[_Kept] = weakref.WeakSet()
    macs: dict[str, int] = {}

    def enter(layer: Layer) -> None:
        nonlocal running
        running = layer.name
        watch.reset()

    def note(layer: Layer, output: Tensor) -> None:
        macs[layer.name] = watch.macs

    def keep(tensor: Tensor) -> _Kept:
        found = _Kept(tensor.untyped_storage(), running)
        kept.add(found)
        return found

    with watch, saved_tensors_hooks(keep, _never):
        for each in images:
            watch.size[each.untyped_storage()] = each.untyped_storage().nbytes()
        outputs = run(net, learned, [*images], training=True, enter=enter, note=note)
    at_inference = net.parts().at_inference
    order = [x.name for x in net.layers if x.name in at_inference]
    order += [x.name for x in net.layers if x.name not in at_inference]
    rank = {name: number for number, name in enumerate(order)}
    account = dict.fromkeys(order, 0)
    counted = set(parameters)
    for found in sorted(kept, key=lambda found: rank[found.layer]):
        if found.storage not in counted:
            counted.add(found.storage)
            account[found.layer] += watch.size[found.storage]
    del outputs  # which held the graph
    return Training(macs, account)


def step(net: Net, learned: dict[str, Learned], images: list[Tensor]) -> Step:
    """A training step; the inputs live through it, and the outputs do not."""
    constant = [tensor for own in learned.values() for tensor in own.values()]
    watch = _Watch(constant)
    forward: dict[str, int] = {}
    most = 0

    def enter(layer: Layer) -> None:
        nonlocal most
        most = max(most, watch.most)
        watch.reset()

    def note(layer: Layer, output: Tensor) -> None:
        forward[layer.name] = watch.most

    with watch:
        for each in images:
            watch.made(each)
        used = set().union(*net.parts())
        outputs = run(net, learned, [*images], training=True, layers=used, enter=enter, note=note)
        loss = torch.stack(
            [y.sum(dtype=torch.float32) for y in outputs if y.is_floating_point()]
        ).sum()
        del outputs
        if loss.requires_grad:
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives no types
        most = max(most, watch.most)
        held = sum(each.untyped_storage().nbytes() for each in images) + loss.nbytes
        found = Step(forward, most, watch.live - held)
        for tensor in constant:
            tensor.grad = None
    return found


def _never(packed: object) -> Tensor:
    raise AssertionError("there is no backward pass")
