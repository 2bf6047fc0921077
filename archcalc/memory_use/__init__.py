"""Memory at inference and in training: what is alive when, in which order, how it lies."""
