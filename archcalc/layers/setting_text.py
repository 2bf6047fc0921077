"""The values of fields in messages and tables."""

from __future__ import annotations

from archcalc.layers.layer import Layer
from archcalc.quantity.arithmetic import plain


def settings_of(layer: Layer) -> dict[str, str]:
    """The fields of a layer that are not at their default, as users see them."""
    return {
        name: ",".join(map(str, value))
        if layer.types[name] == "AxisNumbers" and isinstance(value, tuple)
        else setting_text(value)
        for name, value in layer.given().items()
    }


def setting_text(value: object) -> str:
    """The value of a field as users see it: `3`, `3x5`, `(1,0)x(2,0)`, `same`, `true`, `none`."""
    if isinstance(value, tuple) and value and isinstance(value[0], tuple) and _is_named(value[0]):
        return ",".join(f"{name}={setting_text(size)}" for name, size in value)
    if isinstance(value, tuple):
        return "x".join(
            f"({','.join(map(setting_text, item))})"
            if isinstance(item, tuple)
            else setting_text(item)
            for item in value
        )
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(plain(value))


def _is_named(value: tuple[object, ...]) -> bool:
    return isinstance(value[0], str)
