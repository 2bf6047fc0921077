"""Normalization of each channel of each image by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import require_spatial, require_up_to_three
from archcalc.layers.effect import Effect, Extra, Saved, Storage
from archcalc.layers.layer import Category, Layer
from archcalc.layers.mixing import all_in_groups
from archcalc.layers.operator import (
    USUAL,
    Circumstances,
    Gradient,
    Kept,
    Operator,
    Taken,
    on_a_copy,
)
from archcalc.layers.registry import register
from archcalc.layers.state import buffers, count, parameters
from archcalc.quantity.arithmetic import certainly_one, require_at_least
from archcalc.record import replace
from archcalc.window import Reach, Windows


@register
class InstanceNorm(Layer):
    """Instance normalization, as `torch.nn.InstanceNorm1d/2d/3d`: of each channel by itself.

    Shapes unchanged. Weight and bias (C) with `affine: true`. With `track_running_stats: true`
    running mean and variance (C) and a count of batches are kept, by which it normalizes at
    inference, where it is pointwise then as a batch norm.
    Operations for each value: mean 1, variance 3, normalizing 1, and 2 where affine; with running
    statistics 2. Source: Ulyanov et al. 2016 (arXiv:1607.08022), eq. 3.
    """

    kind: ClassVar[str] = "instance_norm"
    category: ClassVar[Category] = Category.NORMALIZATION
    closes_gaps: ClassVar[bool] = True

    affine: bool = False
    track_running_stats: bool = False
    eps: float = 1e-5
    momentum: float = 0.1

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_spatial(x)
        require_up_to_three(x)
        each = (x.channels,)
        windows: Windows = Reach.SAME
        state = parameters(weight=each if self.affine else None, bias=each if self.affine else None)
        if self.track_running_stats:
            state += buffers(running_mean=each, running_var=each) + count("num_batches_tracked")
        else:
            require_at_least(x.positions, 2, "a single position for each mean")
            windows = (Reach.STATISTICS,) * len(x.sizes)
        ops_each = 2 if self.track_running_stats else 5 + 2 * self.affine
        statistics = Extra("statistics", 2 * x.channels)
        # torch takes the channels of all images as so many, and repeats what is for each channel.
        times = self.affine + 2 * self.track_running_stats
        saved = [statistics, *([Extra("intermediate", times * x.channels)] if times else [])]
        return Effect(
            output=x,
            windows=windows,
            state=state,
            macs=0,
            other_ops=ops_each * x.values,
            saved=(Saved.INPUT, *saved),
            workspace=(Extra("intermediate", (2 + 2 * self.affine) * x.channels),),
            storage=Storage.OWN,
        )

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        # Under autocast what torch makes of running statistics is in other types than theirs.
        return not (self.track_running_stats and dtype == "mixed")

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (x,) = inputs
        c, n = x.channels, x.values
        learned = [tensor.name for tensor in effect.parameters]
        of_all = {name: f"{name} of all" for name in learned}
        repeated = [
            Operator("repeat", (Taken(name, Gradient.REDUCED, viewed=True),), c, makes=of_all[name])
            for name in learned
        ]
        if self.track_running_stats:
            repeated += [Operator("repeat", (), c, makes=name) for name in ("means", "variances")]
        names = [operator.makes for operator in repeated]
        norm = Operator(
            "batch_norm" if names else "instance_norm",
            (Taken(0), *map(Taken, of_all.values())),
            n,
            (Kept(0), *[Kept(name) for name in names if name != of_all.get("bias")]),
            beside_kept=(Extra("statistics", 2 * c),),
            holds=tuple(names),
            reshapes=True,
            merges=int(not certainly_one(c)),  # images of one channel are channels as they lie
        )
        found = on_a_copy(norm, at.copied) if at.copied else (norm,)
        if not self.track_running_stats:
            return *repeated, *found
        # The running statistics become the means of those of all images, one after the other.
        *before, last = found
        mean = Operator("mean", (), c, per_image=False, makes="mean", holds=(*names, "normalized"))
        output = Operator(
            "view", (Taken("normalized", Gradient.SAME),), n, view=True, holds=tuple(names)
        )
        return *repeated, *before, replace(last, makes="normalized"), mean, output

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return () if self.track_running_stats else all_in_groups(x, x.channels)
