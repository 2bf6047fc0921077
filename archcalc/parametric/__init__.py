"""What varies parameters: free sizes, formulas, scaling, sweeps over arrays."""
