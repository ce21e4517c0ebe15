"""What `python -m ml` can do, one module a command."""
