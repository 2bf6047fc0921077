"""Text -> typed statements: YAML with positions, fields, expressions, variants."""
