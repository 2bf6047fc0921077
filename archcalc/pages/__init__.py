"""A network as one HTML file whose figures are recomputed as its sizes and parameters change."""
