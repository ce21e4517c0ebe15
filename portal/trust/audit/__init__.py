"""Audit log: who did what to whose data, in chains of hashes, anchored outside the database."""
