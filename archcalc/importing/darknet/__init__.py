"""darknet's cfg files: a network as sections of options."""
