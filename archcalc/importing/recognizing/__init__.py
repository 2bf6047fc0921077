"""What a model wrote out in operators, found and said by the layer kinds that do the same."""
