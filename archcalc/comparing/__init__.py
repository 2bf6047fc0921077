"""What compares networks: side by side, and layer by layer."""
