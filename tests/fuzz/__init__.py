"""Random graphs against an oracle that shares no rule with archcalc.

A generator writes specs as YAML (`generator`, `fields`, `expressions`), an interpreter of its own
reads them (`interpreter`), and torch runs them operator by operator (`operators`, `network`): what
it counts (`counting`, `measuring`) and what units see (`sight`, `reach`) is the oracle. Of archcalc
the `check_…` modules alone import what is tested.

    python -m tests.fuzz 17            one graph, by its seed
    python -m tests.fuzz spec.yaml     a spec
    python -m tests.fuzz 0:50000       many, with the counts (--processes 16, --minutes 10)
"""
