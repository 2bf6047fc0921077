"""Which layer kinds the operators of a trace are."""
