"""Attention that was written out: two products, between them a bias and a softmax, and a scale."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose
from typing import Any, NamedTuple

from archcalc.feature_map import FeatureMap
from archcalc.importing.kinds.drafts import map_after
from archcalc.importing.model import Model, Statement
from archcalc.importing.recognizing.rearrangements import merged
from archcalc.record import replace

_SIDE_BY_SIDE = ("h n d", "n (h d)")


class _Found(NamedTuple):
    """Attention: what it takes, its settings, and what lies inside: statements, and what alone
    takes each; `turned`: whether its keys lie as (d, n)."""

    taken: tuple[str, ...]
    heads: int
    factor: float
    width: int
    turned: bool
    within: tuple[tuple[str, str], ...]


def with_attention(model: Model) -> tuple[Model, int]:
    """A model with the attention that was written out as one layer, and how often it was.

    The heads of a position lie side by side in what that layer takes and gives: rearrangements
    around it do that, and go where they undo what stood there.
    """
    statements = {each.name: each for each in model.statements}
    users: dict[str, list[str]] = {}
    for each in model.statements:
        for name in each.inputs:
            users.setdefault(name, []).append(each.name)
    ends = {*(model.outputs or {}).values(), model.statements[-1].name}
    found = {}
    for each in model.statements:
        attention = _attention(each, statements)
        if attention is None:
            continue
        if all(users[n] == [w] and n not in ends for n, w in attention.within):
            found[each.name] = attention
    if not found:
        return model, 0
    maps = _maps(model)
    made: list[Statement] = []
    names = {*statements}
    for each in model.statements:
        if each.name in found:
            made += _layers(each, found[each.name], maps, names)
        else:
            made.append(each)
    return _tidy(replace(model, statements=tuple(made)), maps), len(found)


def _maps(model: Model) -> dict[str, FeatureMap]:
    """What each input and layer puts out."""
    found = {
        name: FeatureMap(each.shape[0], each.shape[1:], dtype=each.dtype)
        for name, each in model.inputs.items()
    }
    for each in model.statements:
        found[each.name] = map_after(each.kind, each.fields, [found[n] for n in each.inputs])
    return found


def _attention(root: Statement, statements: Mapping[str, Statement]) -> _Found | None:
    """Attention whose second product a statement is, with what lies inside from the last on."""
    if root.kind != "matmul" or root.fields.get("transposed"):
        return None
    within: list[tuple[str, str]] = []
    factor, bias = 1.0, ""

    def step(name: str, user: Statement, kind: str) -> Statement | None:
        each = statements.get(name)
        if each is None or each.kind != kind:
            return None
        within.append((name, user.name))
        return each

    def unscaled(name: str, user: Statement) -> tuple[str, Statement]:
        nonlocal factor
        each = statements.get(name)
        if each is None or each.kind != "scale" or "shift" in each.fields:
            return name, user
        within.append((name, user.name))
        factor *= each.fields["factor"]
        return each.inputs[0], each

    weights, values = root.inputs
    dropout = step(weights, root, "dropout")
    each = (
        step(dropout.inputs[0], dropout, "softmax") if dropout else step(weights, root, "softmax")
    )
    rank = len(root.shape or ())
    if each is None or each.fields.get("axis", 0) % max(rank, 1) != rank - 1:
        return None
    name = each.inputs[0]
    joined = step(name, each, "add")
    if joined is not None:
        scores = [n for n in joined.inputs if n in statements and _is_scores(n, statements)]
        if len(scores) != 1 or len(joined.inputs) != 2:
            return None
        (name,) = scores
        bias = next(n for n in joined.inputs if n != name)
        if len(_shape(bias, statements)) != 3 or rank != 3:
            return None
        each = joined
    name, each = unscaled(name, each)
    product = step(name, each, "matmul")
    if product is None:
        return None
    queries, keys = [unscaled(n, product)[0] for n in product.inputs]
    shapes = [_shape(n, statements) for n in (queries, keys, values)]
    turned = not product.fields.get("transposed")
    if turned:
        shapes[1] = (*shapes[1][:-2], *shapes[1][:-3:-1])
    if rank not in (2, 3) or any(len(shape) != rank for shape in shapes):
        return None
    if len({shape[-1] for shape in shapes}) > 1 or len({s[0] for s in shapes}) > 1 < rank - 1:
        return None
    heads = shapes[0][0] if rank == 3 else 1
    taken = (queries, keys, values, *([bias] if bias else []))
    return _Found(taken, heads, factor, shapes[0][-1], turned, tuple(within))


def _is_scores(name: str, statements: Mapping[str, Statement]) -> bool:
    each = statements[name]
    if each.kind == "scale" and each.inputs[0] in statements:
        each = statements[each.inputs[0]]
    return each.kind == "matmul"


def _shape(name: str, statements: Mapping[str, Statement]) -> tuple[int, ...]:
    return (statements[name].shape or ()) if name in statements else ()


def _layers(
    root: Statement, found: _Found, maps: Mapping[str, FeatureMap], names: set[str]
) -> list[Statement]:
    """The layer, and the rearrangements around it, for the statement of the second product."""
    fields: dict[str, Any] = {} if found.heads == 1 else {"heads": found.heads}
    if not isclose(found.factor, found.width**-0.5, rel_tol=1e-3):
        fields["scale"] = found.factor
    kind, shape = "scaled_dot_product_attention", root.shape or ()
    path = root.name.rpartition(".")[0]
    width = found.heads * found.width
    before, after = _SIDE_BY_SIDE if len(shape) > 2 else ("n d", "n d")
    made = []
    for number, name in enumerate(found.taken[:3]):
        x, turned = maps[name], number == 1 and found.turned
        axes = _pattern(before.replace("n d", "d n") if turned else before, after, x)
        rows = int(x.shape[-1 if turned else -2])
        called = _free(path, "rearrange", names)
        made.append(Statement("rearrange", called, (name,), {"axes": axes}, shape=(rows, width)))
    if len(shape) == 2:
        taken = tuple([each.name for each in made])
        return [*made, replace(root, kind=kind, fields=fields, inputs=taken)]
    taken = (*[each.name for each in made], *found.taken[3:])
    name = _free(path, kind, names)
    made.append(Statement(kind, name, taken, fields, shape=(shape[1], width)))
    apart = {"axes": _pattern(*_SIDE_BY_SIDE[::-1], maps[root.name]), "h": found.heads}
    return [*made, replace(root, kind="rearrange", fields=apart, inputs=(name,))]


def _pattern(before: str, after: str, x: FeatureMap) -> str:
    """A pattern of maps, with the items that they have."""
    items = "" if x.items == 1 else "[i] "
    return f"{items}{before} -> {items}{after}"


def _free(path: str, kind: str, names: set[str]) -> str:
    """A name in a module that nothing has yet."""
    wanted = f"{path}.{kind}".lstrip(".")
    found, number = wanted, 1
    while found in names:
        number += 1
        found = f"{wanted}_{number}"
    names.add(found)
    return found


def _tidy(model: Model, maps: dict[str, FeatureMap]) -> Model:
    """Rearrangements that follow one another as one, and what nothing takes left out."""
    statements = {each.name: each for each in model.statements}
    instead: dict[str, str] = {}
    for each in model.statements:
        now = replace(each, inputs=tuple([instead.get(n, n) for n in each.inputs]))
        statements[each.name] = now
        before = statements.get(now.inputs[0]) if now.inputs else None
        if now.kind == "rearrange" and before is not None and before.kind == "rearrange":
            x = maps.get(before.inputs[0])
            found = None if x is None else merged(x, before.fields, now.fields)
            if found is not None and not found.kind:
                instead[each.name] = before.inputs[0]
            elif found is not None:
                statements[each.name] = replace(
                    now, kind=found.kind, fields=found.fields, inputs=before.inputs
                )
        if each.name not in maps:
            items = maps[now.inputs[0]].items if now.inputs[0] in maps else 1
            shape = each.shape or (1,)
            maps[each.name] = FeatureMap(shape[0], shape[1:], items)
    outputs = model.outputs
    if outputs is not None:
        outputs = {name: instead.get(layer, layer) for name, layer in outputs.items()}
    left = [statements[each.name] for each in model.statements if each.name not in instead]
    needed = {*(outputs or {}).values()} or {left[-1].name}
    kept: list[Statement] = []
    for each in reversed(left):
        if each.name in needed:
            needed |= {*each.inputs, *([each.weights] if each.weights else [])}
            kept.append(each)
    return replace(model, statements=tuple(kept[::-1]), outputs=outputs)
