"""The keys of the spec language: what a file, a variant, a claim and a layer may say."""

from __future__ import annotations

from archcalc.layers import Join, Layer
from archcalc.layers.unpooling import MaxUnpool

TRAINING_KEYS = ("trainable", "checkpoint")  # how what stands in a statement is trained
PLACEMENT_KEYS = ("name", "from", "weights", *TRAINING_KEYS)  # of a layer, whatever its kind
NAMED = "sizes"  # the field of sizes by names that its layer chooses: each is a key in its place
# What a word means of branches: joined value by value, and not along an axis of one of them.
OF_BRANCHES = {"max": "maximum", "min": "minimum", "sum": "add", "mean": "average"}
INDICES = "indices"  # the max pool that a max_unpool undoes
KEYWORDS = {
    "repeat": ("repeat", "index", *TRAINING_KEYS, "layers"),
    "if": ("if", "then", "else"),
    "head": ("head",),
    "network": ("network",),
}
PART_KEYS = ("of", "parameters", "after", "until")  # of a `network`, beside its placement
ABOUT_KEYS = ("title", "authors", "year", "paper", "source", "accuracy", "published_depth")
ACCURACY_KEYS = ("top1", "top5", "crops", "source")
WAYS = ("width", "depth", "resolution")  # to make a network larger, in `scaling`
NETWORK_KEYS = ("input", "inputs", "outputs", "scaling", "layers", "budget", "silence")
# What `silence` may say that a network is meant to have: the rules of `archcalc.noticing`.
NOTICED = (
    "channels_last", "batch_in_input", "linear_on_map", "kernel_exceeds_map", "stride_skips",
    "dilation_holes", "memory_order", "bias_before_norm", "unused",
)  # fmt: skip
VARIANT_KEYS = (*ABOUT_KEYS, *NETWORK_KEYS)
INPUT_KEYS = ("shape", "dtype")
FAMILY_KEYS = (
    "name", *ABOUT_KEYS, *NETWORK_KEYS, "parameters", "import", "functions", "let", "variants",
    "blocks", "claims",
)  # fmt: skip
CLAIM_KEYS = (
    "id", "also", "variant", "set", "input", "quantity", "value", "statement", "source",
    "convention", "verdict", "by", "shown_by", "arithmetic", "parts", "because",
)  # fmt: skip
VERDICT_WORDS = (
    "agrees", "truncated", "approximately", "wrong", "differs", "unexplained", "undecidable",
)  # fmt: skip
DIFFERENCES = ("variant", "rounding", "convention", "another figure")  # that a figure differs by


def placement_keys(kind: type[Layer]) -> tuple[str, ...]:
    """The keys that a layer kind takes beside its fields."""
    joins = ("branches",) if issubclass(kind, Join) else ()
    return (*PLACEMENT_KEYS, *joins, *((INDICES,) if kind is MaxUnpool else ()))
