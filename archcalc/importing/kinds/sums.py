"""Sums of more than two tensors, and means, which torch works out in place of the first sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from archcalc.importing.kinds.drafts import Draft


def merged_sums(drafts: list[Draft], ends: Iterable[Draft]) -> list[Draft]:
    """The layers with `(x + y).add_(z)` as one sum, and a sum over the number of its terms as a
    mean: `(x + y).div_(2)`.

    Only of what one call of a module adds up at once, and where nothing else takes what lies
    between. Of `x + y + z` torch makes two tensors, which are two layers here.

    Args:
        ends: the layers whose outputs leave the model.
    """
    users = Counter([id(each) for draft in drafts for each in draft.inputs])
    users.update([id(each) for each in ends])
    gone: set[int] = set()
    for before, draft in pairwise(drafts):
        inner = draft.inputs[0] if draft.inputs else draft
        alone = inner is before and users[id(inner)] == 1
        if inner.kind != "add" or not alone or not _beside(draft, inner):
            continue
        terms = inner.inputs
        if draft.kind == "add":
            draft.inputs = (*terms, *draft.inputs[1:])
        elif _is_divided(draft, len(terms)):
            draft.kind, draft.inputs, draft.fields = "average", terms, {}
        else:
            continue
        gone.add(id(inner))
    return [draft for draft in drafts if id(draft) not in gone]


def _is_divided(draft: Draft, terms: int) -> bool:
    """Whether a layer divides by a number; `scale` is what multiplies by its inverse."""
    by_division = draft.operation is not None and "div" in draft.operation.operator
    return draft.kind == "scale" and draft.fields == {"factor": 1 / terms} and by_division


def _beside(draft: Draft, inner: Draft) -> bool:
    """Whether one call of a module makes both in one place, of terms that all have one shape."""
    if draft.operation is None or inner.operation is None or not draft.operation.in_place:
        return False
    if (draft.operation.path, draft.operation.call) != (inner.operation.path, inner.operation.call):
        return False
    return all(each.map == draft.map for each in (*inner.inputs, *draft.inputs))
