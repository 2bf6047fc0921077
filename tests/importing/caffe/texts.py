"""Parts of prototxts that the tests put together."""

from __future__ import annotations

from tests.importing.files import dims_of


def conv(name: str, bottom: str, channels: int, kernel: int, more: str = "", top: str = "") -> str:
    """A convolution."""
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{top or name}" '
        f"convolution_param {{ num_output: {channels} kernel_size: {kernel} {more} }} }}\n"
    )


def relu(top: str) -> str:
    """A rectifier, in place."""
    return f'layer {{ name: "relu_{top}" type: "ReLU" bottom: "{top}" top: "{top}" }}\n'


def pool(name: str, bottom: str, settings: str) -> str:
    """A pool."""
    return (
        f'layer {{ name: "{name}" type: "Pooling" bottom: "{bottom}" top: "{name}" '
        f"pooling_param {{ {settings} }} }}\n"
    )


def fc(name: str, bottom: str, features: int) -> str:
    """A fully connected layer."""
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" '
        f"inner_product_param {{ num_output: {features} }} }}\n"
    )


def input_of(*sizes: int) -> str:
    """The input `data`, of sizes for one image."""
    return f'input: "data" input_shape {{ {dims_of(" ".join(map(str, (1, *sizes))))} }}\n'
