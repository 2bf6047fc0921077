"""How torch writes each layer kind: what is called, with which arguments. Imports no torch."""
