"""Layers that move values, and tensors that come from nowhere."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.layers import (
    attention,
    embedding,
    indexing,
    matmul,
    multihead_attention,
    rearranging,
    repeating,
    rms_norm,
    rolling,
    rotary,
    slicing,
    sources,
)
from archcalc.layers.along_axes import numbered
from archcalc.quantity.arithmetic import certainly_one, product
from archcalc.torch_spelling.spelling import (
    Argument,
    Built,
    Setting,
    Spelling,
    Weight,
    dimension,
    dimensions,
    given,
    in_call,
    named,
    spell,
)


@spell.register
def _(layer: rearranging.Rearrange, at: Setting) -> Spelling:
    moved = layer.moved(at.x)
    sizes, order = moved.sizes, [n for axis in moved.joined for n in axis]
    left = [n for n in range(len(sizes)) if n in order or not certainly_one(sizes[n])]
    arguments: list[Argument] = []

    def as_shape(numbers: Sequence[object]) -> str:
        found = [in_call(f"size{len(arguments) + n}", size) for n, size in enumerate(numbers)]
        arguments.extend(found)
        return ", ".join(["-1", *[f"{{{size.name}}}" for size in found]])

    call = "{0}"
    factors = [sizes[n] for n in left]
    if factors != [*at.x.shape] or moved.split[0]:
        call += f".reshape({as_shape(factors)})"
    places = [left.index(n) + 1 for n in order]
    if places != sorted(places):
        call += f".permute({', '.join(map(str, [0, *places]))})"
    shape = [product([sizes[n] for n in axis]) for axis in moved.joined[1:]]
    if shape != [sizes[n] for n in order] or moved.joined[0]:
        call += f".reshape({as_shape(shape)})"
    if layer.copy == "apart" or (layer.copy == "reordered" and not moved.keeps_order):
        call += ".contiguous()"
    if call == "{0}":
        return Spelling("nn.Identity", inline="{0}")
    return Spelling(None, tuple(arguments), call)


@spell.register
def _(layer: attention.ScaledDotProductAttention, at: Setting) -> Spelling:
    arguments = (
        given("heads", layer.heads),
        named("key_heads", layer.key_heads, None),
        named("causal", layer.causal, False),
        named("scale", layer.scale, None),
    )
    inputs = ", ".join([f"{{{number}}}" for number in range(len(at.inputs))])
    return Spelling("Attention", arguments, f"{{module}}({inputs})", weight=Weight.JOIN)


@spell.register
def _(layer: rotary.Turned, at: Setting) -> Spelling:
    return Spelling(None, built=Built("Turned", {"width": at.x.shape[1] // layer.heads}))


@spell.register
def _(layer: matmul.Matmul, at: Setting) -> Spelling:
    second = "{1}.transpose(-2, -1)" if layer.transposed else "{1}"
    return Spelling(None, call=f"{{0}} @ {second}", operator="*", weight=Weight.JOIN)


@spell.register
def _(layer: matmul.Multiplied, at: Setting) -> Spelling:
    return Spelling(None, built=Built("Multiplied", {"transposed": layer.transposed}))


@spell.register
def _(layer: multihead_attention.MultiheadAttention, at: Setting) -> Spelling:
    width, keys, values = (at.inputs[n].shape[-1] for n in (0, min(1, len(at.inputs) - 1), -1))
    arguments = (
        given("embed_dim", width, "features"),
        given("num_heads", layer.heads, "heads"),
        named("dropout", layer.dropout, 0.0),
        named("bias", layer.bias, True),
        named("kdim", keys, width),
        named("vdim", values, width),
        named("batch_first", True),
    )
    taken = [f"{{{min(number, len(at.inputs) - 1)}}}" for number in range(3)]
    options = ["need_weights=False"]
    if layer.causal:
        options += ["attn_mask=torch.empty(0, 0)", "is_causal=True"]  # which is not looked at
    call = f"{{module}}({', '.join([*taken, *options])})[0]"
    made_with = {one.name: one.value for one in arguments} | {"causal": layer.causal}
    built = Built("MultiheadAttention", made_with)
    return Spelling("nn.MultiheadAttention", arguments, call, weight=Weight.MAIN, built=built)


@spell.register
def _(layer: multihead_attention.AttendedByAll, at: Setting) -> Spelling:
    return Spelling(None, built=Built("AttendedByAll", {"causal": layer.causal}))


@spell.register
def _(layer: attention.Attended, at: Setting) -> Spelling:
    groups = layer.heads if layer.key_heads is None else layer.key_heads
    options = {"heads": layer.heads, "groups": groups, "causal": layer.causal}
    return Spelling(None, built=Built("Attended", options))


@spell.register
def _(layer: slicing.Slice, at: Setting) -> Spelling:
    along = numbered(layer.axis, at.x)
    step = f":{layer.step}" if layer.step != 1 else ""
    stop = "" if layer.stop is None else layer.stop
    cut = f"{layer.start or ''}:{stop}{step}"
    return Spelling(None, call=f"{{0}}[:, {':, ' * along}{cut}]")


@spell.register
def _(layer: indexing.IndexSelect, at: Setting) -> Spelling:
    arguments = (given("count", layer.count), given("dim", dimension(layer.axis), "axis"))
    return Spelling("IndexSelect", arguments)


@spell.register
def _(layer: rolling.Roll, at: Setting) -> Spelling:
    arguments = (in_call("shifts", layer.shifts), in_call("dims", dimensions(layer.axes)))
    if isinstance(layer.axes, tuple) and not isinstance(layer.shifts, tuple):
        arguments = (in_call("shifts", (layer.shifts,) * len(layer.axes)), arguments[1])
    return Spelling(None, arguments, "torch.roll({0}, {shifts}, {dims})")


@spell.register
def _(layer: repeating.Expand, at: Setting) -> Spelling:
    sizes = [in_call(f"size{number}", size) for number, size in enumerate(layer.shape)]
    shape = ", ".join([f"{{{size.name}}}" for size in sizes])
    return Spelling(None, tuple(sizes), f"{{0}}.expand(-1, {shape})")


@spell.register
def _(layer: repeating.RepeatInterleave, at: Setting) -> Spelling:
    arguments = (in_call("repeats", layer.repeats), in_call("dim", dimension(layer.axis)))
    return Spelling(None, arguments, "{0}.repeat_interleave({repeats}, {dim})")


@spell.register
def _(layer: repeating.Tile, at: Setting) -> Spelling:
    repeats = [in_call(f"repeats{number}", times) for number, times in enumerate(layer.repeats)]
    each = ", ".join([f"{{{times.name}}}" for times in repeats])
    return Spelling(None, tuple(repeats), f"{{0}}.repeat(1, {each})")


@spell.register
def _(layer: slicing.Select, at: Setting) -> Spelling:
    along = numbered(layer.axis, at.x)
    return Spelling(None, (in_call("index", layer.index),), f"{{0}}[:, {':, ' * along}{{index}}]")


@spell.register
def _(layer: rms_norm.RMSNorm, at: Setting) -> Spelling:
    arguments = (
        given("normalized_shape", at.x.shape[-1], "width"),
        named("eps", layer.eps, None),
        named("elementwise_affine", layer.affine, True, "affine"),
    )
    return Spelling("nn.RMSNorm", arguments)


@spell.register
def _(layer: rotary.RotaryEmbedding, at: Setting) -> Spelling:
    arguments = (
        given("length", at.x.channels),
        given("width", at.x.shape[1] // layer.heads),
        named("base", layer.base, 10000.0),
    )
    return Spelling("RotaryEmbedding", arguments)


@spell.register
def _(layer: embedding.Embedding, at: Setting) -> Spelling:
    arguments = (
        given("num_embeddings", layer.rows, "rows"),
        given("embedding_dim", layer.features),
    )
    return Spelling("nn.Embedding", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: sources.Parameter, at: Setting) -> Spelling:
    arguments = (
        given("shape", layer.shape),
        named("learned", layer.learned, True),
        named("hides_later", layer.hides_later, False),
    )
    return Spelling("Parameter", arguments, "{module}()", weight=Weight.MAIN)
