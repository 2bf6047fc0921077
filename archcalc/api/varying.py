"""Many networks at once: settings as arrays, and as symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archcalc.api.results import Result
from archcalc.errors import UsageError, require_extra
from archcalc.loading import Input, Spec, changes, listed
from archcalc.parametric.scale import (
    QUANTITIES,
    Growth,
    Way,
    figures,
    known_figures,
    possible_ways,
    way_called,
)
from archcalc.record import as_dict
from archcalc.render.scale import ScaleDocument
from archcalc.spec.keys import WAYS
from archcalc.spec.values import Value
from archcalc.walk import analyze, require_dtype, whole_batch

if TYPE_CHECKING:
    from archcalc.api.sweeping import Sweep


def sweep(
    what: Spec,
    /,
    *,
    input: Input | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Sweep:
    """The figures of a network at many settings, given as numpy arrays; imports numpy.

    Arrays may stand for parameters, for items of those that are lists, and for sizes of inputs,
    and broadcast against each other; `grid` combines each element with each. The totals of what is
    returned are arrays, and `where`, `pareto` and `to_frame` choose among the settings. One that no
    network exists at raises nothing: it is marked.

    Args:
        what, input, batch, dtype, parameters, others: as for `analyze`.

    Raises:
        MissingExtraError: numpy is not installed.
        UsageError: an unknown parameter, or arrays that do not broadcast against each other; and
            as `analyze`.
        QuantityError: a figure passes 64 bits.
    """
    require_extra("sweep()", "numpy", "arrays")
    from archcalc.api.sweeping import Sweep
    from archcalc.parametric import sweep as of_arrays

    require_dtype(dtype)
    network, sizes, changed = changes(what, input, parameters, others)
    found = of_arrays.sweep(
        network, inputs=sizes, parameters=changed, batch=whole_batch(batch), dtype=dtype
    )
    return Sweep(**as_dict(found))


def grid(**arrays: object) -> dict[str, Any]:
    """Each array along an axis of its own, in the order given: all combinations of their elements.

    `sweep(name, **grid(alpha=alphas, resolution=resolutions))` has figures of shape
    (len(alphas), len(resolutions)), and computes what depends on one of them once for all others.

    Raises:
        MissingExtraError: numpy is not installed.
    """
    require_extra("grid()", "numpy", "arrays")
    import numpy as np

    found = {name: np.asarray(array) for name, array in arrays.items()}
    return {
        name: array.reshape([array.size if axis == number else 1 for axis in range(len(found))])
        for number, (name, array) in enumerate(found.items())
    }


def formula(
    what: Spec,
    /,
    quantity: str = "params",
    symbols: Sequence[str] | str | None = None,
    *,
    layer: str | None = None,
    assume: Sequence[str] | str = (),
    input: Input | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Any:
    """A quantity in closed form, as a sympy expression; imports sympy.

    `formula("stack_3x3x3", "params", ["C"])` is `27*C**2`. The symbols in it are those of
    `archcalc.symbol` where there is a network for whole numbers from 1 only; a parameter that
    may be a fraction, such as a width multiplier, or zero, is a real one (`free_symbols` has it).
    Before it is returned it is compared with the walk at 20 settings or more. What it assumes
    beyond that, and up to which count of blocks it was compared, `assumptions` and `last` of
    what `archcalc.parametric.formulas.deriving.derive_formulas` returns say.

    Args:
        what, input, parameters, others: as for `load`.
        quantity: `params`, `macs`, `peak_bytes`, `layers[conv1].macs` …, as in claims.
        symbols: parameters, items of lists such as `depths[0]`, and sizes: `H`, `W`, and `C` for
            the input's channels; a list, or a text such as "H,W". The sizes if None.
        layer: the layer or block whose quantity it is.
        assume: what it may take for granted, such as `H%32==0` and `alpha>=0.25`.
        batch, dtype: as for `analyze`.

    Raises:
        MissingExtraError: sympy is not installed.
        UsageError: a symbol, the quantity or an assumption is wrong, or there is no closed form.
    """
    require_extra("formula()", "sympy", "symbols")
    from archcalc.parametric.formulas.deriving import derive_formulas

    network, sizes, changed = changes(what, input, parameters, others)
    found = derive_formulas(
        network, [quantity], None if symbols is None else listed(symbols), layer=layer,
        assume=listed(assume), input=sizes, batch=batch, dtype=dtype, parameters=changed,
    )  # fmt: skip
    return found.expressions()[0]


def scale(
    what: Spec,
    /,
    by: Sequence[str] | str = (),
    *,
    quantities: Sequence[str] | str = (),
    input: Input | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[Mapping[Way, Mapping[str, Growth]], Mapping[str, Growth]]:
    """What becomes of each figure where the network is made twice as wide, deep or large.

    The parts are the growths of the quantities in each way, by its name.

    Args:
        what, input, batch, dtype, parameters, others: as for `analyze`.
        by: `width`, `depth`, `resolution`, a parameter, an item of one (`depths[0]`), or a size
            of the input (`H`); by default those of the first three that the network has.
        quantities: as in claims; by default parameters, MACs and memory, without those of them
            that depend on costs that are not known.

    Raises:
        UsageError: the network cannot grow that way, there is no such quantity, or how it grows is
            not known; and as `analyze`.
        LayerError, SpecError: as `analyze`.
    """
    analysis = analyze(what, input=input, batch=batch, dtype=dtype, parameters=parameters, **others)
    asked = listed(quantities)
    now, left_out = (figures(analysis, asked), {}) if asked else known_figures(analysis, QUANTITIES)
    ways = [way_called(analysis, name) for name in listed(by)] or possible_ways(analysis)
    if not ways:
        known = ", ".join(WAYS)
        raise UsageError(f"{analysis.name} has no {known} that could grow; name a parameter", "by")
    grown = {way: way.growth([*now]) for way in ways}
    parts = {way.name: growths for way, growths in grown.items()}
    return Result(grown, parts, ScaleDocument(analysis, now, grown, left_out))
