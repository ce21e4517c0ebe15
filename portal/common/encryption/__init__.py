"""Encryption at rest of texts, files and search keys, under a list of keys that rotates."""
