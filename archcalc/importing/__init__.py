"""Models that were written elsewhere, as the text of a spec: modules of torch, files of others."""
