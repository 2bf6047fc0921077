"""A torch module run once or twice without values: what it did, as a `Trace`."""
