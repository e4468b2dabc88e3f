"""Repeatable measurements: `make bench`. Each prints a ratio to its limit, measured beside it."""
