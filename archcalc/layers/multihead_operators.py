"""What torch runs for its module of attention in training: `multihead_memory` has how."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.layers.effect import Extra
from archcalc.layers.multihead_memory import Attending, Projection
from archcalc.layers.operator import (
    Circumstances,
    Gradient,
    Kept,
    Made,
    Operator,
    Order,
    Taken,
    Taking,
)
from archcalc.quantity.arithmetic import Quantity, certainly_one
from archcalc.record import replace


def operators_of(of: Attending, at: Circumstances) -> tuple[Operator, ...]:
    """The operators, in order, of plain numbers, on the CPU."""
    return tuple(_Writing(of, at).all())


class _Writing:
    """Writes the operators of a layer.

    Tensors are called as in torch's function, `multi_head_attention_forward`.
    """

    def __init__(self, of: Attending, at: Circumstances) -> None:
        self.of, self.at = of, at
        self.several_images = at.several_images

    def all(self) -> Iterator[Operator]:
        of = self.of
        for one in {one.of: one for one in of.projections}.values():
            turned = Taken(one.number, Gradient.SAME, self._order(one.steps), viewed=True)
            values = one.steps * one.features
            yield Operator("transpose", (turned,), values, view=True, makes=f"input of {one.of}")
        yield from self._parts_of_weights()
        for one in of.projections:
            yield from self._projected(one)
        yield from self._by_head()
        yield from self._by_products() if self.of.dropout else self._attended()
        yield from self._put_out()

    def _order(self, steps: Quantity) -> Order:
        """That of a gradient behind a change of which comes first, the steps or the images."""
        return Order.CHANGED if self._crosses(steps) else Order.OWN

    def _crosses(self, steps: Quantity) -> bool:
        return self.several_images and not certainly_one(steps)

    def _parts_of_weights(self) -> Iterator[Operator]:
        """Views of the weights of each product, and of its bias."""
        of = self.of
        if of.packed and len(of.projections) == 1:
            return
        makes = [one.makes for one in of.projections]
        if of.packed:
            yield self._split("in_proj_weight", [f"w_{each}" for each in makes], of.width)
        if of.bias:
            yield self._split("in_proj_bias", [f"b_{each}" for each in makes], 1)

    def _split(self, whole: str, makes: list[str], features: Quantity) -> Operator:
        rows = [len(one.makes) * self.of.width for one in self.of.projections]
        (first, values), *others = [
            (name, count * features) for name, count in zip(makes, rows, strict=True)
        ]
        return Operator(
            "split", (Taken(whole),), values, view=True, per_image=False, makes=first,
            also=tuple([Made(name, size) for name, size in others]),
        )  # fmt: skip

    def _names_of_weights(self, one: Projection) -> tuple[str, str]:
        if self.of.packed and len(self.of.projections) == 1:
            return "in_proj_weight", "in_proj_bias"
        weight = f"w_{one.makes}" if self.of.packed else f"{one.makes}_proj_weight"
        return weight, f"b_{one.makes}"

    def _projected(self, one: Projection) -> Iterator[Operator]:
        """A product, and what is made of it where it makes several."""
        weight, bias = self._names_of_weights(one)
        apart = len(one.makes) > 1
        makes = f"{one.makes} together" if apart else one.makes
        taken = f"input of {one.of}"
        how = dict(self.at.taking).get(one.number, Taking.AS_IT_LIES)
        if how is Taking.COPIED:
            copy = Taken(taken, Gradient.SAME)
            values = one.steps * one.features
            taken = f"{taken} for {one.makes}"
            yield Operator("clone", (copy,), values, makes=taken)
        yield from self._product(
            taken, weight, bias, one.values, makes, added=how is not Taking.AS_IT_LIES, view=True
        )
        if not apart:
            return
        single = certainly_one(one.steps) and not self.several_images
        gradient = Gradient.SAME if single else Gradient.OWN
        yield Operator("clone", (Taken(makes, gradient),), one.values, view=single, makes=one.makes)
        for part in one.makes:
            each = one.values // len(one.makes)
            yield Operator("select", (Taken(one.makes),), each, view=True, makes=part)

    def _product(
        self,
        taken: str,
        weight: str,
        bias: str,
        values: Quantity,
        makes: str,
        *,
        added: bool = False,
        view: bool = False,
    ) -> Iterator[Operator]:
        """A product with weights; `added`: the bias is added to it in a tensor of its own."""
        takes = [
            Taken(taken, viewed=view, by_view=view), Taken(weight, viewed=True, by_view=True)
        ]  # fmt: skip
        kept = (Kept(taken, towards=weight), Kept(weight, towards=taken))
        added = added and self.of.bias
        own = Taken(bias, Gradient.REDUCED, viewed=True)
        if self.of.bias and not added:
            takes.insert(0, own)
        name = f"{makes} without bias" if added else makes
        yield Operator("linear", tuple(takes), values, kept=kept, makes=name, merges=1)
        if added:
            both = (Taken(name, Gradient.SAME), own)
            yield Operator("add_bias", both, values, makes=makes)

    def _by_head(self) -> Iterator[Operator]:
        """Views of queries, keys and values with the heads beside the images.

        Backward, what is made of them is copied where its axes do not lie side by side: what the
        kernel makes first to put images and heads together, and then all to put the features of
        all heads together.
        """
        of = self.of
        found = []
        for name in "qkv":
            steps = of.queries if name == "q" else of.steps
            values, by_head = steps * of.width, f"{name} by head"
            crosses, heads = self._crosses(steps), not certainly_one(of.heads)
            apart = heads and not certainly_one(of.width // of.heads)
            if of.dropout:  # of keys they lie closest, and the heads behind them
                first, copied = False, apart and name != "k" and not certainly_one(steps)
            else:
                first, copied = crosses and heads, crosses and apart
            taken = Taken(name) if copied else Taken(name, Gradient.SAME, self._order(steps))
            yield Operator("view", (taken,), values, view=True, makes=by_head)
            taken = Taken(by_head, Gradient.OWN if first else Gradient.SAME)
            found.append(Operator("view", (taken,), values, view=True, makes=f"heads of {name}"))
        yield from found

    def _attended(self) -> Iterator[Operator]:
        of = self.of
        names = [f"heads of {name}" for name in "qkv"]
        yield Operator(
            "scaled_dot_product_attention",
            tuple([Taken(name, always=True, viewed=True) for name in names]),
            of.output,
            kept=(*[Kept(name) for name in names], Kept(None)),
            beside_kept=(of.statistics,),
            makes="attended",
        )

    def _by_products(self) -> Iterator[Operator]:
        """Attention with dropout: by a product, a softmax and another product."""
        of = self.of
        heads = tuple([f"heads of {name}" for name in "qkv"])
        queries, keys, values = heads
        held = (*heads, "queries")
        yield Operator("mul", (Taken(queries),), of.output, makes="queries", holds=heads)
        if of.causal:
            yield from self._hidden(held)
            held = (*held, "hidden")
        yield Operator("mul", (Taken(keys),), of.steps * of.width, makes="keys", holds=held)
        yield self._matmul("queries", "keys", of.scores, "scores", held)
        scores = "scores"
        if of.causal:
            both = (Taken(scores, Gradient.SAME), Taken("hidden"))
            scores = "scores of earlier steps"
            yield Operator("add", both, of.scores, makes=scores, holds=held)
        softmax = Operator("softmax", (Taken(scores),), of.scores, (Kept(None),), makes="weights")
        yield replace(softmax, holds=held)
        noise = of.noise
        yield Operator(
            "mask", (), noise.values, per_image=noise.per_image, makes="noise",
            holds=(*held, "weights"),
        )  # fmt: skip
        both = (Taken("weights"), Taken("noise"))
        kept = (Kept("noise"),)
        yield Operator("dropout", both, of.scores, kept, makes="dropped", holds=held)
        yield self._matmul("dropped", values, of.output, "attended", held)

    def _hidden(self, held: tuple[str, ...]) -> Iterator[Operator]:
        """What is added to the scores, so that no step sees later ones: once for all images."""
        values = self.of.queries * self.of.steps
        for name in ("all steps", "earlier steps"):
            yield Operator(
                "ones", (), values, per_image=False, integer_bytes=1, makes=name, holds=held
            )
            held = (*held, name)
        numbers = Extra("intermediate", 2, per_image=False)  # 0 and -inf
        held = (*held[:-2], "earlier steps")
        yield Operator(
            "where", (), values, beside=(numbers,), per_image=False, makes="hidden", holds=held
        )

    @staticmethod
    def _matmul(
        first: str, second: str, values: Quantity, makes: str, held: tuple[str, ...]
    ) -> Operator:
        takes = tuple([Taken(name, viewed=True, by_view=True) for name in (first, second)])
        kept = (Kept(first, towards=second), Kept(second, towards=first))
        return Operator("bmm", takes, values, kept, makes=makes, holds=held)

    def _put_out(self) -> Iterator[Operator]:
        """Positions before images again, the last product, and images before positions."""
        of = self.of
        alone = certainly_one(of.heads) or certainly_one(of.width // of.heads)
        stays = certainly_one(of.queries) or (alone and not self.several_images)
        copied = bool(of.dropout) and not stays  # images, heads and steps lie in that order
        rows = Taken("attended", Gradient.SAME)
        yield Operator("clone", (rows,), of.output, view=not copied, makes="rows")
        weight, bias = "out_proj.weight", "out_proj.bias"
        yield from self._product("rows", weight, bias, of.output, "steps first")
        out = Taken("steps first", Gradient.SAME, self._order(of.queries), viewed=True)
        yield Operator("transpose", (out,), of.output, view=True)
