"""Comparisons with torch, in every form, from figures of no torch."""

from __future__ import annotations

from archcalc.identity import Identity
from archcalc.render.output import write
from archcalc.render.verify import VerificationsDocument, VerifyDocument
from archcalc.verification import Comparison, Conditions, Figure

UNDER = Conditions("cuda:0", "NVIDIA H200", "2.13.0", "float32", 1)
ALIKE = Figure("macs", "macs", "conv", 3888, 3888)
OTHER = Figure("params", "weights", "conv", 108, 112, note="a *note*")
UNKNOWN = Figure("memory", "peak_bytes", "", 1344, None, not_measured="no GPU")


def document(*figures: Figure) -> VerifyDocument:
    return VerifyDocument(Comparison(Identity("net", {}, {}, {}), (3, 8, 8), UNDER, figures))


def test_a_difference_is_said_with_both_figures() -> None:
    text = write(document(ALIKE, OTHER), "text")
    assert text.startswith("torch 2.13.0 on cuda:0 (NVIDIA H200), float32, batch 1\n")
    assert "conv: weights 108 by the rule, 112 by torch" in text
    assert "by the rule" not in write(document(ALIKE), "text")


def test_what_was_not_measured_is_no_agreement() -> None:
    record = document(UNKNOWN).record()
    assert record["agrees"] is None
    assert "no GPU" in write(document(UNKNOWN), "text")
    assert document(ALIKE).record()["agrees"] is True
    assert document(ALIKE, OTHER).record()["agrees"] is False


def test_programs_get_a_row_for_each_figure() -> None:
    assert write(document(ALIKE, OTHER), "csv").splitlines() == [
        "subject,quantity,layer,rule,measured,agrees,not_measured,note,network",
        "macs,macs,conv,3888,3888,True,,,net",
        "params,weights,conv,108,112,False,,a *note*,net",
    ]


def test_several_networks_follow_one_another() -> None:
    both = VerificationsDocument([document(ALIKE), document(OTHER)])
    assert len(both.record()) == 2
    assert len(write(both, "csv").splitlines()) == 3
