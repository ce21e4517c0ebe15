"""Exports: what leaves as CSV, and how a file is handed out."""
