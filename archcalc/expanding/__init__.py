"""What the expansion works with: scopes, names, expressions, and sizes where they are asked for."""
