"""Random graphs against an oracle that shares no rule with archcalc.

A generator writes specs as YAML (`generator`), an interpreter of its own reads them
(`interpreter`), and torch runs them operator by operator (`operators`, `network`). Of archcalc
nothing is imported here but what a user calls, in `checking`.

    python -m tests.fuzz 17            one graph, by its seed
    python -m tests.fuzz spec.yaml     a spec
    python -m tests.fuzz 0:50000       many, with the counts
"""
