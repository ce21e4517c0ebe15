"""Command line of the science: one module a command of `python -m ml`."""
