"""What rules compute with: ints, symbols, arrays and traced numbers."""
