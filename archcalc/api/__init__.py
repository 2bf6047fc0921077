"""The functions that `archcalc` itself exports, each in a module that takes no time to import."""
