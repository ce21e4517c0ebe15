"""Reproduction of the paper's two networks: runs, tables, figures and the report's section on them."""
