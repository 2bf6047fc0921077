"""What else people call things: words of torch, Keras, Caffe and papers, and what they are here.

Looked at only where a name is unknown.
"""

from __future__ import annotations

import re

# For a guess, of layer kinds, types of numbers, formats and commands.
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    # layer kinds
    "swish": ("silu",),
    "hswish": ("hard_swish",),
    "hsigmoid": ("hard_sigmoid",),
    "dense": ("linear",),
    "fc": ("linear",),
    "inner_product": ("linear",),
    "fully_connected": ("linear",),
    "deconv": ("conv_transpose",),
    "deconvolution": ("conv_transpose",),
    "transposed_conv": ("conv_transpose",),
    "convolution": ("conv",),
    "depthwise": ("conv",),
    "depthwise_conv": ("conv",),
    "local": ("locally_connected",),
    "attention": ("multihead_attention", "scaled_dot_product_attention"),
    "self_attention": ("multihead_attention",),
    "mha": ("multihead_attention",),
    "sdpa": ("scaled_dot_product_attention",),
    "rope": ("rotary_embedding",),
    "bn": ("batch_norm",),
    "ln": ("layer_norm",),
    "gn": ("group_norm",),
    "instancenorm": ("instance_norm",),
    "lrn": ("local_response_norm",),
    "l2_norm": ("normalize",),
    "gap": ("global_avg_pool",),
    "global_average_pooling": ("global_avg_pool",),
    "average_pooling": ("avg_pool",),
    "mean_pool": ("avg_pool",),
    "max_pooling": ("max_pool",),
    "unpool": ("max_unpool",),
    "upsampling": ("upsample",),
    "interpolate": ("upsample",),
    "resize": ("upsample",),
    "zero_padding": ("pad",),
    "cat": ("concat",),
    "concatenate": ("concat",),
    "residual": ("add",),
    "eltwise": ("add", "multiply"),
    "mul": ("multiply",),
    "sub": ("subtract",),
    "div": ("divide",),
    "bmm": ("matmul",),
    "droppath": ("drop_path",),
    "stochastic_depth": ("drop_path",),
    "hardtanh": ("hard_tanh",),
    "logsoftmax": ("log_softmax",),
    "embed": ("embedding",),
    "permute": ("rearrange",),
    "transpose": ("rearrange",),
    "movedim": ("rearrange",),
    "moveaxis": ("rearrange",),
    "swapaxes": ("rearrange",),
    "view": ("reshape",),
    "unflatten": ("reshape",),
    "squeeze": ("reshape",),
    "unsqueeze": ("reshape",),
    "split": ("channel_split",),
    "chunk": ("channel_split",),
    "shuffle": ("channel_shuffle",),
    # fields, of other tools than torch
    "filters": ("channels",),
    "num_output": ("channels", "features"),
    "units": ("features",),
    "strides": ("stride",),
    "pool_size": ("kernel",),
    "pad": ("pad", "padding"),
    "rate": ("p", "dilation"),
    "dim": ("axis",),
    # types of numbers, formats, commands
    "fp16": ("float16",),
    "half": ("float16",),
    "fp32": ("float32",),
    "float": ("float32",),
    "single": ("float32",),
    "fp64": ("float64",),
    "double": ("float64",),
    "bf16": ("bfloat16",),
    "md": ("markdown",),
    "tex": ("latex",),
    "excel": ("csv",),
    "xlsx": ("csv",),
    "summary": ("table",),
    "flops": ("flops", "table"),
    "params": ("params", "table"),
    "plot": ("draw",),
    "networks": ("list",),
    "models": ("list",),
}
# What torch.nn calls fields of layers: understood, where a kind has no such field and has ours.
OF_TORCH: dict[str, tuple[str, ...]] = {
    "out_channels": ("channels",),
    "kernel_size": ("kernel",),
    "out_features": ("features",),
    "hidden_size": ("features",),
    "num_layers": ("layers",),
    "proj_size": ("projection",),
    "num_embeddings": ("rows",),
    "embedding_dim": ("features",),
    "num_heads": ("heads",),
    "is_causal": ("causal",),
    "num_groups": ("groups",),
    "elementwise_affine": ("affine",),
    "negative_slope": ("slope",),
    "lambd": ("threshold",),
    "min_val": ("min",),
    "max_val": ("max",),
    "output_size": ("output",),
    "ceil_mode": ("ceil",),
    "scale_factor": ("factor",),
    "upscale_factor": ("factor",),
    "downscale_factor": ("factor",),
}


def other_names(name: str) -> list[str]:
    """What something may be called here, without the capitals and the `2d` of torch's classes."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    bare = re.sub(r"_?[123]d$", "", plain)
    known = [*OTHER_NAMES.get(name.lower(), ()), *OTHER_NAMES.get(plain, ())]
    return [*known, plain, bare, *OTHER_NAMES.get(bare, ())]


def of_torch(name: str, fields: tuple[str, ...]) -> str | None:
    """Which of the fields of a layer kind torch calls so; None for none."""
    return next((field for field in OF_TORCH.get(name, ()) if field in fields), None)
