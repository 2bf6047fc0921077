"""Caffe writes one batch normalization as two layers: BatchNorm, and Scale behind it."""

from __future__ import annotations

from collections import Counter

from archcalc.importing.builder import Builder
from archcalc.importing.model import Statement
from archcalc.record import replace


def merge_scales(builder: Builder) -> dict[str, str]:
    """Makes one layer of each such pair, where nothing else takes what stands between them.

    Returns:
        By the name of each Scale that is gone, the layer that it is part of.
    """
    by_name = {statement.name: statement for statement in builder.statements}
    readers = Counter(name for statement in builder.statements for name in statement.inputs)
    shared = {statement.weights for statement in builder.statements}
    merged: dict[str, Statement] = {}
    gone: dict[str, str] = {}
    for scale in builder.statements:
        norm = by_name.get(scale.inputs[0]) if scale.inputs else None
        if (
            norm is None
            or scale.kind != "channel_scale"
            or not scale.fields["bias"]
            or scale.weights is not None
            or scale.name in shared
            or norm.kind != "batch_norm"
            or norm.fields.get("affine", True)
            or readers[norm.name] > 1
        ):
            continue
        fields = {**norm.fields, **scale.fields}
        del fields["affine"], fields["bias"]
        merged[norm.name] = replace(norm, fields=fields)
        gone[scale.name] = norm.name
    builder.replace(merged, gone)
    return gone
