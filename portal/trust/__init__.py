"""People and trust, the lower floor: accounts, audit log and encryption. Knows nothing of cases."""
