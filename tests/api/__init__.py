"""The functions that `archcalc` exports."""
